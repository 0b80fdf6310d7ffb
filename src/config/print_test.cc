// What is printed: configurations without secrets, schemas for editors and people.
#include "config/print.h"

#include <gtest/gtest.h>

#include "config/document.h"
#include "config/example_settings.h"
#include "config/json_support.h"
#include "config/references.h"
#include "config/schema_print.h"
#include "config/yaml_sink.h"

namespace layotto::config {
namespace {

class OneSource final : public ReferenceSource {
 public:
  Result<std::optional<std::string>> env(std::string_view) override {
    return std::optional<std::string>("8080");
  }
  Result<std::string> file(std::string_view) override { return std::string("from-file"); }
};

Document document_of(std::string_view text) {
  Problems problems;
  OneSource source;
  auto document = read_yaml(text, "p.yaml", problems, &source);
  CHECK(document.has_value(), problems.to_string());
  EXPECT_EQ(problems.to_string(), "");
  return *std::move(document);
}

TEST(Print, ADocumentIsPrintedAsYamlThatReadsBack) {
  const std::string text =
      "a: 1\n"
      "b:\n"
      "  - x\n"
      "  - \n"
      "  - - 1.5\n"
      "    - true\n"
      "  - c: \"5\"\n"
      "    d: {}\n"
      "    e: []\n"
      "    f:\n"
      "      - g: h\n"
      "\"yes\": \"no\"\n"
      "\"a b\": \"line\\n\\\"two\\\"\"\n";
  const Document document = document_of(text);
  const std::string printed = print_node(document.root());
  EXPECT_EQ(printed.find("  - \n"), std::string::npos);
  EXPECT_EQ(printed, print_node(document_of(printed).root()));
  EXPECT_EQ(printed,
            "a: 1\n"
            "b:\n"
            "  - x\n"
            "  - null\n"
            "  - - 1.5\n"
            "    - true\n"
            "  - c: \"5\"\n"
            "    d: {}\n"
            "    e: []\n"
            "    f:\n"
            "      - g: h\n"
            "\"yes\": \"no\"\n"
            "\"a b\": \"line\\n\\\"two\\\"\"\n");
}

TEST(Print, RootsThatAreNoMappings) {
  EXPECT_EQ(print_node(document_of("").root()), "null\n");
  EXPECT_EQ(print_node(document_of("[]").root()), "[]\n");
  EXPECT_EQ(print_node(document_of("[1]").root()), "- 1\n");
  EXPECT_EQ(print_node(document_of("{}").root()), "{}\n");
  EXPECT_EQ(print_node(document_of("5.0").root()), "5.0\n");
}

TEST(Print, KeysTooLongForALineOfYamlReadBack) {
  const std::string key(2000, 'k');
  Problems problems;
  const auto document =
      read_json("[{\"" + key + "\": {\"a\": 1, \"" + key + "\": [2]}}]", "p.json", problems);
  ASSERT_TRUE(document);
  const std::string printed = print_node(document->root());
  EXPECT_EQ(printed, "- ? " + key + "\n  :\n    a: 1\n    ? " + key + "\n    :\n      - 2\n");
  EXPECT_EQ(print_node(document_of(printed).root()), printed);
}

TEST(Print, StringsAreQuotedWhereTheyCouldBeMistaken) {
  for (const auto* text :
       {"5",  "true", "null", "",   "on",         "0123", "1.5", "-",  "a: b", "#",    "a #b",
        "*x", "&x",   "a,b",  "[",  "{",          "@",    "`",   "%",  "?",    "!",    "|",
        ">",  "~",    "=",    "<<", "2001-01-01", "-1",   "+1",  ".5", "a:",   "12:30"}) {
    EXPECT_EQ(yaml_string(text)[0], '"') << text;
  }
  EXPECT_EQ(yaml_string("/var/lib/x-1.so"), "/var/lib/x-1.so");
  EXPECT_EQ(yaml_string("\u2028\u0085\x01\uFEFF\U0001F600é"),
            "\"\\u2028\\x85\\x01\\ufeff\U0001F600é\"");
}

TEST(Print, ReferencesAndWhatSoundsSecretAreMasked) {
  const Document document = document_of(
      "port: ${P}\n"
      "url: redis://u:pw@h:1/0\n"
      "plain: http://h:1/x@y\n"
      "mysql: me:pw@tcp(h:1)/db\n"
      "redisPassword: abc\n"
      "access_key_ids: [abc]\n"
      "secretStores: {a: b}\n"
      "token:\n");
  EXPECT_EQ(print_node(document.root()),
            "port: \"***\"\n"
            "url: \"***\"\n"
            "plain: \"http://h:1/x@y\"\n"
            "mysql: \"***\"\n"
            "redisPassword: \"***\"\n"
            "access_key_ids:\n"
            "  - \"***\"\n"
            "secretStores:\n"
            "  a: b\n"
            "token: null\n");
}

TEST(Print, ASchemaKnowsWhatIsSecret) {
  const Document document = document_of(
      "host: h\npassword: abc\nlabels: {token: shown}\nmetadata: {token: abc, x: 1}\nversion: "
      "'${P}'\n");
  EXPECT_EQ(print_node(document.root(), &Example::schema()),
            "host: h\n"
            "password: \"***\"\n"
            "labels:\n"
            "  token: shown\n"
            "metadata:\n"
            "  token: \"***\"\n"
            "  x: 1\n"
            "version: \"***\"\n");
}

TEST(Print, SettingsInForceShowDefaultsAndMaskSecretsAndReferences) {
  const Document document = document_of(
      "redisHost: ${file:/h}\npassword: abc\ntimeout: 90s\nlevels: ['${P}', 5]\n"
      "upstreams: {a: {address: 'a:1'}}\nmetadata: {apiKey: x}\n");
  Problems problems;
  ParsePass pass{problems, Strictness::kLenient};
  Example settings;
  ASSERT_TRUE(Example::schema().parse(document.root(), settings, pass)) << problems.to_string();
  EXPECT_EQ(print_settings(Example::schema(), settings, &document.root()),
            "host: \"***\"\n"
            "port: 6379\n"
            "tls: false\n"
            "ratio: 0.5\n"
            "offset: -1\n"
            "password: \"***\"\n"
            "timeout: \"1m30s\"\n"
            "buffer: \"64KiB\"\n"
            "mode: single\n"
            "version: \"1.2\"\n"
            "ttl: null\n"
            "tags: []\n"
            "levels:\n"
            "  - \"***\"\n"
            "  - 5\n"
            "labels: {}\n"
            "upstreams:\n"
            "  a:\n"
            "    address: \"a:1\"\n"
            "    weight: 1\n"
            "    fallbacks: []\n"
            "main_upstream:\n"
            "  address: \"a:1\"\n"
            "  weight: 1\n"
            "  fallbacks: []\n"
            "metadata:\n"
            "  apiKey: \"***\"\n");
}

TEST(SchemaPrint, MarkdownHasATablePerStruct) {
  const std::string text = to_markdown(Example::schema());
  EXPECT_EQ(
      text.find("## example\n\nEverything once.\n\n| Name | Type | Default | Limits | Meaning "
                "|\n| --- | --- | --- | --- | --- |\n"
                "| `host` | string | required | not empty | Host name. Also: `redisHost`. |\n"
                "| `port` | integer | `6379` | from 1 to 65535 | TCP port. |\n"
                "| `tls` | boolean | `false` |  | Whether to speak TLS. Also: `enableTLS`. |\n"
                "| `ratio` | number | `0.5` | from 0 to 1 | A share. |\n"
                "| `offset` | integer | `-1` |  | Any integer. |\n"
                "| `password` | secret |  | at most 20 bytes | Empty for none. |\n"
                "| `timeout` | duration | `5s` | from 1ms to 1h | Longest wait. |\n"
                "| `buffer` | size | `64KiB` | at most 4MiB | Bytes kept \\| per peer. |\n"
                "| `mode` | name | `single` | one of single, cluster, ring | How servers stand "
                "together. |\n"),
      0U)
      << text;
  EXPECT_NE(text.find("| `upstreams` | map of names to `upstream` | `{}` |  | By name. |"),
            std::string::npos);
  EXPECT_NE(text.find("| `ttl` | duration | unset |  |"), std::string::npos);
  EXPECT_NE(text.find("- `redisDB`: there is one database\n"), std::string::npos);
  EXPECT_NE(text.find("\n### upstream\n\nOne server to send to.\n"), std::string::npos);
  EXPECT_EQ(text.find("debug"), std::string::npos);
  EXPECT_EQ(text.find("### upstream", text.find("### upstream") + 1), std::string::npos);
}

TEST(SchemaPrint, TextFitsTheTerminal) {
  const std::string text = to_text(Example::schema());
  EXPECT_EQ(text.find("example: Everything once.\n\n"
                      "  host           string, not empty, required\n"
                      "                 Host name. Also: `redisHost`.\n"),
            0U)
      << text;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 80U) << text.substr(at, end - at);
    at = end + 1;
  }
}

TEST(SchemaPrint, JsonSchemaIsJsonWithEveryStructOnce) {
  const std::string text = to_json_schema(Example::schema());
  boost::system::error_code error;
  const boost::json::value schema = boost::json::parse(text, error);
  ASSERT_FALSE(error) << text;
  const auto at = [&](const char* pointer) -> const boost::json::value& {
    boost::system::error_code missing;
    const auto* found = schema.find_pointer(pointer, missing);
    EXPECT_NE(found, nullptr) << pointer << "\n" << text;
    static const boost::json::value& nothing = *new boost::json::value();
    return found == nullptr ? nothing : *found;
  };
  const auto json = [&](const char* pointer) { return boost::json::serialize(at(pointer)); };
  EXPECT_EQ(json("/$schema"), "\"https://json-schema.org/draft/2020-12/schema\"");
  EXPECT_EQ(json("/type"), "\"object\"");
  EXPECT_EQ(json("/additionalProperties"), "false");
  EXPECT_EQ(json("/allOf"),
            "[{\"anyOf\":[{\"required\":[\"host\"]},{\"required\":[\"redisHost\"]}]}]");
  EXPECT_EQ(json("/properties/host"),
            "{\"type\":\"string\",\"minLength\":1,\"description\":\"Host name.\"}");
  EXPECT_EQ(
      json("/properties/port"),
      "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},{\"$ref\":\"#/$defs/"
      "reference\"}],\"description\":\"TCP port.\",\"default\":6379}");
  EXPECT_EQ(json("/properties/mode/anyOf/0"), "{\"enum\":[\"single\",\"cluster\",\"ring\"]}");
  EXPECT_EQ(json("/properties/version/anyOf/0"), "{\"enum\":[\"1.2\",1.2E0,\"1.3\",1.3E0]}");
  EXPECT_EQ(json("/properties/timeout/default"), "\"5s\"");
  EXPECT_EQ(json("/properties/password/writeOnly"), "true");
  EXPECT_EQ(json("/properties/levels/default"), "[1,2]");
  EXPECT_EQ(json("/properties/levels/minItems"), "1");
  EXPECT_EQ(json("/properties/levels/items/anyOf/0/minimum"), "0");
  EXPECT_EQ(json("/properties/tags/type"), "[\"array\",\"null\"]");
  EXPECT_EQ(json("/properties/tags/items"), "{\"type\":\"string\",\"maxLength\":10}");
  EXPECT_EQ(json("/properties/upstreams/additionalProperties"), "{\"$ref\":\"#/$defs/upstream\"}");
  EXPECT_EQ(json("/$defs/upstream/properties/fallbacks/items"), "{\"$ref\":\"#/$defs/upstream\"}");
  EXPECT_EQ(json("/properties/metadata"), "{\"description\":\"Read by the component.\"}");
  EXPECT_EQ(json("/properties/redisDB/deprecated"), "true");
  EXPECT_EQ(json("/properties/debug/anyOf/0/type"), "\"integer\"");
  EXPECT_EQ(json("/properties/offset/anyOf/0"), "{\"type\":\"integer\"}");
}

}  // namespace
}  // namespace layotto::config
