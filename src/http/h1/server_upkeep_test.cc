// What an HTTP/1 server does because time passes or it is drained.
#include <gtest/gtest.h>

#include <string>

#include "http/h1/limits.h"
#include "http/h1/server_connection.h"
#include "tests/support/h1_scripted_server.h"

namespace layotto::http::h1 {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using tests::H1Wire;
using Server = tests::H1ScriptedServer;

const std::string kHello = "GET /hello HTTP/1.1\r\nHost: here\r\n\r\n";
const std::string kWait = "GET /wait HTTP/1.1\r\nHost: here\r\n\r\n";
const std::string kCollect = "POST /collect HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\n";

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// ---- draining

TEST(H1Upkeep, ClosesAnIdleConnectionWhenDrained) {
  Server s;
  H1Wire& silent = s.connect();
  H1Wire& idle = s.connect();
  s.exchange(idle, kHello);
  s.drain.begin();
  s.exchange(silent);
  s.exchange(idle);
  EXPECT_TRUE(silent.ended);
  EXPECT_TRUE(idle.ended);
  EXPECT_FALSE(idle.broken);
  EXPECT_EQ(s.connections(), 2) << "it lingers until the client has gone too";
  s.finish_writing(silent);
  s.finish_writing(idle);
  EXPECT_EQ(s.connections(), 0);
}

TEST(H1Upkeep, AnswersWhatItHasBegunWhenDrained) {
  Server s;
  H1Wire& waiting = s.connect();
  H1Wire& half = s.connect();
  s.exchange(waiting, kWait + kHello);
  s.exchange(half, kHello.substr(0, 10));
  s.drain.begin();
  EXPECT_EQ(s.exchange(waiting), "");
  EXPECT_TRUE(s.live.front()->snapshot().draining);
  s.handler.released.set();
  const std::string reply = s.exchange(waiting);
  EXPECT_TRUE(has(reply, "connection: close\r\n"));
  EXPECT_TRUE(has(reply, "waited"));
  EXPECT_FALSE(has(reply, "hello")) << "not begun when drained";
  EXPECT_TRUE(waiting.ended);
  EXPECT_TRUE(has(s.exchange(half, kHello.substr(10)), "connection: close\r\n"));
  EXPECT_TRUE(half.ended);
}

TEST(H1Upkeep, EndsAStreamThatBeganBeforeTheDrain) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire,
             "POST /bidi HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  s.drain.begin();
  s.exchange(wire, "1\r\ny\r\n0\r\n\r\n");
  EXPECT_TRUE(wire.received.ends_with("1\r\ny\r\n0\r\n\r\n"));
  EXPECT_TRUE(wire.ended);
}

TEST(H1Upkeep, DoesNotWaitForABodyNobodyWantsWhenDrained) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, "POST /early HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\n123");
  EXPECT_FALSE(wire.ended);
  s.drain.begin();
  s.exchange(wire);
  EXPECT_TRUE(wire.ended);
}

TEST(H1Upkeep, AnswersOneRequestWhenItIsDrainingAlready) {
  Server s;
  s.drain.begin();
  H1Wire& wire = s.connect(1 << 20, kHello);
  EXPECT_TRUE(has(s.exchange(wire), "connection: close\r\n"));
  H1Wire& silent = s.connect();
  s.exchange(silent);
  EXPECT_TRUE(silent.ended);
}

TEST(H1Upkeep, StopsRequestsWhenItIsStopped) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, kWait);
  s.test.tasks().stop(async::StopReason::kShutdown);
  s.exchange(wire);
  EXPECT_NE(s.handler.stopped, async::StopReason::kNone);
  EXPECT_TRUE(wire.ended);
}

// ---- limits of time

TEST(H1Upkeep, EndsAConnectionThatNeverAsks) {
  Server s;
  H1Wire& wire = s.connect();
  s.advance(milliseconds(9'999), wire);
  EXPECT_FALSE(wire.ended);
  s.advance(milliseconds(1), wire);
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(wire.received, "") << "an answer to no question";
  EXPECT_EQ(s.counters.head_timeouts.read(), 1);
}

TEST(H1Upkeep, RefusesAHeadThatComesTooSlowly) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, kHello);
  s.advance(minutes(5), wire);
  std::string_view head = kHello;
  for (int i = 0; i < 10; ++i) {
    s.exchange(wire, head.substr(static_cast<size_t>(i), 1));
    s.advance(milliseconds(999), wire);
  }
  EXPECT_FALSE(wire.ended);
  const std::string reply = s.advance(milliseconds(10), wire);
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.head_timeouts.read(), 1);
}

TEST(H1Upkeep, GivesEveryHeadItsOwnTime) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, kHello.substr(0, 5));
  s.advance(seconds(8), wire);
  s.exchange(wire, kHello.substr(5) + kHello.substr(0, 5));
  s.advance(seconds(8), wire);
  EXPECT_TRUE(has(s.exchange(wire, kHello.substr(5)), "hello"));
  EXPECT_FALSE(wire.ended);
}

TEST(H1Upkeep, ClosesWhatIsIdleForLong) {
  ServerLimits limits;
  limits.idle_timeout = seconds(90);
  Server s(limits);
  H1Wire& wire = s.connect();
  s.exchange(wire, kHello);
  s.advance(seconds(60), wire);
  s.exchange(wire, kHello);
  s.advance(seconds(89), wire);
  EXPECT_FALSE(wire.ended);
  s.advance(seconds(61), wire);
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.idle_timeouts.read(), 1);
}

TEST(H1Upkeep, DoesNotTakeAWaitingRequestForIdle) {
  ServerLimits limits;
  limits.idle_timeout = seconds(5);
  Server s(limits);
  H1Wire& wire = s.connect();
  s.exchange(wire, kWait);
  s.advance(minutes(10), wire);
  s.handler.released.set();
  EXPECT_TRUE(has(s.exchange(wire), "waited"));
}

TEST(H1Upkeep, EndsAClientThatTakesNothing) {
  Server s;
  s.handler.produce_total = 10'000'000;
  H1Wire& wire = s.connect(1000);
  wire.send("GET /produce HTTP/1.1\r\nHost: here\r\n\r\n");
  s.test.run();
  s.test.advance(minutes(4));
  EXPECT_EQ(s.counters.write_stalls.read(), 0);
  s.test.advance(minutes(5));
  EXPECT_EQ(s.counters.write_stalls.read(), 1);
  EXPECT_EQ(s.connections(), 0);
}

TEST(H1Upkeep, DoesNotWaitForABodyForever) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, kCollect + "123");
  for (int i = 0; i < 3; ++i) {
    s.advance(kBodyStallTime - seconds(1), wire);
    if (i < 2) s.exchange(wire, "x");
  }
  EXPECT_EQ(wire.received, "");
  for (int i = 0; i < 60 && !wire.ended; ++i) s.advance(seconds(1), wire);
  EXPECT_TRUE(wire.received.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(has(wire.received, "connection: close\r\n"));
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.idle_timeouts.read(), 1);
  EXPECT_EQ(s.tally.last_status, 408);
}

TEST(H1Upkeep, WaitsLongerForABodyThatIsBeingAnswered) {
  ServerLimits limits;
  limits.idle_timeout = minutes(10);
  Server s(limits);
  H1Wire& wire = s.connect();
  s.exchange(wire,
             "POST /bidi HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  s.advance(minutes(9), wire);
  s.exchange(wire, "1\r\ny\r\n");
  s.advance(minutes(9), wire);
  EXPECT_FALSE(wire.ended);
  EXPECT_EQ(s.counters.idle_timeouts.read(), 0);
  s.advance(minutes(3), wire);
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.idle_timeouts.read(), 1);
  EXPECT_EQ(s.tally.ended, 1);
}

TEST(H1Upkeep, DoesNotWaitLongForABodyNobodyWants) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, "POST /early HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\n123");
  EXPECT_FALSE(wire.ended);
  s.advance(minutes(2), wire);
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.idle_timeouts.read(), 1);
}

TEST(H1Upkeep, HoldsRequestsToTheirDeadline) {
  Server s;
  s.handler.wait_at_most = seconds(3);
  H1Wire& wire = s.connect();
  s.exchange(wire, kWait);
  EXPECT_EQ(s.advance(milliseconds(2'999), wire), "");
  EXPECT_TRUE(s.advance(milliseconds(2), wire).starts_with("HTTP/1.1 504"));
  EXPECT_EQ(s.handler.stopped, async::StopReason::kDeadline);
  EXPECT_TRUE(has(s.exchange(wire, kHello), "hello"));
}

TEST(H1Upkeep, KnowsNoLimitsOfZero) {
  ServerLimits limits;
  limits.head_timeout = limits.idle_timeout = limits.write_stall_timeout = milliseconds(0);
  Server s(limits);
  H1Wire& wire = s.connect();
  s.exchange(wire, kHello.substr(0, 5));
  s.advance(std::chrono::hours(100), wire);
  EXPECT_TRUE(has(s.exchange(wire, kHello.substr(5)), "hello"));
}

// ---- snapshots

TEST(H1Upkeep, ShowsWhatItDoes) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, kHello + kWait);
  s.advance(seconds(3), wire);
  const ConnectionSnapshot shot = s.live.front()->snapshot();
  EXPECT_EQ(shot.protocol, "HTTP/1.1");
  EXPECT_EQ(shot.requests, 2);
  EXPECT_EQ(shot.age, seconds(3));
  EXPECT_EQ(shot.bytes_read, kHello.size() + kWait.size());
  EXPECT_EQ(shot.bytes_written, wire.received.size());
  ASSERT_EQ(shot.exchanges.size(), 1);
  EXPECT_EQ(shot.exchanges[0].stage, "handler");
  EXPECT_EQ(shot.exchanges[0].age, seconds(3));
  s.handler.released.set();
  s.exchange(wire);
  EXPECT_TRUE(s.live.front()->snapshot().exchanges.empty());
}

}  // namespace
}  // namespace layotto::http::h1
