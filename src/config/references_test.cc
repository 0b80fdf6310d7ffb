// References: environment and files inside of values.
#include "config/references.h"

#include <gtest/gtest.h>

#include <map>

#include "config/document.h"
#include "config/limits.h"

namespace layotto::config {
namespace {

class FakeSource final : public ReferenceSource {
 public:
  Result<std::optional<std::string>> env(std::string_view name) override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }
  Result<std::string> file(std::string_view path) override {
    const auto found = files.find(path);
    if (found == files.end()) return base::not_found("no such file");
    return found->second;
  }

  std::map<std::string, std::string, std::less<>> variables = {
      {"PORT", "8080"},    {"HOST", "example.org"}, {"EMPTY", ""},
      {"NEST", "${HOST}"}, {"WORD", "yes"},         {"BAD", "\xFF"}};
  std::map<std::string, std::string, std::less<>> files = {
      {"/run/token", "s3cret\n"}, {"/crlf", "a\r\n"}, {"/two", "a\n\n"}, {"/true", "true"}};
};

struct Reading {
  FakeSource source;
  Problems problems;
  std::optional<Document> document;
  explicit Reading(std::string_view value) {
    document = read_yaml("a: " + std::string(value) + "\n", "r.yaml", problems, &source);
  }
  [[nodiscard]] const Node& value() const { return *document->root().find("a"); }
};

std::string text_of(std::string_view value) {
  const Reading read(value);
  EXPECT_EQ(read.problems.to_string(), "") << value;
  return std::string(read.value().text());
}

std::string problem_of(std::string_view value) {
  const Reading read(value);
  EXPECT_TRUE(read.document && read.value().broken()) << value;
  return read.problems.to_string();
}

TEST(References, AWholePlainScalarGetsTheKindOfItsText) {
  const Reading port("${PORT}");
  EXPECT_EQ(port.value().kind(), Kind::kInteger);
  EXPECT_EQ(port.value().integer(), 8080);
  EXPECT_TRUE(port.value().from_reference());
  EXPECT_EQ(Reading("${file:/true}").value().kind(), Kind::kBool);
  EXPECT_EQ(Reading("${WORD}").value().kind(), Kind::kString);
  EXPECT_EQ(Reading("${NONE:-7}").value().kind(), Kind::kInteger);
}

TEST(References, QuotedOrMixedTextStaysAString) {
  for (const auto* value :
       {"'${PORT}'", "\"${PORT}\"", "${PORT}${PORT}", "1${PORT}", "${PORT} x"}) {
    EXPECT_EQ(Reading(value).value().kind(), Kind::kString) << value;
  }
  EXPECT_EQ(text_of("http://${HOST}:${PORT}/x"), "http://example.org:8080/x");
}

TEST(References, AnEmptyValueIsAnEmptyStringNotNull) {
  EXPECT_EQ(Reading("${EMPTY}").value().kind(), Kind::kString);
  EXPECT_EQ(Reading("${NONE:-}").value().kind(), Kind::kString);
}

TEST(References, TheDefaultStandsInForUnsetAndEmpty) {
  EXPECT_EQ(text_of("${NONE:-a b:c}"), "a b:c");
  EXPECT_EQ(text_of("${EMPTY:-x}"), "x");
  EXPECT_EQ(text_of("${HOST:-x}"), "example.org");
  EXPECT_FALSE(Reading("${NONE:-x}").value().from_reference());
}

TEST(References, FilesLoseOneLineEnd) {
  EXPECT_EQ(text_of("${file:/run/token}"), "s3cret");
  EXPECT_EQ(text_of("${file:/crlf}"), "a");
  EXPECT_EQ(text_of("${file:/two}"), "a\n");
}

TEST(References, TwoDollarsAreALiteralOne) {
  EXPECT_EQ(text_of("$${HOST}"), "${HOST}");
  EXPECT_EQ(text_of("$${HOST} ${HOST}"), "${HOST} example.org");
  EXPECT_EQ(text_of("$$${HOST}"), "$${HOST}");
  EXPECT_EQ(text_of("$HOST $$ }"), "$HOST $$ }");
  EXPECT_FALSE(Reading("$${HOST}").value().from_reference());
}

TEST(References, WhatTheyBringInIsNotExpandedAgain) { EXPECT_EQ(text_of("${NEST}"), "${HOST}"); }

TEST(References, WithoutASourceTheyAreText) {
  Problems problems;
  const auto document = read_yaml("a: ${HOST} $${X}\n${K}: 1\n", "r.yaml", problems);
  ASSERT_TRUE(document) << problems.to_string();
  EXPECT_EQ(document->root().find("a")->text(), "${HOST} $${X}");
}

TEST(References, ProblemsNamePlaceAndRemedy) {
  EXPECT_EQ(problem_of("${NONE}"),
            "r.yaml:1:4: a: the environment variable NONE is not set; set it, or write "
            "${NONE:-default}\n");
  EXPECT_EQ(
      problem_of("${file:/none}"),
      "r.yaml:1:4: a: cannot read the file \"/none\": no such file; create it, or correct the "
      "path\n");
  EXPECT_EQ(
      problem_of("x${HOST"),
      "r.yaml:1:4: a: a reference without its end; close it with }, or write $${ for a literal "
      "${\n");
  EXPECT_EQ(problem_of("${vault:x}"),
            "r.yaml:1:4: a: \"${vault:x}\" is no reference; write ${NAME}, ${NAME:-default} or "
            "${file:/path}, or $${ for a literal ${\n");
  EXPECT_EQ(problem_of("${NONE:-${HOST}}"),
            "r.yaml:1:4: a: references do not nest; use one reference with a plain default\n");
  EXPECT_EQ(problem_of("${BAD}"),
            "r.yaml:1:4: a: the environment variable BAD is not UTF-8; encode it, for example as "
            "base64\n");
  EXPECT_NE(problem_of("${}"), "");
  EXPECT_NE(problem_of("${1A}"), "");
  EXPECT_NE(problem_of("${A B}"), "");
  EXPECT_NE(problem_of("${file:}"), "");
}

TEST(References, StandInValuesOnly) {
  FakeSource source;
  Problems problems;
  EXPECT_FALSE(read_yaml("${HOST}: 1\n", "r.yaml", problems, &source));
  EXPECT_EQ(problems.to_string(),
            "r.yaml:1:1: references stand in values, not in keys; write the key out\n");
}

TEST(References, EveryMissingOneIsReportedAtOnce) {
  FakeSource source;
  Problems problems;
  EXPECT_TRUE(read_yaml("a: ${X}\nb: [\"${Y}\", '${HOST}']\n", "r.yaml", problems, &source));
  EXPECT_EQ(problems.errors(), 2U);
}

TEST(References, ALongTextReachesALimit) {
  FakeSource source;
  source.files["/long"] = std::string(kReferenceBytesMax + 1, 'x');
  source.files["/full"] = std::string(kReferenceBytesMax, 'x');
  Problems problems;
  EXPECT_TRUE(read_yaml("a: ${file:/long}\n", "r.yaml", problems, &source));
  EXPECT_NE(problems.to_string().find("has 1048577 bytes, the limit is 1048576"),
            std::string::npos);
  std::string many = "a: ";
  for (int i = 0; i < 33; ++i) many += "${file:/full}";
  Problems too_long;
  read_yaml(many + "\n", "r.yaml", too_long, &source);
  EXPECT_NE(too_long.to_string().find("more than 33554432 bytes"), std::string::npos);
}

TEST(References, ProblemsNeverShowWhatTheyBroughtIn) {
  const Reading read("${HOST}");
  EXPECT_EQ(read.value().describe(), "a string (from a reference, not shown)");
  EXPECT_EQ(Reading("${PORT}").value().describe(), "an integer (from a reference, not shown)");
}

}  // namespace
}  // namespace layotto::config
