// HPACK: the examples of RFC 7541, Appendix C, and both sides against nghttp2's coder.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <utility>
#include <vector>

#include "base/random.h"
#include "http/hpack/decoder.h"
#include "http/hpack/encoder.h"
#include "http/hpack/huffman.h"

namespace layotto::http::hpack {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string bytes(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i < hex.size(); i += hex[i] == ' ' ? 1 : 2) {
    if (hex[i] != ' ')
      out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

struct Decoded {
  bool broken = false;
  bool repeatable = false;
  Fields fields;
};
Decoded decode(Decoder& decoder, std::string_view block) {
  // An exact copy on the heap, so that a sanitizer sees reads beyond it.
  const std::vector<char> copy(block.begin(), block.end());
  FieldReader reader(decoder, {copy.data(), copy.size()});
  Decoded result;
  while (const Field* field = reader.next()) result.fields.emplace_back(field->name, field->value);
  result.broken = reader.broken();
  result.repeatable = reader.repeatable();
  return result;
}

// ---- Appendix C

TEST(Hpack, DecodesTheRequestExamplesWithoutHuffman) {
  Decoder decoder(4096);
  EXPECT_EQ(decode(decoder, bytes("828684410f7777772e6578616d706c652e636f6d")).fields,
            (Fields{{":method", "GET"},
                    {":scheme", "http"},
                    {":path", "/"},
                    {":authority", "www.example.com"}}));
  EXPECT_EQ(decode(decoder, bytes("828684be58086e6f2d6361636865")).fields,
            (Fields{{":method", "GET"},
                    {":scheme", "http"},
                    {":path", "/"},
                    {":authority", "www.example.com"},
                    {"cache-control", "no-cache"}}));
  EXPECT_EQ(
      decode(decoder, bytes("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565")).fields,
      (Fields{{":method", "GET"},
              {":scheme", "https"},
              {":path", "/index.html"},
              {":authority", "www.example.com"},
              {"custom-key", "custom-value"}}));
}

TEST(Hpack, DecodesTheRequestExamplesWithHuffman) {
  Decoder decoder(4096);
  EXPECT_EQ(decode(decoder, bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff")).fields.back().second,
            "www.example.com");
  EXPECT_EQ(decode(decoder, bytes("828684be5886a8eb10649cbf")).fields.back().second, "no-cache");
  EXPECT_EQ(
      decode(decoder, bytes("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")).fields.back(),
      (std::pair<std::string, std::string>("custom-key", "custom-value")));
}

TEST(Hpack, DecodesTheResponseExamplesWithEviction) {
  Decoder decoder(4096);
  // A table of 256 bytes, said by the encoder.
  EXPECT_EQ(decode(decoder, bytes("3fe101 4803333032 580770726976617465 "
                                  "611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54 "
                                  "6e1768747470733a2f2f7777772e6578616d706c652e636f6d"))
                .fields.size(),
            4U);
  EXPECT_EQ(decode(decoder, bytes("4803333037c1c0bf")).fields,
            (Fields{{":status", "307"},
                    {"cache-control", "private"},
                    {"date", "Mon, 21 Oct 2013 20:13:21 GMT"},
                    {"location", "https://www.example.com"}}));
  const Fields third =
      decode(decoder, bytes("88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a"
                            "04677a69707738666f6f3d4153444a4b48514b425a584f5157454f5049554158515745"
                            "4f49553b206d61782d6167653d333630303b2076657273696f6e3d31"))
          .fields;
  ASSERT_EQ(third.size(), 6U);
  EXPECT_EQ(third[5].second, "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
}

// ---- what is refused

TEST(Hpack, RefusesBrokenBlocks) {
  for (const char* hex : {"80", "be", "ff", "ffffffffff7f", "40", "4001", "400178", "40017803",
                          "3fe21f", "8220", "00017884ffffffff", "0001788118", "000178821fff"}) {
    Decoder decoder(4096);
    EXPECT_TRUE(decode(decoder, bytes(hex)).broken) << hex;
  }
}

TEST(Hpack, ASmallerTableMustBeAcknowledgedFirst) {
  Decoder decoder(100);
  EXPECT_FALSE(decode(decoder, bytes("82")).broken);
  decoder.settings_acknowledged();
  Decoder copy(100);
  copy.settings_acknowledged();
  EXPECT_TRUE(decode(copy, bytes("82")).broken);
  EXPECT_FALSE(decode(decoder, bytes("3f4582")).broken);  // 100
  EXPECT_TRUE(decode(decoder, bytes("3f4682")).broken);   // 101
}

TEST(Hpack, SaysWhichBlocksMeanTheSameAgain) {
  Decoder decoder(4096);
  EXPECT_TRUE(decode(decoder, bytes("828684")).repeatable);
  EXPECT_TRUE(decode(decoder, bytes("0001780179")).repeatable);
  const uint32_t before = decoder.generation();
  EXPECT_FALSE(decode(decoder, bytes("4001780179")).repeatable);
  EXPECT_NE(decoder.generation(), before);
  EXPECT_TRUE(decode(decoder, bytes("be")).repeatable);
}

TEST(Hpack, ANameOfAnEntryThatIsPushedOutIsStillRight) {
  Decoder decoder(4096);
  const std::string name(100, 'n');
  std::string block = "\x40";
  block += static_cast<char>(name.size());
  block += name;
  block += "\x01v";
  ASSERT_FALSE(decode(decoder, block).broken);
  // The same name with a value so large that the old entry has to go, then one that fits nowhere.
  for (const size_t size : {4096UL - 32 - 100, 4096UL - 32 - 99}) {
    std::string next = "\x7e";  // literal with indexing, name 62
    const size_t rest = size - 127;
    next += static_cast<char>(127);
    next += static_cast<char>(0x80 | (rest & 127));
    next += static_cast<char>(rest >> 7);
    next += std::string(size, 'w');
    const Decoded decoded = decode(decoder, next);
    ASSERT_FALSE(decoded.broken);
    EXPECT_EQ(decoded.fields[0].first, name);
    EXPECT_EQ(decoded.fields[0].second.size(), size);
  }
}

// ---- against nghttp2

struct Inflater {
  Inflater() { nghttp2_hd_inflate_new(&native); }
  ~Inflater() { nghttp2_hd_inflate_del(native); }
  // nullopt: broken.
  std::optional<Fields> decode(std::string_view block) const {
    Fields fields;
    std::vector<uint8_t> copy(block.begin(), block.end());
    const uint8_t* at = copy.data();
    size_t left = copy.size();
    while (true) {
      nghttp2_nv nv;
      int flags = 0;
      const ssize_t n = nghttp2_hd_inflate_hd2(native, &nv, &flags, at, left, 1);
      if (n < 0) return std::nullopt;
      at += n;
      left -= static_cast<size_t>(n);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.emplace_back(std::string(reinterpret_cast<char*>(nv.name), nv.namelen),
                            std::string(reinterpret_cast<char*>(nv.value), nv.valuelen));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
    }
    nghttp2_hd_inflate_end_headers(native);
    return fields;
  }
  nghttp2_hd_inflater* native = nullptr;
};

std::string random_text(base::Random& random, size_t size_max, bool any_byte) {
  std::string text(random.below(size_max + 1), ' ');
  for (char& c : text) {
    c = any_byte ? static_cast<char>(random.below(256))
                 : static_cast<char>("abcdefghijklmnopqrstuvwxyz-0123456789"[random.below(37)]);
  }
  return text;
}

Fields random_fields(base::Random& random) {
  static const std::vector<std::string> kNames = {
      ":method",    ":path",  ":status", "content-type", "grpc-status",
      "user-agent", "cookie", "x-trace", "date",         "authorization"};
  Fields fields;
  const size_t count = random.below(12);
  for (size_t i = 0; i < count; ++i) {
    std::string name = random.below(3) == 0 ? "n" + random_text(random, 20, false)
                                            : kNames[random.below(kNames.size())];
    std::string value =
        random.below(4) == 0 ? random_text(random, 600, true) : std::to_string(random.below(8));
    fields.emplace_back(std::move(name), std::move(value));
  }
  return fields;
}

TEST(Hpack, WhatWeEncodeNghttp2Decodes) {
  base::Random random(1);
  for (int round = 0; round < 50; ++round) {
    Encoder encoder;
    const Inflater inflater;
    for (int i = 0; i < 200; ++i) {
      if (random.below(20) == 0) {
        const auto size = static_cast<uint32_t>(random.below(5000));
        encoder.set_peer_limit(size);
        nghttp2_hd_inflate_change_table_size(inflater.native, std::min<size_t>(size, 4096));
      }
      const Fields fields = random_fields(random);
      std::string block;
      encoder.begin(block);
      for (const auto& [name, value] : fields) encoder.field(name, value, block);
      const auto decoded = inflater.decode(block);
      ASSERT_TRUE(decoded.has_value()) << round << " " << i;
      ASSERT_EQ(*decoded, fields) << round << " " << i;
    }
  }
}

TEST(Hpack, WhatNghttp2EncodesWeDecode) {
  base::Random random(2);
  for (int round = 0; round < 50; ++round) {
    nghttp2_hd_deflater* deflater = nullptr;
    nghttp2_hd_deflate_new(&deflater, 4096);
    Decoder decoder(4096);
    for (int i = 0; i < 200; ++i) {
      if (random.below(20) == 0) nghttp2_hd_deflate_change_table_size(deflater, random.below(5000));
      const Fields fields = random_fields(random);
      std::vector<nghttp2_nv> nva;
      for (const auto& [name, value] : fields) {
        nva.push_back({.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                       .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
                       .namelen = name.size(),
                       .valuelen = value.size(),
                       .flags = NGHTTP2_NV_FLAG_NONE});
      }
      std::string block(nghttp2_hd_deflate_bound(deflater, nva.data(), nva.size()), '\0');
      const ssize_t n = nghttp2_hd_deflate_hd(deflater, reinterpret_cast<uint8_t*>(block.data()),
                                              block.size(), nva.data(), nva.size());
      ASSERT_GE(n, 0);
      const Decoded decoded =
          decode(decoder, std::string_view(block).substr(0, static_cast<size_t>(n)));
      ASSERT_FALSE(decoded.broken) << round << " " << i;
      ASSERT_EQ(decoded.fields, fields) << round << " " << i;
    }
    nghttp2_hd_deflate_del(deflater);
  }
}

TEST(Hpack, BothAgreeOnRandomBytes) {
  base::Random random(3);
  size_t broken = 0;
  size_t fine = 0;
  for (int round = 0; round < 60'000; ++round) {
    Decoder decoder(4096);
    const Inflater inflater;
    for (int i = 0; i < 5; ++i) {
      std::string block = random_text(random, 40, true);
      // Mostly instructions that exist, short strings.
      for (char& c : block) {
        if (random.below(2) == 0)
          c = static_cast<char>(
              "\x82\x84\xbe\xbf\x40\x00\x01\x02\x41\x20\x3f\x81\x61\x10\x5f"[random.below(15)]);
      }
      const Decoded ours = decode(decoder, block);
      const auto theirs = inflater.decode(block);
      ASSERT_EQ(ours.broken, !theirs.has_value())
          << round << ":" << i << " "
          << ::testing::PrintToString(std::vector<int>(block.begin(), block.end()));
      if (ours.broken) {
        ++broken;
        break;
      }
      ++fine;
      ASSERT_EQ(ours.fields, *theirs);
    }
  }
  EXPECT_GT(broken, 1000U);
  EXPECT_GT(fine, 1000U);
}

}  // namespace
}  // namespace layotto::http::hpack
