// The store on a cluster and behind Sentinels.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "clients/redis/slot.h"
#include "tests/conformance/redis_store.h"

namespace layotto::components::state::redis {
namespace {

using base::Code;
using blocks::Health;
using blocks::StateWrite;
using clients::redis::slot_of;
using conformance::RedisStore;
using std::chrono::milliseconds;
using std::chrono::seconds;

Code code(const Status& status) { return status.ok() ? Code::kOk : status.error().code(); }

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : ", ") + each;
  return text;
}

class RedisStateCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::have_redis_server()) GTEST_SKIP() << "redis-server is not installed";
    cluster_ = std::make_unique<tests::RedisCluster>();
    store_ = std::make_unique<RedisStore>("{redis_type: cluster, redis_host: '" +
                                          joined(cluster_->addresses()) + "'}");
    const Status started = store_->start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
  }

  std::unique_ptr<tests::RedisCluster> cluster_;
  std::unique_ptr<RedisStore> store_;
};

TEST_F(RedisStateCluster, PutsEachKeyWhereItsSlotIs) {
  for (int i = 0; i < 30; ++i) {
    const std::string key = "k" + std::to_string(i);
    ASSERT_TRUE(store_->put(key, key).ok());
    EXPECT_EQ(store_->get(key).value, key);
    const size_t owner = tests::RedisCluster::owner(slot_of(key));
    EXPECT_EQ(cluster_->node(owner).command({"HGET", key, "data"}), key);
    ASSERT_TRUE(store_->put_if(key, "2", store_->get(key).etag).ok());
    EXPECT_EQ(code(store_->put_if(key, "3", "stale")), Code::kAborted);
  }
}

TEST_F(RedisStateCluster, TransactionsNeedAHashTagAndSaySo) {
  const Status refused = store_->transact({{.key = "a", .value = "1"}, {.key = "b", .value = "2"}});
  ASSERT_EQ(code(refused), Code::kInvalidArgument);
  EXPECT_NE(refused.error().message().find("braces"), std::string::npos);
  EXPECT_FALSE(store_->get("a").found);
  EXPECT_TRUE(
      store_->transact({{.key = "{t}.a", .value = "1"}, {.key = "{t}.b", .value = "2"}}).ok());
  EXPECT_EQ(store_->get("{t}.a").value, "1");
  EXPECT_EQ(store_->get("{t}.b").value, "2");
}

TEST_F(RedisStateCluster, ABulkGoesToEveryServer) {
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i) keys.push_back("k" + std::to_string(i));
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) writes.push_back({.key = key, .value = "v"});
  std::vector<Status> results(writes.size());
  ASSERT_TRUE(store_->loop().run(store_->store().write_bulk(writes, results)).ok());
  for (const Status& status : results) EXPECT_TRUE(status.ok());
  int found = 0;
  for (size_t i = 0; i < cluster_->size(); ++i) {
    const int here = std::stoi(cluster_->node(i).command({"DBSIZE"}));
    EXPECT_GT(here, 0);
    found += here;
  }
  EXPECT_EQ(found, 200);
}

TEST_F(RedisStateCluster, FollowsASlotThatMoves) {
  const uint16_t slot = slot_of("{t}");
  const size_t from = tests::RedisCluster::owner(slot);
  const size_t to = (from + 1) % cluster_->size();
  ASSERT_TRUE(store_->put("{t}.k", "1").ok());
  const std::string etag = store_->get("{t}.k").etag;
  cluster_->move_slot(slot, from, to);
  EXPECT_TRUE(store_->put_if("{t}.k", "2", etag).ok());
  EXPECT_EQ(store_->get("{t}.k").value, "2");
  EXPECT_EQ(cluster_->node(to).command({"HGET", "{t}.k", "data"}), "2");
  EXPECT_TRUE(
      store_->transact({{.key = "{t}.k", .value = "3"}, {.key = "{t}.l", .value = "3"}}).ok());
}

TEST_F(RedisStateCluster, IsDegradedWhileAServerIsAway) {
  const uint16_t slot = slot_of("{t}");
  const size_t lost = tests::RedisCluster::owner(slot);
  ASSERT_EQ(store_->store().health().state, Health::State::kReady);
  cluster_->node(lost).kill();
  ASSERT_TRUE(store_->loop().run_until(
      [&] { return store_->store().health().state != Health::State::kReady; }));
  EXPECT_NE(store_->store().health().reason.find(cluster_->node(lost).address()), std::string::npos)
      << store_->store().health().reason;
  const Status refused = store_->put("{t}.k", "v");
  EXPECT_EQ(code(refused), Code::kUnavailable);
  EXPECT_FALSE(refused.error().outcome_unknown());
  cluster_->node(lost).start();
  EXPECT_TRUE(store_->wait_until_ready()) << store_->store().health().reason;
  EXPECT_TRUE(store_->loop().run_until([&] { return store_->put("{t}.k", "v").ok(); }));
}

TEST_F(RedisStateCluster, AProbeFindsAServerThatStandsStill) {
  cluster_->node(1).pause();
  EXPECT_EQ(code(store_->within(milliseconds(100), store_->store().probe())),
            Code::kDeadlineExceeded);
  const Health health = store_->store().health();
  EXPECT_EQ(health.state, Health::State::kDegraded);
  EXPECT_NE(health.reason.find(cluster_->node(1).address()), std::string::npos) << health.reason;
  cluster_->node(1).resume();
  EXPECT_TRUE(store_->wait_until_ready());
}

TEST(RedisStateNoCluster, ASingleServerIsNoCluster) {
  if (!tests::have_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  tests::RedisServer server;
  RedisStore store("{redis_type: cluster, redis_host: '" + server.address() + "'}");
  const Status started = store.start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message().find("not part of a cluster"), std::string::npos)
      << started.error().to_string();
}

// ---- Sentinels

class RedisStateSentinels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::have_redis_server()) GTEST_SKIP() << "redis-server is not installed";
    sentinels_ = std::make_unique<tests::RedisSentinels>();
  }
  [[nodiscard]] std::string settings(const std::string& name = "main") const {
    return "{sentinel_master_name: " + name + ", replicas_min: 1, redis_host: '" +
           joined(sentinels_->sentinel_addresses()) + "'}";
  }

  std::unique_ptr<tests::RedisSentinels> sentinels_;
};

TEST_F(RedisStateSentinels, FollowThePrimaryAndKeepWhatReplicasHad) {
  RedisStore store(settings());
  const Status started = store.start();
  ASSERT_TRUE(started.ok()) << started.error().to_string();
  ASSERT_TRUE(
      store.write({.key = "k", .value = "kept", .consistency = blocks::Consistency::kStrong}).ok());
  const std::string etag = store.get("k").etag;
  const std::string before = sentinels_->primary_address();
  sentinels_->primary().kill();
  ASSERT_TRUE(store.loop().run_until([&] { return store.put("other", "v").ok(); }));
  EXPECT_NE(sentinels_->primary_address(), before);
  EXPECT_EQ(store.get("k").value, "kept");
  EXPECT_TRUE(store.put_if("k", "2", etag).ok());
  EXPECT_TRUE(store.ready());
}

TEST_F(RedisStateSentinels, AnySentinelWillDoAndAWrongNameIsNamed) {
  RedisStore lost(settings("nobody"));
  const Status refused = lost.start();
  ASSERT_EQ(code(refused), Code::kUnavailable);
  EXPECT_NE(refused.error().message().find("nobody"), std::string::npos);
  sentinels_->sentinel(0).kill();
  sentinels_->sentinel(1).kill();
  RedisStore store(settings());
  const Status started = store.start();
  ASSERT_TRUE(started.ok()) << started.error().to_string();
  EXPECT_TRUE(store.put("k", "v").ok());
}

}  // namespace
}  // namespace layotto::components::state::redis
