// Schemas: documents to structs, and how every mistake is said.
#include "config/schema.h"

#include <gtest/gtest.h>

#include "base/nearest_name.h"
#include "config/document.h"
#include "config/duration_text.h"
#include "config/example_settings.h"
#include "config/references.h"

namespace layotto::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class EchoSource final : public ReferenceSource {
 public:
  Result<std::optional<std::string>> env(std::string_view) override {
    return std::optional<std::string>("hunter2");
  }
  Result<std::string> file(std::string_view) override { return base::not_found("none"); }
};

struct Reading {
  Problems problems;
  std::optional<Document> document;
  Example out;
  bool good = false;
  [[nodiscard]] std::string said() const { return problems.to_string(); }
};

Reading strict(std::string_view text) {
  Reading reading;
  EchoSource source;
  reading.document = read_yaml(text, "e.yaml", reading.problems, &source);
  if (!reading.document) return reading;
  ParsePass pass{reading.problems};
  reading.good = Example::schema().parse(reading.document->root(), reading.out, pass);
  EXPECT_TRUE(reading.good || reading.problems.has_errors());
  return reading;
}

Reading lenient(std::string_view text) {
  Reading reading;
  reading.document = read_json(text, "e.json", reading.problems);
  if (!reading.document) return reading;
  ParsePass pass{reading.problems, Strictness::kLenient};
  reading.good = Example::schema().parse(reading.document->root(), reading.out, pass);
  EXPECT_EQ(reading.good, !reading.problems.has_errors());
  return reading;
}

// What is said about one more setting in a document that is fine otherwise.
std::string said_about(std::string_view line) {
  return strict("host: h\n" + std::string(line) + "\n").said();
}

TEST(Schema, ReadsEveryTypeOfSetting) {
  const Reading read = strict(R"(
host: example.org
port: 0x1F
tls: true
ratio: 1
offset: -9223372036854775808
password: s3cret
timeout: 1m30s
buffer: 1MiB
mode: ring
version: 1.3
ttl: 2h
tags: [a, b]
levels: [3]
labels: {x: y}
upstreams:
  z: {address: "z:1"}
  b: {addr: "b:2", weight: 7, fallbacks: [{address: "c:3"}]}
main_upstream: {address: "m:1"}
metadata: {any: [1, {x: y}]}
debug: 3
)");
  ASSERT_TRUE(read.good) << read.said();
  EXPECT_EQ(read.said(), "");
  const Example& out = read.out;
  EXPECT_EQ(out.host, "example.org");
  EXPECT_EQ(out.port, 31);
  EXPECT_TRUE(out.tls);
  EXPECT_EQ(out.ratio, 1.0);
  EXPECT_EQ(out.offset, INT64_MIN);
  EXPECT_EQ(out.password.reveal(), "s3cret");
  EXPECT_EQ(out.timeout, seconds(90));
  EXPECT_EQ(out.buffer, ByteSize::mib(1));
  EXPECT_EQ(out.mode, Mode::kRing);
  EXPECT_EQ(out.version, "1.3");
  EXPECT_EQ(out.ttl, hours(2));
  EXPECT_EQ(out.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(out.levels, std::vector<int>{3});
  EXPECT_EQ(out.labels.at("x"), "y");
  ASSERT_EQ(out.upstreams.size(), 2U);
  EXPECT_EQ(out.upstreams[0].first, "z");
  EXPECT_EQ(out.upstreams[1].second.weight, 7U);
  EXPECT_EQ(out.upstreams[1].second.fallbacks[0].address, "c:3");
  ASSERT_NE(out.metadata, nullptr);
  EXPECT_EQ(out.metadata->path(), "metadata");
  EXPECT_EQ(out.debug, 3);
}

TEST(Schema, WhatIsNotWrittenKeepsItsDefault) {
  const Reading read = strict("host: h\n");
  ASSERT_TRUE(read.good);
  EXPECT_EQ(read.out.port, 6379);
  EXPECT_EQ(read.out.timeout, seconds(5));
  EXPECT_EQ(read.out.ttl, std::nullopt);
  EXPECT_EQ(read.out.metadata, nullptr);
}

TEST(Schema, FindsEveryMistakeOfAFileInOneGo) {
  const Reading read = strict(
      "hst: h\n"
      "port: abc\n"
      "timeout: 5\n"
      "mode: clstr\n"
      "upstreams:\n"
      "  a: {weight: 0}\n"
      "  b: {address: nowhere}\n");
  EXPECT_FALSE(read.good);
  EXPECT_EQ(
      read.said(),
      "e.yaml:1:1: hst: unknown setting; did you mean host?\n"
      "e.yaml:2:7: port: wants an integer from 1 to 65535, found a string \"abc\"\n"
      "e.yaml:3:10: timeout: wants a duration with its unit, found the integer 5; write 5s\n"
      "e.yaml:4:7: mode: wants single, cluster or ring, found a string \"clstr\"; did you mean "
      "cluster?\n"
      "e.yaml:6:15: upstreams.a.weight: wants an integer from 1 to 1000, found the integer 0\n"
      "e.yaml:6:6: upstreams.a.address: this setting is required and missing; add address: Host "
      "and port.\n"
      "e.yaml:7:16: upstreams.b.address: wants a host:port, found \"nowhere\": it has no port\n"
      "e.yaml:1:1: host: this setting is required and missing; add host: Host name.\n");
}

TEST(Schema, WrongTypesNameWhatIsWantedAndFound) {
  EXPECT_EQ(said_about("port: '5'"),
            "e.yaml:2:7: port: wants an integer from 1 to 65535, found a string \"5\"; remove the "
            "quotes\n");
  EXPECT_EQ(said_about("port: 70000"),
            "e.yaml:2:7: port: wants an integer from 1 to 65535, found the integer 70000\n");
  EXPECT_EQ(said_about("port: 1.5"),
            "e.yaml:2:7: port: wants an integer from 1 to 65535, found the number 1.5\n");
  EXPECT_EQ(said_about("port:"),
            "e.yaml:2:6: port: wants an integer from 1 to 65535, found nothing\n");
  EXPECT_EQ(said_about("tls: yes"),
            "e.yaml:2:6: tls: wants true or false, found a string \"yes\"\n");
  EXPECT_EQ(said_about("tls: 'true'"),
            "e.yaml:2:6: tls: wants true or false, found a string \"true\"; remove the quotes\n");
  EXPECT_EQ(said_about("redisHost: 5"),
            "e.yaml:2:1: redisHost: this is the same setting as host on line 1; remove one of "
            "them\n");
  EXPECT_EQ(said_about("labels: {a: 5}"),
            "e.yaml:2:13: labels.a: wants a string, found the integer 5; put it in quotes\n");
  EXPECT_EQ(said_about("ratio: 1.5"),
            "e.yaml:2:8: ratio: wants a number from 0 to 1, found the number 1.5\n");
  EXPECT_EQ(said_about("ratio: .nan"),
            "e.yaml:2:8: ratio: wants a number from 0 to 1, found the number .nan\n");
  EXPECT_EQ(said_about("tags: a"),
            "e.yaml:2:7: tags: wants a list, found a string \"a\"; write it as [a, b], or with - "
            "before each item\n");
  EXPECT_EQ(said_about("main_upstream: [a]"),
            "e.yaml:2:16: main_upstream: wants a mapping, found a list; write one `name: value` a "
            "line below it\n");
  EXPECT_EQ(said_about("version: 1.4"),
            "e.yaml:2:10: version: wants 1.2 or 1.3, found the number 1.4; did you mean 1.2?\n");
}

TEST(Schema, LimitsHold) {
  EXPECT_EQ(strict("host: ''\n").said(), "e.yaml:1:7: host: must not be empty; write a text\n");
  EXPECT_EQ(said_about("tags: [a, b, c, d]"),
            "e.yaml:2:7: tags: has 4 items, the limit is 3; remove some\n");
  EXPECT_EQ(said_about("tags: [abcdefghijk]"),
            "e.yaml:2:8: tags[0]: has 11 bytes, the limit is 10; make it shorter\n");
  EXPECT_EQ(said_about("levels: []"),
            "e.yaml:2:9: levels: must not be empty; write at least one item\n");
  EXPECT_EQ(
      said_about("levels: [1, -1]"),
      "e.yaml:2:13: levels[1]: wants an integer from 0 to 2147483647, found the integer -1\n");
  EXPECT_EQ(said_about("timeout: 2h"),
            "e.yaml:2:10: timeout: wants a duration from 1ms to 1h, found a string \"2h\"\n");
  EXPECT_EQ(said_about("ttl: -5s"),
            "e.yaml:2:6: ttl: wants a duration, found a string \"-5s\"; it cannot be negative\n");
  EXPECT_EQ(said_about("buffer: 5MiB"),
            "e.yaml:2:9: buffer: wants a size in bytes of at most 4MiB, found a string \"5MiB\"\n");
  EXPECT_EQ(
      said_about("buffer: 5MBit"),
      "e.yaml:2:9: buffer: wants a size in bytes, found \"5MBit\": its unit is none of B, kB, "
      "MB, GB, TB, KiB, MiB, GiB, TiB; write it like 64KiB, 4MiB or 65536\n");
  EXPECT_EQ(said_about("labels: {a: \"x\\0y\"}"),
            "e.yaml:2:13: labels.a: has a NUL character in it; remove it\n");
}

TEST(Schema, ZeroNeedsNoUnitAndANullListIsEmpty) {
  const Reading read = strict("host: h\nmain_upstream:\nlabels:\ntags: ~\nttl: ~\n");
  EXPECT_EQ(
      read.said(),
      "e.yaml:2:15: main_upstream.address: this setting is required and missing; add address: "
      "Host and port.\n");
  const Reading zero = strict("host: h\nbuffer: 0\ntimeout: 0\n");
  EXPECT_EQ(zero.said(),
            "e.yaml:3:10: timeout: wants a duration from 1ms to 1h, found the integer 0\n");
}

TEST(Schema, UnknownNamesListTheKnownOnes) {
  EXPECT_EQ(said_about("main_upstream: {address: 'a:1', colour: red}"),
            "e.yaml:2:33: main_upstream.colour: unknown setting; remove it; known here: address, "
            "weight, fallbacks\n");
  EXPECT_EQ(said_about("mainUpstream: {}"),
            "e.yaml:2:1: mainUpstream: unknown setting; did you mean main_upstream?\n");
  EXPECT_NE(said_about("zzzzzz: 1").find("known here: host, port, "), std::string::npos);
  EXPECT_EQ(said_about("debu: 1").find("did you mean debug"), std::string::npos);
}

TEST(Schema, IgnoredNamesAreWarnings) {
  const Reading read = strict("host: h\nredisDB: 3\n");
  EXPECT_TRUE(read.good);
  EXPECT_EQ(
      read.said(),
      "e.yaml:2:1: warning: redisDB: this setting has no meaning here: there is one database; "
      "remove it\n");
}

TEST(Schema, RulesAcrossSettingsReportAtTheSettingOrWhereItWouldBe) {
  EXPECT_EQ(strict("host: h\nport: 80\nenableTLS: true\n").said(),
            "e.yaml:2:7: port: port 80 does not speak TLS; use 443\n");
  EXPECT_EQ(strict("host: h\nttl: 1s\n").said(),
            "e.yaml:1:1: timeout: is longer than ttl; make it shorter\n");
}

TEST(Schema, SecretsAndReferencesAreNeverQuoted) {
  for (const auto* line :
       {"password: [hunter2]", "password: 123456789", "password: hunter2hunter2hunter2",
        "port: ${X}", "timeout: ${X}", "buffer: '${X}'", "mode: ${X}", "version: ${X}",
        "main_upstream: {address: '${X}'}", "main_upstream: ${X}", "tags: ${X}", "ratio: ${X}",
        "tags: ['${X}${X}${X}${X}']"}) {
    const std::string said = said_about(line);
    EXPECT_NE(said, "") << line;
    EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
    EXPECT_EQ(said.find("123456789"), std::string::npos) << said;
  }
}

TEST(Schema, BrokenReferencesAreReportedOnce) {
  EXPECT_EQ(said_about("port: ${file:/x}\nlevels: [1, '${file:/x}']"),
            "e.yaml:2:7: port: cannot read the file \"/x\": none; create it, or correct the path\n"
            "e.yaml:3:13: levels[1]: cannot read the file \"/x\": none; create it, or correct the "
            "path\n");
}

TEST(Schema, LenientReadingTakesTextForValues) {
  const Reading read = lenient(R"({
    "redisHost": "h", "port": "80", "tls": "F", "ratio": "0.25", "offset": "-7", "password": 12345,
    "timeout": "30", "buffer": "1024", "mode": "Cluster", "version": 1.3, "ttl": "1h15m",
    "tags": " a, b,,c ", "levels": ["1", 2], "labels": {"n": 5, "b": true}})");
  ASSERT_TRUE(read.good) << read.said();
  EXPECT_EQ(read.said(), "");
  EXPECT_EQ(read.out.host, "h");
  EXPECT_EQ(read.out.port, 80);
  EXPECT_EQ(read.out.ratio, 0.25);
  EXPECT_EQ(read.out.offset, -7);
  EXPECT_EQ(read.out.password.reveal(), "12345");
  EXPECT_EQ(read.out.timeout, seconds(30));
  EXPECT_EQ(read.out.buffer.bytes, 1024U);
  EXPECT_EQ(read.out.mode, Mode::kCluster);
  EXPECT_EQ(read.out.version, "1.3");
  EXPECT_EQ(read.out.ttl, minutes(75));
  EXPECT_EQ(read.out.tags, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(read.out.levels, (std::vector<int>{1, 2}));
  EXPECT_EQ(read.out.labels.at("n"), "5");
  EXPECT_EQ(read.out.labels.at("b"), "true");
}

TEST(Schema, LenientReadingWarnsOfUnknownNamesAndOtherCase) {
  const Reading read = lenient(R"({"REDISHOST": "h", "colour": 1, "port": null, "prt": 1})");
  EXPECT_TRUE(read.good);
  EXPECT_EQ(read.said(),
            "e.json:1:2: warning: REDISHOST: the name is spelt otherwise; write redisHost\n"
            "e.json:1:20: warning: colour: unknown setting, not used; remove it; known here: host, "
            "port, tls, ratio, offset, password, timeout, buffer, mode, version, ttl, tags, …\n"
            "e.json:1:47: warning: prt: unknown setting, not used; did you mean port?\n");
  EXPECT_EQ(read.out.host, "h");
  EXPECT_EQ(read.out.port, 6379);
}

TEST(Schema, LenientReadingStillChecks) {
  EXPECT_EQ(lenient(R"({"host": "h", "ttl": "5", "port": "80x", "timeout": 7200, "tls": "maybe"})")
                .said(),
            "e.json:1:22: ttl: wants a duration with its unit, found a string \"5\"; write 5s\n"
            "e.json:1:35: port: wants an integer from 1 to 65535, found a string \"80x\"\n"
            "e.json:1:53: timeout: wants a duration from 1ms to 1h, found the integer 7200\n"
            "e.json:1:66: tls: wants true or false, found a string \"maybe\"\n");
  EXPECT_EQ(lenient(R"({"host": null})").said(),
            "e.json:1:1: host: this setting is required and missing; add host: Host name.\n");
  EXPECT_NE(lenient(R"({"host": "h", "timeout": 9223372036854775807})").said(), "");
  EXPECT_NE(lenient(R"({"host": "h", "tags": "a,b,c,d"})").said(), "");
  EXPECT_NE(lenient(R"({"host": "h", "tags": "abcdefghijkl"})").said(), "");
}

TEST(Schema, ANodeOutsideOfADocumentGivesTheDefaults) {
  const Node nothing;
  Problems problems;
  ParsePass pass{problems};
  Upstream upstream;
  EXPECT_FALSE(Upstream::schema().parse(nothing, upstream, pass));
  EXPECT_EQ(problems.to_string(),
            "address: this setting is required and missing; add address: Host and port.\n");
}

TEST(Schema, ACatalogueMayValidateWithoutKnowingTheStruct) {
  const AnySchema& any = Example::schema();
  Problems problems;
  ParsePass pass{problems};
  const auto document = read_yaml("host: h\nport: 0\n", "e.yaml", problems);
  ASSERT_TRUE(document);
  EXPECT_FALSE(any.validate(document->root(), pass));
  EXPECT_EQ(problems.errors(), 1U);
}

TEST(Schema, OnePartOfADocumentMayBeReadIntoAResult) {
  Problems problems;
  const auto document =
      read_json(R"({"good": {"addr": "a:1"}, "bad": {"addr": 1}})", "e.json", problems);
  ASSERT_TRUE(document);
  const auto& schema = Upstream::schema();
  const auto good = schema.parse(*document->root().find("good"), Strictness::kStrict);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->address, "a:1");
  const auto bad = schema.parse(*document->root().find("bad"), Strictness::kStrict);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(bad.error().message(),
            "e.json:1:43: bad.addr: wants a string, found the integer 1; put it in quotes");
}

TEST(Schema, RefusesTwoSettingsWithOneName) {
  EXPECT_DEATH(Schema<Upstream>::make("twice", "Twice.",
                                      [](Schema<Upstream>& s) {
                                        s.field("a", &Upstream::address, "One.");
                                        s.field("b", &Upstream::weight, "Two.").alias("a");
                                      }),
               "twice: two settings named a");
}

TEST(Durations, AreReadAsGoReadsThem) {
  EXPECT_EQ(*parse_duration("1h15m30.918273645s"), hours(1) + minutes(15) + Duration(30918273645));
  EXPECT_EQ(*parse_duration("1.5h"), minutes(90));
  EXPECT_EQ(*parse_duration("-.5s"), -milliseconds(500));
  EXPECT_EQ(*parse_duration("100us"), *parse_duration("100µs"));
  EXPECT_EQ(*parse_duration("0"), Duration(0));
  EXPECT_EQ(*parse_duration("+5s"), seconds(5));
  EXPECT_EQ(*parse_duration("2562047h47m16.854775807s"), Duration(INT64_MAX));
  for (const auto* text : {"", "5", "s", ".s", "5 s", "5sec", "1d", "-", "1h30", "2562048h",
                           "99999999999999999999s", "1.2.3s", "--1s", "5S"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(Durations, AreWrittenSoThatTheyReadBack) {
  EXPECT_EQ(duration_text(seconds(90)), "1m30s");
  EXPECT_EQ(duration_text(milliseconds(100)), "100ms");
  EXPECT_EQ(duration_text(Duration(0)), "0s");
  EXPECT_EQ(duration_text(-hours(2)), "-2h");
  for (const int64_t n : {int64_t{1}, int64_t{1'000'000'007}, INT64_MAX, -INT64_MAX}) {
    EXPECT_EQ(*parse_duration(duration_text(Duration(n))), Duration(n));
  }
}

TEST(ByteSizes, KnowThousandsAnd1024s) {
  EXPECT_EQ(parse_byte_size("64KiB")->bytes, 65536U);
  EXPECT_EQ(parse_byte_size("1GB")->bytes, 1'000'000'000U);
  EXPECT_EQ(parse_byte_size("5KB")->bytes, parse_byte_size("5kB")->bytes);
  EXPECT_EQ(parse_byte_size("18446744073709551615")->bytes, UINT64_MAX);
  for (const auto* text :
       {"", "KiB", "1.5GiB", "-1", "1 KiB", "1kib", "18446744073709551616", "16777216TiB", "1PB"}) {
    EXPECT_FALSE(parse_byte_size(text).ok()) << text;
  }
  EXPECT_EQ(ByteSize::kib(64).to_string(), "64KiB");
  EXPECT_EQ(ByteSize{1'000'000'000}.to_string(), "1GB");
  EXPECT_EQ(ByteSize{1500}.to_string(), "1500");
  EXPECT_EQ(ByteSize{0}.to_string(), "0");
}

TEST(NearestName, IsCloseInLettersNotInStyle) {
  const std::vector<std::string_view> known = {"redis_host", "port", "timeout"};
  EXPECT_EQ(base::nearest_name("redisHost", known), "redis_host");
  EXPECT_EQ(base::nearest_name("prot", known), "port");
  EXPECT_EQ(base::nearest_name("colour", known), "");
  EXPECT_EQ(base::nearest_name("prt", known), "port");
  EXPECT_EQ(base::nearest_name("timout", known), "timeout");
  EXPECT_EQ(base::nearest_name("x", known), "");
  EXPECT_EQ(base::nearest_name("", known), "");
}

}  // namespace
}  // namespace layotto::config
