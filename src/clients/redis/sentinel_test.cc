// The client behind Sentinels against scripted servers; real ones: the tests of state.redis.
#include "clients/redis/sentinel.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/redis_client_harness.h"

namespace layotto::clients::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kFirst = "s1.test:26379";
constexpr const char* kSecond = "s2.test:26379";
constexpr const char* kOld = "10.0.0.1:6379";
constexpr const char* kNew = "10.0.0.2:6379";

std::string address_of(std::string_view host, std::string_view port = "6379") {
  return fmt::format("*2\r\n${}\r\n{}\r\n${}\r\n{}\r\n", host.size(), host, port.size(), port);
}

class SentinelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server.greet = [this, greet = server.greet](const std::string& command) {
      if (command == "SENTINEL GET-MASTER-ADDR-BY-NAME main") {
        ++asked;
        return std::optional<std::string>(primary);
      }
      if (command == "SUBSCRIBE +switch-master") {
        return std::optional<std::string>(
            "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n");
      }
      if (command == "ROLE") return std::optional<std::string>(role);
      return greet(command);
    };
  }
  void TearDown() override {
    if (sentinel == nullptr) return;
    test.tasks().spawn_task(sentinel->stop(), test.tasks().stop_source());
    server.run();
  }
  std::string connect(std::string password = "") {
    sentinel = std::make_unique<Sentinel>(
        TopologyEnv{
            .loop = test.loop(), .dialer = server.dialer(), .random = random, .counters = counters},
        ClientOptions{},
        SentinelOptions{
            .sentinels = {*net::Endpoint::parse(kFirst), *net::Endpoint::parse(kSecond)},
            .name = "main",
            .username = {},
            .password = std::move(password)});
    tests::Later<Status> connected;
    test.tasks().spawn(&tell, sentinel->connect(), &connected);
    server.run();
    pass(seconds(3));
    if (!connected.has_value()) return "(waits)";
    return connected->ok() ? "connected" : connected->error().to_string();
  }
  void pass(Duration time) {
    for (int i = 0; i < 20; ++i) {
      test.advance(time / 20);
      server.run();
    }
  }
  static Task<void> tell(Task<Status> task, tests::Later<Status>* later) {
    later->emplace(co_await std::move(task));
  }

  async::TestLoop test;
  FakeServer server{test};
  Random random{1};
  ClientCounters counters;
  std::string primary = address_of("10.0.0.1");
  std::string role = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
  int asked = 0;
  std::unique_ptr<Sentinel> sentinel;
};

TEST_F(SentinelTest, AsksWhereThePrimaryIs) {
  ASSERT_EQ(connect(), "connected");
  EXPECT_EQ(server.connections_to(kOld), 1U);
  EXPECT_EQ(sentinel->health().state, Health::State::kReady);
}

TEST_F(SentinelTest, AsksTheNextWhenOneIsAway) {
  server.dialer().refused = {kFirst};
  EXPECT_EQ(connect(), "connected");
}

TEST_F(SentinelTest, AsksTheNextWhenOneSaysNothing) {
  server.silent = {kFirst};
  EXPECT_EQ(connect(), "connected");
}

TEST_F(SentinelTest, NamesEverySentinelAndWhy) {
  server.dialer().refused = {kFirst};
  primary = "*-1\r\n";
  const std::string said = connect();
  EXPECT_TRUE(said.starts_with("UNAVAILABLE: no Sentinel says where the primary 'main' is: "))
      << said;
  EXPECT_NE(said.find("s1.test:26379: connection refused"), std::string::npos) << said;
  EXPECT_NE(said.find("knows no primary named 'main'"), std::string::npos) << said;
  EXPECT_EQ(sentinel->health().state, Health::State::kDown);
}

TEST_F(SentinelTest, NonsenseForAnAddressIsNamed) {
  for (const std::string& wrong :
       {std::string("+OK\r\n"), std::string("*1\r\n$1\r\na\r\n"), address_of("10.0.0.1", "0"),
        address_of("10.0.0.1", "x"), address_of("10.0.0.1", "65536"), address_of(""),
        std::string("-ERR unknown command\r\n")}) {
    primary = wrong;
    const std::string said = connect();
    EXPECT_TRUE(said.starts_with("UNAVAILABLE: no Sentinel says")) << wrong << ": " << said;
    EXPECT_EQ(server.connections_to(kOld), 0U);
    TearDown();
  }
  sentinel.reset();
}

TEST_F(SentinelTest, DoesNotTakeAReplicaForThePrimary) {
  role = "*5\r\n$5\r\nslave\r\n$8\r\n10.0.0.9\r\n:6379\r\n$9\r\nconnected\r\n:7\r\n";
  const std::string said = connect();
  EXPECT_EQ(said, "UNAVAILABLE: redis 10.0.0.1:6379 is a slave, not the primary");
  role = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
  pass(seconds(5));
  EXPECT_EQ(sentinel->health().state, Health::State::kReady);
}

TEST_F(SentinelTest, FollowsTheNewsOfAnotherPrimary) {
  ASSERT_EQ(connect(), "connected");
  primary = address_of("10.0.0.2");
  const std::string others = "other 10.0.0.1 6379 10.0.0.3 6379";
  const std::string ours = "main 10.0.0.1 6379 10.0.0.2 6379";
  for (const std::string& text : {others, ours}) {
    EXPECT_EQ(server.connections_to(kNew), 0U);
    server.say_at(kFirst,
                  fmt::format("*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n${}\r\n{}\r\n",
                              text.size(), text));
  }
  pass(milliseconds(500));
  EXPECT_EQ(server.connections_to(kNew), 1U);
  EXPECT_TRUE(server.connection_to(kOld).ended());
  EXPECT_EQ(sentinel->health().state, Health::State::kReady);
}

TEST_F(SentinelTest, FindsOutAboutAnotherPrimaryWithoutNews) {
  ASSERT_EQ(connect(), "connected");
  primary = address_of("10.0.0.2");
  pass(seconds(15));
  EXPECT_EQ(server.connections_to(kNew), 1U);
  EXPECT_TRUE(server.connection_to(kOld).ended());
}

TEST_F(SentinelTest, ACutConnectionIsMadeAgainAtOnceWhereverThePrimaryIsNow) {
  ASSERT_EQ(connect(), "connected");
  primary = address_of("10.0.0.2");
  server.connection_to(kOld).reset();
  server.run();
  EXPECT_EQ(server.connections_to(kOld), 1U);
  EXPECT_EQ(server.connections_to(kNew), 1U) << "no time has passed";
  EXPECT_EQ(sentinel->health().state, Health::State::kReady);
}

TEST_F(SentinelTest, NewsEndAnAttemptToReachTheOldPrimary) {
  ASSERT_EQ(connect(), "connected");
  server.silent = {kOld};
  server.connection_to(kOld).reset();
  server.run();
  EXPECT_EQ(server.connections_to(kOld), 2U);
  EXPECT_EQ(sentinel->health().state, Health::State::kDown);
  primary = address_of("10.0.0.2");
  const std::string text = "main 10.0.0.1 6379 10.0.0.2 6379";
  server.say_at(kFirst, fmt::format("*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n${}\r\n{}\r\n",
                                    text.size(), text));
  EXPECT_EQ(server.connections_to(kNew), 1U) << "no time has passed";
  EXPECT_EQ(sentinel->health().state, Health::State::kReady);
}

TEST_F(SentinelTest, LogsInToTheSentinelsWithTheirPassword) {
  ASSERT_EQ(connect("s3ntinel"), "connected");
  std::vector<std::string> said = server.greetings();
  EXPECT_NE(std::find(said.begin(), said.end(), "AUTH s3ntinel"), said.end());
}

TEST_F(SentinelTest, ASentinelThatHangsWhileLoggingInIsGivenUp) {
  server.silent = {kFirst};
  ASSERT_EQ(connect("s3ntinel"), "connected");
  pass(seconds(5));
  primary = address_of("10.0.0.2");
  const std::string text = "main 10.0.0.1 6379 10.0.0.2 6379";
  server.say_at(kSecond,
                fmt::format("*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n${}\r\n{}\r\n",
                            text.size(), text));
  pass(seconds(2));
  EXPECT_EQ(server.connections_to(kNew), 1U) << "news of the second Sentinel are heard";
}

}  // namespace
}  // namespace layotto::clients::redis
