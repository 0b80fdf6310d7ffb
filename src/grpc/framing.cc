#include "grpc/framing.h"

#include <google/protobuf/message_lite.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "grpc/limits.h"

namespace layotto::grpc {
namespace {

// Messages up to this size are written into the caller's memory, larger ones into a slab.
constexpr size_t kSmallMessageMax = 2048;
// zlib: 15 bits of window, +16 for the gzip format.
constexpr int kGzipWindowBits = 15 + 16;
constexpr int kGzipLevel = 1;  // a sidecar on loopback: time matters more than the last percent

struct InflateStream {
  z_stream state{};
  bool ready = inflateInit2(&state, kGzipWindowBits) == Z_OK;
  ~InflateStream() { inflateEnd(&state); }
};

struct DeflateStream {
  z_stream state{};
  bool ready =
      deflateInit2(&state, kGzipLevel, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  ~DeflateStream() { deflateEnd(&state); }
};

void set_input(z_stream& state, ByteView input) {
  state.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
  state.avail_in = static_cast<uInt>(input.size());
}

}  // namespace

Result<MessagePrefix> parse_prefix(ByteView five_bytes, size_t max) {
  DCHECK(five_bytes.size() >= kPrefixBytes);
  const auto byte = [&](size_t i) -> uint32_t { return static_cast<uint8_t>(five_bytes[i]); };
  if (byte(0) > 1) {
    return base::internal("a gRPC message begins with the flag byte {}, only 0 and 1 exist",
                          byte(0));
  }
  const uint32_t size = (byte(1) << 24) | (byte(2) << 16) | (byte(3) << 8) | byte(4);
  if (size > max) {
    return base::resource_exhausted("a message of {} bytes is larger than the limit of {}", size,
                                    max);
  }
  return MessagePrefix{.compressed = byte(0) == 1, .size = size};
}

void write_prefix(char* to, bool compressed, size_t size) {
  DCHECK(size <= UINT32_MAX);
  to[0] = compressed ? 1 : 0;
  to[1] = static_cast<char>(size >> 24);
  to[2] = static_cast<char>(size >> 16);
  to[3] = static_cast<char>(size >> 8);
  to[4] = static_cast<char>(size);
}

Result<Encoding> parse_encoding(std::string_view value) {
  if (value.empty() || value == "identity") return Encoding::kIdentity;
  if (value == "gzip") return Encoding::kGzip;
  return base::unimplemented("grpc-encoding '{}' is not supported, use identity or gzip", value);
}

bool accepts_gzip(std::string_view list) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item == "gzip") return true;
  }
  return false;
}

Result<Bytes> gunzip(ByteView compressed, size_t max) {
  InflateStream stream;
  if (!stream.ready) return base::resource_exhausted("no memory for decompression");
  set_input(stream.state, compressed);
  ByteChain out;
  while (true) {
    const size_t room = std::min<size_t>(8192, max - out.size() + 1);
    char* to = out.reserve(room);
    stream.state.next_out = reinterpret_cast<Bytef*>(to);
    stream.state.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream.state, Z_NO_FLUSH);
    out.commit(room - stream.state.avail_out);
    if (out.size() > max) {
      return base::resource_exhausted(
          "a compressed message unfolds to more than the limit of {} bytes", max);
    }
    if (result == Z_STREAM_END) break;
    if (result != Z_OK || (stream.state.avail_in == 0 && stream.state.avail_out != 0)) {
      return base::internal("a message marked as gzip is not valid gzip");
    }
  }
  if (stream.state.avail_in != 0) {
    return base::internal("a message marked as gzip has bytes after its end");
  }
  return out.take_all();
}

std::optional<Bytes> gzip(ByteView plain) {
  DeflateStream stream;
  if (!stream.ready) return std::nullopt;
  set_input(stream.state, plain);
  base::Slab* slab = base::Slab::allocate(plain.size());
  Bytes out(slab, slab->data(), plain.size());
  stream.state.next_out = reinterpret_cast<Bytef*>(slab->data());
  stream.state.avail_out = static_cast<uInt>(plain.size());
  if (deflate(&stream.state, Z_FINISH) != Z_STREAM_END) return std::nullopt;
  return out.split_prefix(plain.size() - stream.state.avail_out);
}

namespace {

// Moves the first `size` bytes of the chain to `to`.
void copy_front(ByteChain& chain, size_t size, char* to) {
  while (size > 0) {
    const Bytes piece = chain.take_front(size);
    to = std::copy(piece.view().begin(), piece.view().end(), to);
    size -= piece.size();
  }
}

}  // namespace

Result<std::optional<MessageSplitter::Message>> MessageSplitter::next() {
  if (!prefix_.has_value()) {
    if (pending_.size() < kPrefixBytes) return std::optional<Message>();
    std::array<char, kPrefixBytes> five;
    copy_front(pending_, five.size(), five.data());
    TRY(prefix_, parse_prefix({five.data(), five.size()}, max_));
  }
  if (pending_.size() < prefix_->size) return std::optional<Message>();
  Message message{.data = {}, .compressed = prefix_->compressed};
  const size_t size = prefix_->size;
  prefix_.reset();
  message.data = pending_.take_front(size);
  if (const size_t have = message.data.size(); have < size) {
    base::Slab* slab = base::Slab::allocate(size);
    Bytes whole(slab, slab->data(), size);
    std::copy(message.data.view().begin(), message.data.view().end(), slab->data());
    copy_front(pending_, size - have, slab->data() + have);
    message.data = std::move(whole);
  }
  return std::optional<Message>(std::move(message));
}

// ---- messages

namespace {

Result<size_t> sized(const MessageLite& message, size_t max) {
  const size_t size = message.ByteSizeLong();
  if (size > max) {
    return base::resource_exhausted("a message of {} bytes is larger than the limit of {}", size,
                                    max);
  }
  return size;
}

// `to` has room for prefix and message; ByteSizeLong() was called.
void write_message(const MessageLite& message, size_t size, char* to) {
  write_prefix(to, false, size);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(to + kPrefixBytes));
}

Bytes write_to_slab(const MessageLite& message, size_t size, bool compress) {
  base::Slab* slab = base::Slab::allocate(kPrefixBytes + size);
  Bytes plain(slab, slab->data(), kPrefixBytes + size);
  write_message(message, size, slab->data());
  if (!compress || size < kCompressBytesMin) return plain;
  std::optional<Bytes> packed = gzip(plain.view().substr(kPrefixBytes));
  if (!packed.has_value()) return plain;
  base::Slab* framed = base::Slab::allocate(kPrefixBytes + packed->size());
  write_prefix(framed->data(), true, packed->size());
  std::copy(packed->view().begin(), packed->view().end(), framed->data() + kPrefixBytes);
  return {framed, framed->data(), kPrefixBytes + packed->size()};
}

}  // namespace

Result<Bytes> encode_message(const MessageLite& message, bool compress, Arena& arena,
                             size_t message_bytes_max) {
  TRY(const size_t size, sized(message, message_bytes_max));
  if (kPrefixBytes + size > kSmallMessageMax || (compress && size >= kCompressBytesMin)) {
    return write_to_slab(message, size, compress);
  }
  char* to = arena.array<char>(kPrefixBytes + size).data();
  write_message(message, size, to);
  return Bytes::unowned({to, kPrefixBytes + size});
}

Status append_message(const MessageLite& message, bool compress, ByteChain& out,
                      size_t message_bytes_max) {
  TRY(const size_t size, sized(message, message_bytes_max));
  if (kPrefixBytes + size > kSmallMessageMax || (compress && size >= kCompressBytesMin)) {
    out.append(write_to_slab(message, size, compress));
    return {};
  }
  write_message(message, size, out.reserve(kPrefixBytes + size));
  out.commit(kPrefixBytes + size);
  return {};
}

Status decode_message(ByteView payload, bool compressed, Encoding encoding, size_t max,
                      MessageLite& into) {
  Bytes unpacked;
  if (compressed) {
    if (encoding == Encoding::kIdentity) {
      return base::internal("a message is marked as compressed, but there is no grpc-encoding");
    }
    TRY(unpacked, gunzip(payload, max));
    payload = unpacked.view();
  }
  if (!into.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return base::internal("a message is not a valid {}", into.GetTypeName());
  }
  return {};
}

}  // namespace layotto::grpc
