// RESP2 and RESP3, the protocol of Redis: bytes to replies. Sans-IO: the parser is fed what was
// read and gives the replies in it one by one.
//
//   parser.feed(bytes);                         // borrowed until next() says kMore
//   while (true) {
//     const RespParser::Outcome got = parser.next();
//     if (got != RespParser::Outcome::kReply) break;      // kMore: feed again; kBroken: problem()
//     use(parser.reply());                      // valid until the next call of next()
//   }
//
// A reply that lies in the fed bytes is not copied: its texts are views of them. One that arrives
// in pieces is gathered in the parser, and only that. Work is linear in the bytes, wherever they
// are cut. Whatever is malformed ends the stream: kBroken, for ever. A bulk string that is too long
// is read past and becomes a kTooLong in its place. Attributes are read past. Streamed types ("$?",
// "*?" and their kin, which no Redis sends) are refused.
//
// Limits: limits.h (line with its type byte, depth, elements, bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "clients/redis/limits.h"

namespace layotto::clients::redis {

enum class RespType : uint8_t {
  kSimple,     // +OK
  kError,      // -ERR text, or !12 (bulk error)
  kInteger,    // :42
  kBulk,       // $5
  kNull,       // _, $-1 or *-1
  kBoolean,    // #t
  kDouble,     // ,1.5
  kBigNumber,  // (12345678901234567890
  kVerbatim,   // =15 txt:…
  kArray,      // *2
  kMap,        // %2: four elements, key and value in turn
  kSet,        // ~2
  kPush,       // >2: not an answer to anything
  kTooLong,    // a bulk string beyond the limit; its size is known, its bytes are gone
};

// "bulk string", for messages.
std::string_view resp_type_name(RespType type);

// One value of a reply. Values of a reply lie in a row, each collection before its elements.
struct RespToken {
  RespType type = RespType::kNull;
  uint32_t count = 0;   // elements of a collection
  uint32_t span = 1;    // tokens of the whole value, itself included
  uint32_t offset = 0;  // of the text within the reply's bytes
  uint32_t size = 0;    // of the text
  int64_t integer = 0;  // kInteger, kBoolean; bytes of what is too long
};

// A value of a reply: a view, copied freely.
class Reply {
 public:
  Reply() = default;
  Reply(const RespToken* token, const char* bytes) : token_(token), bytes_(bytes) {}

  [[nodiscard]] RespType type() const { return token_->type; }
  [[nodiscard]] bool is_null() const { return token_->type == RespType::kNull; }
  [[nodiscard]] bool is_error() const { return token_->type == RespType::kError; }
  // kArray, kMap, kSet, kPush.
  [[nodiscard]] bool is_collection() const {
    return token_->type >= RespType::kArray && token_->type <= RespType::kPush;
  }
  // kSimple, kBulk, kVerbatim: what other values are asked for as text.
  [[nodiscard]] bool is_text() const {
    return token_->type == RespType::kSimple || token_->type == RespType::kBulk ||
           token_->type == RespType::kVerbatim;
  }
  // The bytes of everything that is one text: strings, errors (without '-'), numbers as written.
  // Empty for the rest. Without the format of a verbatim string.
  [[nodiscard]] std::string_view text() const { return {bytes_ + token_->offset, token_->size}; }
  // Of kInteger; kBoolean as 0 and 1; the bytes that a kTooLong had; else 0.
  [[nodiscard]] int64_t integer() const { return token_->integer; }
  // Elements of a collection, twice the pairs of a map; 0 for what is none.
  [[nodiscard]] size_t size() const { return token_->count; }

  // Steps over the elements in order:  for (Reply each : reply) …
  class Iterator {
   public:
    Iterator(const RespToken* token, const char* bytes) : token_(token), bytes_(bytes) {}
    Reply operator*() const { return {token_, bytes_}; }
    Iterator& operator++() {
      token_ += token_->span;
      return *this;
    }
    bool operator==(const Iterator& other) const { return token_ == other.token_; }

   private:
    const RespToken* token_;
    const char* bytes_;
  };
  [[nodiscard]] Iterator begin() const { return {token_ + 1, bytes_}; }
  [[nodiscard]] Iterator end() const { return {token_ + token_->span, bytes_}; }
  // The element at `index` < size(). Steps over those before it.
  [[nodiscard]] Reply operator[](size_t index) const {
    DCHECK(index < size());
    Iterator at = begin();
    while (index-- > 0) ++at;
    return *at;
  }

  // For people and tests: {"get", 1, null}; long texts are cut.
  [[nodiscard]] std::string to_string() const;

 private:
  const RespToken* token_ = nullptr;
  const char* bytes_ = nullptr;
};

class RespParser {
 public:
  struct Limits {
    size_t line_bytes_max = kLineBytesMax;
    size_t depth_max = kDepthMax;
    size_t elements_max = kElementsMax;
    size_t reply_bytes_max = kReplyBytesMax;  // less than 2 GiB
  };
  enum class Outcome : uint8_t { kReply, kMore, kBroken };

  RespParser() : RespParser(Limits{}) {}
  explicit RespParser(Limits limits);

  // Everything fed before must have been taken: next() has said kMore.
  void feed(ByteView bytes) {
    DCHECK(input_.empty() || broken());
    input_ = bytes;
  }
  Outcome next();
  // Forgets everything: a new stream begins.
  void reset();
  // The reply next() has found.
  [[nodiscard]] Reply reply() const { return {tokens_.data(), so_far().data()}; }
  // Once broken: what was wrong, static text.
  [[nodiscard]] std::string_view problem() const { return problem_; }
  [[nodiscard]] bool broken() const { return !problem_.empty(); }
  // Bytes of a reply that is not complete, held here.
  [[nodiscard]] size_t held() const { return held_.size(); }

 private:
  enum class Step : uint8_t { kGoOn, kReply, kMore, kBroken };
  // A collection that is not complete.
  struct Open {
    uint32_t token;
    uint32_t missing;
    bool attribute;
  };

  // The bytes of the reply at hand, as far as they are here. In place of them there may be more:
  // what follows the reply in the fed bytes.
  [[nodiscard]] ByteView so_far() const { return held_.empty() ? input_ : ByteView(held_); }
  void forget_reply();
  Step scan();
  Step take_line();
  Step take_value(char kind, ByteView rest);
  Step take_text(RespType type, ByteView rest);
  Step take_integer(ByteView rest);
  Step take_number(RespType type, ByteView rest);
  Step take_boolean(ByteView rest);
  Step take_bulk(RespType type, ByteView rest);
  Step end_bulk();
  Step take_collection(RespType type, ByteView rest, bool attribute);
  Step value_done();
  Step fail(std::string_view problem);
  RespToken& push(RespType type, size_t offset, size_t size);
  void hold(size_t size);
  bool take_more();

  const Limits limits_;
  ByteView input_;    // fed, not taken
  std::string held_;  // bytes of a reply that came in pieces, and none beyond; instead of input_
  std::vector<RespToken> tokens_;
  std::vector<Open> open_;
  size_t at_ = 0;        // within the reply: where the next line or the bulk string's bytes begin
  size_t searched_ = 0;  // no line ends before this
  bool in_bulk_ = false;
  RespType bulk_type_ = RespType::kBulk;
  size_t bulk_size_ = 0;   // without CRLF; 0 for kTooLong
  uint64_t too_long_ = 0;  // bytes of a string that is too long
  uint64_t to_drop_ = 0;   // of these, those still to be read past
  bool replied_ = false;   // the reply at hand was given
  std::string_view problem_;
};

}  // namespace layotto::clients::redis
