#include "telemetry/line.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "telemetry/utf8.h"

namespace layotto::telemetry {
namespace {

class LineTest : public ::testing::Test {
 protected:
  Line line(size_t bytes_max = 256) { return {buffer_.data(), bytes_max, seconds_}; }
  std::string escaped(std::string_view text, Escaping escaping) {
    Line out(buffer_.data(), buffer_.size() - Line::kSlackBytes, seconds_);
    out.escape_as(escaping);
    out.text(text);
    return std::string(out.view());
  }
  std::string value(std::string_view text) {
    Line out = line();
    out.value(text);
    return std::string(out.view());
  }
  std::string stamp(int64_t milliseconds) {
    Line out = line();
    out.timestamp(WallTime(std::chrono::milliseconds(milliseconds)));
    return std::string(out.view());
  }

  std::array<char, 4096> buffer_;
  TimeText seconds_;
};

TEST_F(LineTest, WritesTimesWithMilliseconds) {
  EXPECT_EQ(stamp(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(stamp(1'767'323'045'678), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(stamp(1'767'323'045'009), "2026-01-02T03:04:05.009Z");
  EXPECT_EQ(stamp(1'767'323'046'010), "2026-01-02T03:04:06.010Z");
  EXPECT_EQ(stamp(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(stamp(4'102'444'799'999), "2099-12-31T23:59:59.999Z");
  EXPECT_EQ(stamp(-5), "1970-01-01T00:00:00.000Z");
}

TEST_F(LineTest, WritesNumbersDurationsAndIds) {
  Line out = line();
  for (const uint64_t number : {0UL, 9UL, 10UL, 99UL, 100UL, 999UL, 1000UL, 12345UL, 1234567UL}) {
    Line each = line();
    each.integer(number);
    EXPECT_EQ(each.view(), std::to_string(number));
  }
  Line smallest = line();
  smallest.integer(INT64_MIN);
  EXPECT_EQ(smallest.view(), "-9223372036854775808");
  out.integer(-12);
  out.raw(' ');
  out.integer(UINT64_MAX);
  out.raw(' ');
  out.number(0.25);
  out.raw(' ');
  out.milliseconds(std::chrono::microseconds(12'999));
  out.raw(' ');
  out.milliseconds_exact(std::chrono::microseconds(12'009));
  out.raw(' ');
  out.milliseconds_exact(std::chrono::nanoseconds(-1'500));
  out.raw(' ');
  out.hex(std::array<uint8_t, 3>{0x00, 0xab, 0x0f});
  EXPECT_EQ(out.view(), "-12 18446744073709551615 0.25 12 12.009 -0.001 00ab0f");
  EXPECT_FALSE(out.cut());
}

TEST_F(LineTest, EscapesWhatCouldBreakALine) {
  EXPECT_EQ(escaped("plain text = fine", Escaping::kText), "plain text = fine");
  EXPECT_EQ(escaped("a\"b\\c\nd\te\x01\x7f\x1b[0m", Escaping::kText),
            "a\\\"b\\\\c\\nd\\te\\x01\\x7f\\x1b[0m");
  EXPECT_EQ(escaped("gr\xC3\xBC\xC3\x9F", Escaping::kText), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(escaped("bad\xFFutf\xC3", Escaping::kText), "bad\\xffutf\\xc3");
  EXPECT_EQ(escaped("c1\xC2\x9B", Escaping::kText), "c1\\x9b");
}

TEST_F(LineTest, EscapesForJson) {
  EXPECT_EQ(escaped("a\"b\\c\nd\te\x01", Escaping::kJson), "a\\\"b\\\\c\\nd\\te\\u0001");
  EXPECT_EQ(escaped("bad\xFFutf", Escaping::kJson), "bad\xEF\xBF\xBDutf");
  EXPECT_EQ(escaped("\xF0\x9F\x98\x80\xC2\x85", Escaping::kJson), "\xF0\x9F\x98\x80\\u0085");
}

TEST_F(LineTest, FindsTheOneByteToEscapeAtEveryPlaceAndLength) {
  for (const char bad : {'\n', '"', '\\', '\x7f', '\xff', '\x1f', '\0'}) {
    for (size_t size = 1; size <= 70; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, 'a');
        text[at] = bad;
        const std::string got = escaped(text, Escaping::kText);
        ASSERT_GT(got.size(), size) << size << " " << at;
        ASSERT_EQ(got.substr(0, at), text.substr(0, at));
        ASSERT_EQ(got[at], '\\');
      }
      const std::string plain(size, '~');
      ASSERT_EQ(escaped(plain, Escaping::kText), plain);
    }
  }
}

TEST_F(LineTest, NeverWritesARawControlCharacterOrBrokenUtf8) {
  Random random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random.below(40), '\0');
    for (char& c : text) {
      constexpr std::string_view kNasty = "\"\\\n\xC2\x9B\xE2\x80\xA8\xF0\x9F\x98\x80\xFF=a ";
      c = random.below(3) == 0 ? static_cast<char>(random.next())
                               : kNasty[random.below(kNasty.size())];
    }
    for (const Escaping escaping : {Escaping::kText, Escaping::kJson}) {
      Line out = line(20 + random.below(60));
      out.escape_as(escaping);
      out.text(text);
      std::string_view rest = out.view();
      while (!rest.empty()) {
        const size_t length = utf8_length(rest);
        ASSERT_NE(length, 0U);
        ASSERT_GE(static_cast<uint8_t>(rest[0]), 0x20);
        if (rest[0] == '\\') {  // whole escapes only
          const size_t escape = rest[1] == 'x' ? 4 : rest[1] == 'u' ? 6 : 2;
          ASSERT_GE(rest.size(), escape);
          rest.remove_prefix(escape);
        } else {
          ASSERT_NE(rest[0], '"');
          rest.remove_prefix(length);
        }
      }
    }
  }
}

TEST_F(LineTest, QuotesValuesOnlyWhereNeeded) {
  EXPECT_EQ(value("redis-1:6379"), "redis-1:6379");
  EXPECT_EQ(value(""), "\"\"");
  EXPECT_EQ(value("two words"), "\"two words\"");
  EXPECT_EQ(value("a=b"), "\"a=b\"");
  EXPECT_EQ(value("say \"hi\"\n"), "\"say \\\"hi\\\"\\n\"");
  EXPECT_EQ(value("gr\xC3\xBC\xC3\x9F"), "\"gr\xC3\xBC\xC3\x9F\"");
}

TEST_F(LineTest, CutsWhatDoesNotFitAtACharacter) {
  Line out = line(5);
  out.text("ab\xC3\xBC\xC3\x9F");
  EXPECT_EQ(out.view(), "ab\xC3\xBC");
  EXPECT_TRUE(out.cut());

  Line escape = line(5);
  escape.text("ab\x01");
  EXPECT_EQ(escape.view(), "ab");

  Line plain = line(5);
  plain.raw("1234567");
  plain.raw('8');
  EXPECT_EQ(plain.view(), "12345");

  Line number = line(5);
  number.integer(123456);
  EXPECT_EQ(number.view(), "");
  EXPECT_TRUE(number.cut());
  number.timestamp(WallTime());
  number.number(1.0 / 3);
  number.hex(std::array<uint8_t, 3>{});
  number.milliseconds_exact(std::chrono::seconds(1));
  EXPECT_EQ(number.view(), "");

  Line negative = line(5);
  negative.integer(-12345);
  EXPECT_EQ(negative.view(), "");
  negative.integer(-1234);  // what fits is still written
  EXPECT_EQ(negative.view(), "-1234");

  Line quoted = line(5);
  quoted.value("a b c d");
  EXPECT_EQ(quoted.view(), "\"a b\"");
  Line no_room = line(1);
  no_room.value("a b");
  EXPECT_EQ(no_room.view(), "");
  EXPECT_TRUE(no_room.cut());
}

TEST(Utf8, KnowsWhatIsValid) {
  EXPECT_EQ(utf8_length(""), 0U);
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("\xC3\xBC!"), 2U);
  EXPECT_EQ(utf8_length("\xE2\x82\xAC"), 3U);
  EXPECT_EQ(utf8_length("\xF4\x8F\xBF\xBF"), 4U);
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(utf8_length(bad), 0U);
  }
  EXPECT_EQ(valid_utf8("a\xC3\xBC\xC3\xBC", 4), "a\xC3\xBC");
}

}  // namespace
}  // namespace layotto::telemetry
