// One database, two writers: Layotto and this. Layotto's half is its scripts, which check and raise
// `version`; reading is HGETALL of `data` and `version`.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/conformance/redis_store.h"

namespace layotto::components::state::redis {
namespace {

using base::Code;
using blocks::Precondition;
using blocks::StateItem;
using blocks::StateWrite;
using conformance::RedisStore;
using std::chrono::seconds;

// What Layotto's statements do, with its arguments: the version that is expected ("0": any), the
// data, and "0" when it asked for first-write.
constexpr const char* kLayottoSet = R"lua(
local version = redis.pcall('HGET', KEYS[1], 'version')
local foreign = type(version) == 'table'
if foreign then redis.call('DEL', KEYS[1]) end
local first = redis.pcall('HGET', KEYS[1], 'first-write')
if foreign or not version or version == '' or version == ARGV[1] or
    (not first and ARGV[1] == '0') then
  redis.call('HSET', KEYS[1], 'data', ARGV[2])
  if ARGV[3] == '0' then redis.call('HSET', KEYS[1], 'first-write', 0) end
  return redis.call('HINCRBY', KEYS[1], 'version', 1)
end
return redis.error_reply('failed to set key ' .. KEYS[1])
)lua";
constexpr const char* kLayottoDelete = R"lua(
local version = redis.pcall('HGET', KEYS[1], 'version')
if not version or type(version) == 'table' or version == '' or version == ARGV[1] or
    ARGV[1] == '0' then
  return redis.call('DEL', KEYS[1])
end
return redis.error_reply('failed to delete ' .. KEYS[1])
)lua";

class Layotto {
 public:
  explicit Layotto(tests::RedisServer& server) : server_(server) {}

  // The new version, or an error reply.
  std::string set(std::string_view key, std::string_view value, std::string_view version = "0") {
    return server_.command({"EVAL", kLayottoSet, "1", key, version, value, "1"});
  }
  std::string first_write(std::string_view key, std::string_view value) {
    return server_.command({"EVAL", kLayottoSet, "1", key, "0", value, "0"});
  }
  std::string remove(std::string_view key, std::string_view version = "0") {
    return server_.command({"EVAL", kLayottoDelete, "1", key, version});
  }
  void expire(std::string_view key, std::string_view in_seconds) {
    CHECK(server_.command({"EXPIRE", key, in_seconds}) == "1");
  }
  std::string data(std::string_view key) { return server_.command({"HGET", key, "data"}); }
  std::string version(std::string_view key) { return server_.command({"HGET", key, "version"}); }

 private:
  tests::RedisServer& server_;
};

class RedisMixedWriters : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::have_redis_server()) GTEST_SKIP() << "redis-server is not installed";
    server_ = std::make_unique<tests::RedisServer>();
    layotto_ = std::make_unique<Layotto>(*server_);
    store_ = std::make_unique<RedisStore>("{redis_host: '" + server_->address() + "'}");
    ASSERT_TRUE(store_->start().ok());
  }
  Code code(const Status& status) { return status.ok() ? Code::kOk : status.error().code(); }

  std::unique_ptr<tests::RedisServer> server_;
  std::unique_ptr<Layotto> layotto_;
  std::unique_ptr<RedisStore> store_;
};

TEST_F(RedisMixedWriters, WhatLayottoWroteIsReadAndItsVersionIsTheEtag) {
  EXPECT_EQ(layotto_->set("k", "one"), "1");
  EXPECT_EQ(layotto_->set("k", "two"), "2");
  const StateItem item = store_->get("k");
  EXPECT_EQ(item.value, "two");
  EXPECT_EQ(item.etag, "2");
  EXPECT_FALSE(item.expires_at.has_value());
}

TEST_F(RedisMixedWriters, WhatLayottoWroteIsUpdatedInPlaceAndItsVersionGrows) {
  layotto_->set("k", "theirs");
  layotto_->set("k", "theirs");
  EXPECT_EQ(code(store_->put_if("k", "ours", "1")), Code::kAborted);
  EXPECT_EQ(code(store_->put_if("k", "ours", "2")), Code::kOk);
  EXPECT_EQ(layotto_->data("k"), "ours");
  EXPECT_EQ(layotto_->version("k"), "3");
  EXPECT_NE(store_->get("k").etag, "3") << "an etag of ours is no counter";
  EXPECT_EQ(code(store_->put("k", "plain")), Code::kOk);
  EXPECT_EQ(layotto_->version("k"), "4");
}

TEST_F(RedisMixedWriters, LayottoUpdatesWhatWeWrote) {
  ASSERT_TRUE(store_->put("k", "ours").ok());
  EXPECT_EQ(layotto_->data("k"), "ours");
  EXPECT_EQ(layotto_->version("k"), "1");
  EXPECT_TRUE(layotto_->set("k", "theirs", "7").starts_with("-")) << "not that version";
  EXPECT_EQ(layotto_->set("k", "theirs", "1"), "2");
  EXPECT_EQ(store_->get("k").value, "theirs");
  EXPECT_EQ(store_->get("k").etag, "2");
}

TEST_F(RedisMixedWriters, AnEtagOfOursEndsWithTheirWrite) {
  ASSERT_TRUE(store_->put("k", "ours").ok());
  const std::string stale = store_->get("k").etag;
  layotto_->set("k", "theirs");
  EXPECT_EQ(code(store_->put_if("k", "lost update", stale)), Code::kAborted);
  EXPECT_EQ(code(store_->write({.kind = StateWrite::Kind::kDelete,
                                .key = "k",
                                .precondition = Precondition::matches(stale)})),
            Code::kAborted);
  EXPECT_EQ(layotto_->data("k"), "theirs");
}

TEST_F(RedisMixedWriters, AVersionOfTheirsEndsWithOurWrite) {
  EXPECT_EQ(layotto_->set("k", "theirs"), "1");
  ASSERT_TRUE(store_->put("k", "ours").ok());
  EXPECT_TRUE(layotto_->set("k", "lost update", "1").starts_with("-"));
  EXPECT_TRUE(layotto_->remove("k", "1").starts_with("-"));
  EXPECT_EQ(code(store_->put_if("k", "by version", "2")), Code::kAborted)
      << "the version of a write of ours is no etag";
  EXPECT_EQ(store_->get("k").value, "ours");
  EXPECT_EQ(layotto_->remove("k", "2"), "1");
  EXPECT_FALSE(store_->get("k").found);
}

TEST_F(RedisMixedWriters, FirstWriteMeansTheSameToBoth) {
  layotto_->set("theirs", "v");
  EXPECT_EQ(code(store_->create("theirs", "w")), Code::kAborted);
  EXPECT_EQ(layotto_->first_write("first", "v"), "1");
  EXPECT_EQ(code(store_->create("first", "w")), Code::kAborted);
  EXPECT_EQ(code(store_->put("first", "w")), Code::kOk) << "a plain put always succeeds";
  EXPECT_EQ(layotto_->version("first"), "2");
  layotto_->remove("theirs");
  EXPECT_EQ(code(store_->create("theirs", "w")), Code::kOk);
}

TEST_F(RedisMixedWriters, ExpiriesOfLayottoAreSeenAndCleared) {
  layotto_->set("k", "theirs");
  layotto_->expire("k", "1000");
  EXPECT_TRUE(store_->get("k").expires_at.has_value());
  ASSERT_TRUE(store_->put("k", "ours").ok());
  EXPECT_EQ(server_->command({"PTTL", "k"}), "-1") << "a plain put clears the expiry";
  EXPECT_FALSE(store_->get("k").expires_at.has_value());

  ASSERT_TRUE(store_->put("k", "ours", seconds(1000)).ok());
  EXPECT_TRUE(store_->get("k").expires_at.has_value());
  layotto_->set("k", "theirs");
  layotto_->expire("k", "5");
  const StateItem item = store_->get("k");
  ASSERT_TRUE(item.expires_at.has_value());
  EXPECT_LE(*item.expires_at, base::SystemClock().wall_now() + seconds(6));
  ASSERT_EQ(server_->command({"PERSIST", "k"}), "1");
  EXPECT_FALSE(store_->get("k").expires_at.has_value());
}

TEST_F(RedisMixedWriters, ATransactionTakesBothKindsOfEtags) {
  layotto_->set("theirs", "1");
  ASSERT_TRUE(store_->put("ours", "1").ok());
  const std::string ours = store_->get("ours").etag;
  const auto both = [&](std::string_view version) {
    return store_->transact(
        {{.key = "ours", .value = "2", .precondition = Precondition::matches(ours)},
         {.key = "theirs", .value = "2", .precondition = Precondition::matches(version)}});
  };
  EXPECT_EQ(code(both("2")), Code::kAborted);
  EXPECT_EQ(store_->get("ours").value, "1");
  EXPECT_EQ(code(both("1")), Code::kOk);
  EXPECT_EQ(layotto_->version("theirs"), "2");
  EXPECT_EQ(layotto_->version("ours"), "2");
}

TEST_F(RedisMixedWriters, KeysThatAreNoHashesAreReadAndReplaced) {
  server_->command({"SET", "text", "plain"});
  EXPECT_EQ(store_->get("text").value, "plain");
  EXPECT_EQ(store_->get("text").etag, "");
  EXPECT_EQ(code(store_->create("text", "v")), Code::kAborted);
  EXPECT_EQ(code(store_->put("text", "v")), Code::kOk);
  EXPECT_EQ(layotto_->data("text"), "v");
  server_->command({"RPUSH", "list", "a", "b"});
  EXPECT_EQ(code(store_->put("list", "v")), Code::kOk);
  EXPECT_EQ(layotto_->data("list"), "v");
  server_->command({"RPUSH", "list2", "a", "b"});
  EXPECT_EQ(code(store_->remove("list2")), Code::kOk);
  EXPECT_EQ(server_->command({"EXISTS", "list2"}), "0");
}

TEST_F(RedisMixedWriters, NoEtagMatchesAKeyThatIsNoHash) {
  server_->command({"SET", "text", "plain", "EX", "1000"});
  EXPECT_TRUE(store_->get("text").expires_at.has_value());
  for (const char* etag : {"0", "1", "plain", " "}) {
    EXPECT_EQ(code(store_->put_if("text", "v", etag)), Code::kAborted);
  }
  EXPECT_EQ(server_->command({"GET", "text"}), "plain");
  ASSERT_TRUE(store_->put("text", "v").ok());
  EXPECT_EQ(server_->command({"PTTL", "text"}), "-1");
  EXPECT_EQ(layotto_->set("text", "theirs", "1"), "2") << "it is Layotto's as any other";

  server_->command({"RPUSH", "list", "a"});
  StateItem item;
  const Status read = store_->loop().run(store_->store().get("list", {}, item));
  ASSERT_EQ(code(read), Code::kInternal);
  EXPECT_NE(read.error().message().find("WRONGTYPE"), std::string::npos);
  EXPECT_EQ(code(store_->create("list", "v")), Code::kAborted) << "something is there";
}

TEST_F(RedisMixedWriters, TheirExpiryEndsAKeyOfOursAndOursOneOfTheirs) {
  ASSERT_TRUE(store_->put("ours", "v", seconds(1000)).ok());
  const std::string etag = store_->get("ours").etag;
  ASSERT_EQ(layotto_->set("ours", "theirs"), "2");
  ASSERT_EQ(server_->command({"PEXPIRE", "ours", "1"}), "1");
  ASSERT_TRUE(tests::wait_for([&] { return !store_->get("ours").found; }));
  EXPECT_EQ(code(store_->put_if("ours", "v", etag)), Code::kAborted);
  EXPECT_EQ(code(store_->put_if("ours", "v", "2")), Code::kAborted);
  EXPECT_EQ(code(store_->create("ours", "v")), Code::kOk);
  EXPECT_EQ(layotto_->version("ours"), "1");

  layotto_->set("theirs", "v");
  ASSERT_TRUE(store_->put("theirs", "v", seconds(1)).ok());
  ASSERT_TRUE(tests::wait_for([&] { return layotto_->data("theirs") == "(nil)"; }));
  EXPECT_FALSE(store_->get("theirs").found);
}

TEST_F(RedisMixedWriters, AHashOfSomebodyElseIsNoValue) {
  server_->command({"HSET", "h", "field", "kept"});
  EXPECT_FALSE(store_->get("h").found);
  EXPECT_EQ(code(store_->create("h", "v")), Code::kOk);
  EXPECT_EQ(server_->command({"HGET", "h", "field"}), "kept");
}

TEST_F(RedisMixedWriters, AVersionThatIsNoNumberDoesNotStopAWrite) {
  for (const char* version : {"x", "", "9223372036854775807", "-3", "1.5", "007", "00", "+1", " 1",
                              "1e3", "9007199254740993", "99999999999999999"}) {
    server_->command({"DEL", "k", "l"});
    server_->command({"HSET", "k", "data", "old", "version", version});
    const StateItem item = store_->get("k");
    EXPECT_EQ(item.value, "old");
    EXPECT_EQ(item.etag, version);
    EXPECT_EQ(code(store_->put_if("k", "new", "another")), Code::kAborted);
    const Status written =
        store_->transact({{.key = "l", .value = "new"}, {.key = "k", .value = "new"}});
    ASSERT_EQ(code(written), Code::kOk) << version << ": " << written.error().to_string();
    EXPECT_EQ(layotto_->data("k"), "new");
    EXPECT_EQ(layotto_->data("l"), "new");
    EXPECT_EQ(layotto_->version("k"), "1") << version;
    EXPECT_EQ(code(store_->put_if("k", "newer", store_->get("k").etag)), Code::kOk) << version;
  }
  for (const char* version : {"0", "999999999999999"}) {
    server_->command({"HSET", "k", "data", "old", "version", version});
    EXPECT_EQ(code(store_->put_if("k", "new", version)), Code::kOk);
    EXPECT_EQ(layotto_->version("k"), std::to_string(std::stoll(version) + 1));
    EXPECT_NE(store_->get("k").etag, layotto_->version("k")) << "it is ours now";
  }
}

// As large as a counter of Layotto can be: what it writes is never taken for a write of ours.
TEST_F(RedisMixedWriters, NoVersionOfTheirsMeetsAnEtagOfOurs) {
  for (const char* version :
       {"5", "999999999999998", "9007199254740991", "9007199254740993", "99999999999999997"}) {
    server_->command({"DEL", "k"});
    server_->command({"HSET", "k", "data", "old", "version", version});
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(store_->put("k", "ours").ok());
      const std::string stale = store_->get("k").etag;
      ASSERT_NE(stale, layotto_->version("k"));
      for (int more = 0; more < 3; ++more) {
        ASSERT_FALSE(layotto_->set("k", "theirs").starts_with("-"));
        EXPECT_EQ(store_->get("k").etag, layotto_->version("k")) << version;
        ASSERT_EQ(code(store_->put_if("k", "lost update", stale)), Code::kAborted) << version;
      }
    }
  }
}

// Both add to one number, each with the etag it has read: no addition is lost.
TEST_F(RedisMixedWriters, LoseNoUpdate) {
  constexpr int kEach = 200;
  layotto_->set("n", "0");
  int theirs = 0;
  int ours = 0;
  while (theirs < kEach && ours < kEach) {
    const StateItem mine = store_->get("n");
    const std::string version = layotto_->version("n");
    const std::string next = std::to_string(std::stoi(mine.value) + 1);
    // Both have read the same: only one of them may win.
    const bool they_first = (theirs + ours) % 3 == 0;
    bool they_won = false;
    if (they_first) they_won = !layotto_->set("n", next, version).starts_with("-");
    const bool we_won = store_->put_if("n", next, mine.etag).ok();
    if (!they_first) they_won = !layotto_->set("n", next, version).starts_with("-");
    ASSERT_NE(they_won, we_won);
    theirs += they_won ? 1 : 0;
    ours += we_won ? 1 : 0;
  }
  EXPECT_EQ(store_->get("n").value, std::to_string(theirs + ours));
  EXPECT_GT(theirs, 0);
  EXPECT_GT(ours, 0);
}

}  // namespace
}  // namespace layotto::components::state::redis
