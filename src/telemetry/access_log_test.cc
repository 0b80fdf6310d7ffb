#include "telemetry/access_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace layotto::telemetry {
namespace {

// A few operators, as a higher room would have them.
class Operators final : public AttributeLookup {
 public:
  enum Id : int32_t { kStart, kMethod, kCode, kDuration, kHeader, kTwice };

  Result<std::optional<Attribute>> find(std::string_view name, std::string_view argument) override {
    if (name == "REQ" && argument.empty()) return base::invalid_argument("needs a header name");
    static constexpr std::array<std::pair<std::string_view, Attribute>, 6> kKnown = {
        {{"START_TIME", {kStart}},
         {"METHOD", {.id = kMethod, .of_head = true}},
         {"RESPONSE_CODE", {.id = kCode, .is_number = true}},
         {"DURATION", {.id = kDuration, .is_number = true}},
         {"REQ", {.id = kHeader, .of_head = true}},
         {"TWICE", {kTwice}}}};
    for (const auto& [known, attribute] : kKnown) {
      if (name == known) return std::optional(attribute);
    }
    return std::optional<Attribute>();
  }
  [[nodiscard]] std::vector<std::string_view> names() const override {
    return {"START_TIME", "METHOD", "RESPONSE_CODE", "DURATION", "REQ", "TWICE"};
  }
};

class Values final : public AttributeValues {
 public:
  void append(int32_t id, std::string_view argument, Line& out) override {
    switch (id) {
      case Operators::kStart:
        out.timestamp(WallTime(std::chrono::seconds(1'700'000'000)));
        break;
      case Operators::kMethod:
        out.raw(method);
        break;
      case Operators::kCode:
        if (code != 0) out.integer(code);
        break;
      case Operators::kDuration:
        out.milliseconds(std::chrono::milliseconds(12));
        break;
      case Operators::kHeader:
        out.text(headers[std::string(argument)]);
        break;
      case Operators::kTwice:
        out.text(twice + "a\"");
        out.raw(':');
        out.integer(1);
        break;
      default:
        FAIL() << id;
    }
  }
  std::string method = "GET";
  std::string twice;
  int code = 200;
  std::map<std::string, std::string> headers;
};

class AccessLogTest : public ::testing::Test {
 protected:
  std::string line(const Result<AccessLogFormat>& format,
                   const AccessLogFormat::Remembered* remembered = nullptr) {
    if (!format.ok()) return std::string(format.error().message());
    Line out(buffer_.data(), kLineBytesMax - 1, seconds_);
    format->append_to(out, values_, remembered);
    cut_ = out.cut();
    return std::string(out.view());
  }
  std::string text(std::string_view format) {
    return line(AccessLogFormat::compile(format, operators_));
  }
  std::string json(std::initializer_list<JsonMember> members) {
    return line(AccessLogFormat::compile_json({members.begin(), members.size()}, operators_));
  }
  // The message of the error.
  std::string refusal(std::string_view format) {
    const auto compiled = AccessLogFormat::compile(format, operators_);
    return compiled.ok() ? "accepted" : std::string(compiled.error().message());
  }

  Operators operators_;
  Values values_;
  bool cut_ = false;

 private:
  std::array<char, kLineBytesMax + Line::kSlackBytes> buffer_;
  TimeText seconds_;
};

TEST_F(AccessLogTest, WritesLiteralsAndValues) {
  values_.headers[":PATH"] = "/a?b=c d";
  EXPECT_EQ(text("[%START_TIME%] \"%METHOD% %REQ(:PATH)%\" %RESPONSE_CODE% %DURATION%\n"),
            "[2023-11-14T22:13:20.000Z] \"GET /a?b=c d\" 200 12");
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("no operator, 100%%"), "no operator, 100%");
  EXPECT_EQ(text("%METHOD%%METHOD%"), "GETGET");
}

TEST_F(AccessLogTest, RemembersWhatIsOfTheHead) {
  constexpr std::string_view kFormat =
      "%START_TIME% \"%METHOD% %REQ(p):5%\" %RESPONSE_CODE% %REQ(none)% %DURATION% <%REQ(q)%>";
  values_.headers["p"] = "/a/long/path";
  values_.headers["q"] = "\n";
  const auto format = AccessLogFormat::compile(kFormat, operators_);
  ASSERT_TRUE(format.ok());
  base::Arena arena;
  const auto* remembered = format->remember(values_, arena);
  const std::string plain = line(format);
  EXPECT_EQ(line(format, remembered), plain);
  values_.headers.clear();  // not asked for again
  values_.method = "PUT";
  EXPECT_EQ(line(format, remembered), plain);
  values_.code = 404;
  EXPECT_EQ(line(format, remembered), "2023-11-14T22:13:20.000Z \"GET /a/lo\" 404 - 12 <\\n>");
}

TEST_F(AccessLogTest, RemembersJsonToo) {
  values_.headers["p"] = "a\"b";
  const std::array<JsonMember, 5> members = {{{"m", "%METHOD%"},
                                              {"p", "%REQ(p)%"},
                                              {"none", "%REQ(none)%"},
                                              {"code", "%RESPONSE_CODE%"},
                                              {"q", "<%REQ(p)%>"}}};
  const auto format = AccessLogFormat::compile_json(members, operators_);
  ASSERT_TRUE(format.ok());
  base::Arena arena;
  const auto* remembered = format->remember(values_, arena);
  EXPECT_EQ(line(format, remembered), line(format));
  EXPECT_EQ(line(format, remembered),
            R"({"m":"GET","p":"a\"b","none":null,"code":200,"q":"<a\"b>"})");
}

TEST_F(AccessLogTest, DoesNotRememberWhatWasCut) {
  values_.headers["p"] = std::string(kLineBytesMax, 'p');
  const auto format = AccessLogFormat::compile("%REQ(p)% %RESPONSE_CODE% %REQ(q)%", operators_);
  ASSERT_TRUE(format.ok());
  base::Arena arena;
  const auto* remembered = format->remember(values_, arena);
  EXPECT_TRUE(remembered->runs[0].empty());
  EXPECT_EQ(line(format, remembered), line(format));
  EXPECT_TRUE(cut_);
}

TEST_F(AccessLogTest, KeepsRoomForTheRestBehindWhatIsRemembered) {
  // Alone the second header fits, behind a long variable value it does not.
  values_.headers["p"] = std::string(kLineBytesMax - 200, 'p');
  values_.twice = std::string(300, 't');
  const auto format = AccessLogFormat::compile("%TWICE%%REQ(p)% %RESPONSE_CODE%", operators_);
  ASSERT_TRUE(format.ok());
  base::Arena arena;
  const auto* remembered = format->remember(values_, arena);
  EXPECT_FALSE(remembered->runs[0].empty());
  EXPECT_EQ(line(format, remembered), line(format));
  EXPECT_TRUE(line(format, remembered).ends_with(" 200"));
}

TEST_F(AccessLogTest, WritesADashForWhatIsMissing) {
  values_.code = 0;
  EXPECT_EQ(text("%RESPONSE_CODE% %REQ(none)% %REQ(none):5%"), "- - -");
}

TEST_F(AccessLogTest, EscapesValuesButNotItsOwnText) {
  values_.headers["user-agent"] = "a \"b\"\nfake line\xff";
  EXPECT_EQ(text("\"%REQ(user-agent)%\""), "\"a \\\"b\\\"\\nfake line\\xff\"");
}

TEST_F(AccessLogTest, CutsAValueToTheLengthAskedFor) {
  values_.headers["h"] = "abcdefgh\n";
  values_.headers["u"] = "\xC3\xBC\xC3\xBC";
  EXPECT_EQ(text("<%REQ(h):3%> <%REQ(h):9%> <%REQ(h):10%> <%REQ(u):3%> <%START_TIME:3%>"),
            "<abc> <abcdefgh> <abcdefgh\\n> <\xC3\xBC> <->");
  EXPECT_FALSE(cut_);
}

TEST_F(AccessLogTest, HandsArgumentsWithPercentSignsOver) {
  values_.headers["%Y/%m %s"] = "x";
  EXPECT_EQ(text("%REQ(%Y/%m %s)%"), "x");
}

TEST_F(AccessLogTest, WritesJson) {
  values_.headers[":PATH"] = "/a\"b\\c\n\xff";
  EXPECT_EQ(json({{"start", "%START_TIME%"},
                  {"code", "%RESPONSE_CODE%"},
                  {"path", "%REQ(:PATH)%"},
                  {"both", "%METHOD% %RESPONSE_CODE% %REQ(none)%"},
                  {"none", "%REQ(none)%"},
                  {"fixed \"key\"", "100%% \"quoted\""},
                  {"cut", "%REQ(:PATH):3%"},
                  {"twice", "%TWICE%"},
                  {"empty", ""}}),
            "{\"start\":\"2023-11-14T22:13:20.000Z\",\"code\":200,"
            "\"path\":\"/a\\\"b\\\\c\\n\xEF\xBF\xBD\",\"both\":\"GET 200 -\",\"none\":null,"
            "\"fixed \\\"key\\\"\":\"100% \\\"quoted\\\"\",\"cut\":\"/a\",\"twice\":\"a\\\":1\","
            "\"empty\":\"\"}");
  values_.code = 0;
  EXPECT_EQ(json({{"code", "%RESPONSE_CODE%"}, {"m", "%METHOD%"}}),
            "{\"code\":null,\"m\":\"GET\"}");
  EXPECT_EQ(json({}), "{}");
}

TEST_F(AccessLogTest, CutsLongValuesButKeepsTheForm) {
  values_.headers["h"] = std::string(2 * kLineBytesMax, '"');
  values_.headers["i"] = "short";
  const std::string cut = text("<%REQ(h)%> <%REQ(i)%> <%RESPONSE_CODE%> end");
  EXPECT_TRUE(cut_);
  EXPECT_LE(cut.size(), kLineBytesMax - 1);
  EXPECT_GE(cut.size(), kLineBytesMax - 128);
  EXPECT_TRUE(cut.ends_with("\\\"> <short> <200> end")) << cut.substr(cut.size() - 40);

  const std::string object = json({{"h", "%REQ(h)%"},
                                   {"mixed", "%REQ(i)% and %REQ(h)%"},
                                   {"start", "%START_TIME%"},
                                   {"code", "%RESPONSE_CODE%"},
                                   {"last", "%REQ(none)%"}});
  EXPECT_TRUE(cut_);
  EXPECT_LE(object.size(), kLineBytesMax - 1);
  const size_t second = object.find("\",\"mixed\":\"short and \\\"");
  ASSERT_NE(second, std::string::npos);
  EXPECT_EQ(object[second - 1], '"');  // whole escapes
  EXPECT_EQ(object[second - 2], '\\');
  EXPECT_TRUE(
      object.ends_with("\\\"\",\"start\":\"2023-11-14T22:13:20.000Z\",\"code\":200,"
                       "\"last\":null}"))
      << object.substr(object.size() - 80);
}

TEST_F(AccessLogTest, KeepsRoomForEveryValueAtEveryLength) {
  values_.method = "PROPPATCH";
  for (size_t size = kLineBytesMax - 400; size < kLineBytesMax + 10; ++size) {
    values_.headers["h"] = std::string(size, 'x');
    const std::string got = json({{"h", "%REQ(h)%"}, {"m", "%METHOD%"}, {"n", "%REQ(no)%"}});
    ASSERT_TRUE(got.ends_with("x\",\"m\":\"PROPPATCH\",\"n\":null}")) << size;
    ASSERT_LT(got.size(), kLineBytesMax);
    ASSERT_EQ(cut_, got.find(values_.headers["h"]) == std::string::npos);
  }
}

TEST_F(AccessLogTest, NamesAnUnknownOperatorItsPlaceAndTheKnownOnes) {
  EXPECT_EQ(refusal("abc %METHOT% def"),
            "access log format: unknown operator METHOT at position 5; known are DURATION, METHOD, "
            "REQ, RESPONSE_CODE, START_TIME, TWICE");
  const auto compiled =
      AccessLogFormat::compile_json(std::array<JsonMember, 1>{{{"code", "x %CODE%"}}}, operators_);
  ASSERT_FALSE(compiled.ok());
  EXPECT_TRUE(compiled.error().message().starts_with(
      "member 'code': access log format: unknown operator CODE at position 3"));
}

TEST_F(AccessLogTest, RefusesWhatItCannotRead) {
  EXPECT_EQ(refusal("50% of %METHOD%"),
            "access log format: a percent sign at position 3 does not begin an operator; write %% "
            "for the sign itself");
  EXPECT_EQ(refusal("%METHOD"),
            "access log format: operator METHOD at position 1 does not end with a percent sign");
  EXPECT_EQ(refusal("%REQ(x%"), "access log format: operator REQ at position 1 has no ')'");
  EXPECT_EQ(refusal("%REQ(x):0%"),
            "access log format: operator REQ at position 1: a positive number follows the colon");
  EXPECT_EQ(refusal("%REQ(x):%"),
            "access log format: operator REQ at position 1: a positive number follows the colon");
  EXPECT_EQ(refusal("  %REQ%"),
            "access log format: operator REQ at position 3: needs a header name");
  EXPECT_EQ(refusal("two\nlines"),
            "access log format: a control character at position 4; a line is one line");
}

TEST_F(AccessLogTest, HasLimits) {
  EXPECT_EQ(refusal(std::string(kAccessLogFormatBytesMax + 1, 'x')),
            "an access log format has at most 4096 bytes");
  EXPECT_EQ(refusal(std::string(kAccessLogFormatBytesMax, 'x')), "accepted");
  std::string many;
  for (size_t i = 0; i < kAccessLogOperatorsMax; ++i) many += "%METHOD%";
  EXPECT_EQ(refusal(many), "accepted");
  EXPECT_EQ(refusal(many + "%METHOD%"), "an access log format has at most 128 operators");
  // Escaped, the text is longer than it looks.
  const std::string quotes(3000, '"');
  EXPECT_EQ(json({{"a", quotes}}), "an access log format has at most 4096 bytes");
}

}  // namespace
}  // namespace layotto::telemetry
