// The cluster's client against scripted servers; real ones: the tests of state.redis.
#include "clients/redis/cluster.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/redis_client_harness.h"

namespace layotto::clients::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

constexpr const char* kA = "10.0.0.1:7000";
constexpr const char* kB = "10.0.0.2:7000";
constexpr const char* kC = "10.0.0.3:7000";
constexpr const char* kSeed = "seed.test:7000";

std::string range(int first, int last, std::string_view host, int port = 7000) {
  return fmt::format("*3\r\n:{}\r\n:{}\r\n*3\r\n${}\r\n{}\r\n:{}\r\n$2\r\nid\r\n", first, last,
                     host.size(), host, port);
}
std::string map_of(const Strings& ranges) {
  std::string text = fmt::format("*{}\r\n", ranges.size());
  for (const std::string& each : ranges) text += each;
  return text;
}

class ClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server.greet = [this, greet = server.greet](const std::string& command) {
      if (command != "CLUSTER SLOTS") return greet(command);
      ++maps;
      return std::optional<std::string>(map);
    };
  }
  void TearDown() override {
    if (cluster == nullptr) return;
    test.tasks().spawn_task(cluster->stop(), test.tasks().stop_source());
    server.run();
  }
  std::string connect() {
    cluster = std::make_unique<Cluster>(
        TopologyEnv{
            .loop = test.loop(), .dialer = server.dialer(), .random = random, .counters = counters},
        ClientOptions{}, std::vector{*net::Endpoint::parse(kSeed)});
    tests::Later<Status> connected;
    test.tasks().spawn(&tell, cluster->connect(), &connected);
    server.run();
    pass(seconds(2));
    if (!connected.has_value()) return "(waits)";
    return connected->ok() ? "connected" : connected->error().to_string();
  }
  // In steps, so that the servers answer in between.
  void pass(Duration time) {
    for (int i = 0; i < 20; ++i) {
      test.advance(time / 20);
      server.run();
    }
  }
  Said* ask(uint16_t slot, Effect effect = Effect::kRead) {
    Said* said = &said_.emplace_back();
    test.tasks().spawn_under(said->stop, &ask_and_tell_cluster, cluster.get(), slot, effect, said);
    server.run();
    return said;
  }
  static Task<void> ask_and_tell_cluster(Cluster* cluster, uint16_t slot, Effect effect,
                                         Said* said) {
    std::array<std::string_view, 2> words{"GET", "k"};
    Request request{.arguments = words, .slot = slot, .effect = effect};
    Result<Answer> answer = co_await cluster->call(request);
    if (answer.ok()) {
      said->result.emplace(answer->reply.to_string());
    } else {
      said->result.emplace(std::move(answer).error());
    }
  }
  static Task<void> tell(Task<Status> task, tests::Later<Status>* later) {
    later->emplace(co_await std::move(task));
  }

  async::TestLoop test;
  FakeServer server{test};
  Random random{1};
  ClientCounters counters;
  std::string map = map_of({range(0, 8191, "10.0.0.1"), range(8192, 16383, "10.0.0.2")});
  int maps = 0;
  std::unique_ptr<Cluster> cluster;
  std::deque<Said> said_;
};

TEST_F(ClusterTest, AsksWhoeverHasTheSlot) {
  ASSERT_EQ(connect(), "connected");
  EXPECT_EQ(cluster->server_count(), 2U);
  EXPECT_EQ(cluster->health().state, Health::State::kReady);
  Said* first = ask(0);
  Said* last = ask(16383);
  EXPECT_EQ(server.commands_by_address(),
            (Strings{fmt::format("{}: GET k", kA), fmt::format("{}: GET k", kB)}));
  server.say_at(kB, "+b\r\n");
  server.say_at(kA, "+a\r\n");
  EXPECT_EQ(first->text(), "a");
  EXPECT_EQ(last->text(), "b");
}

TEST_F(ClusterTest, FollowsMovedAtOnceAndLearnsTheMapAgain) {
  ASSERT_EQ(connect(), "connected");
  Said* said = ask(5, Effect::kWrite);
  server.commands();
  const int before = maps;
  map =
      map_of({range(0, 5, "10.0.0.3"), range(6, 8191, "10.0.0.1"), range(8192, 16383, "10.0.0.2")});
  server.say_at(kA, fmt::format("-MOVED 5 {}\r\n", kC));
  EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kC)});
  server.say_at(kC, "+moved\r\n");
  EXPECT_EQ(said->text(), "moved");
  pass(seconds(1));
  EXPECT_EQ(maps, before + 1);
  ask(4);
  EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kC)});
  server.say_at(kC, "+4\r\n");
}

TEST_F(ClusterTest, FollowsAskForOneCommand) {
  ASSERT_EQ(connect(), "connected");
  Said* said = ask(5, Effect::kWrite);
  server.commands();
  server.say_at(kA, fmt::format("-ASK 5 {}\r\n", kB));
  EXPECT_EQ(server.commands_by_address(),
            (Strings{fmt::format("{}: ASKING", kB), fmt::format("{}: GET k", kB)}));
  server.say_at(kB, "+OK\r\n+asked\r\n");
  EXPECT_EQ(said->text(), "asked");
  ask(5);
  EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kA)});
  server.say_at(kA, "+a\r\n");
}

TEST_F(ClusterTest, ARedirectionWithoutAHostIsToTheServerAsked) {
  ASSERT_EQ(connect(), "connected");
  Said* said = ask(5);
  server.commands();
  server.say_at(kA, "-MOVED 5 :7001\r\n");
  EXPECT_EQ(server.commands_by_address(), Strings{"10.0.0.1:7001: GET k"});
  server.say_at("10.0.0.1:7001", "+v\r\n");
  EXPECT_EQ(said->text(), "v");
}

TEST_F(ClusterTest, RedirectionsAreNotFollowedForEver) {
  ASSERT_EQ(connect(), "connected");
  Said* said = ask(5);
  for (unsigned i = 0; i < kRedirectsMax; ++i) {
    const char* from = i % 2 == 0 ? kA : kB;
    const char* to = i % 2 == 0 ? kB : kA;
    ASSERT_FALSE(said->ended());
    server.say_at(from, fmt::format("-MOVED 5 {}\r\n", to));
  }
  ASSERT_FALSE(said->ended());
  server.say_at(kRedirectsMax % 2 == 0 ? kA : kB, fmt::format("-MOVED 5 {}\r\n", kC));
  ASSERT_TRUE(said->ended());
  EXPECT_EQ(said->text(), fmt::format("-MOVED 5 {}", kC));
  EXPECT_EQ(counters.redirected.read(), kRedirectsMax);
}

TEST_F(ClusterTest, AsksAgainLaterWhatWasNotExecuted) {
  for (const char* refusal : {"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
                              "-CLUSTERDOWN Hash slot not served\r\n"}) {
    ASSERT_EQ(connect(), "connected");
    Said* said = ask(5, Effect::kWrite);
    server.commands();
    server.say_at(kA, refusal);
    EXPECT_FALSE(said->ended());
    EXPECT_TRUE(server.commands().empty());
    pass(seconds(1));
    EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kA)});
    server.say_at(kA, "+now\r\n");
    EXPECT_EQ(said->text(), "now");
    TearDown();
  }
  cluster.reset();
}

TEST_F(ClusterTest, AWriteThatWasSentIsNotRepeatedElsewhere) {
  ASSERT_EQ(connect(), "connected");
  Said* said = ask(5, Effect::kWrite);
  server.commands();
  server.connection_to(kA).reset();
  server.run();
  EXPECT_TRUE(said->ended());
  EXPECT_NE(said->text().find("[outcome unknown]"), std::string::npos) << said->text();
  pass(seconds(1));
  EXPECT_TRUE(server.commands().empty());
}

TEST_F(ClusterTest, ACutConnectionIsMadeAgainAtOnce) {
  ASSERT_EQ(connect(), "connected");
  for (int i = 0; i < 5; ++i) {
    Said* said = ask(5);
    EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kA)});
    server.connection_to(kA).reset();
    EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kA)})
        << "no time has passed";
    server.say_at(kA, "+a\r\n");
    EXPECT_EQ(said->text(), "a");
  }
  EXPECT_EQ(counters.retried.read(), 0U);
}

// Its box is gone: nobody refuses, nobody answers.
TEST_F(ClusterTest, CallsThatWaitForAServerGoWhereItsSlotsGo) {
  ASSERT_EQ(connect(), "connected");
  server.silent = {kA};
  server.connection_to(kA).reset();
  server.run();
  Said* said = ask(5, Effect::kWrite);
  map = map_of({range(0, 8191, "10.0.0.3"), range(8192, 16383, "10.0.0.2")});
  pass(milliseconds(200));
  ask(5);
  pass(seconds(2));
  for (const std::string& command : server.commands_by_address()) {
    if (!command.ends_with("GET k")) continue;
    EXPECT_EQ(command, fmt::format("{}: GET k", kC));
  }
  ASSERT_EQ(server.connections_to(kC), 1U);
  EXPECT_FALSE(said->ended());
  server.say_at(kC, "+1\r\n+2\r\n");
  EXPECT_TRUE(said->ended());
  EXPECT_EQ(said->text().size(), 1U) << said->text();
}

TEST_F(ClusterTest, ASlotOfNobodyIsUnavailable) {
  map = map_of({range(0, 99, "10.0.0.1")});
  ASSERT_EQ(connect(), "connected");
  EXPECT_EQ(cluster->health().state, Health::State::kDegraded);
  Said* said = ask(100);
  pass(seconds(2));
  EXPECT_EQ(said->text(), "UNAVAILABLE: redis cluster: no server has slot 100 [retryable]");
}

TEST_F(ClusterTest, AServerWithoutAnAddressIsWhereItWasFound) {
  for (const char* host : {"_\r\n", "$0\r\n\r\n", "$-1\r\n"}) {
    map = fmt::format("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n{}:7000\r\n", host);
    ASSERT_EQ(connect(), "connected");
    ask(5);
    EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kSeed)});
    server.say_at(kSeed, "+v\r\n");
    TearDown();
  }
  cluster.reset();
}

TEST_F(ClusterTest, LeavesServersWithoutSlots) {
  ASSERT_EQ(connect(), "connected");
  map = map_of({range(0, 8191, "10.0.0.1"), range(8192, 16383, "10.0.0.3")});
  Said* said = ask(16383);
  server.say_at(kB, fmt::format("-MOVED 16383 {}\r\n", kC));
  server.say_at(kC, "+c\r\n");
  EXPECT_EQ(said->text(), "c");
  pass(seconds(2));
  EXPECT_EQ(cluster->server_count(), 2U);
  EXPECT_TRUE(server.connection_to(kB).ended());
  EXPECT_EQ(cluster->health().state, Health::State::kReady);
}

TEST_F(ClusterTest, TheSeedIsAskedOnlyWhenNobodyElseAnswers) {
  ASSERT_EQ(connect(), "connected");
  EXPECT_EQ(server.connections_to(kSeed), 1U);
  for (int i = 0; i < 3; ++i) {
    Said* said = ask(16383);
    server.say_at(kB, fmt::format("-MOVED 16383 {}\r\n", kB));
    server.say_at(kB, "+b\r\n");
    EXPECT_EQ(said->text(), "b");
    pass(seconds(1));
  }
  EXPECT_GE(maps, 4);
  EXPECT_EQ(server.connections_to(kSeed), 1U);
  server.commands();
  // The whole cluster has moved.
  server.dialer().refused = {kA, kB};
  map = map_of({range(0, 16383, "10.0.0.3")});
  server.connection_to(kA).reset();
  server.connection_to(kB).reset();
  server.run();
  Said* said = ask(5);
  pass(seconds(5));
  EXPECT_EQ(server.connections_to(kSeed), 2U);
  EXPECT_EQ(cluster->health().state, Health::State::kReady) << cluster->health().reason;
  EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: GET k", kC)});
  server.say_at(kC, "+c\r\n");
  EXPECT_EQ(said->text(), "c");
}

TEST_F(ClusterTest, StopEndsWhatIsUnderWay) {
  ASSERT_EQ(connect(), "connected");
  Said* waits_for_a_reply = ask(5);
  Said* waits_to_be_sent_again = ask(16383);
  server.say_at(kB, "-CLUSTERDOWN Hash slot not served\r\n");
  test.tasks().spawn_task(cluster->stop(), test.tasks().stop_source());
  server.run();
  pass(seconds(2));
  EXPECT_TRUE(waits_for_a_reply->ended());
  EXPECT_TRUE(waits_to_be_sent_again->ended());
  cluster.reset();
}

TEST_F(ClusterTest, AProbeAsksEveryServer) {
  ASSERT_EQ(connect(), "connected");
  server.silent = {kB};
  tests::Later<Status> probed;
  async::StopSource stop;
  test.tasks().spawn_under(stop, &tell, cluster->ping(), &probed);
  server.run();
  EXPECT_EQ(server.commands_by_address(), Strings{fmt::format("{}: PING", kB)});
  EXPECT_FALSE(probed.has_value());
  stop.fire(async::StopReason::kDeadline);
  server.run();
  EXPECT_EQ(probed->error().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(cluster->health().state, Health::State::kDegraded);
  EXPECT_NE(cluster->health().reason.find(kB), std::string::npos) << cluster->health().reason;
  server.say_at(kB, "+PONG\r\n");
  EXPECT_EQ(cluster->health().state, Health::State::kReady);
}

TEST_F(ClusterTest, NonsenseForAMapIsNamed) {
  for (const std::string& wrong : {
           std::string("+OK\r\n"),
           std::string(":1\r\n"),
           std::string("*1\r\n:1\r\n"),
           std::string("*1\r\n*2\r\n:0\r\n:1\r\n"),
           std::string("*1\r\n*3\r\n:0\r\n:1\r\n$1\r\nx\r\n"),
           std::string("*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:7000\r\n"),
           map_of({range(-1, 5, "10.0.0.1")}),
           map_of({range(0, 16384, "10.0.0.1")}),
           map_of({range(9, 8, "10.0.0.1")}),
           map_of({range(0, 1, "10.0.0.1", 0)}),
           map_of({range(0, 1, "10.0.0.1", 65536)}),
       }) {
    map = wrong;
    const std::string said = connect();
    EXPECT_TRUE(said.starts_with("INTERNAL: redis seed.test:7000 answers CLUSTER SLOTS with"))
        << wrong << ": " << said;
    EXPECT_EQ(cluster->health().state, Health::State::kDown);
    TearDown();
  }
  cluster.reset();
}

}  // namespace
}  // namespace layotto::clients::redis
