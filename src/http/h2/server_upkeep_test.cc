// ServerConnection: how connections end, and what happens because time passes.
#include <gtest/gtest.h>

#include "tests/support/h2_scripted_server.h"

namespace layotto::http::h2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::H2Wire;
using tests::ServerHarness;
using Server = tests::ScriptedServer;
namespace wire = tests::h2;
using wire::request;

constexpr int kOpen = wire::kEndHeaders;

std::string get(uint32_t stream, std::string_view path) { return request(stream, wire::get(path)); }
std::string open(uint32_t stream, std::string_view path) {
  return request(stream, wire::post(path), kOpen);
}

// ---- ending

TEST(H2Server, StopEndsEverythingAtOnce) {
  Server s;
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/wait") + open(3, "/collect") + get(5, "/produce"));
  s.test.tasks().stop(async::StopReason::kShutdown);
  s.exchange(peer, {});
  EXPECT_EQ(s.handler.stopped, async::StopReason::kShutdown);
  EXPECT_EQ(peer.goaway(), wire::kNoError);
  s.advance(seconds(3), peer);
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(s.tally.ended, 3);
  EXPECT_EQ(s.connections(), 0);
}

TEST(H2Server, StopStillSendsAnswersThatAreComplete) {
  Server s;
  H2Wire& peer = s.connect();
  peer.send(get(1, "/hello"));
  s.test.loop().run_once(Duration(0));  // sent
  s.test.tasks().stop(async::StopReason::kShutdown);
  s.exchange(peer, {});
  // Read and answered in the pass in which it was stopped, or not looked at: never half.
  if (s.tally.entered == 1) EXPECT_EQ(peer.answer(1).body, "hello");
}

TEST(H2Server, AnswersAreSentThoughThePeerHasFinishedSending) {
  Server s;
  H2Wire& peer = s.connect();
  peer.send(get(1, "/hello"));
  peer.connection().finish_writing();
  s.exchange(peer, {});
  EXPECT_EQ(peer.answer(1).body, "hello");
  EXPECT_TRUE(peer.answer(1).ended);
  EXPECT_EQ(peer.goaway(), wire::kNoError);
  EXPECT_TRUE(peer.closed());
}

TEST(H2Server, DrainsInTwoStepsAndClosesWhenAllIsAnswered) {
  Server s;
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/wait"));
  s.drain.begin();
  s.exchange(peer, {});
  EXPECT_EQ(peer.count(wire::kGoaway), 1);
  EXPECT_EQ(peer.last(wire::kGoaway).last_stream(), 0x7fffffff);
  // What was on the way is served.
  s.exchange(peer, get(3, "/hello"));
  EXPECT_EQ(peer.answer(3).body, "hello");
  s.exchange(peer, wire::ping(peer.last(wire::kPing).payload, wire::kAck));
  EXPECT_EQ(peer.count(wire::kGoaway), 2);
  EXPECT_EQ(peer.last(wire::kGoaway).last_stream(), 3);
  s.exchange(peer, get(5, "/hello"));
  EXPECT_EQ(peer.answer(5).status, "");
  EXPECT_FALSE(peer.closed());
  s.handler.released.set();
  s.exchange(peer, {});
  EXPECT_EQ(peer.answer(1).body, "waited");
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(peer.count(wire::kGoaway), 2);
  EXPECT_EQ(s.counters.stream_limit.read(), 0);
}

TEST(H2Server, DrainsThoughThePeerDoesNotAnswerPing) {
  Server s;
  H2Wire& peer = s.connect();
  s.drain.begin();
  s.exchange(peer, {});
  EXPECT_FALSE(peer.closed());
  s.advance(milliseconds(1100), peer);
  EXPECT_EQ(peer.count(wire::kGoaway), 2);
  EXPECT_TRUE(peer.closed());
}

TEST(H2Server, AConnectionThatIsMadeWhileDrainingIsDrained) {
  Server s;
  s.drain.begin();
  H2Wire& peer = s.connect_silently();
  s.exchange(peer, wire::kPreface + wire::settings() + get(1, "/hello"));
  EXPECT_EQ(peer.answer(1).body, "hello");
  EXPECT_EQ(peer.count(wire::kGoaway), 1);
  s.advance(milliseconds(1100), peer);
  EXPECT_EQ(peer.count(wire::kGoaway), 2);
  EXPECT_TRUE(peer.closed());
}

TEST(H2Server, ClosesAfterThePeersGoaway) {
  Server s;
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/wait") + wire::goaway(0));
  EXPECT_FALSE(peer.closed());
  s.handler.released.set();
  s.exchange(peer, {});
  EXPECT_EQ(peer.answer(1).body, "waited");
  EXPECT_TRUE(peer.closed());
}

TEST(H2Server, NewRequestsGoThroughTheNewChain) {
  Server s;
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/wait"));
  const Chain bare(s.handler, "bare");
  s.env.chain = &bare;
  s.exchange(peer, get(3, "/hello"));
  EXPECT_EQ(peer.answer(3).body, "hello");
  EXPECT_EQ(s.tally.entered, 1);
  s.handler.released.set();
  s.exchange(peer, {});
  EXPECT_EQ(peer.answer(1).body, "waited");
  EXPECT_EQ(s.tally.ended, 1);
}

// ---- time

TEST(H2Server, APeerThatSaysNothingIsGivenUp) {
  ServerLimits limits;
  limits.head_timeout = seconds(10);
  Server s(limits);
  H2Wire& peer = s.connect_silently();
  s.exchange(peer, wire::kPreface);
  s.advance(milliseconds(9990), peer);
  EXPECT_FALSE(peer.closed());
  s.advance(milliseconds(20), peer);
  EXPECT_EQ(peer.goaway(), wire::kSettingsTimeout);
  s.advance(seconds(3), peer);
  EXPECT_TRUE(peer.closed());
  EXPECT_EQ(s.counters.head_timeouts.read(), 1);
  EXPECT_EQ(s.counters.protocol_errors.read(), 0);
}

TEST(H2Server, AHeaderBlockThatDripsIsGivenUp) {
  ServerLimits limits;
  limits.head_timeout = seconds(10);
  Server s(limits);
  H2Wire& peer = s.connect();
  s.advance(seconds(100), peer);
  s.exchange(peer, wire::headers(1, wire::hpack(wire::get("/hello")), wire::kEndStream));
  for (int i = 0; i < 9; ++i) {
    s.advance(seconds(1), peer);
    s.exchange(peer, wire::continuation(1, wire::hpack({{"x", "y"}}), wire::kNoFlags));
  }
  EXPECT_FALSE(peer.goaway().has_value());
  s.advance(milliseconds(1100), peer);
  EXPECT_EQ(peer.goaway(), wire::kEnhanceYourCalm);
  EXPECT_EQ(s.counters.head_timeouts.read(), 1);
}

TEST(H2Server, AnIdleConnectionIsClosedThoughItsPeerPings) {
  ServerLimits limits;
  limits.idle_timeout = seconds(100);
  Server s(limits);
  H2Wire& peer = s.connect();
  s.advance(seconds(60), peer);
  s.exchange(peer, get(1, "/hello"));
  for (int i = 0; i < 9; ++i) {
    s.advance(seconds(11), peer);
    s.exchange(peer, wire::ping());
    EXPECT_FALSE(peer.goaway().has_value());
  }
  s.advance(seconds(2), peer);
  EXPECT_EQ(peer.goaway(), wire::kNoError);
  EXPECT_EQ(s.counters.idle_timeouts.read(), 1);
  s.advance(seconds(3), peer);
  EXPECT_TRUE(peer.closed());
}

TEST(H2Server, AConnectionWithAStreamIsNotIdle) {
  ServerLimits limits;
  limits.idle_timeout = seconds(100);
  limits.keepalive_interval = seconds(0);
  Server s(limits);
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/wait"));
  s.advance(seconds(500), peer);
  EXPECT_FALSE(peer.goaway().has_value());
  s.handler.released.set();
  s.exchange(peer, {});
  EXPECT_EQ(peer.answer(1).body, "waited");
}

TEST(H2Server, PingsASilentPeer) {
  ServerLimits limits;
  limits.keepalive_interval = seconds(30);
  limits.keepalive_timeout = seconds(5);
  Server s(limits);
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/wait"));
  for (int i = 0; i < 3; ++i) {
    s.advance(milliseconds(30'010), peer);
    ASSERT_EQ(peer.count(wire::kPing), 1);
    s.exchange(peer, wire::ping(peer.last(wire::kPing).payload, wire::kAck));
    peer.forget_frames();
  }
  s.advance(milliseconds(30'010), peer);
  EXPECT_EQ(peer.count(wire::kPing), 1);
  EXPECT_FALSE(peer.closed());
  s.advance(milliseconds(5010), peer);
  EXPECT_EQ(s.counters.keepalive_timeouts.read(), 1);
  EXPECT_EQ(s.handler.stopped, async::StopReason::kCancelled);
  s.advance(seconds(3), peer);
  EXPECT_TRUE(peer.closed());
}

TEST(H2Server, ATalkingPeerIsNotPinged) {
  ServerLimits limits;
  limits.keepalive_interval = seconds(30);
  Server s(limits);
  H2Wire& peer = s.connect();
  for (uint32_t i = 0; i < 10; ++i) {
    s.advance(seconds(20), peer);
    s.exchange(peer, get(2 * i + 1, "/hello"));
  }
  EXPECT_EQ(peer.count(wire::kPing), 0);
}

TEST(H2Server, APeerThatTakesNoBytesIsGivenUp) {
  ServerLimits limits;
  limits.write_stall_timeout = seconds(20);
  Server s(limits);
  H2Wire& peer = s.connect({{wire::kInitialWindowSize, 1 << 24}}, 1000);
  peer.send(wire::window_update(0, 1 << 24) + get(1, "/produce"));
  s.test.run();
  s.test.advance(seconds(19));
  EXPECT_EQ(s.counters.write_stalls.read(), 0);
  s.test.advance(seconds(15));
  EXPECT_EQ(s.counters.write_stalls.read(), 1);
  EXPECT_EQ(s.connections(), 0);
  EXPECT_EQ(s.tally.ended, 1);
}

TEST(H2Server, AStreamWhoseWindowStaysShutIsReset) {
  ServerLimits limits;
  limits.write_stall_timeout = seconds(20);
  Server s(limits);
  H2Wire& peer = s.connect();
  s.exchange(peer, wire::window_update(0, 1 << 20) + get(1, "/produce"));
  for (int i = 0; i < 20; ++i) {
    s.advance(seconds(2), peer);
    s.exchange(peer, wire::ping() + get(static_cast<uint32_t>(2 * i + 3), "/hello"));
    if (peer.reset(1).has_value()) break;
    EXPECT_LE(i, 18);
  }
  EXPECT_EQ(peer.reset(1), wire::kCancel);
  EXPECT_EQ(s.counters.write_stalls.read(), 1);
  s.exchange(peer, get(1001, "/hello"));
  EXPECT_EQ(s.counters.requests_active.read(), 0);
  EXPECT_FALSE(peer.goaway().has_value());
}

TEST(H2Server, ASlowReaderIsNotAStall) {
  ServerLimits limits;
  limits.write_stall_timeout = seconds(20);
  Server s(limits);
  s.handler.produce_total = 200'000;
  H2Wire& peer = s.connect();
  s.exchange(peer, wire::window_update(0, 1 << 24) + get(1, "/produce"));
  for (int i = 0; i < 40; ++i) {
    s.advance(seconds(5), peer);
    s.exchange(peer, wire::window_update(1, 4000));
  }
  EXPECT_EQ(peer.answer(1).body.size(), 200'000);
  EXPECT_TRUE(peer.answer(1).ended);
  EXPECT_EQ(s.counters.write_stalls.read(), 0);
}

TEST(H2Server, TheDeadlineOfARequestStopsIt) {
  struct WithDeadline final : Handler {
    Task<Result<Response>> handle(Request, Exchange& exchange) override {
      exchange.deadline = exchange.start + seconds(2);
      return take_long(exchange.loop());
    }
    static Task<Result<Response>> take_long(async::Loop& loop) {
      CO_TRY(co_await loop.sleep(seconds(100)));
      co_return tests::ScriptedHandler::plain(200);
    }
  } handler;
  async::TestLoop test;
  ServerHarness s(test, handler);
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/"));
  s.advance(milliseconds(2010), peer);
  EXPECT_EQ(peer.answer(1).status, "504");
}

// ---- the admin page

TEST(H2Server, ShowsWhatIsGoingOn) {
  Server s;
  H2Wire& peer = s.connect();
  s.exchange(peer, get(1, "/hello") + get(3, "/wait") + open(5, "/collect"));
  s.test.advance(seconds(7));
  ASSERT_FALSE(s.live.empty());
  const ConnectionSnapshot shot = s.live.front()->snapshot();
  EXPECT_EQ(shot.protocol, "HTTP/2");
  EXPECT_EQ(shot.requests, 3);
  EXPECT_GT(shot.bytes_read, 0);
  EXPECT_GT(shot.bytes_written, 0);
  EXPECT_FALSE(shot.draining);
  ASSERT_EQ(shot.exchanges.size(), 2);
  EXPECT_EQ(shot.exchanges[0].stream_id, 3);
  EXPECT_EQ(shot.exchanges[0].stage, "handler");
  EXPECT_EQ(shot.exchanges[0].age, seconds(7));
  s.drain.begin();
  EXPECT_TRUE(s.live.front()->snapshot().draining);
}

}  // namespace
}  // namespace layotto::http::h2
