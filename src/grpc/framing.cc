#include "grpc/framing.h"

#include <google/protobuf/message_lite.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "grpc/limits.h"

namespace layotto::grpc {
namespace {

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

Error message_too_large(size_t size, size_t max) {
  return base::resource_exhausted("a message of {} bytes is larger than the limit of {}", size,
                                  max);
}

Bytes slab_for_message(size_t size) {
  base::Slab* slab = base::Slab::allocate(kPrefixBytes + size);
  write_prefix(slab->data(), false, size);
  return {slab, slab->data(), kPrefixBytes + size};
}

Bytes packed_message(Bytes framed) {
  const ByteView plain = framed.view().substr(kPrefixBytes);
  if (plain.size() < kCompressBytesMin) return framed;
  std::optional<Bytes> packed = gzip(plain);
  if (!packed.has_value()) return framed;
  Bytes smaller = slab_for_message(packed->size());
  char* to = const_cast<char*>(smaller.data());
  to[0] = 1;
  std::copy(packed->view().begin(), packed->view().end(), to + kPrefixBytes);
  return smaller;
}

namespace {

auto writer_of(const MessageLite& message) {
  return [&message](char* to) {
    message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(to));
  };
}

}  // namespace

Result<Bytes> encode_message(const MessageLite& message, bool compress, Arena& arena,
                             size_t message_bytes_max) {
  return encode_message(message.ByteSizeLong(), writer_of(message), compress, arena,
                        message_bytes_max);
}

Status append_message(const MessageLite& message, bool compress, ByteChain& out,
                      size_t message_bytes_max) {
  const size_t size = message.ByteSizeLong();
  if (size > message_bytes_max) return message_too_large(size, message_bytes_max);
  if (kPrefixBytes + size > kSmallMessageMax || compress) {
    Bytes framed = slab_for_message(size);
    writer_of(message)(const_cast<char*>(framed.data()) + kPrefixBytes);
    out.append(compress ? packed_message(std::move(framed)) : std::move(framed));
    return {};
  }
  char* to = out.reserve(kPrefixBytes + size);
  write_prefix(to, false, size);
  writer_of(message)(to + kPrefixBytes);
  out.commit(kPrefixBytes + size);
  return {};
}

Result<ByteView> unpack_message(ByteView payload, bool compressed, Encoding encoding, size_t max,
                                Bytes& unpacked) {
  if (!compressed) return payload;
  if (encoding == Encoding::kIdentity) {
    return base::internal("a message is marked as compressed, but there is no grpc-encoding");
  }
  TRY(unpacked, gunzip(payload, max));
  return unpacked.view();
}

Status decode_message(ByteView payload, bool compressed, Encoding encoding, size_t max,
                      MessageLite& into) {
  Bytes unpacked;
  TRY(const ByteView plain, unpack_message(payload, compressed, encoding, max, unpacked));
  if (!into.ParseFromArray(plain.data(), static_cast<int>(plain.size()))) {
    return base::internal("a message is not a valid {}", into.GetTypeName());
  }
  return {};
}

}  // namespace layotto::grpc
