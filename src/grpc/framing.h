// How messages travel in an HTTP body (gRPC over HTTP/2, "Length-Prefixed-Message"): one byte that
// says whether the message is compressed, four bytes of length, big endian, the message.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

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
// The usual body of a unary call: a prefix, and exactly the message it announces, not compressed.
inline bool is_one_plain_message(ByteView body, size_t max) {
  if (body.size() < kPrefixBytes || body[0] != 0) return false;
  uint32_t big_endian = 0;
  std::memcpy(&big_endian, body.data() + 1, sizeof(big_endian));
  const size_t size = __builtin_bswap32(big_endian);
  return size == body.size() - kPrefixBytes && size <= max;
}
// Writes five bytes.
inline void write_prefix(char* to, bool compressed, size_t size) {
  DCHECK(size <= UINT32_MAX);
  to[0] = compressed ? 1 : 0;
  const uint32_t big_endian = __builtin_bswap32(static_cast<uint32_t>(size));
  std::memcpy(to + 1, &big_endian, sizeof(big_endian));
}

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

// Messages up to this size are written into the caller's memory, larger ones into a slab.
inline constexpr size_t kSmallMessageMax = 2048;
Error message_too_large(size_t size, size_t max);
// A prefix and `size` bytes to be written behind it.
Bytes slab_for_message(size_t size);
// The same message compressed, when that is worth it.
Bytes packed_message(Bytes framed);

// Prefix and message, contiguous: in the arena when small, else in a slab. `write` writes `size`
// bytes. For the one reply of a unary call.
template <class Write>
Result<Bytes> encode_message(size_t size, Write write, bool compress, Arena& arena,
                             size_t message_bytes_max) {
  if (size > message_bytes_max) [[unlikely]]
    return message_too_large(size, message_bytes_max);
  if (kPrefixBytes + size > kSmallMessageMax || compress) {
    Bytes framed = slab_for_message(size);
    write(const_cast<char*>(framed.data()) + kPrefixBytes);
    return compress ? packed_message(std::move(framed)) : std::move(framed);
  }
  char* to = arena.array<char>(kPrefixBytes + size).data();
  write_prefix(to, false, size);
  write(to + kPrefixBytes);
  return Bytes::unowned({to, kPrefixBytes + size});
}
Result<Bytes> encode_message(const MessageLite& message, bool compress, Arena& arena,
                             size_t message_bytes_max);
// The same behind what is in `out`; touches no arena, for streams that may be long.
Status append_message(const MessageLite& message, bool compress, ByteChain& out,
                      size_t message_bytes_max);
// The message itself: `payload`, or what it unfolds to, which is then kept in `unpacked`.
Result<ByteView> unpack_message(ByteView payload, bool compressed, Encoding encoding, size_t max,
                                Bytes& unpacked);
// Parses (and decompresses) one message.
Status decode_message(ByteView payload, bool compressed, Encoding encoding, size_t max,
                      MessageLite& into);

}  // namespace layotto::grpc
