// Strong writes wait for replicas on the connection that wrote; against a scripted server.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "components/state/redis/redis_state_store.h"
#include "tests/support/redis_client_harness.h"

namespace layotto::components::state::redis {
namespace {

using base::Code;
using blocks::StateWrite;
using clients::redis::FakeServer;

class RedisReplicas : public ::testing::Test {
 protected:
  void SetUp() override {
    RedisSettings settings;
    settings.redis_host = "redis.test:6379";
    settings.replicas_min = 2;
    const blocks::WorkerEnv env{.name = "demo",
                                .loop = test_.loop(),
                                .dial = server_.dialer(),
                                .clock = test_.clock(),
                                .random = random_,
                                .metrics = shard_,
                                .log = {},
                                .app_id = "app",
                                .instance_id = "instance-1"};
    auto made = RedisStateStore::make(settings, env);
    ASSERT_TRUE(made.ok());
    store_ = *std::move(made);
    tests::Later<Status> started;
    test_.tasks().spawn(&tell, store_->start(), &started);
    server_.run();
    ASSERT_TRUE(started->ok());
  }
  void TearDown() override {
    test_.tasks().spawn_task(store_->stop(), test_.tasks().stop_source());
    server_.run();
  }
  static Task<void> tell(Task<Status> task, tests::Later<Status>* later) {
    later->emplace(co_await std::move(task));
  }
  void write_strongly(std::string_view key, tests::Later<Status>* later) {
    test_.tasks().spawn(
        &tell,
        store_->write({.key = key, .value = "v", .consistency = blocks::Consistency::kStrong}),
        later);
    server_.run();
  }

  async::TestLoop test_;
  FakeServer server_{test_};
  Random random_{1};
  telemetry::Metrics metrics_;
  telemetry::Shard shard_{metrics_};
  std::unique_ptr<RedisStateStore> store_;
};

TEST_F(RedisReplicas, AreCountedAfterTheWriteWasDone) {
  tests::Later<Status> written;
  write_strongly("k", &written);
  ASSERT_EQ(server_.commands().size(), 1U);
  server_.say(":0\r\n");
  EXPECT_FALSE(written.has_value());
  EXPECT_EQ(server_.commands(), std::vector<std::string>{"WAIT 2 1000"});
  server_.say(":2\r\n");
  EXPECT_TRUE(written->ok());
}

TEST_F(RedisReplicas, ThatAreTooFewAreAnUnknownOutcome) {
  for (const char* said : {":1\r\n", "-ERR WAIT cannot be used with replica instances\r\n"}) {
    tests::Later<Status> written;
    write_strongly("k", &written);
    server_.say(":0\r\n");
    server_.commands();
    server_.say(said);
    ASSERT_FALSE(written->ok());
    EXPECT_EQ(written->error().code(), Code::kUnavailable);
    EXPECT_TRUE(written->error().outcome_unknown());
  }
}

TEST_F(RedisReplicas, AreNotWaitedForAfterAMismatch) {
  tests::Later<Status> written;
  write_strongly("k", &written);
  server_.commands();
  server_.say(":1\r\n");
  EXPECT_EQ(written->error().code(), Code::kAborted);
  EXPECT_TRUE(server_.commands().empty());
}

TEST_F(RedisReplicas, AreNotCountedOnAnotherConnection) {
  tests::Later<Status> written;
  write_strongly("k", &written);
  server_.commands();
  server_.say(":0\r\n");
  ASSERT_EQ(server_.commands(), std::vector<std::string>{"WAIT 2 1000"});
  server_.connection().close();
  server_.run();
  ASSERT_FALSE(written->ok());
  EXPECT_TRUE(written->error().outcome_unknown());
  test_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(server_.commands().empty()) << "a new connection has written nothing";
}

TEST_F(RedisReplicas, DoNotMakeEveryWriteDialAServerThatIsAway) {
  tests::Later<Status> written;
  write_strongly("k", &written);
  server_.say(":0\r\n");
  server_.say(":2\r\n");
  ASSERT_TRUE(written->ok());
  server_.commands();
  server_.dialer().refuse = true;
  for (const auto& connection : server_.dialer().connections) connection->close();
  server_.run();
  test_.advance(std::chrono::seconds(2));
  const int dials = server_.dialer().dials;
  for (int i = 0; i < 50; ++i) {
    tests::Later<Status> refused;
    write_strongly("k", &refused);
    ASSERT_TRUE(refused.has_value());
    EXPECT_EQ(refused->error().message(),
              "redis redis.test:6379: connection refused; not connected");
  }
  EXPECT_EQ(server_.dialer().dials, dials);

  server_.dialer().refuse = false;
  while (store_->health().state != blocks::Health::State::kReady) {
    test_.advance(std::chrono::milliseconds(10));
    server_.run();
  }
  tests::Later<Status> again;
  write_strongly("k", &again);
  EXPECT_EQ(server_.commands().size(), 1U) << "no time has passed";
  server_.say(":0\r\n");
  server_.say(":2\r\n");
  EXPECT_TRUE(again->ok());
}

// The reply of the write came while the connection was given up already.
TEST_F(RedisReplicas, AreNotCountedOnAConnectionThatIsLeft) {
  tests::Later<Status> refused;
  tests::Later<Status> written;
  write_strongly("a", &refused);
  write_strongly("b", &written);
  ASSERT_EQ(server_.commands().size(), 2U);
  server_.say("-NOAUTH Authentication required.\r\n:0\r\n");
  EXPECT_EQ(refused->error().code(), Code::kUnauthenticated);
  ASSERT_TRUE(written.has_value());
  ASSERT_FALSE(written->ok());
  EXPECT_TRUE(written->error().outcome_unknown());
  test_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(server_.commands().empty());
}

}  // namespace
}  // namespace layotto::components::state::redis
