#include "http/hpack/dynamic_table.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace layotto::http::hpack {
namespace {

constexpr size_t kTextFirst = 512;

}  // namespace

void DynamicTable::evict_down_to(size_t size) {
  while (size_ > size) {
    const Entry oldest = at(count_ - 1);
    size_ -= oldest.name.size() + oldest.value.size() + kEntryOverhead;
    --count_;
  }
}

void DynamicTable::set_size_max(size_t size_max) {
  size_max_ = std::min(size_max, kSizeCeiling);
  evict_down_to(size_max_);
  ++generation_;
  if (count_ == 0) {
    places_.reset();
    text_.reset();
    text_capacity_ = text_end_ = 0;
  }
}

// Room for a new entry's texts behind those of the newest one: the live texts are moved to the
// front of a buffer when the end is reached.
char* DynamicTable::make_room(size_t bytes) {
  if (text_end_ + bytes <= text_capacity_) return text_.get() + text_end_;
  size_t live = 0;
  for (size_t i = 0; i < count_; ++i) live += at(i).name.size() + at(i).value.size();
  size_t capacity = std::max(text_capacity_, kTextFirst);
  // Half of the buffer free after moving, so that moving stays rare.
  while (capacity < 2 * (live + bytes)) capacity *= 2;
  auto moved = std::make_unique_for_overwrite<char[]>(capacity);
  size_t end = 0;
  for (size_t i = count_; i > 0; --i) {
    Place& place = places_[(newest_ + kPlacesMax - (i - 1)) % kPlacesMax];
    const size_t size = size_t{place.name_size} + place.value_size;
    if (size > 0) std::memcpy(moved.get() + end, text_.get() + place.at, size);
    place.at = static_cast<uint16_t>(end);
    end += size;
  }
  text_ = std::move(moved);
  text_capacity_ = capacity;
  text_end_ = end;
  return text_.get() + text_end_;
}

void DynamicTable::add(std::string_view name, std::string_view value) {
  ++generation_;
  const size_t needed = name.size() + value.size() + kEntryOverhead;
  if (needed > size_max_) {
    evict_down_to(0);
    return;
  }
  // The name may be that of an entry which is evicted or moved now.
  char copy[kSizeCeiling];
  std::memcpy(copy, name.data(), name.size());
  std::memcpy(copy + name.size(), value.data(), value.size());
  const size_t bytes = name.size() + value.size();
  evict_down_to(size_max_ - needed);
  if (places_ == nullptr) places_ = std::make_unique<Place[]>(kPlacesMax);
  if (bytes > 0) std::memcpy(make_room(bytes), copy, bytes);
  newest_ = (newest_ + 1) % kPlacesMax;
  places_[newest_] = {.at = static_cast<uint16_t>(text_end_),
                      .name_size = static_cast<uint16_t>(name.size()),
                      .value_size = static_cast<uint16_t>(value.size())};
  text_end_ += bytes;
  size_ += needed;
  ++count_;
}

}  // namespace layotto::http::hpack
