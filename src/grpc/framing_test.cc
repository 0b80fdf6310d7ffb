// Framing: prefixes, messages cut anywhere, gzip and what may be wrong with it.
#include "grpc/framing.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "grpc/server.h"

namespace layotto::grpc {
namespace {

using namespace std::string_literals;

constexpr size_t kMax = 1 << 20;

std::string prefix(uint8_t flag, uint32_t size) {
  std::string text(1, static_cast<char>(flag));
  for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(size >> shift));
  return text;
}
std::string framed(std::string_view message) {
  return prefix(0, static_cast<uint32_t>(message.size())) + std::string(message);
}
// Not by the code under test.
std::string zipped(std::string_view plain, int window_bits = 15 + 16) {
  z_stream state{};
  EXPECT_EQ(deflateInit2(&state, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&state, plain.size()) + 64, '\0');
  state.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(plain.data()));
  state.avail_in = static_cast<uInt>(plain.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&state, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - state.avail_out);
  deflateEnd(&state);
  return out;
}

TEST(GrpcFraming, WritesWhatItReads) {
  for (const size_t size : {0UL, 1UL, 255UL, 256UL, 65'536UL, kMax}) {
    for (const bool compressed : {false, true}) {
      std::array<char, kPrefixBytes> five;
      write_prefix(five.data(), compressed, size);
      const auto parsed = parse_prefix({five.data(), five.size()}, kMax);
      ASSERT_TRUE(parsed.ok());
      EXPECT_EQ(parsed->size, size);
      EXPECT_EQ(parsed->compressed, compressed);
      EXPECT_EQ(ByteView(five.data(), 5), prefix(compressed ? 1 : 0, static_cast<uint32_t>(size)));
    }
  }
}

TEST(GrpcFraming, RefusesBrokenPrefixes) {
  EXPECT_EQ(parse_prefix(prefix(2, 0), kMax).error().code(), Code::kInternal);
  EXPECT_EQ(parse_prefix(prefix(0x80, 0), kMax).error().code(), Code::kInternal);
  EXPECT_EQ(parse_prefix(prefix(0, kMax + 1), kMax).error().code(), Code::kResourceExhausted);
  EXPECT_EQ(parse_prefix(prefix(0, 0xffffffff), kMax).error().code(), Code::kResourceExhausted);
}

TEST(GrpcFraming, KnowsEncodings) {
  EXPECT_EQ(*parse_encoding(""), Encoding::kIdentity);
  EXPECT_EQ(*parse_encoding("identity"), Encoding::kIdentity);
  EXPECT_EQ(*parse_encoding("gzip"), Encoding::kGzip);
  for (const char* unknown : {"deflate", "snappy", "GZIP", "gzip,identity", " gzip"}) {
    EXPECT_EQ(parse_encoding(unknown).error().code(), Code::kUnimplemented) << unknown;
  }
  for (const char* list : {"gzip", "identity,gzip", "identity, deflate ,gzip ", "gzip,"}) {
    EXPECT_TRUE(accepts_gzip(list)) << list;
  }
  for (const char* list : {"", ",", "identity", "gzipped", "xgzip", "g zip"}) {
    EXPECT_FALSE(accepts_gzip(list)) << list;
  }
}

// ---- the splitter

TEST(MessageSplitter, FindsMessagesWhereverTheyAreCut) {
  const std::string big(300, 'b');
  const std::string bytes = framed("one") + framed("") + framed(big) + framed("four");
  for (size_t first = 0; first <= bytes.size(); ++first) {
    for (const size_t step : {1UL, 7UL, bytes.size()}) {
      MessageSplitter splitter(kMax);
      std::vector<std::string> found;
      const auto drain = [&] {
        while (true) {
          auto message = splitter.next();
          ASSERT_TRUE(message.ok());
          if (!message->has_value()) return;
          found.emplace_back((*message)->data.view());
          EXPECT_FALSE((*message)->compressed);
        }
      };
      splitter.add(Bytes::copy(bytes.substr(0, first)));
      drain();
      for (size_t at = first; at < bytes.size(); at += step) {
        splitter.add(Bytes::copy(bytes.substr(at, step)));
        drain();
      }
      EXPECT_EQ(found, (std::vector<std::string>{"one", "", big, "four"}));
      EXPECT_EQ(splitter.pending(), 0);
    }
  }
}

TEST(MessageSplitter, JoinsLargeMessagesOfManySlabs) {
  std::string message;
  for (int i = 0; i < 50'000; ++i) message += static_cast<char>('a' + i % 26);
  const std::string bytes = framed(message) + framed("next");
  MessageSplitter splitter(kMax);
  for (size_t at = 0; at < bytes.size(); at += 5000) {
    splitter.add(Bytes::copy(bytes.substr(at, 5000)));
  }
  EXPECT_EQ((**splitter.next()).data.view(), message);
  EXPECT_EQ((**splitter.next()).data.view(), "next");
}

TEST(MessageSplitter, KnowsWhenAMessageIsIncomplete) {
  MessageSplitter splitter(kMax);
  EXPECT_EQ(splitter.pending(), 0);
  splitter.add(Bytes::copy("\0\0"s));
  EXPECT_FALSE(splitter.next()->has_value());
  EXPECT_GT(splitter.pending(), 0);
  splitter.add(Bytes::copy("\0\0\x02"s));
  EXPECT_FALSE(splitter.next()->has_value());
  EXPECT_GT(splitter.pending(), 0);
  splitter.add(Bytes::copy("x"));
  EXPECT_FALSE(splitter.next()->has_value());
  EXPECT_GT(splitter.pending(), 0);
  splitter.add(Bytes::copy("y"));
  EXPECT_TRUE(splitter.next()->has_value());
  EXPECT_EQ(splitter.pending(), 0);
}

TEST(MessageSplitter, RefusesALargeMessageByItsPrefix) {
  MessageSplitter splitter(100);
  splitter.add(Bytes::copy(prefix(0, 101)));
  EXPECT_EQ(splitter.next().error().code(), Code::kResourceExhausted);
}

TEST(MessageSplitter, RefusesAnUnknownFlag) {
  MessageSplitter splitter(100);
  splitter.add(Bytes::copy(framed("fine") + prefix(7, 1)));
  EXPECT_EQ((**splitter.next()).data.view(), "fine");
  EXPECT_EQ(splitter.next().error().code(), Code::kInternal);
}

// ---- gzip

TEST(GrpcGzip, UnfoldsWhatItFolds) {
  for (const size_t size : {1UL, 100UL, 8191UL, 8192UL, 8193UL, 100'000UL}) {
    std::string plain;
    for (size_t i = 0; i < size; ++i) plain += static_cast<char>('a' + i % 7);
    const auto folded = gzip(plain);
    if (size > 100) {
      ASSERT_TRUE(folded.has_value()) << size;
      EXPECT_LT(folded->size(), plain.size());
      EXPECT_EQ(gunzip(folded->view(), kMax)->view(), plain);
    }
    EXPECT_EQ(gunzip(zipped(plain), kMax)->view(), plain) << size;
  }
}

TEST(GrpcGzip, LeavesWhatDoesNotShrink) {
  std::string noise;
  uint32_t seed = 1;
  for (int i = 0; i < 2000; ++i) {
    seed = seed * 1664525 + 1013904223;
    noise += static_cast<char>(seed >> 24);
  }
  EXPECT_FALSE(gzip(noise).has_value());
  EXPECT_FALSE(gzip("").has_value());
  EXPECT_FALSE(gzip("x").has_value());
}

TEST(GrpcGzip, UnfoldsNothing) { EXPECT_EQ(gunzip(zipped(""), kMax)->view(), ""); }

TEST(GrpcGzip, UnfoldsUpToTheLimit) {
  const std::string plain(5000, 'x');
  EXPECT_EQ(gunzip(zipped(plain), 5000)->size(), 5000);
  EXPECT_EQ(gunzip(zipped(plain), 4999).error().code(), Code::kResourceExhausted);
  EXPECT_EQ(gunzip(zipped("x"), 0).error().code(), Code::kResourceExhausted);
}

TEST(GrpcGzip, StopsABomb) {
  const std::string bomb = zipped(std::string(64 << 20, '\0'));
  ASSERT_LT(bomb.size(), 100'000);
  EXPECT_EQ(gunzip(bomb, kMax).error().code(), Code::kResourceExhausted);
}

TEST(GrpcGzip, RefusesBrokenData) {
  const std::string good = zipped("some text, some text, some text");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(gunzip(good.substr(0, size), kMax).error().code(), Code::kInternal) << size;
  }
  EXPECT_EQ(gunzip(good + "x", kMax).error().code(), Code::kInternal);
  EXPECT_EQ(gunzip(good + good, kMax).error().code(), Code::kInternal);
  EXPECT_EQ(gunzip("not gzip at all", kMax).error().code(), Code::kInternal);
  EXPECT_EQ(gunzip(zipped("zlib, not gzip", 15), kMax).error().code(), Code::kInternal);
  std::string bad_checksum = good;
  bad_checksum[bad_checksum.size() - 6] ^= 1;
  EXPECT_EQ(gunzip(bad_checksum, kMax).error().code(), Code::kInternal);
}

// ---- grpc-timeout

TEST(GrpcTimeout, ParsesTheTableOfTheSpecification) {
  using namespace std::chrono;
  const std::vector<std::pair<const char*, Duration>> table = {
      {"1H", hours(1)},
      {"2M", minutes(2)},
      {"3S", seconds(3)},
      {"4m", milliseconds(4)},
      {"5u", microseconds(5)},
      {"6n", nanoseconds(6)},
      {"0S", Duration(0)},
      {"00000001S", seconds(1)},
      {"99999999S", seconds(99'999'999)},
      {"99999999M", minutes(99'999'999)},
      {"99999999n", nanoseconds(99'999'999)},
  };
  for (const auto& [text, duration] : table) {
    const auto parsed = parse_timeout(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, duration) << text;
  }
  // Further away than anyone will wait: cut, so that a deadline does not overflow.
  EXPECT_GE(*parse_timeout("99999999H"), hours(1'000'000));
}

TEST(GrpcTimeout, RefusesEverythingElse) {
  for (const char* text : {"", "S", "1", "1s", "1h", "-1S", "+1S", " 1S", "1S ", "1 S", "1.5S",
                           "123456789S", "0x1S", "1SS", "1\xc2\xb5", "\xd9\xa1S"}) {
    EXPECT_EQ(parse_timeout(text).error().code(), Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace layotto::grpc
