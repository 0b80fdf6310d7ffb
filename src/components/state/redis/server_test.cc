// The store against a real server that demands passwords and TLS, goes away, stands still, forgets
// scripts, is full.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/conformance/redis_store.h"
#include "tests/support/test_certificates.h"

namespace layotto::components::state::redis {
namespace {

using base::Code;
using blocks::Consistency;
using blocks::Health;
using blocks::StateItem;
using blocks::StateWrite;
using conformance::RedisStore;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::RedisServer;

class RedisState : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::have_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  }
  // `more`: further settings, each with a comma before it.
  static std::string settings(const std::string& address, const std::string& more = "") {
    return "{redis_host: '" + address + "'" + more + "}";
  }
  RedisStore& open(const std::string& address, const std::string& more = "") {
    store_ = std::make_unique<RedisStore>(settings(address, more));
    const Status started = store_->start();
    CHECK(started.ok(), started.error().message());
    return *store_;
  }
  static Code code(const Status& status) { return status.ok() ? Code::kOk : status.error().code(); }
  static std::string text(const Status& status) {
    if (status.ok()) return "OK";
    return status.error().to_string() + (status.error().outcome_unknown() ? " [unknown]" : "");
  }
  static bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }

  std::unique_ptr<RedisStore> store_;
};

// ---- who we are

TEST_F(RedisState, LogsInAndUsesItsDatabase) {
  RedisServer server({.password = "s3cret"});
  RedisStore& store = open(server.address(), ", redis_password: s3cret, redis_db: 5");
  ASSERT_TRUE(store.put("k", "v").ok());
  EXPECT_EQ(server.info({"INFO", "keyspace"}, "db5").substr(0, 6), "keys=1");
  EXPECT_EQ(server.info({"INFO", "keyspace"}, "db0"), "");
}

TEST_F(RedisState, SaysWhyItIsNotLetInAndNeverWithWhichPassword) {
  RedisServer server({.password = "s3cret"});
  for (const char* more : {"", ", redis_password: not-it"}) {
    RedisStore store(settings(server.address(), more));
    const Status started = store.start();
    EXPECT_EQ(code(started), Code::kUnauthenticated) << text(started);
    EXPECT_TRUE(has(text(started), server.address())) << text(started);
    EXPECT_FALSE(has(text(started), "not-it")) << text(started);
    EXPECT_EQ(store.store().health().state, Health::State::kFailed);
    EXPECT_TRUE(has(store.store().health().reason, server.address()));
    EXPECT_FALSE(has(store.store().health().reason, "not-it"));
  }
}

TEST_F(RedisState, WorksAsAUserWithTheRightsItNeeds) {
  RedisServer server({.config =
                          "user app on >s3cret ~* +@read +@write +@connection +@scripting +type\n"
                          "user reader on >s3cret ~* +@read +@connection +@scripting\n"});
  RedisStore& store = open(server.address(), ", redis_username: app, redis_password: s3cret");
  ASSERT_TRUE(store.put("k", "v", seconds(100)).ok());
  EXPECT_EQ(store.get("k").value, "v");
  ASSERT_TRUE(store.transact({{.key = "a", .value = "1"}, {.key = "b", .value = "2"}}).ok());

  RedisStore reader(settings(server.address(), ", redis_username: reader, redis_password: s3cret"));
  ASSERT_TRUE(reader.start().ok());
  EXPECT_EQ(reader.get("k").value, "v");
  const Status refused = reader.put("k", "w");
  EXPECT_FALSE(refused.ok());
  EXPECT_NE(code(refused), Code::kAborted) << "an error is no mismatch";
  EXPECT_EQ(store.get("k").value, "v");
}

TEST_F(RedisState, SpeaksTlsWithAPassword) {
  tests::TestCertificates certificates;
  RedisServer server({.password = "s3cret", .certificates = certificates.folder().path()});
  const std::string tls = ", redis_password: s3cret, enable_tls: true, tls_certificate: '" +
                          certificates.file("client.pem") + "', tls_key: '" +
                          certificates.file("client.key") + "'";
  RedisStore& store =
      open(server.tls_address(), tls + ", tls_ca: '" + certificates.file("ca.pem") + "'");
  const std::string large(300'000, 'v');
  ASSERT_TRUE(store.put("k", large).ok());
  EXPECT_EQ(store.get("k").value, large);

  RedisStore wrong_ca(settings(server.tls_address(),
                               tls + ", tls_ca: '" + certificates.file("other-ca.pem") + "'"));
  const Status refused = wrong_ca.start();
  EXPECT_FALSE(refused.ok());
  EXPECT_TRUE(has(text(refused), server.tls_address())) << text(refused);
  RedisStore wrong_name(settings(
      server.tls_address(),
      tls + ", tls_server_name: another.test, tls_ca: '" + certificates.file("ca.pem") + "'"));
  EXPECT_FALSE(wrong_name.start().ok());
}

// ---- servers that go away

TEST_F(RedisState, IsDownWithTheReasonWhileTheServerIsAwayAndComesBackByItself) {
  RedisServer server({.arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
  RedisStore& store = open(server.address());
  ASSERT_TRUE(store.put("k", "before").ok());
  server.kill();
  ASSERT_TRUE(store.loop().run_until([&] { return !store.ready(); }));
  EXPECT_EQ(store.store().health().state, Health::State::kFailed);
  EXPECT_TRUE(has(store.store().health().reason, server.address()));
  const Status refused = store.put("k", "away");
  EXPECT_EQ(code(refused), Code::kUnavailable);
  EXPECT_FALSE(refused.error().outcome_unknown()) << "nothing was sent";
  EXPECT_TRUE(has(text(refused), server.address())) << text(refused);
  EXPECT_FALSE(store.within(seconds(5), store.store().probe()).ok());

  server.start();
  ASSERT_TRUE(store.wait_until_ready());
  EXPECT_EQ(store.get("k").value, "before");
  EXPECT_TRUE(store.put("k", "after").ok());
  EXPECT_TRUE(has(store.metrics(), "layotto_redis_disconnections_total{component=\"demo\"} 1"));
  EXPECT_TRUE(has(store.metrics(), "layotto_redis_connections_total{component=\"demo\"} 2"));
}

TEST_F(RedisState, StartsWhenTheServerComes) {
  RedisServer server;
  server.kill();
  RedisStore store(settings(server.address()));
  const Status refused = store.start();
  EXPECT_EQ(code(refused), Code::kUnavailable);
  EXPECT_TRUE(has(store.store().health().reason, server.address()));
  server.start();
  ASSERT_TRUE(store.loop().run_until([&] { return store.start().ok(); }));
  EXPECT_TRUE(store.ready());
  EXPECT_TRUE(store.put("k", "v").ok());
}

TEST_F(RedisState, AServerThatStandsStillCostsTheDeadlineAndTheOutcomeIsUnknown) {
  RedisServer server;
  RedisStore& store = open(server.address());
  ASSERT_TRUE(store.put("k", "before").ok());
  server.pause();
  const std::vector<StateWrite> two = {{.key = "k", .value = "during"}, {.key = "l", .value = "v"}};
  for (const Status& status :
       {store.within(milliseconds(50), store.store().write({.key = "k", .value = "during"})),
        store.within(milliseconds(50), store.store().transact(two))}) {
    EXPECT_EQ(code(status), Code::kDeadlineExceeded) << text(status);
    EXPECT_TRUE(status.error().outcome_unknown()) << text(status);
    EXPECT_TRUE(has(text(status), server.address())) << text(status);
  }
  StateItem item;
  const Status read =
      store.within(milliseconds(50), store.store().get("k", Consistency::kDefault, item));
  EXPECT_EQ(code(read), Code::kDeadlineExceeded);
  EXPECT_FALSE(read.error().outcome_unknown()) << "a read changes nothing";
  EXPECT_FALSE(item.found);
  server.resume();
  ASSERT_TRUE(store.loop().run_until([&] { return store.store().health().reason.empty(); }));
  EXPECT_EQ(store.get("k").value, "during") << "it was executed after all";
}

TEST_F(RedisState, AProbeFindsAServerThatStandsStill) {
  RedisServer server;
  RedisStore& store = open(server.address());
  EXPECT_TRUE(store.within(seconds(5), store.store().probe()).ok());
  server.pause();
  EXPECT_TRUE(store.ready()) << "nobody has asked";
  EXPECT_EQ(code(store.within(milliseconds(50), store.store().probe())), Code::kDeadlineExceeded);
  EXPECT_EQ(store.store().health().state, Health::State::kFailed);
  EXPECT_TRUE(has(store.store().health().reason, server.address()));
  server.resume();
  EXPECT_TRUE(store.wait_until_ready());
  EXPECT_TRUE(store.within(seconds(5), store.store().probe()).ok());
}

TEST_F(RedisState, AServerThatSaysNothingIsLeftAndItsWritesAreUnknown) {
  RedisServer server;
  RedisStore& store = open(server.address(), ", read_timeout: 200ms");
  server.pause();
  const Status lost = store.put("k", "v");
  EXPECT_EQ(code(lost), Code::kUnavailable);
  EXPECT_TRUE(lost.error().outcome_unknown());
  EXPECT_TRUE(has(text(lost), "no reply for 200 ms")) << text(lost);
  server.resume();
  EXPECT_TRUE(store.wait_until_ready());
  EXPECT_TRUE(store.put("k", "w").ok());
}

TEST_F(RedisState, AConnectionThatIsCutCostsNothingThatWasNotSent) {
  RedisServer server;
  RedisStore& store = open(server.address());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(server.command({"CLIENT", "KILL", "TYPE", "normal"}), "1");
    StateItem item;
    EXPECT_TRUE(store.within(seconds(5), store.store().get("k", Consistency::kDefault, item)).ok());
  }
}

// ---- servers that say no

TEST_F(RedisState, LoadsTheScriptAgainWhenTheServerForgetsIt) {
  RedisServer server;
  RedisStore& store = open(server.address());
  ASSERT_TRUE(store.put("k", "1").ok());
  ASSERT_EQ(server.command({"SCRIPT", "FLUSH"}), "OK");
  const std::string etag = store.get("k").etag;
  EXPECT_TRUE(store.put_if("k", "2", etag).ok());
  EXPECT_EQ(store.get("k").value, "2");
  ASSERT_EQ(server.command({"SCRIPT", "FLUSH"}), "OK");
  EXPECT_TRUE(store.transact({{.key = "k", .value = "3"}}).ok());
  EXPECT_TRUE(has(store.metrics(), "reason=\"script\"} 2"));
}

TEST_F(RedisState, AFullServerIsResourceExhausted) {
  RedisServer server;
  RedisStore& store = open(server.address());
  ASSERT_TRUE(store.put("k", "v").ok());
  const std::string etag = store.get("k").etag;
  ASSERT_EQ(server.command({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  EXPECT_EQ(code(store.put("k", "w")), Code::kResourceExhausted);
  EXPECT_EQ(code(store.put_if("k", "w", etag)), Code::kResourceExhausted) << "no mismatch";
  EXPECT_EQ(store.get("k").value, "v");
  ASSERT_EQ(server.command({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  EXPECT_TRUE(store.put_if("k", "w", etag).ok());
}

TEST_F(RedisState, AReplicaIsUnavailable) {
  RedisServer primary;
  RedisServer replica({.arguments = {"--replicaof", "127.0.0.1", std::to_string(primary.port()),
                                     "--repl-diskless-sync-delay", "0"}});
  ASSERT_TRUE(tests::wait_for(
      [&] { return replica.info({"INFO", "replication"}, "master_link_status") == "up"; }));
  RedisStore& store = open(replica.address(), ", max_retries: 1");
  const Status refused = store.put("k", "v");
  EXPECT_EQ(code(refused), Code::kUnavailable) << text(refused);
  EXPECT_FALSE(refused.error().outcome_unknown());
  EXPECT_TRUE(has(text(refused), "READONLY")) << text(refused);
}

TEST_F(RedisState, WaitsForReplicasWhenAsked) {
  RedisServer primary;
  const std::string strict = ", replicas_min: 1, replicas_timeout: 50ms";
  RedisStore& store = open(primary.address(), strict);
  const StateWrite strong{.key = "k", .value = "v", .consistency = Consistency::kStrong};
  const Status alone = store.write(strong);
  EXPECT_EQ(code(alone), Code::kUnavailable) << "nobody but the primary has it";
  EXPECT_TRUE(alone.error().outcome_unknown());
  EXPECT_TRUE(has(text(alone), "replicas_min")) << text(alone);
  EXPECT_TRUE(store.put("k", "weak").ok());

  RedisServer replica({.arguments = {"--replicaof", "127.0.0.1", std::to_string(primary.port()),
                                     "--repl-diskless-sync-delay", "0"}});
  ASSERT_TRUE(tests::wait_for(
      [&] { return replica.info({"INFO", "replication"}, "master_link_status") == "up"; }));
  EXPECT_TRUE(store.loop().run_until([&] { return store.write(strong).ok(); }));
  EXPECT_EQ(replica.command({"HGET", "k", "data"}), "v");
}

TEST_F(RedisState, AServerThatIsTooOldOrNoneIsNamed) {
  RedisServer sentinel({.sentinel = true});
  RedisStore store(settings(sentinel.address()));
  const Status refused = store.start();
  EXPECT_FALSE(refused.ok());
  EXPECT_TRUE(has(text(refused), sentinel.address())) << text(refused);
  EXPECT_FALSE(store.ready());
}

// ---- many at once

TEST_F(RedisState, WritesOfOneBulkAreSentTogether) {
  RedisServer server;
  RedisStore& store = open(server.address());
  std::vector<std::string> keys;
  for (int i = 0; i < 500; ++i) keys.push_back("k" + std::to_string(i));
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) writes.push_back({.key = key, .value = key});
  std::vector<Status> results(writes.size());
  ASSERT_TRUE(store.loop().run(store.store().write_bulk(writes, results)).ok());
  for (const Status& status : results) EXPECT_TRUE(status.ok());
  EXPECT_EQ(server.command({"DBSIZE"}), "500");
  EXPECT_EQ(store.get("k499").value, "k499");
  EXPECT_TRUE(has(store.metrics(), "layotto_redis_commands_active{component=\"demo\"} 0"));
}

}  // namespace
}  // namespace layotto::components::state::redis
