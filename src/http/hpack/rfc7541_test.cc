// RFC 7541, every requirement that a peer's encoder can break, one named case each; what a decoder
// must take is there too. A broken block costs the connection (RFC 9113 §4.3, COMPRESSION_ERROR:
// h2/rfc9113_frames_test.cc).
//
//   §2.3.3, §6.1   indices: not 0, within both tables, not of an entry that is gone
//   §4.2, §6.3     table size updates: at the beginning, within the limit, said when it has shrunk
//   §4.3, §4.4     what is evicted, and a field larger than the table
//   §5.1           integers: they end, and are of a sensible size
//   §5.2, App. B   strings: they end; Huffman without EOS, padded with at most seven ones
//   §6.2           literals, with names of their own and from the tables
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "http/hpack/decoder.h"
#include "http/hpack/huffman.h"

namespace layotto::http::hpack {
namespace {

using namespace std::string_literals;
using Fields = std::vector<std::pair<std::string, std::string>>;

std::string bytes(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += hex[i] == ' ' ? 1 : 2) {
    if (hex[i] != ' ')
      out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

// nullopt: broken.
std::optional<Fields> decode(Decoder& decoder, std::string_view block) {
  // An exact copy on the heap, so that a sanitizer sees reads beyond it.
  const std::vector<char> copy(block.begin(), block.end());
  FieldReader reader(decoder, {copy.data(), copy.size()});
  Fields fields;
  while (const Field* field = reader.next()) fields.emplace_back(field->name, field->value);
  if (reader.broken()) return std::nullopt;
  return fields;
}

// ---- one block each, to a decoder that has seen nothing but "x: y", entry 62

struct Case {
  const char* name;
  std::string hex;
  // nullopt: it is broken.
  std::optional<Fields> fields;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

const Fields kMethodGet = {{":method", "GET"}};
const auto kBroken = std::nullopt;

std::vector<Case> cases() {
  return {
      {"S2_3_3_LastEntryOfTheStaticTable", "bd", Fields{{"www-authenticate", ""}}},
      {"S2_3_3_FirstEntryOfTheDynamicTable", "be", Fields{{"x", "y"}}},
      {"S2_3_3_IndexBeyondTheDynamicTable", "bf", kBroken},
      {"S2_3_3_IndexFarBeyondTheDynamicTable", "ffffff03", kBroken},
      {"S6_1_IndexZero", "80", kBroken},
      {"S6_1_IndexZeroBehindAField", "8280", kBroken},

      {"S4_2_UpdateUpToTheLimit", "3fe11f82", kMethodGet},
      {"S4_2_UpdateAboveTheLimit", "3fe21f82", kBroken},
      {"S4_2_UpdateFarAboveTheLimit", "3fffffff0782", kBroken},
      {"S4_2_SeveralUpdates", "203fe11f2082", kMethodGet},
      {"S4_2_SecondUpdateAboveTheLimit", "203fe21f82", kBroken},
      {"S4_2_UpdateBehindAnIndexedField", "8220", kBroken},
      {"S4_2_UpdateBehindALiteral", "0001780179 20", kBroken},
      {"S4_2_UpdateBetweenFields", "822082", kBroken},
      {"S4_2_UpdateAndNothingElse", "20", Fields{}},
      {"S4_2_NothingAtAll", "", Fields{}},
      {"S4_3_AnEntryIsGoneAfterAnUpdateToZero", "20be", kBroken},
      {"S4_3_AnEntryIsGoneThoughTheTableIsLargeAgain", "203fe11fbe", kBroken},
      {"S4_3_AnEntryStaysWhileItFits", "3f03be", Fields{{"x", "y"}}},  // 34
      {"S4_3_AnEntryIsGoneWhenItDoesNotFit", "3f02be", kBroken},       // 33
      {"S4_4_AFieldLargerThanTheTableEmptiesIt", "3f03 4001610162 62 be", kBroken},

      {"S5_1_IntegerOfSeveralBytes", "0f2f0179", Fields{{"x", "y"}}},  // name 62
      {"S5_1_IntegerWithZerosAtItsEnd", "ffbf8000", kBroken},          // 190
      {"S5_1_IntegerPaddedWithZeros", "0faf800001 79", Fields{{"x", "y"}}},
      {"S5_1_IntegerPaddedForEver", "0fafffffffffffffff00", kBroken},
      {"S5_1_IntegerWithoutItsEnd", "ff", kBroken},
      {"S5_1_IntegerWithoutItsEndLonger", "ffffff", kBroken},
      {"S5_1_IntegerAbove31Bits", "ffffffffff07", kBroken},
      {"S5_1_IntegerAbove64Bits", "ffffffffffffffffffffff01", kBroken},
      {"S5_1_UpdateWithoutItsEnd", "3f", kBroken},
      {"S5_1_LengthWithoutItsEnd", "00 01 78 7f", kBroken},
      {"S5_1_LengthAbove32Bits", "0001787f ffffffff7f 79", kBroken},

      {"S5_2_EmptyStrings", "000000", Fields{{"", ""}}},
      {"S5_2_StringLongerThanTheBlock", "0001780379", kBroken},
      {"S5_2_NameLongerThanTheBlock", "000578", kBroken},
      {"S5_2_NameMissing", "00", kBroken},
      {"S5_2_ValueMissing", "000178", kBroken},
      {"S5_2_HuffmanStringLongerThanTheBlock", "00017885f3", kBroken},
      {"S5_2_EmptyHuffmanString", "0001 7880", Fields{{"x", ""}}},
      {"S5_2_HuffmanOfOneSymbol", "00017881f3", Fields{{"x", "x"}}},
      {"S5_2_HuffmanInAName", "0081f30179", Fields{{"x", "y"}}},
      {"S5_2_HuffmanThatEndsWithAByte", "00017885 fffffffc 1f", kBroken},
      {"S5_2_PaddingOfSevenOnes", "00017883fe2e7f", Fields{{"x", "!:"}}},
      {"S5_2_PaddingOfEightOnes", "00017882f3ff", kBroken},
      {"S5_2_NothingButPadding", "00017881ff", kBroken},
      {"S5_2_PaddingOfZeros", "00017881f0", kBroken},
      {"S5_2_PaddingThatEndsWithAZero", "00017881f2", kBroken},
      {"S5_2_EndOfStringInsideAString", "00017885fffffffff3", kBroken},
      {"S5_2_EndOfStringAtTheEnd", "00017884ffffffff", kBroken},
      {"S5_2_EndOfStringInAName", "0084ffffffff0179", kBroken},
      {"S5_2_CodeCutOff", "00017882fffe", kBroken},

      {"S6_2_1_LiteralWithIndexingIsAnEntryThen", "40016101 62be", Fields{{"a", "b"}, {"a", "b"}}},
      {"S6_2_1_LiteralWithIndexingAndAnIndexedName", "7e017abe", Fields{{"x", "z"}, {"x", "z"}}},
      {"S6_2_1_NameIndexBeyondTheTables", "7f000179", kBroken},
      {"S6_2_2_LiteralWithoutIndexingIsNoEntry", "0001610162bf", kBroken},
      {"S6_2_2_NameIndexBeyondTheTables", "0f300179", kBroken},
      {"S6_2_3_LiteralNeverIndexedIsNoEntry", "1001610162bf", kBroken},
      {"S6_2_3_LiteralNeverIndexedIsTaken", "1001610162", Fields{{"a", "b"}}},
      {"S6_2_3_NameIndexBeyondTheTables", "1f300179", kBroken},
      {"S6_2_3_NameFromTheStaticTable", "12024142", Fields{{":method", "AB"}}},
  };
}

class Rfc7541 : public testing::TestWithParam<Case> {};

TEST_P(Rfc7541, IsKept) {
  Decoder decoder(4096);
  ASSERT_TRUE(decode(decoder, bytes("4001780179")).has_value());
  EXPECT_EQ(decode(decoder, bytes(GetParam().hex)), GetParam().fields);
}

INSTANTIATE_TEST_SUITE_P(Case, Rfc7541, testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

// ---- what takes several blocks

TEST(Rfc7541Table, S2_3_2_TheNewestEntryIsTheFirst) {
  Decoder decoder(4096);
  ASSERT_TRUE(decode(decoder, bytes("4001610131 4001620132")).has_value());
  EXPECT_EQ(decode(decoder, bytes("bebf")), (Fields{{"b", "2"}, {"a", "1"}}));
}

TEST(Rfc7541Table, S2_3_2_EntriesMayBeThereTwice) {
  Decoder decoder(4096);
  EXPECT_EQ(decode(decoder, bytes("4001610131 4001610131 bebf")),
            (Fields{{"a", "1"}, {"a", "1"}, {"a", "1"}, {"a", "1"}}));
}

TEST(Rfc7541Table, S4_1_AnEntryCountsThirtyTwoBytesMoreThanItsTexts) {
  Decoder decoder(4096);
  // Two entries of 34 bytes fit into 68, not into 67.
  ASSERT_TRUE(decode(decoder, bytes("3f25 4001610131 4001620132")).has_value());
  EXPECT_EQ(decode(decoder, bytes("bf")), (Fields{{"a", "1"}}));
  EXPECT_EQ(decode(decoder, bytes("3f24 be")), (Fields{{"b", "2"}}));
  EXPECT_EQ(decode(decoder, bytes("bf")), std::nullopt);
}

// §4.2: a limit that shrinks must be said before the next field, in the first block.
TEST(Rfc7541Table, S4_2_AShrunkLimitMustBeSaidAtOnce) {
  for (const char* block : {"82", "0001780179", "4001780179", "", "3f4682", "3fe11f82"}) {
    Decoder decoder(100);
    decoder.settings_acknowledged();
    EXPECT_EQ(decode(decoder, bytes(block)), std::nullopt) << block;
  }
  for (const char* block : {"3f4582", "2082", "20", "203f4582", "3e82"}) {
    Decoder decoder(100);
    decoder.settings_acknowledged();
    EXPECT_NE(decode(decoder, bytes(block)), std::nullopt) << block;
    EXPECT_EQ(decode(decoder, bytes("82")), kMethodGet) << block;
  }
}

TEST(Rfc7541Table, S4_2_AfterTheLimitHasShrunkTheOldOneIsNotTaken) {
  Decoder decoder(100);
  decoder.settings_acknowledged();
  ASSERT_EQ(decode(decoder, bytes("3f4582")), kMethodGet);
  EXPECT_EQ(decode(decoder, bytes("3f4682")), std::nullopt);
}

TEST(Rfc7541Table, S4_2_BeforeItIsAcknowledgedTheDefaultHolds) {
  Decoder decoder(100);
  EXPECT_EQ(decode(decoder, bytes("3fe11f82")), kMethodGet);  // 4096
}

TEST(Rfc7541Table, S4_4_AFieldLargerThanTheTableIsNoError) {
  Decoder decoder(4096);
  ASSERT_TRUE(decode(decoder, bytes("3f03 4001610131")).has_value());  // 34 bytes, full
  EXPECT_EQ(decode(decoder, bytes("400162023333")), (Fields{{"b", "33"}}));
  EXPECT_EQ(decode(decoder, bytes("be")), std::nullopt) << "the table is empty";
}

TEST(Rfc7541Table, S4_4_ANameMayBeThatOfAnEntryItPushesOut) {
  Decoder decoder(4096);
  ASSERT_TRUE(decode(decoder, bytes("3f03 4001610131")).has_value());
  EXPECT_EQ(decode(decoder, bytes("7e0132")), (Fields{{"a", "2"}}));
  EXPECT_EQ(decode(decoder, bytes("be")), (Fields{{"a", "2"}}));
  EXPECT_EQ(decode(decoder, bytes("bf")), std::nullopt);
}

TEST(Rfc7541Table, S4_3_MoreEntriesThanFitPushOutTheOldest) {
  Decoder decoder(4096);
  // An empty entry counts 32 bytes: 128 fit.
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(decode(decoder, bytes("400000")).has_value());
  EXPECT_EQ(decode(decoder, bytes("ff3e")), (Fields{{"", ""}}));  // 62 + 127
  EXPECT_EQ(decode(decoder, bytes("ff3f")), std::nullopt);        // 62 + 128
}

// ---- Huffman, Appendix B

// Every text of one byte, padded as it should be, and as it should not.
TEST(Rfc7541Huffman, NoPaddingButOnesIsTaken) {
  size_t taken = 0;
  for (int first = 0; first < 256; ++first) {
    std::array<char, 8> out;
    const std::string coded(1, static_cast<char>(first));
    const auto size = huffman_decode(coded, out.data());
    if (!size.has_value()) continue;
    ++taken;
    // Codes of five to eight bits; what is left of the byte is ones.
    ASSERT_EQ(*size, 1) << first;
    for (int bit = 0; bit < 3; ++bit) {
      const int flipped = first ^ (1 << bit);
      const std::string other(1, static_cast<char>(flipped));
      const auto again = huffman_decode(other, out.data());
      if (!again.has_value()) continue;
      EXPECT_EQ(*again, 1) << first << " " << flipped;
    }
  }
  // 10 codes of five bits, 26 of six, 32 of seven, 6 of eight.
  EXPECT_EQ(taken, 10 + 26 + 32 + 6);
}

TEST(Rfc7541Huffman, NeverWritesMoreThanItSays) {
  // The shortest codes: eight symbols of five bits in five bytes.
  const std::string coded(1000, '\0');
  std::string out(huffman_decoded_max(coded.size()) + 1, '#');
  const auto size = huffman_decode(coded, out.data());
  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(*size, 1600);
  EXPECT_LE(*size, huffman_decoded_max(coded.size()));
  EXPECT_EQ(out.substr(0, *size), std::string(1600, '0'));
}

}  // namespace
}  // namespace layotto::http::hpack
