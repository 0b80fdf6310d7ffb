// What becomes of calls when their connection is lost, and how the next one is made.
#include <gtest/gtest.h>

#include "clients/redis/client.h"
#include "tests/support/redis_client_harness.h"

namespace layotto::clients::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = std::vector<std::string>;

// ---- losing the connection

TEST_F(ClientTest, ALostWriteHasAnUnknownOutcomeAndALostReadIsSentAgain) {
  connect();
  Said* const a = write("a");
  Said* const b = read("b");
  EXPECT_EQ(server.commands(), (Words{"SET a v", "GET b"}));
  server.connection().close();
  EXPECT_EQ(server.commands(), Words{"GET b"});
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: the server closed the connection; the command may "
            "have been executed [outcome unknown]");
  server.say("$1\r\n2\r\n");
  EXPECT_EQ(b->text(), "\"2\"");
  EXPECT_EQ(counters.resent.read(), 1U);
}

TEST_F(ClientTest, AReadIsSentAgainOnlyOnce) {
  connect();
  Said* const b = read("b");
  EXPECT_EQ(server.commands(), Words{"GET b"});
  server.connection().reset();
  EXPECT_EQ(server.commands(), Words{"GET b"});
  server.connection().reset();
  server.run();
  EXPECT_EQ(b->text(), "UNAVAILABLE: redis redis.test:6379: the memory pipe was reset [retryable]");
}

TEST_F(ClientTest, AWriteThatWasNotSentWaitsForTheNextConnection) {
  connect();
  server.connection().set_capacity(10);
  Said* const a = write("a");
  Said* const b = write("b");
  server.run();  // ten bytes of the first are there
  server.connection().set_capacity(0);
  server.connection().reset();
  EXPECT_EQ(server.commands(), (Words{"SET a v", "SET b v"}));
  server.say("+OK\r\n+OK\r\n");
  EXPECT_EQ(a->text(), "OK");
  EXPECT_EQ(b->text(), "OK");
}

TEST_F(ClientTest, CallsWaitForALostConnectionAndThenAreRefused) {
  connect();
  server.dialer().refuse = true;
  server.connection().close();
  server.run();
  Said* const a = write("a");
  Said* const b = read("b");
  server.run();
  EXPECT_EQ(client().waiting(), 2U);
  test.advance(milliseconds(900));
  EXPECT_EQ(a->text(), "(waits)");
  test.advance(milliseconds(200));
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: connection refused; not connected [retryable]");
  EXPECT_EQ(b->text(), a->text());
  Said* const c = write("c");
  EXPECT_TRUE(c->ended()) << "at once";
  EXPECT_EQ(client().health().state, Health::State::kDown);
  EXPECT_EQ(client().health().reason, "redis redis.test:6379: connection refused");

  server.dialer().refuse = false;
  test.advance(seconds(4));
  server.run();
  write("d");
  EXPECT_EQ(server.commands(), Words{"SET d v"});
  EXPECT_EQ(client().health().state, Health::State::kReady);
}

TEST_F(ClientTest, ADeadlineWhileWaitingSaysWhyThereIsNoConnection) {
  connect();
  server.dialer().refuse = true;
  server.connection().close();
  server.run();
  Said* const a = write("a");
  server.run();
  a->stop.fire(async::StopReason::kDeadline);
  server.run();
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: connection refused; not connected [retryable]");
  EXPECT_EQ(client().waiting(), 0U);
}

TEST_F(ClientTest, WithoutGraceCallsAreRefusedAtOnce) {
  options.reconnect_grace = Duration(0);
  connect();
  Said* const a = read("a");
  server.run();
  server.dialer().refuse = true;
  server.connection().close();
  server.run();
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: the server closed the connection [retryable]");
  EXPECT_TRUE(read("b")->ended());
}

TEST_F(ClientTest, ASilentServerIsGivenUp) {
  connect();
  test.advance(seconds(60));
  EXPECT_EQ(client().state(), Client::State::kReady) << "nothing is due, nothing is wrong";
  Said* const a = write("a");
  server.run();
  test.advance(milliseconds(9900));
  EXPECT_FALSE(a->ended());
  test.advance(milliseconds(200));
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: no reply for 10000 ms, 1 commands wait for one; "
            "the command may have been executed [outcome unknown]");
  server.run();
  EXPECT_EQ(client().state(), Client::State::kReady);
}

TEST_F(ClientTest, ASlowServerThatAnswersIsNotGivenUp) {
  connect();
  std::vector<Said*> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(write("k"));
  server.run();
  for (int i = 0; i < 4; ++i) {
    test.advance(seconds(8));
    server.say("+OK\r\n");
  }
  EXPECT_EQ(counters.disconnects.read(), 0U);
  EXPECT_FALSE(calls[4]->ended());
  test.advance(seconds(11));
  EXPECT_TRUE(calls[4]->ended());
}

// ---- the next one

TEST_F(ClientTest, AConnectionThatIsLostAtOnceIsNotTriedAgainAtOnce) {
  connect();
  for (int i = 0; i < 20; ++i) {
    server.connection().close();
    server.run();
  }
  EXPECT_EQ(server.dialer().dials, 2) << "the first had lived for a while";
}

TEST_F(ClientTest, AConnectionThatWasOfUseIsFollowedByAnotherAtOnce) {
  connect();
  for (int i = 1; i <= 20; ++i) {
    Said* const answered = read("a");
    server.run();
    server.say("$1\r\n1\r\n");
    EXPECT_EQ(answered->text(), "\"1\"");
    server.connection().close();
    server.run();
    EXPECT_EQ(server.dialer().dials, 1 + i) << "no time has passed";
    EXPECT_EQ(client().state(), Client::State::kReady);
  }
  EXPECT_EQ(counters.refused.read(), 0U);
}

TEST_F(ClientTest, ErrorsAloneAreOfNoUse) {
  connect();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(server.dialer().dials, 1 + i) << "the first had lived for a while";
    Said* const a = read("a");
    server.run();
    server.say("-NOAUTH Authentication required.\r\n");
    EXPECT_EQ(a->text(), "-NOAUTH Authentication required.");
  }
  EXPECT_EQ(client().state(), Client::State::kDown);
  EXPECT_EQ(server.dialer().dials, 2);
}

TEST_F(ClientTest, APauseGrowsWithFailuresAndBeginsAnewAfterUse) {
  options.reconnect_pause_first = milliseconds(100);
  connect();
  server.dialer().refuse = true;
  server.connection().close();
  server.run();
  EXPECT_EQ(server.dialer().dials, 2) << "at once";
  test.advance(milliseconds(49));
  EXPECT_EQ(server.dialer().dials, 2);
  test.advance(milliseconds(52));
  EXPECT_EQ(server.dialer().dials, 3);
  test.advance(milliseconds(99));
  EXPECT_EQ(server.dialer().dials, 3) << "the second pause is twice as long";
  server.dialer().refuse = false;
  test.advance(milliseconds(102));
  Said* const a = read("a");
  server.run();
  server.say("$1\r\n1\r\n");
  EXPECT_EQ(a->text(), "\"1\"");
  server.dialer().refuse = true;
  server.connection().close();
  server.run();
  EXPECT_EQ(server.dialer().dials, 5) << "at once again";
  test.advance(milliseconds(101));
  EXPECT_EQ(server.dialer().dials, 6) << "and the first pause is the short one";
}

TEST_F(ClientTest, CallsWaitForTheFirstAttemptToItsEnd) {
  connect();
  server.dialer().hang = true;
  server.connection().close();
  server.run();
  Said* const a = write("a");
  test.advance(milliseconds(4900));
  EXPECT_EQ(a->text(), "(waits)");
  EXPECT_EQ(write("b")->text(), "(waits)");
  test.advance(milliseconds(200));
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: no connection within 5000 ms; not connected "
            "[retryable]");
  EXPECT_TRUE(write("c")->ended()) << "at once from now on";
  test.advance(seconds(1));
  EXPECT_EQ(client().state(), Client::State::kConnecting);
  EXPECT_TRUE(write("d")->ended()) << "nor do they wait for the second attempt";
}

TEST_F(ClientTest, EveryLossHasAFirstAttemptOfItsOwn) {
  connect();
  server.dialer().refuse = true;
  server.connection().close();
  server.run();
  server.dialer().refuse = false;
  test.advance(milliseconds(100));
  server.run();
  ASSERT_EQ(client().state(), Client::State::kReady);
  test.advance(seconds(2));
  server.dialer().hang = true;
  server.connection().close();
  server.run();
  Said* const a = write("a");
  test.advance(milliseconds(4900));
  EXPECT_EQ(a->text(), "(waits)");
  test.advance(milliseconds(200));
  EXPECT_TRUE(a->ended());
}

TEST_F(ClientTest, CallsWaitForAnAttemptThatThereIsAReasonFor) {
  options.reconnect_pause_first = options.reconnect_pause_max = seconds(1000);
  connect();
  server.dialer().refuse = true;
  server.connection().close();
  server.run();
  test.advance(seconds(2));
  EXPECT_TRUE(write("a")->ended());
  client().reconnect("a failover");
  server.run();
  EXPECT_EQ(server.dialer().dials, 3);
  Said* const b = write("b");
  EXPECT_EQ(b->text(), "(waits)");
  test.advance(milliseconds(1100));
  EXPECT_TRUE(b->ended());
  server.dialer().refuse = false;
  server.dialer().hang = true;
  client().reconnect("another failover");
  server.run();
  test.advance(seconds(6));
  EXPECT_TRUE(write("c")->ended());
  client().reconnect("yet another failover");
  server.run();
  server.dialer().hang = false;
  client().reconnect("one that comes while we try");
  write("c");
  EXPECT_EQ(server.commands(), Words{"SET c v"}) << "no time has passed";
}

TEST_F(ClientTest, AnAttemptToReachAServerThatIsLeftIsGivenUp) {
  connect();
  server.dialer().hang = true;
  server.connection().close();
  server.run();
  Said* const a = write("a");
  server.dialer().hang = false;
  client().reconnect("a failover");
  EXPECT_EQ(server.commands(), Words{"SET a v"}) << "no time has passed";
  server.say("+OK\r\n");
  EXPECT_EQ(a->text(), "OK");
  EXPECT_EQ(counters.connect_failures.read(), 0U);
}

// ---- other reasons to connect anew

TEST_F(ClientTest, LeavesAServerThatHasBecomeAReplica) {
  options.primary_only = true;
  connect();
  Said* const a = write("a");
  Said* const b = write("b");
  EXPECT_EQ(server.commands(), (Words{"SET a v", "SET b v"}));
  server.say("-READONLY You can't write against a read only replica.\r\n");
  EXPECT_EQ(a->text(), "-READONLY You can't write against a read only replica.");
  write("c");
  EXPECT_EQ(server.commands(), Words{}) << "c waits for another connection";
  server.say("-READONLY You can't write against a read only replica.\r\n");
  EXPECT_TRUE(b->ended());
  EXPECT_EQ(server.commands(), Words{"SET c v"});
  EXPECT_EQ(server.dialer().dials, 2);
}

TEST_F(ClientTest, DoesNotWaitForEverForRepliesOfAServerThatItLeaves) {
  connect();
  Said* const a = write("a");
  server.run();
  client().reconnect("a failover");
  test.advance(milliseconds(900));
  EXPECT_FALSE(a->ended());
  test.advance(milliseconds(200));
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: a failover; the command may have been "
            "executed [outcome unknown]");
}

TEST_F(ClientTest, ACallForOneConnectionIsNotMadeOnAnother) {
  connect();
  const uint64_t session = client().session();
  Said* const a = ask({"WAIT", "1", "0"}, {.only_session = session});
  EXPECT_EQ(server.commands(), Words{"WAIT 1 0"});
  server.connection().close();
  server.run();
  EXPECT_TRUE(a->ended());
  Said* const b = ask({"WAIT", "1", "0"}, {.only_session = session});
  EXPECT_EQ(b->text(), "UNAVAILABLE: redis redis.test:6379: the connection was replaced");
}

TEST_F(ClientTest, AskingGoesRightBeforeItsCommand) {
  connect();
  Said* const a = read("a");
  Said* const b = ask({"GET", "b"}, {.effect = Effect::kRead, .asking = true});
  Said* const c = read("c");
  EXPECT_EQ(server.commands(), (Words{"GET a", "ASKING", "GET b", "GET c"}));
  server.say(":1\r\n+OK\r\n:2\r\n:3\r\n");
  EXPECT_EQ(a->text(), "1");
  EXPECT_EQ(b->text(), "2");
  EXPECT_EQ(c->text(), "3");
}

}  // namespace
}  // namespace layotto::clients::redis
