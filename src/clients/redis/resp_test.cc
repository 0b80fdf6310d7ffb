#include "clients/redis/resp.h"

#include <gtest/gtest.h>

namespace layotto::clients::redis {
namespace {

using Outcome = RespParser::Outcome;

// Feeds `bytes` in pieces of the sizes given (the last takes the rest); the replies as text, then
// what was wrong, if something was.
std::vector<std::string> parse(std::string_view bytes, std::vector<size_t> cuts = {},
                               RespParser::Limits limits = {}) {
  RespParser parser(limits);
  std::vector<std::string> said;
  cuts.push_back(bytes.size());
  size_t from = 0;
  for (const size_t cut : cuts) {
    // A buffer of its own, so that reading beyond it is seen.
    const std::vector<char> piece(bytes.begin() + static_cast<ptrdiff_t>(from),
                                  bytes.begin() + static_cast<ptrdiff_t>(std::max(cut, from)));
    from = std::max(cut, from);
    parser.feed({piece.data(), piece.size()});
    Outcome outcome;
    while ((outcome = parser.next()) == Outcome::kReply) said.push_back(parser.reply().to_string());
    if (outcome == Outcome::kBroken) {
      said.push_back("broken: " + std::string(parser.problem()));
      EXPECT_EQ(parser.next(), Outcome::kBroken) << "broken is for ever";
      return said;
    }
  }
  if (parser.held() > 0) said.push_back("incomplete");
  return said;
}

std::string parse_one(std::string_view bytes, RespParser::Limits limits = {}) {
  const std::vector<std::string> said = parse(bytes, {}, limits);
  return said.size() == 1 ? said[0] : fmt::format("{} answers", said.size());
}

const std::string_view kEveryType =
    "+OK\r\n"
    "-ERR no\r\n"
    ":-42\r\n"
    ":+7\r\n"
    "$5\r\nhe\r\no\r\n"
    "$0\r\n\r\n"
    "$-1\r\n"
    "*-1\r\n"
    "_\r\n"
    "#t\r\n"
    "#f\r\n"
    ",1.5e-3\r\n"
    ",-inf\r\n"
    ",nan\r\n"
    "(-123456789012345678901234567890\r\n"
    "!8\r\nERR a\r\nb\r\n"
    "=7\r\ntxt:a\rb\r\n"
    "*0\r\n"
    "*3\r\n:1\r\n*2\r\n+a\r\n$1\r\nb\r\n_\r\n"
    "%2\r\n+first\r\n:1\r\n+second\r\n%1\r\n+x\r\n*0\r\n"
    "~2\r\n:1\r\n:2\r\n"
    ">2\r\n+message\r\n$2\r\nhi\r\n"
    "|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n:2\r\n:3\r\n";

const std::vector<std::string> kEveryTypeSaid = {
    "OK",
    "-ERR no",
    "-42",
    "+7",
    "\"he\\x0d\\x0ao\"",
    "\"\"",
    "null",
    "null",
    "null",
    "true",
    "false",
    "1.5e-3",
    "-inf",
    "nan",
    "-123456789012345678901234567890",
    "-ERR a\r\nb",
    "\"a\\x0db\"",
    "{}",
    "{1, {a, \"b\"}, null}",
    "map{first, 1, second, map{x, {}}}",
    "set{1, 2}",
    "push{message, \"hi\"}",
    "{1, 3}",
};

TEST(RespParser, UnderstandsEveryType) { EXPECT_EQ(parse(kEveryType), kEveryTypeSaid); }

TEST(RespParser, TakesRepliesCutAnywhere) {
  for (size_t cut = 0; cut <= kEveryType.size(); ++cut) {
    EXPECT_EQ(parse(kEveryType, {cut}), kEveryTypeSaid) << cut;
  }
}

TEST(RespParser, TakesRepliesCutTwiceAnywhere) {
  for (size_t first = 0; first <= kEveryType.size(); first += 3) {
    for (size_t second = first; second <= kEveryType.size(); ++second) {
      ASSERT_EQ(parse(kEveryType, {first, second}), kEveryTypeSaid) << first << " " << second;
    }
  }
}

TEST(RespParser, TakesRepliesByteByByte) {
  std::vector<size_t> cuts;
  for (size_t i = 0; i < kEveryType.size(); ++i) cuts.push_back(i);
  EXPECT_EQ(parse(kEveryType, cuts), kEveryTypeSaid);
}

TEST(RespParser, SaysIncompleteForEveryPrefixOfAReply) {
  const std::string_view reply = "*2\r\n$3\r\nabc\r\n%1\r\n+k\r\n(12\r\n";
  for (size_t size = 1; size < reply.size(); ++size) {
    EXPECT_EQ(parse_one(reply.substr(0, size)), "incomplete") << size;
  }
}

TEST(RespParser, DoesNotCopyAReplyThatIsThere) {
  const std::string bytes = "$5\r\nhello\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$9\r\nnot";
  RespParser parser;
  parser.feed(bytes);
  ASSERT_EQ(parser.next(), Outcome::kReply);
  EXPECT_EQ(parser.reply().text().data(), bytes.data() + 4);
  ASSERT_EQ(parser.next(), Outcome::kReply);
  EXPECT_EQ(parser.reply()[1].text(), "b");
  EXPECT_GE(parser.reply()[1].text().data(), bytes.data());
  EXPECT_LT(parser.reply()[1].text().data(), bytes.data() + bytes.size());
  EXPECT_EQ(parser.held(), 0U);
  ASSERT_EQ(parser.next(), Outcome::kMore);
  EXPECT_EQ(parser.held(), 7U) << "only what is incomplete";
  parser.feed("_there\r\n+next\r\n");
  ASSERT_EQ(parser.next(), Outcome::kReply);
  EXPECT_EQ(parser.reply().text(), "not_there");
  ASSERT_EQ(parser.next(), Outcome::kReply);
  EXPECT_EQ(parser.reply().text(), "next");
}

TEST(RespParser, StepsOverNestedElements) {
  RespParser parser;
  parser.feed("*3\r\n*2\r\n:1\r\n%1\r\n+a\r\n+b\r\n+x\r\n~0\r\n");
  ASSERT_EQ(parser.next(), Outcome::kReply);
  const Reply reply = parser.reply();
  ASSERT_EQ(reply.size(), 3U);
  EXPECT_EQ(reply[0].type(), RespType::kArray);
  EXPECT_EQ(reply[0][1].type(), RespType::kMap);
  EXPECT_EQ(reply[0][1].size(), 2U);
  EXPECT_EQ(reply[1].text(), "x");
  EXPECT_EQ(reply[2].size(), 0U);
  size_t n = 0;
  for (const Reply each : reply) n += each.is_collection() ? 1 : 0;
  EXPECT_EQ(n, 2U);
}

TEST(RespParser, GivesTheWholeRangeOfIntegers) {
  RespParser parser;
  parser.feed(":9223372036854775807\r\n:-9223372036854775808\r\n");
  ASSERT_EQ(parser.next(), Outcome::kReply);
  EXPECT_EQ(parser.reply().integer(), INT64_MAX);
  ASSERT_EQ(parser.next(), Outcome::kReply);
  EXPECT_EQ(parser.reply().integer(), INT64_MIN);
}

TEST(RespParser, RefusesWhatIsMalformed) {
  struct Case {
    std::string_view bytes;
    std::string_view problem;
  };
  const Case cases[] = {
      {"x\r\n", "a value of an unknown type"},
      {"HTTP/1.1 400 Bad Request\r\n", "a value of an unknown type"},
      {"\r\n", "a line does not end in CRLF"},
      {"+OK\n", "a line does not end in CRLF"},
      {"+a\rb\r\n", "a carriage return within a line"},
      {"+a\r\r\n", "a carriage return within a line"},
      {":\r\n", "an integer that is none or beyond 64 bits"},
      {":1a\r\n", "an integer that is none or beyond 64 bits"},
      {":-\r\n", "an integer that is none or beyond 64 bits"},
      {":--1\r\n", "an integer that is none or beyond 64 bits"},
      {": 1\r\n", "an integer that is none or beyond 64 bits"},
      {":9223372036854775808\r\n", "an integer that is none or beyond 64 bits"},
      {":-9223372036854775809\r\n", "an integer that is none or beyond 64 bits"},
      {"$\r\n", "a string with a length that is none"},
      {"$-2\r\n", "a string with a length that is none"},
      {"$+1\r\na\r\n", "a string with a length that is none"},
      {"$99999999999999999999\r\n", "a string with a length that is none"},
      {"$1\r\nab\r\n", "a string that is not followed by CRLF"},
      {"$1\r\na\n\n", "a string that is not followed by CRLF"},
      {"$?\r\n", "a streamed string, which is not supported"},
      {";4\r\nabcd\r\n", "a part of a streamed value, which is not supported"},
      {".\r\n", "a part of a streamed value, which is not supported"},
      {"*?\r\n", "a streamed collection, which is not supported"},
      {"%?\r\n", "a streamed collection, which is not supported"},
      {"*-2\r\n", "a collection with a size that is none"},
      {"%-1\r\n", "a collection with a size that is none"},
      {"~-1\r\n", "a collection with a size that is none"},
      {"!-1\r\n", "a string with a length that is none"},
      {"*1\r\n>1\r\n+a\r\n", "a push message within a reply"},
      {"_x\r\n", "a null with something behind it"},
      {"#x\r\n", "a boolean that is neither t nor f"},
      {"#\r\n", "a boolean that is neither t nor f"},
      {",\r\n", "a double that is no number"},
      {",1.\r\n", "a double that is no number"},
      {",.5\r\n", "a double that is no number"},
      {",1e\r\n", "a double that is no number"},
      {",infinity\r\n", "a double that is no number"},
      {"(\r\n", "a big number that is no number"},
      {"(1.0\r\n", "a big number that is no number"},
      {"=3\r\ntxt\r\n", "a verbatim string without a format"},
      {"=5\r\ntxt-a\r\n", "a verbatim string without a format"},
      {"*9223372036854775807\r\n", "a collection with too many elements"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(parse_one(c.bytes), "broken: " + std::string(c.problem)) << c.bytes;
    std::vector<size_t> cuts;
    for (size_t i = 0; i < c.bytes.size(); ++i) cuts.push_back(i);
    EXPECT_EQ(parse(c.bytes, cuts), parse(c.bytes)) << c.bytes;
  }
}

TEST(RespParser, GivesTheRepliesBeforeTheMalformedByte) {
  EXPECT_EQ(parse("+a\r\n+b\r\nc\r\n"),
            (std::vector<std::string>{"a", "b", "broken: a value of an unknown type"}));
}

TEST(RespParser, BoundsLines) {
  const RespParser::Limits limits{.line_bytes_max = 16};
  EXPECT_EQ(parse_one("+123456789012345\r\n", limits), "123456789012345");
  EXPECT_EQ(parse_one("+1234567890123456\r\n", limits), "broken: a line is too long");
  EXPECT_EQ(parse_one("+12345678901234567890", limits), "broken: a line is too long");
}

TEST(RespParser, BoundsDepth) {
  const RespParser::Limits limits{.depth_max = 3};
  EXPECT_EQ(parse_one("*1\r\n*1\r\n*1\r\n:1\r\n", limits), "{{{1}}}");
  EXPECT_EQ(parse_one("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", limits),
            "broken: a reply that is nested too deep");
  EXPECT_EQ(parse_one("*1\r\n*1\r\n*1\r\n*0\r\n", limits),
            "broken: a reply that is nested too deep");
}

TEST(RespParser, BoundsElements) {
  const RespParser::Limits limits{.elements_max = 8};
  EXPECT_EQ(parse_one("*8\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", limits),
            "{1, 1, 1, 1, 1, 1, 1, 1}");
  EXPECT_EQ(parse_one("*9\r\n", limits), "broken: a collection with too many elements");
  EXPECT_EQ(parse_one("%5\r\n", limits), "broken: a reply with too many values");
  EXPECT_EQ(parse_one("*2\r\n*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n*4\r\n", limits),
            "broken: a reply with too many values");
}

TEST(RespParser, ReadsPastAStringThatIsTooLong) {
  const RespParser::Limits limits{.reply_bytes_max = 32};
  const std::string big(1000, 'x');
  const std::string bytes = "*2\r\n$1000\r\n" + big + "\r\n+a\r\n+next\r\n";
  const std::vector<std::string> said = {"{(too long: 1000 bytes), a}", "next"};
  EXPECT_EQ(parse(bytes, {}, limits), said);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) EXPECT_EQ(parse(bytes, {cut}, limits), said);
  EXPECT_EQ(parse_one("$1000\r\n" + big + "xx", limits),
            "broken: a string that is not followed by CRLF");
  RespParser parser(limits);
  parser.feed(std::string_view(bytes).substr(0, 500));
  EXPECT_EQ(parser.next(), Outcome::kMore);
  EXPECT_LT(parser.held(), 20U) << "what is read past is not kept";
}

TEST(RespParser, BoundsWhatIsHeld) {
  const RespParser::Limits limits{.line_bytes_max = 16, .reply_bytes_max = 64};
  RespParser parser(limits);
  Outcome outcome = Outcome::kMore;
  parser.feed("*1000\r\n");
  size_t fed = 0;
  while (outcome == Outcome::kMore && ++fed < 1000) {
    outcome = parser.next();
    if (outcome != Outcome::kMore) break;
    ASSERT_LT(parser.held(), 64U + 32U);
    parser.feed("+abcdef\r\n+");
    if (parser.next() != Outcome::kMore) break;
    parser.feed("x\r\n");
  }
  EXPECT_EQ(parser.problem(), "a reply is too long");
}

TEST(RespParser, GivesMemoryBackAfterALargeReply) {
  const std::string value(1024UL * 1024, 'v');
  const std::string bytes = fmt::format("${}\r\n{}\r\n", value.size(), value);
  RespParser parser;
  for (size_t at = 0; at < bytes.size(); at += 1000) {
    parser.feed(std::string_view(bytes).substr(at, 1000));
    const Outcome outcome = parser.next();
    if (at + 1000 < bytes.size()) {
      ASSERT_EQ(outcome, Outcome::kMore);
    } else {
      ASSERT_EQ(outcome, Outcome::kReply);
    }
  }
  EXPECT_EQ(parser.reply().text(), value);
  EXPECT_EQ(parser.next(), Outcome::kMore);
  EXPECT_EQ(parser.held(), 0U);
}

}  // namespace
}  // namespace layotto::clients::redis
