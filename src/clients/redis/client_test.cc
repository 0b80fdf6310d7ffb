#include "clients/redis/client.h"

#include <gtest/gtest.h>

#include "tests/support/allocation_counter.h"
#include "tests/support/redis_client_harness.h"

namespace layotto::clients::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = std::vector<std::string>;

TEST_F(ClientTest, SendsWhatIsAskedInOnePassTogetherAndMatchesReplies) {
  connect();
  Said* const a = read("a");
  Said* const b = write("b");
  Said* const c = read("c");
  EXPECT_EQ(server.commands(), (Words{"GET a", "SET b v", "GET c"}));
  server.say("$1\r\n1\r\n+OK\r\n");
  EXPECT_EQ(a->text(), "\"1\"");
  EXPECT_EQ(b->text(), "OK");
  EXPECT_EQ(c->text(), "(waits)");
  server.say("_\r\n");
  EXPECT_EQ(c->text(), "null");
  EXPECT_EQ(counters.commands.read(), 3U);
  EXPECT_EQ(counters.in_flight.read(), 0U);
}

TEST_F(ClientTest, TakesRepliesByteByByte) {
  connect();
  Said* const a = read("a");
  Said* const b = read("b");
  server.run();
  for (const char c : std::string("*2\r\n$3\r\nabc\r\n:7\r\n-ERR no\r\n")) {
    EXPECT_FALSE(b->ended());
    server.say({&c, 1});
  }
  EXPECT_EQ(a->text(), "{\"abc\", 7}");
  EXPECT_EQ(b->text(), "-ERR no") << "error replies are replies";
}

TEST_F(ClientTest, LeavesPushMessagesOut) {
  connect();
  Said* const a = read("a");
  server.run();
  server.say(">2\r\n+message\r\n+hello\r\n$1\r\n1\r\n>1\r\n+bye\r\n");
  EXPECT_EQ(a->text(), "\"1\"");
  EXPECT_EQ(client().state(), Client::State::kReady);
}

TEST_F(ClientTest, AViewIsGoodUntilTheTaskWaits) {
  connect();
  struct Both {
    static Task<void> run(Client* client, std::string* out) {
      const std::string_view first[] = {"GET", "first"};
      const Result<Reply> a = co_await client->call(first, {.effect = Effect::kRead});
      const std::string_view second[] = {"GET", a->text()};  // encoded before it waits
      const Result<Reply> b = co_await client->call(second, {.effect = Effect::kRead});
      out->append(b->text());
    }
  };
  std::string out;
  test.tasks().spawn(&Both::run, &client(), &out);
  Said* const other = read("other");
  EXPECT_EQ(server.commands(), (Words{"GET first", "GET other"}));
  server.say("$4\r\nnext\r\n$1\r\no\r\n");
  EXPECT_EQ(server.commands(), Words{"GET next"});
  server.say("$3\r\nend\r\n");
  EXPECT_EQ(out, "end");
  EXPECT_EQ(other->text(), "\"o\"");
}

TEST_F(ClientTest, EndsTheConnectionWhenAnAnswerComesUnasked) {
  connect();
  server.say("+OK\r\n");
  EXPECT_NE(client().session(), 1U);
  EXPECT_EQ(counters.disconnects.read(), 1U);
  EXPECT_NE(client().last_error()->message().find("answers what it was not asked"),
            std::string_view::npos);
}

TEST_F(ClientTest, EndsTheConnectionOnAMalformedByte) {
  connect();
  Said* const a = write("a");
  Said* const b = write("b");
  server.run();
  server.say("+OK\r\n?\r\n");
  EXPECT_EQ(a->text(), "OK");
  EXPECT_EQ(b->text(),
            "INTERNAL: redis redis.test:6379: the server does not speak RESP: a value of an "
            "unknown type; the command may have been executed [outcome unknown]");
}

// ---- stopping

TEST_F(ClientTest, SkipsTheReplyOfAStoppedCall) {
  connect();
  Said* const a = read("a");
  Said* const b = read("b");
  server.run();
  a->stop.fire(async::StopReason::kDeadline);
  server.run();
  EXPECT_EQ(a->text(), "DEADLINE_EXCEEDED: redis redis.test:6379: no reply in time");
  server.say("$1\r\n1\r\n$1\r\n2\r\n");
  EXPECT_EQ(b->text(), "\"2\"");
  EXPECT_EQ(counters.skipped.read(), 1U);
}

TEST_F(ClientTest, AStoppedWriteThatWasSentHasAnUnknownOutcome) {
  connect();
  Said* const a = write("a");
  server.run();
  a->stop.fire(async::StopReason::kCancelled);
  server.run();
  EXPECT_EQ(a->text(), "CANCELLED: cancelled [outcome unknown]");
}

TEST_F(ClientTest, ACallUnderAStoppedSourceSendsNothing) {
  connect();
  Said* const said = &said_.emplace_back();
  said->stop.fire(async::StopReason::kCancelled);
  test.tasks().spawn_under(said->stop, &ask_and_tell, &client(), Words{"SET", "k", "v"},
                           CallOptions{}, said);
  EXPECT_EQ(server.commands(), Words{});
  EXPECT_EQ(said->text(), "CANCELLED: cancelled");
}

TEST_F(ClientTest, AReplyThatComesTogetherWithTheStopIsSkipped) {
  connect();
  Said* const a = write("a");
  Said* const b = read("b");
  server.run();
  server.connection().say("+OK\r\n$1\r\n2\r\n");
  a->stop.fire(async::StopReason::kCancelled);  // both are seen in the next pass
  server.run();
  EXPECT_EQ(a->text(), "CANCELLED: cancelled [outcome unknown]");
  EXPECT_EQ(b->text(), "\"2\"");
}

TEST_F(ClientTest, ManyAbandonedRepliesEndTheConnection) {
  options.abandoned_max = 3;
  connect();
  std::vector<Said*> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(read("k"));
  server.run();
  for (int i = 0; i < 3; ++i)
    calls[static_cast<size_t>(i)]->stop.fire(async::StopReason::kDeadline);
  server.run();
  EXPECT_EQ(counters.disconnects.read(), 0U);
  calls[3]->stop.fire(async::StopReason::kDeadline);
  server.run();
  EXPECT_EQ(counters.disconnects.read(), 1U);
  EXPECT_EQ(client().state(), Client::State::kReady) << "and there is another one";
}

// ---- connecting

TEST_F(ClientTest, PausesLongerAndLongerBetweenAttempts) {
  server.dialer().refuse = true;
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  test.run();
  ASSERT_TRUE(connected.has_value());
  EXPECT_EQ(connected->error().to_string(),
            "UNAVAILABLE: redis redis.test:6379: connection refused");
  test.advance(seconds(1));
  const int early = server.dialer().dials;
  EXPECT_GE(early, 5);
  EXPECT_LE(early, 8);
  test.advance(seconds(60));
  EXPECT_GE(server.dialer().dials - early, 60 / 3);
  EXPECT_LE(server.dialer().dials - early, 60 / 1.5 + 4);
}

TEST_F(ClientTest, GivesUpAnAttemptThatHangs) {
  server.dialer().hang = true;
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  test.advance(milliseconds(4900));
  EXPECT_FALSE(connected.has_value());
  test.advance(milliseconds(200));
  ASSERT_TRUE(connected.has_value());
  EXPECT_EQ(connected->error().to_string(),
            "UNAVAILABLE: redis redis.test:6379: no connection within 5000 ms");
}

TEST_F(ClientTest, CallsBeforeConnectAreRefused) {
  EXPECT_EQ(write("a")->text(), "UNAVAILABLE: redis: not connected yet");
}

TEST_F(ClientTest, CallsMadeWhileConnectingWait) {
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  Said* const a = write("a");
  EXPECT_EQ(a->text(), "(waits)");
  EXPECT_EQ(server.commands(), Words{"SET a v"});
}

TEST_F(ClientTest, SaysWhoItIs) {
  options.username = "app";
  options.password = "s3cret";
  options.client_name = "layotto";
  options.database = 3;
  options.primary_only = true;
  const Script script("get", "return 1");
  options.scripts = {&script};
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  server.run();
  ASSERT_TRUE(connected->ok());
  EXPECT_EQ(server.greetings(), (Words{"HELLO 3 AUTH app s3cret SETNAME layotto", "PING",
                                       "SELECT 3", "ROLE", "SCRIPT LOAD return 1"}));
  EXPECT_TRUE(client().greeting().resp3);
  EXPECT_EQ(client().greeting().version, "7.0.15");
}

TEST_F(ClientTest, SpeaksResp2WithAServerThatKnowsNoHello) {
  options.password = "s3cret";
  options.client_name = "layotto";
  options.major_version_min = 4;
  const auto usual = server.greet;
  server.greet = [usual](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("HELLO")) return "-ERR unknown command `HELLO`\r\n";
    if (command == "INFO server") return "$21\r\nredis_version:5.0.7\r\n\r\n";
    return usual(command);
  };
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  server.run();
  ASSERT_TRUE(connected->ok()) << connected->error().to_string();
  EXPECT_EQ(server.greetings(), (Words{"HELLO 3 AUTH default s3cret SETNAME layotto", "AUTH s3cret",
                                       "CLIENT SETNAME layotto", "PING", "INFO server"}));
  EXPECT_FALSE(client().greeting().resp3);
  EXPECT_EQ(client().greeting().version, "5.0.7");
}

TEST_F(ClientTest, SpeaksResp2WithAProxyThatHangsUpOnHello) {
  const auto usual = server.greet;
  FakeServer* here = &server;
  server.greet = [usual, here](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("HELLO")) return usual(command);
    here->connection().close();
    return "";
  };
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  server.run();
  EXPECT_FALSE(connected->ok());
  test.advance(seconds(1));
  server.run();
  EXPECT_EQ(client().state(), Client::State::kReady);
  EXPECT_FALSE(client().greeting().resp3);
}

TEST_F(ClientTest, NamesWhyAServerCannotBeUsed) {
  struct Case {
    std::string_view command;
    std::string_view answer;
    std::string_view said;
  };
  const Case cases[] = {
      {"HELLO", "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
       "UNAUTHENTICATED: redis redis.test:6379: WRONGPASS invalid username-password pair or user "
       "is disabled."},
      {"HELLO", "-NOAUTH HELLO must be called with the client already authenticated\r\n",
       "UNAUTHENTICATED: redis redis.test:6379: NOAUTH HELLO must be called with the client "
       "already authenticated"},
      {"HELLO", "-ERR max number of clients reached\r\n",
       "UNAVAILABLE: redis redis.test:6379: ERR max number of clients reached"},
      {"HELLO", "$1\r\nx\r\n", "INTERNAL: redis redis.test:6379 answered HELLO with a bulk string"},
      {"PING", "-LOADING Redis is loading the dataset in memory\r\n",
       "UNAVAILABLE: redis redis.test:6379: LOADING Redis is loading the dataset in memory"},
      {"SELECT", "-ERR DB index is out of range\r\n",
       "FAILED_PRECONDITION: redis redis.test:6379: ERR DB index is out of range (SELECT)"},
      {"ROLE", "*2\r\n$5\r\nslave\r\n:1\r\n",
       "UNAVAILABLE: redis redis.test:6379 is a slave, not the primary"},
      {"SCRIPT", "-NOPERM this user has no permissions to run the 'script|load' command\r\n",
       "PERMISSION_DENIED: redis redis.test:6379: NOPERM this user has no permissions to run the "
       "'script|load' command; script get"},
      {"SCRIPT", "$3\r\nabc\r\n",
       "INTERNAL: redis redis.test:6379 loads script get under another name"},
      {"SCRIPT", "$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db\r\n+more\r\n",
       "INTERNAL: redis redis.test:6379 answers what it was not asked"},
      {"HELLO", "HTTP/1.1 400 Bad Request\r\n",
       "INTERNAL: redis redis.test:6379 does not speak RESP: a value of an unknown type"},
      {"HELLO", "%1\r\n+version\r\n+3.2.1\r\n",
       "FAILED_PRECONDITION: redis redis.test:6379 is version 3.2.1, at least 4.0 is needed"},
  };
  options.database = 3;
  options.primary_only = true;
  options.major_version_min = 4;
  options.reconnect_pause_first = options.reconnect_pause_max = seconds(1000);
  const Script script("get", "return 1");
  options.scripts = {&script};
  const auto usual = server.greet;
  for (const Case& c : cases) {
    server.greet = [&](const std::string& command) -> std::optional<std::string> {
      if (command.starts_with(c.command)) return std::string(c.answer);
      return usual(command);
    };
    tests::Later<Status> connected;
    test.tasks().spawn(&tell, client().connect(), &connected);
    server.run();
    ASSERT_TRUE(connected.has_value());
    ASSERT_FALSE(connected->ok()) << c.said;
    EXPECT_EQ(connected->error().to_string(), c.said);
    EXPECT_FALSE(client().health().reason.empty());
  }
}

TEST_F(ClientTest, AWrongPasswordIsRefusedWithoutWaiting) {
  connect();
  const auto usual = server.greet;
  server.greet = [usual](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("HELLO")) return "-WRONGPASS no\r\n";
    return usual(command);
  };
  Said* const a = read("a");
  server.run();
  server.connection().close();
  server.run();
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: WRONGPASS no; not connected [retryable]");
}

// ---- limits

TEST_F(ClientTest, BoundsCommandsInFlight) {
  options.in_flight_max = options.waiting_max = 2;
  connect();
  write("a");
  write("b");
  Said* const c = write("c");
  EXPECT_EQ(c->text(), "RESOURCE_EXHAUSTED: redis redis.test:6379: 2 commands wait for replies");
  EXPECT_EQ(counters.refused.read(), 1U);
}

TEST_F(ClientTest, BoundsCommandsThatWaitForAConnection) {
  options.waiting_max = 1;
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  write("a");
  Said* const b = write("b");
  EXPECT_EQ(b->text(),
            "RESOURCE_EXHAUSTED: redis redis.test:6379: 1 commands wait for a connection");
  server.run();
}

TEST_F(ClientTest, BoundsCommandsThatAreSentAgain) {
  options.waiting_max = 1;
  connect();
  Said* const a = read("a");
  Said* const b = read("b");
  server.run();
  server.connection().close();
  EXPECT_EQ(server.commands(), (Words{"GET a", "GET b", "GET a"}));
  EXPECT_EQ(b->text(),
            "UNAVAILABLE: redis redis.test:6379: the server closed the connection [retryable]");
  EXPECT_EQ(counters.refused.read(), 1U);
  server.say("$1\r\n1\r\n");
  EXPECT_EQ(a->text(), "\"1\"");
}

TEST_F(ClientTest, BoundsBytesThatAreSentWhenAConnectionIsThere) {
  options.unsent_bytes_max = 1000;
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  std::vector<Said*> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(write("k"));
  const size_t sent = server.commands().size();
  EXPECT_GT(sent, 20U);
  EXPECT_LT(sent, 50U);
  EXPECT_EQ(counters.refused.read(), 50 - sent);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i < sent) {
      EXPECT_EQ(calls[i]->text(), "(waits)") << i;
    } else {
      EXPECT_TRUE(calls[i]->text().starts_with("RESOURCE_EXHAUSTED: redis redis.test:6379: "))
          << calls[i]->text();
    }
  }
}

TEST_F(ClientTest, BoundsBytesNotSent) {
  options.unsent_bytes_max = 1000;
  connect();
  server.connection().set_capacity(0);
  std::vector<Said*> calls;
  for (int i = 0; i < 50; ++i) {
    calls.push_back(write("k"));
    server.run();
    if (calls.back()->ended()) break;
  }
  EXPECT_NE(calls.back()->text().find("bytes wait to be sent"), std::string::npos);
  EXPECT_TRUE(calls.back()->text().starts_with("RESOURCE_EXHAUSTED"));
}

// ---- ending

TEST_F(ClientTest, DrainWaitsForRepliesAndRefusesCalls) {
  connect();
  Said* const a = write("a");
  server.run();
  bool drained = false;
  struct Drain {
    static Task<void> run(Client* client, bool* drained) {
      co_await client->drain();
      *drained = true;
    }
  };
  test.tasks().spawn(&Drain::run, &client(), &drained);
  server.run();
  EXPECT_FALSE(drained);
  EXPECT_EQ(write("b")->text(), "UNAVAILABLE: shutting down");
  server.say("+OK\r\n");
  EXPECT_TRUE(drained);
  EXPECT_EQ(a->text(), "OK");
}

TEST_F(ClientTest, StopEndsWhatWaits) {
  connect();
  Said* const a = write("a");
  server.run();
  stop();
  EXPECT_EQ(a->text(),
            "UNAVAILABLE: redis redis.test:6379: shutting down; the command may have "
            "been executed [outcome unknown]");
  EXPECT_EQ(client().state(), Client::State::kStopped);
  EXPECT_EQ(write("b")->text(), "UNAVAILABLE: shutting down");
  server.run();
  EXPECT_TRUE(server.connection().ended());
}

TEST_F(ClientTest, StopEndsAnAttempt) {
  server.dialer().hang = true;
  tests::Later<Status> connected;
  test.tasks().spawn(&tell, client().connect(), &connected);
  Said* const a = write("a");
  test.run();
  stop();
  EXPECT_EQ(a->text(), "UNAVAILABLE: shutting down");
  ASSERT_TRUE(connected.has_value());
  EXPECT_EQ(connected->error().to_string(), "UNAVAILABLE: shutting down");
}

TEST_F(ClientTest, StopInTheMiddleOfADelivery) {
  connect();
  struct Stopper {
    static Task<void> run(Client* client, bool* stopped) {
      const std::string_view get[] = {"GET", "k"};
      (void)co_await client->call(get);
      co_await client->stop();
      *stopped = true;
    }
  };
  bool stopped = false;
  test.tasks().spawn(&Stopper::run, &client(), &stopped);
  Said* const b = write("b");
  Said* const c = write("c");
  server.run();
  server.say("+1\r\n+2\r\n");
  EXPECT_TRUE(stopped);
  EXPECT_EQ(b->text(), "2");
  EXPECT_TRUE(c->ended());
}

TEST_F(ClientTest, PingAsksTheServer) {
  connect();
  tests::Later<Status> alive;
  const auto usual = server.greet;
  server.greet = [](const std::string&) { return std::nullopt; };
  test.tasks().spawn(&tell, client().ping(), &alive);
  EXPECT_EQ(server.commands(), Words{"PING"});
  server.say("-LOADING wait\r\n");
  EXPECT_EQ(alive->error().to_string(), "UNAVAILABLE: redis redis.test:6379: LOADING wait");
  server.greet = usual;
}

// ---- cost

TEST_F(ClientTest, AWarmCallAllocatesNothing) {
  connect();
  struct Asker {
    static Task<void> run(Client* client, size_t* bytes) {
      const std::string_view get[] = {"GET", "some-key"};
      while (true) {
        const Result<Reply> reply = co_await client->call(get, {.effect = Effect::kRead});
        if (!reply.ok()) co_return;
        *bytes += reply->text().size();
      }
    }
  };
  size_t bytes = 0;
  for (int i = 0; i < 8; ++i) test.tasks().spawn(&Asker::run, &client(), &bytes);
  const auto round = [&] {
    for (int i = 0; i < 8; ++i) server.connection().say("$5\r\nvalue\r\n");
    test.run();
    server.connection().read();
  };
  for (int i = 0; i < 20; ++i) round();
  const uint64_t frames = async::frames_allocated();
  const uint64_t commands = counters.commands.read();
  // What the fake server allocates is measured by a round in which it does the same and we do not.
  test.run();
  const uint64_t before = tests::allocations();
  for (int i = 0; i < 8; ++i) server.connection().say("$5\r\nvalue\r\n");
  test.run();
  EXPECT_EQ(tests::allocations() - before, 0U);
  EXPECT_EQ(async::frames_allocated() - frames, 0U);
  EXPECT_EQ(counters.commands.read() - commands, 8U);
  EXPECT_EQ(bytes, 21U * 8 * 5);
}

}  // namespace
}  // namespace layotto::clients::redis
