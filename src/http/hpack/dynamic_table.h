// DynamicTable: the table of HPACK that header blocks change, RFC 7541 §2.3.2 and §4. Compact: the
// texts lie one behind the other in one buffer, an entry costs 8 bytes more; an empty table holds
// no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace layotto::http::hpack {

class DynamicTable {
 public:
  // What an entry counts beyond its texts, RFC 7541 §4.1.
  static constexpr size_t kEntryOverhead = 32;

  explicit DynamicTable(size_t size_max) : size_max_(size_max) {}

  struct Entry {
    std::string_view name;
    std::string_view value;
  };
  [[nodiscard]] size_t count() const { return count_; }
  // The entry added last is 0. Views are valid until the next add() or set_size_max().
  [[nodiscard]] Entry at(size_t i) const {
    const Place& place = places_[(newest_ + kPlacesMax - i) % kPlacesMax];
    const char* text = text_.get() + place.at;
    return {.name = {text, place.name_size}, .value = {text + place.name_size, place.value_size}};
  }
  // Evicts what has to go; a field larger than the table empties it and is not added. The texts may
  // lie in the table itself.
  void add(std::string_view name, std::string_view value);
  void set_size_max(size_t size_max);
  [[nodiscard]] size_t size_max() const { return size_max_; }
  // Sum over entries, as the RFC counts.
  [[nodiscard]] size_t size() const { return size_; }
  // Bytes of memory held.
  [[nodiscard]] size_t bytes_held() const {
    return text_capacity_ + (places_ != nullptr ? sizeof(Place) * kPlacesMax : 0);
  }
  // Changes with every change of what an index means.
  [[nodiscard]] uint32_t generation() const { return generation_; }

  // The largest table anybody may ask for; more would only be memory.
  static constexpr size_t kSizeCeiling = 4096;

 private:
  struct Place {
    uint16_t at;
    uint16_t name_size;
    uint16_t value_size;
  };
  // No more entries fit: each counts at least kEntryOverhead.
  static constexpr size_t kPlacesMax = kSizeCeiling / kEntryOverhead;

  void evict_down_to(size_t size);
  char* make_room(size_t bytes);

  size_t size_max_;
  size_t size_ = 0;
  std::unique_ptr<Place[]> places_;  // a ring
  size_t newest_ = 0;
  size_t count_ = 0;
  std::unique_ptr<char[]> text_;
  size_t text_capacity_ = 0;
  size_t text_end_ = 0;
  uint32_t generation_ = 0;
};

}  // namespace layotto::http::hpack
