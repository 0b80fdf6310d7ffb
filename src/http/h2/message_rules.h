// MessageRules: which header fields make a message, RFC 9113 §8. Takes the fields of one block in
// order and fills a HeaderBlock; a block that breaks a rule is malformed, which costs its stream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "http/header_map.h"

namespace layotto::http::h2 {

enum class BlockKind : uint8_t { kRequest, kResponse, kTrailers };

class MessageRules {
 public:
  struct Limits {
    size_t bytes_max;               // names + values + 32 each, pseudo header fields too
    size_t fields_max;              // without pseudo header fields
    size_t encoded_bytes;           // of the block; see kTablesBytes
    bool extended_connect = false;  // :protocol is allowed, RFC 8441
  };
  // `block` is empty and outlives this.
  MessageRules(BlockKind kind, const Limits& limits, HeaderBlock& block)
      : kind_(kind),
        limits_(limits),
        block_(block),
        bytes_kept_max_(
            std::min(limits.bytes_max, kTablesBytes + kExpansionMax * limits.encoded_bytes)) {}

  // Texts are copied. After the first broken rule, and over the limits, further fields are only
  // counted.
  void add(std::string_view name, std::string_view value);
  // After the last field.
  void finish();

  [[nodiscard]] bool malformed() const { return malformed_; }
  // Over the limits: the block holds only what was within them.
  [[nodiscard]] bool too_large() const { return too_large_; }
  // So much over the limits that it is no mistake any more.
  [[nodiscard]] bool attack() const { return bytes_ > limits_.bytes_max * kAttackFactor; }
  // What the content-length field says; -1 when there is none; kTunnel for CONNECT, which has no
  // content but bytes for somebody else.
  static constexpr int64_t kTunnel = -2;
  [[nodiscard]] int64_t content_length() const { return content_length_; }

 private:
  static constexpr size_t kAttackFactor = 4;
  // A byte of a block may stand for an entry of kilobytes. Whoever names each entry once stays
  // below this: both tables, and a few times what the block itself says. More is the same entries
  // again and again, which would make us keep a thousand times what was sent.
  static constexpr size_t kTablesBytes = 8 * 1024;
  static constexpr size_t kExpansionMax = 8;
  enum Pseudo : uint8_t {
    kMethod = 1,
    kScheme = 2,
    kPath = 4,
    kAuthority = 8,
    kStatus = 16,
    kProtocol = 32
  };
  void add_pseudo(std::string_view name, std::string_view value);
  void add_regular(std::string_view name, std::string_view value);
  void take(Pseudo pseudo, BlockKind kind);
  void check_request();

  BlockKind kind_;
  const Limits& limits_;
  HeaderBlock& block_;
  const size_t bytes_kept_max_;
  size_t bytes_ = 0;
  int64_t content_length_ = -1;
  uint8_t pseudo_seen_ = 0;
  bool regular_seen_ = false;
  bool malformed_ = false;
  bool too_large_ = false;
};

}  // namespace layotto::http::h2
