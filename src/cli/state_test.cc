// `state` against a real server.
#include "cli/state.h"

#include <gtest/gtest.h>

#include "cli/test_sidecar.h"

namespace layotto::cli {
namespace {

struct Verbs {
  int run(const std::vector<std::string>& words, StateOptions options = {}) {
    const Said said(input.in());
    options.target.address = sidecar.address();
    if (options.store.empty()) options.store = "demo";
    options.console = said.console;
    const int code = state(words, options);
    out = said.out();
    err = said.err();
    return code;
  }
  TestSidecar sidecar;
  Pipe input;
  std::string out;
  std::string err;
};

TEST(StateVerb, SavesGetsAndDeletes) {
  Verbs v;
  EXPECT_EQ(v.run({"save", "hello", "world"}), 0) << v.err;
  EXPECT_EQ(v.out + v.err, "");
  EXPECT_EQ(v.run({"get", "hello"}), 0);
  EXPECT_EQ(v.out, "world");
  EXPECT_EQ(v.run({"delete", "hello"}), 0);
  EXPECT_EQ(v.run({"get", "hello"}), 5);
  EXPECT_EQ(v.out, "");
  EXPECT_EQ(v.err, "NOT_FOUND: the key 'hello' does not exist in demo\n");
  EXPECT_EQ(v.run({"delete", "hello"}), 0);
}

TEST(StateVerb, PrintsBytesAsTheyAre) {
  Verbs v;
  const std::string bytes("\0\xff\n{}\r\n", 7);
  v.input.write(bytes);
  v.input.end();
  EXPECT_EQ(v.run({"save", "b", "-"}), 0) << v.err;
  EXPECT_EQ(v.run({"get", "b"}), 0);
  EXPECT_EQ(v.out, bytes);
}

TEST(StateVerb, AnEmptyValueIsNotAMissingOne) {
  Verbs v;
  EXPECT_EQ(v.run({"save", "empty", ""}), 0);
  EXPECT_EQ(v.run({"get", "empty"}), 0);
  EXPECT_EQ(v.out, "");
}

TEST(StateVerb, WritesUnderConditions) {
  Verbs v;
  EXPECT_EQ(v.run({"save", "k", "1"}, {.first_write = true}), 0);
  EXPECT_EQ(v.run({"save", "k", "2"}, {.first_write = true}), 10);
  EXPECT_EQ(v.err, "ABORTED: possible etag mismatch\n");
  EXPECT_EQ(v.run({"save", "k", "2"}, {.etag = "7"}), 10);
  EXPECT_EQ(v.run({"save", "k", "2"}, {.etag = "1", .ttl = "60"}), 0);
  EXPECT_EQ(v.sidecar.last_ttl(), 60);
  EXPECT_EQ(v.run({"delete", "k"}, {.etag = "1"}), 10);
  EXPECT_EQ(v.run({"delete", "k"}, {.etag = "2"}), 0);
}

TEST(StateVerb, GivesTheServersError) {
  Verbs v;
  EXPECT_EQ(v.run({"get", "k"}, {.store = "other"}), 3);
  EXPECT_EQ(v.err, "INVALID_ARGUMENT: state store other is not found\n");
}

TEST(StateVerb, RefusesWhatMakesNoSense) {
  Verbs v;
  const std::vector<std::vector<std::string>> all = {
      {}, {"get"}, {"get", "a", "b"}, {"save", "a"}, {"put", "a", "b"}, {"delete"}};
  for (const auto& words : all) {
    EXPECT_EQ(v.run(words), 3);
    EXPECT_NE(v.err.find("layotto state get KEY"), std::string::npos) << v.err;
  }
  EXPECT_EQ(v.run({"get", "k"}, {.etag = "1"}), 3);
  EXPECT_EQ(v.run({"delete", "k"}, {.first_write = true}), 3);
  EXPECT_EQ(v.run({"get", "k"}, {.ttl = "1"}), 3);
  EXPECT_EQ(v.run({"save", "k", "v"}, {.etag = ""}), 3);
  for (const char* ttl : {"", "0", "-1", "x", "1s", "99999999999999999999"}) {
    EXPECT_EQ(v.run({"save", "k", "v"}, {.ttl = ttl}), 3) << ttl;
  }
}

}  // namespace
}  // namespace layotto::cli
