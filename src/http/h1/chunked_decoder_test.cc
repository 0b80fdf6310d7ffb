// ChunkedDecoder: content, extensions, trailers; refusals and limits; in pieces of any size.
#include "http/h1/chunked_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "http/h1/limits.h"

namespace layotto::http::h1 {
namespace {

using namespace std::string_literals;

constexpr HeadLimits kTrailers{.bytes_max = 400, .fields_max = 3};

struct Decoded {
  std::string payload;
  std::string trailers;
  Fault fault = Fault::kNone;
  bool ended = false;
  size_t used = 0;

  bool operator==(const Decoded&) const = default;
};

Decoded decode_in_pieces(std::string_view bytes, size_t piece_bytes) {
  ChunkedDecoder decoder(kTrailers);
  decoder.begin();
  Decoded seen;
  for (size_t at = 0; at < bytes.size() && !decoder.ended() && decoder.fault() == Fault::kNone;) {
    const std::string piece(bytes.substr(at, piece_bytes));
    const ChunkedDecoder::Step step = decoder.feed(piece);
    seen.payload += step.data;
    at += step.used;
    if (decoder.ended()) seen.used = at;
  }
  seen.fault = decoder.fault();
  seen.ended = decoder.ended();
  if (const HeaderBlockRef trailers = decoder.take_trailers()) {
    for (const HeaderField& field : trailers->fields()) {
      seen.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
    }
  }
  return seen;
}

Decoded decode(std::string_view bytes) {
  const Decoded whole = decode_in_pieces(bytes, bytes.size());
  for (size_t piece = 1; piece < std::min<size_t>(bytes.size(), 40); ++piece) {
    EXPECT_EQ(decode_in_pieces(bytes, piece), whole) << bytes << " in pieces of " << piece;
  }
  return whole;
}

TEST(H1Chunked, ReadsChunksOfAnySpelling) {
  const std::string content =
      "5\r\nhello\r\n00A\r\n 123456789\r\na\r\n\r\n\r\n\0\x01\x02xyz\r\n0\r\n\r\n"s;
  const Decoded seen = decode(content + "next");
  EXPECT_TRUE(seen.ended);
  EXPECT_EQ(seen.payload, "hello 123456789\r\n\r\n\0\x01\x02xyz"s);
  EXPECT_EQ(seen.used, content.size());
}

TEST(H1Chunked, ReadsNoContent) {
  const Decoded seen = decode("0\r\n\r\n");
  EXPECT_TRUE(seen.ended);
  EXPECT_EQ(seen.payload, "");
}

TEST(H1Chunked, ReadsOverExtensions) {
  const Decoded seen = decode("1;a=b;c=\"d;e\"\r\nx\r\n0;last\r\n\r\n");
  EXPECT_TRUE(seen.ended);
  EXPECT_EQ(seen.payload, "x");
}

TEST(H1Chunked, KeepsTrailersThatMayBeOne) {
  const Decoded seen = decode("0\r\nChecksum: 42\r\nContent-Length: 7\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(seen.ended);
  EXPECT_EQ(seen.trailers, "checksum=42;");
}

TEST(H1Chunked, RefusesWhatIsMalformed) {
  struct Case {
    std::string bytes;
    Fault fault;
  };
  const Case cases[] = {
      {"\r\n", Fault::kChunkSize},
      {"x\r\n", Fault::kChunkSize},
      {"0x5\r\n", Fault::kChunkSize},
      {"-1\r\n", Fault::kChunkSize},
      {"+1\r\n", Fault::kChunkSize},
      {" 1\r\n", Fault::kChunkSize},
      {"1 \r\n", Fault::kChunkSize},
      {"1 ;a\r\n", Fault::kChunkSize},
      {";a\r\n", Fault::kChunkSize},
      {"1000000000000000\r\n", Fault::kChunkSize},
      {"1\nx", Fault::kBareLf},
      {"1\rx", Fault::kBareCr},
      {"1;\0\r\n"s, Fault::kControlCharacter},
      {"1;\n\r\n", Fault::kBareLf},
      {"1\r\nxy\r\n", Fault::kChunkEnd},
      {"1\r\nx\n", Fault::kBareLf},
      {"1\r\nx0\r\n\r\n", Fault::kChunkEnd},
      {"2\r\nx\r\n0\r\n\r\n", Fault::kBareLf},
      {"0\r\n\n", Fault::kBareLf},
      {"0\r\n folded: 1\r\n\r\n", Fault::kFolded},
      {"0\r\na : 1\r\n\r\n", Fault::kFieldName},
      {"0\r\na\r\n\r\n", Fault::kFieldWithoutColon},
      {"0\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", Fault::kFieldsTooLarge},
      {"0\r\na: " + std::string(500, 'x') + "\r\n\r\n", Fault::kFieldsTooLarge},
      {"1;" + std::string(kChunkLineBytesMax, 'x') + "\r\n", Fault::kChunkExtensions},
  };
  for (const Case& c : cases) {
    const Decoded seen = decode(c.bytes);
    EXPECT_FALSE(seen.ended) << c.bytes;
    EXPECT_EQ(fault_text(seen.fault), fault_text(c.fault)) << c.bytes;
  }
}

TEST(H1Chunked, BoundsTheExtensionsOfABody) {
  const std::string chunk = "1;" + std::string(999, 'x') + "\r\ny\r\n";
  std::string bytes;
  for (size_t i = 0; i < kChunkExtensionBytesMax / 1000; ++i) bytes += chunk;
  EXPECT_TRUE(decode_in_pieces(bytes + "0\r\n\r\n", 1000).ended);
  EXPECT_EQ(decode_in_pieces(bytes + chunk, 1000).fault, Fault::kChunkExtensions);
}

}  // namespace
}  // namespace layotto::http::h1
