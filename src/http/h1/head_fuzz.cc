// A head and, where it says so, chunked content, out of arbitrary bytes. The first byte is the size
// of the pieces. Whatever comes: whole, in pieces and byte by byte it reads the same, and what was
// accepted holds what RFC 9112 promises.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/h1/chunked_decoder.h"
#include "http/h1/head_parser.h"

namespace layotto::http::h1 {
namespace {

constexpr HeadLimits kLimits{.bytes_max = 1024, .fields_max = 12};

struct Seen {
  Fault head_fault = Fault::kNone;
  Fault body_fault = Fault::kNone;
  bool complete = false;
  bool ended = false;
  size_t used = 0;
  std::string text;

  bool operator==(const Seen&) const = default;
};

void check_block(const HeaderBlock& block, const Framing& framing) {
  const RequestLine& line = block.line();
  CHECK(is_header_name(line.method_text, false), "a method that is no token");
  CHECK(block.fields().size() <= kLimits.fields_max, "too many fields");
  CHECK(block.list_bytes() <= kLimits.bytes_max, "too large fields");
  int hosts = 0;
  bool length = false;
  bool encoding = false;
  for (const HeaderField& field : block.fields()) {
    CHECK(is_header_name(field.name, true), "a name that is no token in lower case");
    CHECK(is_header_value(field.value), "a value that is none");
    hosts += field.id == HeaderId::kHost ? 1 : 0;
    length |= field.id == HeaderId::kContentLength;
    encoding |= field.id == HeaderId::kTransferEncoding;
  }
  CHECK(hosts == 1 || (hosts == 0 && line.protocol == Protocol::kHttp10), "Host");
  CHECK(!(length && encoding), "two framings");
  CHECK((framing.kind == Framing::Kind::kChunked) == encoding, "framing");
}

std::string text_of(const HeaderBlock& block) {
  const RequestLine& line = block.line();
  std::string text = std::string(line.method_text) + " " + std::string(line.path) + " " +
                     std::string(line.authority) + "\n";
  for (const HeaderField& field : block.fields()) {
    text += std::string(field.name) + ":" + std::string(field.value) + "\n";
  }
  return text;
}

Seen read(std::string_view bytes, size_t piece_bytes) {
  HeadParser parser(kLimits);
  ChunkedDecoder decoder(kLimits);
  decoder.begin();
  Seen seen;
  bool chunked = false;
  size_t at = 0;
  while (at < bytes.size()) {
    // In memory of its own size: reading beyond it is seen.
    const size_t size = std::min(piece_bytes, bytes.size() - at);
    const std::unique_ptr<char[]> memory(new char[size]);
    std::copy_n(bytes.data() + at, size, memory.get());
    const std::string_view piece(memory.get(), size);
    if (!seen.complete) {
      const size_t used = parser.feed(piece);
      at += used;
      seen.head_fault = parser.fault();
      if (seen.head_fault != Fault::kNone) return seen;
      seen.complete = parser.complete();
      if (!seen.complete) {
        CHECK(used == size, "bytes left behind");
        continue;
      }
      const HeaderBlockRef block = parser.take_block();
      check_block(*block.get(), parser.framing());
      chunked = parser.framing().kind == Framing::Kind::kChunked;
      seen.text = text_of(*block.get());
      seen.used = at;
      if (!chunked) return seen;
      continue;
    }
    const ChunkedDecoder::Step step = decoder.feed(piece);
    CHECK(step.used <= size, "more used than there is");
    at += step.used;
    seen.text += step.data;
    seen.body_fault = decoder.fault();
    if (seen.body_fault != Fault::kNone) return seen;
    if (decoder.ended()) {
      seen.ended = true;
      seen.used = at;
      if (const HeaderBlockRef trailers = decoder.take_trailers()) {
        seen.text += text_of(*trailers.get());
      }
      return seen;
    }
    CHECK(step.used > 0, "no progress");
  }
  return seen;
}

}  // namespace
}  // namespace layotto::http::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace layotto::http::h1;
  if (size == 0) return 0;
  const size_t piece = std::max<size_t>(1, data[0]);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Seen whole = read(bytes, std::max<size_t>(1, bytes.size()));
  CHECK(read(bytes, piece) == whole, "cut it reads differently");
  CHECK(read(bytes, 1) == whole, "byte by byte it reads differently");
  return 0;
}
