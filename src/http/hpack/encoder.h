// Encoder: fields → header blocks, RFC 7541. One per connection and direction; blocks are sent in
// the order they were encoded. Texts are sent as they are (no Huffman coding). Its table is small
// and holds what repeats: the fields of an answer that every answer has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_chain.h"
#include "http/hpack/dynamic_table.h"

namespace layotto::http::hpack {

enum class Indexing : uint8_t {
  kYes,    // into the table when it is not there
  kNo,     // values that hardly repeat: lengths, dates, messages
  kNever,  // secrets: proxies must not index them either (§7.1.3)
};
// What this product does with a field of this name.
Indexing indexing_of(std::string_view lower_name);

class Encoder {
 public:
  // The default table of HTTP/2 until the peer's SETTINGS say otherwise.
  Encoder() : table_(DynamicTable::kSizeCeiling) {}

  // The peer's SETTINGS_HEADER_TABLE_SIZE: the next block says so.
  void set_peer_limit(uint32_t bytes);

  // A block is begin(), fields, and what `out` then holds.
  void begin(std::string& out);
  void field(std::string_view name, std::string_view value, std::string& out);

  // While it stays, a block that repeatable() was said of may be sent again as it is.
  [[nodiscard]] uint32_t generation() const { return table_.generation(); }
  // The next block has something to say about the table first.
  [[nodiscard]] bool update_due() const { return update_due_; }
  // The block since begin() changed no table.
  [[nodiscard]] bool repeatable() const { return repeatable_; }
  [[nodiscard]] size_t bytes_held() const { return table_.bytes_held(); }

 private:
  static void integer(uint32_t value, int bits, uint8_t first, std::string& out);
  static void text(std::string_view value, std::string& out);

  DynamicTable table_;
  // Table sizes to be announced: the smallest since the last block, then the last.
  bool update_due_ = false;
  uint32_t smallest_ = 0;
  bool repeatable_ = true;
};

}  // namespace layotto::http::hpack
