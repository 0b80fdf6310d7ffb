// Documents: what YAML and JSON mean, what is refused and how it is said.
#include "config/document.h"

#include <gtest/gtest.h>

#include "config/limits.h"

namespace layotto::config {
namespace {

struct Reading {
  Problems problems;
  std::optional<Document> document;
  [[nodiscard]] const Node& root() const { return document->root(); }
  [[nodiscard]] const Node& at(std::string_view key) const { return *root().find(key); }
};

Reading yaml(std::string_view text) {
  Reading reading;
  reading.document = read_yaml(text, "a.yaml", reading.problems);
  return reading;
}

Reading json(std::string_view text) {
  Reading reading;
  reading.document = read_json(text, "a.json", reading.problems);
  return reading;
}

std::string yaml_problem(std::string_view text) { return yaml(text).problems.to_string(); }
std::string json_problem(std::string_view text) {
  const Reading reading = json(text);
  EXPECT_FALSE(reading.document.has_value()) << text;
  return reading.problems.to_string();
}

Kind kind_of(std::string_view scalar) { return plain_scalar(scalar).kind; }

TEST(Yaml, KnowsKindPlaceAndPathOfEveryValue) {
  const Reading read = yaml(
      "servers:\n"
      "  - listeners:\n"
      "      - address: 127.0.0.1:80\n"
      "      - address: \"1\"\n"
      "state:\n"
      "  demo: {type: state.redis, 'a.b': [1, 2.5, true, ~, ünï]}\n");
  ASSERT_TRUE(read.document) << read.problems.to_string();
  const Node& listeners = *read.at("servers").children()[0]->find("listeners");
  const Node& second = *listeners.children()[1]->find("address");
  EXPECT_EQ(second.path(), "servers[0].listeners[1].address");
  EXPECT_EQ(second.mark(), (Mark{4, 18}));
  EXPECT_EQ(second.key_mark(), (Mark{4, 9}));
  EXPECT_EQ(second.kind(), Kind::kString);
  EXPECT_TRUE(second.quoted());
  EXPECT_EQ(second.file(), "a.yaml");
  const Node& list = *read.at("state").find("demo")->find("a.b");
  EXPECT_EQ(list.path(), "state.demo[\"a.b\"]");
  EXPECT_EQ(list.children()[0]->integer(), 1);
  EXPECT_EQ(list.children()[1]->number(), 2.5);
  EXPECT_TRUE(list.children()[2]->boolean());
  EXPECT_TRUE(list.children()[3]->is_null());
  EXPECT_EQ(list.children()[4]->text(), "ünï");
  EXPECT_EQ(list.children()[4]->path(), "state.demo[\"a.b\"][4]");
}

TEST(Yaml, TypesPlainScalarsByTheCoreSchemaOfYaml12) {
  for (const auto* text : {"", "~", "null", "Null", "NULL"}) EXPECT_EQ(kind_of(text), Kind::kNull);
  for (const auto* text : {"true", "True", "FALSE"}) EXPECT_EQ(kind_of(text), Kind::kBool);
  for (const auto* text :
       {"0", "-1", "+7", "0x1F", "0o17", "18446744073709551615", "-9223372036854775808"}) {
    EXPECT_EQ(kind_of(text), Kind::kInteger) << text;
  }
  for (const auto* text : {"1.5", ".5", "5.", "1e3", "-1E-3", "+0.1", ".inf", "-.INF", ".NaN",
                           "18446744073709551616", "-9223372036854775809", "1e999"}) {
    EXPECT_EQ(kind_of(text), Kind::kFloat) << text;
  }
  for (const auto* text : {"yes",      "on",
                           "off",      "y",
                           "0123",     "-01",
                           "01.5",     "1_000",
                           "0x",       "0o8",
                           "1e",       ".",
                           "-",        "+",
                           "e5",       "1.2.3",
                           "12:30:45", "nULL",
                           "tRUE",     "0b1",
                           "=",        "0x10000000000000000",
                           "5s",       "-.",
                           "+e1"}) {
    EXPECT_EQ(kind_of(text), Kind::kString) << text;
  }
  EXPECT_EQ(plain_scalar("0x1F").integer, 31);
  EXPECT_EQ(plain_scalar("0o17").integer, 15);
  EXPECT_EQ(integer_text(plain_scalar("-9223372036854775808").integer), "-9223372036854775808");
  EXPECT_EQ(plain_scalar("1e-999").number, 0.0);
  EXPECT_GT(plain_scalar("1e999").number, 1e308);
}

TEST(Yaml, QuotesAndBlocksMakeStrings) {
  const Reading read = yaml("a: '5'\nb: |\n  true\nc: !!str 5\nd: ! 5\n");
  ASSERT_TRUE(read.document) << read.problems.to_string();
  for (const Node* child : read.root().children()) {
    EXPECT_EQ(child->kind(), Kind::kString) << child->key();
  }
  EXPECT_EQ(read.at("b").text(), "true\n");
}

TEST(Yaml, AnEmptyFileIsANull) {
  for (const auto* text : {"", "\n", "# only a comment\n", "---\n", "\xEF\xBB\xBF"}) {
    const Reading read = yaml(text);
    ASSERT_TRUE(read.document) << text << read.problems.to_string();
    EXPECT_TRUE(read.root().is_null());
  }
}

TEST(Yaml, DuplicateKeysNameBothLinesAndTheFirstCounts) {
  const Reading read = yaml("a: 1\nb:\n  c: 1\n  c: {d: 2}\na: 3\n");
  EXPECT_EQ(read.problems.to_string(),
            "a.yaml:4:3: b.c: the key \"c\" is here twice, first on line 3; remove one of them\n"
            "a.yaml:5:1: a: the key \"a\" is here twice, first on line 1; remove one of them\n");
  ASSERT_TRUE(read.document);
  EXPECT_EQ(read.at("a").integer(), 1);
  EXPECT_EQ(read.root().children().size(), 2U);
}

TEST(Yaml, SyntaxErrorsHaveOnePlaceAndARemedy) {
  EXPECT_EQ(
      yaml_problem("a: b: c\n"),
      "a.yaml:1:5: not valid YAML: mapping values are not allowed in this context; put a text "
      "with \": \" in it in quotes, or check the indentation\n");
  EXPECT_EQ(yaml_problem("a:\n\tb: 1\n"),
            "a.yaml:2:1: a: not valid YAML: found character that cannot start any token (while "
            "scanning for the next token that begins on line 2); indent with spaces: YAML allows "
            "no tabs there\n");
  EXPECT_EQ(yaml_problem("a: [1, 2\nb: 3\n").find("a.yaml:2:"), 0U);
  EXPECT_NE(yaml_problem("a: {b: ${C}}\n").find("needs quotes around it"), std::string::npos);
  EXPECT_EQ(yaml_problem("a: 1\nb: \xFF\n").find("a.yaml:2:4: not readable as YAML:"), 0U)
      << yaml_problem("a: 1\nb: \xFF\n");
  EXPECT_NE(yaml_problem("a: '\n"), "");
  EXPECT_NE(yaml_problem("a: \"\\q\"\n"), "");
}

TEST(Yaml, RefusesWhatMakesAFileMeanSomethingElse) {
  EXPECT_EQ(yaml_problem("a: &x {b: 1}\nc:\n  <<: *x\n"),
            "a.yaml:3:3: c: merge keys (<<) are not part of YAML 1.2; write the keys out\n");
  EXPECT_EQ(yaml_problem("a: 1\n---\nb: 2\n"),
            "a.yaml:2:1: a second document in one file; put it into a file of its own\n");
  EXPECT_EQ(yaml_problem("a: !!binary aGk=\n"),
            "a.yaml:1:4: a: the tag \"tag:yaml.org,2002:binary\" has no meaning here; remove it\n");
  EXPECT_EQ(
      yaml_problem("? [a]\n: 1\n"),
      "a.yaml:1:3: a key that is a list; keys are single words; a value that begins with { or "
      "${ needs quotes\n");
  EXPECT_EQ(yaml_problem("?\n: 1\n"),
            "a.yaml:1:2: a value without a key; write its name before the colon\n");
  EXPECT_EQ(yaml_problem("&a b: 1\n"), "a.yaml:1:1: an anchor on a key; put it on a value\n");
  EXPECT_EQ(yaml_problem("a: &x 1\n*x : 2\n"),
            "a.yaml:2:1: an alias as a key; write the key out\n");
}

TEST(Yaml, AliasesAreCopiedWithPathsOfTheirOwn) {
  const Reading read = yaml("a: &x {b: [1]}\nc: *x\nd: &y 5\ne: [*y, *x]\n");
  ASSERT_TRUE(read.document) << read.problems.to_string();
  const Node& copied = *read.at("c").find("b")->children()[0];
  EXPECT_EQ(copied.path(), "c.b[0]");
  EXPECT_EQ(copied.mark(), (Mark{1, 12}));
  EXPECT_EQ(read.at("e").children()[1]->find("b")->path(), "e[1].b");
  EXPECT_EQ(read.at("e").children()[0]->integer(), 5);
}

TEST(Yaml, AliasesWithoutAnchorOrInsideThemselvesAreProblems) {
  EXPECT_EQ(yaml_problem("a: *x\n"),
            "a.yaml:1:4: a: the alias \"x\" has no anchor before it; write &x at the value it "
            "stands for, or put it in quotes\n");
  EXPECT_EQ(yaml_problem("a: &x\n  b: *x\n"),
            "a.yaml:2:6: a.b: the alias \"x\" stands inside itself; write the value out\n");
}

TEST(Yaml, ManyAliasesOfAliasesReachALimit) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  std::string text = "a0: &a0 [" + std::string(2000, 'x') + "]\n";
  for (int i = 1; i < 10; ++i) {
    std::string line = fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 10; ++k) line += fmt::format("{}*a{}", k == 0 ? "" : ", ", i - 1);
    laughs += line + "]\n";
    text += line + "]\n";
  }
  EXPECT_NE(yaml_problem(laughs).find("more than 500000 values"), std::string::npos);
  EXPECT_NE(yaml_problem(text).find("more than 33554432 bytes"), std::string::npos);
}

TEST(Limits, DepthValuesAndBytesAreBounded) {
  const std::string deep(kDepthMax, '[');
  const std::string close(kDepthMax, ']');
  EXPECT_TRUE(json(deep + close).document);
  EXPECT_TRUE(yaml(deep + close).document);
  EXPECT_EQ(json_problem("[" + deep + close + "]").find("a.json:1:65: "), 0U);
  EXPECT_NE(yaml_problem("[" + deep + close + "]").find("more than 64 levels"), std::string::npos);
  EXPECT_NE(json_problem(std::string(1'000'000, '[')).find("more than 64 levels"),
            std::string::npos);
  std::string wide = "[0";
  for (size_t i = 0; i < kNodesMax; ++i) wide += ",0";
  EXPECT_NE(json_problem(wide + "]").find("more than 500000 values"), std::string::npos);
  EXPECT_EQ(json_problem(std::string(kDocumentBytesMax + 1, ' ')),
            "a.json: the file has 8388609 bytes, the limit is 8388608; split it\n");
}

TEST(Json, MeansWhatRfc8259Says) {
  const Reading read = json(
      "\t{\"a\\/b\" : \"\\ud83d\\ude00\\u00e9\\n\",\r\n\t\"n\": [0, -0, 1.50, 1e3, -2E-2, "
      "9223372036854775808, 1e400],\n \"t\": true, \"f\": false, \"z\": null, \"e\": {}, \"\": [] "
      "}");
  ASSERT_TRUE(read.document) << read.problems.to_string();
  EXPECT_EQ(read.at("a/b").text(), "\U0001F600é\n");
  const auto numbers = read.at("n").children();
  EXPECT_EQ(numbers[0]->integer(), 0);
  EXPECT_EQ(numbers[1]->integer(), 0);
  EXPECT_EQ(numbers[2]->number(), 1.5);
  EXPECT_EQ(numbers[3]->number(), 1000.0);
  EXPECT_EQ(numbers[5]->integer(), Int128{1} << 63);
  EXPECT_EQ(numbers[6]->kind(), Kind::kFloat);
  EXPECT_TRUE(read.at("t").boolean());
  EXPECT_FALSE(read.at("f").boolean());
  EXPECT_TRUE(read.at("z").is_null());
  EXPECT_TRUE(read.at("e").is_mapping());
  EXPECT_EQ(read.at("").path(), "[\"\"]");
  EXPECT_EQ(read.at("n").mark(), (Mark{2, 7}));
  EXPECT_EQ(read.at("n").key_mark(), (Mark{2, 2}));
}

TEST(Json, StringsThatLookLikeSomethingElseStayStrings) {
  const Reading read = json(R"(["5", "true", "", "${HOME}", "null"])");
  for (const Node* child : read.root().children()) EXPECT_EQ(child->kind(), Kind::kString);
}

TEST(Json, KeysMayBeLongerThanYamlAllows) {
  EXPECT_TRUE(json("{\"" + std::string(5000, 'k') + "\": 1}").document);
  EXPECT_TRUE(json("\xEF\xBB\xBF 5 ").document);
}

TEST(Json, DuplicateKeysAreProblems) {
  const Reading read = json("{\"a\": 1,\n \"\\u0061\": 2}");
  EXPECT_EQ(read.problems.to_string(),
            "a.json:2:2: a: the key \"a\" is here twice, first on line 1; remove one of them\n");
  EXPECT_TRUE(read.document);
}

TEST(Json, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(
      json_problem("{\"a\": 1,\n}"),
      "a.json:2:1: not valid JSON: found \"}\" where a name in double quotes should be; remove "
      "the comma before it\n");
  EXPECT_EQ(
      json_problem("[1,]"),
      "a.json:1:4: [1]: not valid JSON: found \"]\" where a value should be; remove the comma "
      "before it\n");
  EXPECT_EQ(json_problem("{\"a\":}"),
            "a.json:1:6: a: not valid JSON: found \"}\" where a value should be\n");
  EXPECT_EQ(json_problem("{\"a\": 1 \"b\": 2}"),
            "a.json:1:9: not valid JSON: found \"\\\"\" where a comma should be\n");
  EXPECT_EQ(json_problem("// hi\n{}"),
            "a.json:1:1: not valid JSON: found \"/\" where a value should be; remove the comment, "
            "JSON has none\n");
  EXPECT_EQ(json_problem("{'a': 1}"),
            "a.json:1:2: not valid JSON: found \"'\" where a name in double quotes should be; use "
            "double quotes\n");
  EXPECT_EQ(json_problem("{\"a\": [1, 2"),
            "a.json:1:12: a[2]: not valid JSON: the file ends where a comma should be; check that "
            "every brace, bracket and quote is closed\n");
  EXPECT_EQ(json_problem("{\"ä\": 012}"),
            "a.json:1:7: [\"ä\"]: not valid JSON: \"012\" is no number; write it like 12, -3 or "
            "1.5, or put it in quotes\n");
  EXPECT_EQ(json_problem("{} {}"),
            "a.json:1:4: not valid JSON: found \"{\" where the end of the file should be\n");
}

TEST(Json, RefusesWhatIsNearlyJson) {
  for (const auto* text : {"",
                           " ",
                           "nul",
                           "True",
                           "NaN",
                           "Infinity",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "-",
                           "0x10",
                           "--1",
                           "\"a",
                           "\"\\",
                           "\"\\x41\"",
                           "\"\\u12\"",
                           "\"\\u12G4\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\n\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\ud800\"",
                           "\"a\tb\"",
                           "\"a\nb\"",
                           "\"\xFF\"",
                           "\"\xC0\x80\"",
                           "\"\xED\xA0\x80\"",
                           "\xFF",
                           "[1 2]",
                           "[",
                           "{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{a: 1}",
                           "[1]]",
                           "{1: 2}",
                           "'a'",
                           "\"a\" \"b\"",
                           "1 // x",
                           "[,1]",
                           "{,}"}) {
    EXPECT_NE(json_problem(text), "") << text;
  }
}

TEST(Problems, KeepsAHundredOfEachKindAndCountsTheRest) {
  Problems problems;
  for (int i = 0; i < 103; ++i) problems.add({.message = "w", .severity = Severity::kWarning});
  EXPECT_FALSE(problems.has_errors());
  for (int i = 0; i < 101; ++i) problems.add({.file = "f", .message = "e"});
  EXPECT_EQ(problems.kept().size(), 2 * kProblemsMax);
  const std::string text = problems.to_string();
  EXPECT_NE(text.find("warning: w\n"), std::string::npos);
  EXPECT_NE(text.find("f: e\nand 1 more errors\nand 3 more warnings\n"), std::string::npos);
  EXPECT_EQ(problems.to_error().code(), Code::kInvalidArgument);
}

TEST(Problems, QuotedTextIsCutAndHasNoControlCharacters) {
  EXPECT_EQ(quote("a\"b\\\n\t\x01\x7F"), "\"a\\\"b\\\\\\n\\t\\x01\\x7f\"");
  EXPECT_EQ(quote(std::string(59, 'a') + "éé"), "\"" + std::string(59, 'a') + "…\"");
}

TEST(Node, WithoutADocumentIsANull) {
  const Node node;
  EXPECT_TRUE(node.is_null());
  EXPECT_EQ(node.path(), "");
  EXPECT_EQ(node.file(), "");
  EXPECT_EQ(node.find("a"), nullptr);
}

TEST(Document, MayBeMovedWhileNodesStay) {
  Reading read = yaml("a: 1\n");
  const Node* root = &read.root();
  const Document moved = *std::move(read.document);
  EXPECT_EQ(&moved.root(), root);
  EXPECT_EQ(moved.file(), "a.yaml");
  EXPECT_EQ(root->find("a")->integer(), 1);
}

}  // namespace
}  // namespace layotto::config
