// How messages travel in an HTTP body (gRPC over HTTP/2, "Length-Prefixed-Message"): one byte that
// says whether the message is compressed, four bytes of length, big endian, the message.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <optional>

#include "base/arena.h"
#include "base/byte_chain.h"
#include "base/bytes.h"
#include "base/error.h"

namespace layotto::grpc {

using google::protobuf::MessageLite;

inline constexpr size_t kPrefixBytes = 5;

struct MessagePrefix {
  bool compressed = false;
  uint32_t size = 0;
};

// The first five bytes. Errors: a flag that is neither 0 nor 1 (kInternal), a size over `max`
// (kResourceExhausted).
Result<MessagePrefix> parse_prefix(ByteView five_bytes, size_t max);
// Writes five bytes.
void write_prefix(char* to, bool compressed, size_t size);

enum class Encoding : uint8_t { kIdentity, kGzip };
// The value of grpc-encoding; kUnimplemented names those we know.
Result<Encoding> parse_encoding(std::string_view value);
// Whether a grpc-accept-encoding list contains gzip.
bool accepts_gzip(std::string_view list);

// gzip (RFC 1952). The result is never larger than `max` (kResourceExhausted): a small message
// cannot unfold into a large one. Broken data: kInternal.
Result<Bytes> gunzip(ByteView compressed, size_t max);
// nullopt when compressing does not make it smaller.
std::optional<Bytes> gzip(ByteView plain);

// Splits a body that arrives in pieces into messages.
class MessageSplitter {
 public:
  explicit MessageSplitter(size_t message_bytes_max) : max_(message_bytes_max) {}

  struct Message {
    Bytes data;
    bool compressed = false;
  };
  void add(Bytes piece) { pending_.append(std::move(piece)); }
  // The next whole message, if there is one.
  Result<std::optional<Message>> next();
  // Bytes of a message that has begun and not ended.
  [[nodiscard]] size_t pending() const { return pending_.size() + (prefix_.has_value() ? 1 : 0); }

 private:
  size_t max_;
  ByteChain pending_;
  std::optional<MessagePrefix> prefix_;
};

// Prefix and message, contiguous: in the arena when small, else in a slab. For the one reply of a
// unary call.
Result<Bytes> encode_message(const MessageLite& message, bool compress, Arena& arena,
                             size_t message_bytes_max);
// The same behind what is in `out`; touches no arena, for streams that may be long.
Status append_message(const MessageLite& message, bool compress, ByteChain& out,
                      size_t message_bytes_max);
// Parses (and decompresses) one message.
Status decode_message(ByteView payload, bool compressed, Encoding encoding, size_t max,
                      MessageLite& into);

}  // namespace layotto::grpc
