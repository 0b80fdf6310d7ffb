// Decoder: header blocks of a peer → fields, RFC 7541. One per connection and direction; blocks in
// the order they were sent, none left out.
//
//   FieldReader reader(decoder, block);
//   while (const Field* field = reader.next()) …
//   if (reader.broken()) …        // the connection is lost: COMPRESSION_ERROR
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/hpack/dynamic_table.h"

namespace layotto::http::hpack {

struct Field {
  std::string_view name;
  std::string_view value;
};

class Decoder {
 public:
  // `table_bytes`: what our SETTINGS_HEADER_TABLE_SIZE says. Until the peer has acknowledged it,
  // the default of 4096 holds.
  explicit Decoder(uint32_t table_bytes)
      : table_(DynamicTable::kSizeCeiling), announced_(table_bytes) {}

  // The peer has acknowledged our SETTINGS: from now on its table is at most that large, and if
  // that is smaller than it was, its next block must say so first (RFC 7541 §4.2).
  void settings_acknowledged();

  // Changes with every change of what an index means: while it stays, equal bytes mean equal
  // fields.
  [[nodiscard]] uint32_t generation() const { return table_.generation(); }
  [[nodiscard]] size_t bytes_held() const { return table_.bytes_held(); }

 private:
  friend class FieldReader;
  DynamicTable table_;
  uint32_t announced_;
  uint32_t limit_ = DynamicTable::kSizeCeiling;  // for table size updates
  bool update_due_ = false;
};

// Reads one block. Views of a field are valid until the next one.
class FieldReader {
 public:
  FieldReader(Decoder& decoder, std::string_view block);
  FieldReader(const FieldReader&) = delete;
  FieldReader& operator=(const FieldReader&) = delete;

  // Null at the end, or when the block is broken.
  const Field* next();
  [[nodiscard]] bool broken() const { return broken_; }
  // The block changed no table: with an unchanged generation the same bytes mean the same again.
  [[nodiscard]] bool repeatable() const { return repeatable_; }

 private:
  const Field* fail() {
    broken_ = true;
    return nullptr;
  }
  // An integer with a prefix of `bits` (RFC 7541 §5.1); false when it is cut off or too large.
  bool read_integer(int bits, uint32_t& value);
  // A string; decoded ones go to the scratch of the slot (0: name, 1: value).
  bool read_string(int slot, std::string_view& text);
  bool look_up(uint32_t index, Field& field) const;
  char* scratch(int slot, size_t room);
  std::string_view keep(std::string_view name);

  Decoder& decoder_;
  const uint8_t* at_;
  const uint8_t* end_;
  Field field_;
  std::array<std::unique_ptr<char[]>, 2> scratch_;
  std::array<size_t, 2> scratch_size_{};
  std::array<std::array<char, 256>, 2> small_;
  bool fields_begun_ = false;
  bool broken_ = false;
  bool repeatable_ = true;
};

}  // namespace layotto::http::hpack
