// The bodies of HTTP/1 requests over a memory pipe: as they come, not wanted, asked for, broken.
#include <gtest/gtest.h>

#include <string>

#include "http/h1/limits.h"
#include "tests/support/h1_messages.h"
#include "tests/support/h1_scripted_server.h"

namespace layotto::http::h1 {
namespace {

using tests::H1Wire;
using Server = tests::H1ScriptedServer;
using tests::h1::count;
using tests::h1::get;
using tests::h1::has;
using tests::h1::post;
using tests::h1::post_chunked;
using tests::h1::request;
using tests::h1::status_of;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

TEST(H1Bodies, GivesASmallBodyAsAWhole) {
  Server s;
  H1Wire& wire = s.connect();
  EXPECT_TRUE(has(s.exchange(wire, post("/collect", "small")), "collected"));
  EXPECT_TRUE(s.handler.body_was_complete);
  EXPECT_EQ(s.handler.collected, "small");
  s.exchange(wire, post_chunked("/collect", "2\r\nso\r\n2\r\n t\r\n2\r\noo\r\n0\r\n\r\n"));
  EXPECT_TRUE(s.handler.body_was_complete);
  EXPECT_EQ(s.handler.collected, "so too");
  EXPECT_EQ(s.tally.request_bytes, 11);
}

TEST(H1Bodies, GivesTheSameHoweverItIsCut) {
  const std::string all = post("/collect", "with a length") +
                          post_chunked("/collect", "5;x\r\nchunk\r\n2\r\ned\r\n0\r\nt: 1\r\n\r\n") +
                          get("/hello");
  for (size_t at = 0; at <= all.size(); ++at) {
    Server s;
    H1Wire& wire = s.connect();
    std::string reply = s.exchange(wire, all.substr(0, at));
    reply += s.exchange(wire, all.substr(at));
    ASSERT_EQ(count(reply, "collected"), 2) << at;
    ASSERT_TRUE(reply.ends_with("hello")) << at;
    ASSERT_EQ(s.handler.collected, "chunked") << at;
    ASSERT_EQ(s.tally.request_bytes, 20) << at;
  }
}

TEST(H1Bodies, GivesTheSameByteByByte) {
  Server s;
  H1Wire& wire = s.connect();
  for (const char c : post_chunked("/collect", "3\r\nabc\r\n0\r\n\r\n")) {
    s.exchange(wire, std::string_view(&c, 1));
  }
  EXPECT_EQ(s.handler.collected, "abc");
  EXPECT_TRUE(has(wire.received, "collected"));
}

TEST(H1Bodies, EchoesABodyWithTrailers) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, post_chunked("/bidi", "3\r\none\r\n"));
  EXPECT_TRUE(has(wire.received, "3\r\none\r\n"));
  s.exchange(wire, "3\r\ntwo\r\n0\r\nchecksum: 7\r\n\r\n");
  EXPECT_TRUE(wire.received.ends_with("3\r\ntwo\r\n0\r\nchecksum: 7\r\n\r\n"));
}

TEST(H1Bodies, ReadsNoFasterThanTheHandler) {
  Server s;
  H1Wire& wire = s.connect(16 * 1024);
  const std::string body(1'000'000, 'x');
  s.exchange(wire, post("/wait", body));
  const uint64_t read = s.live.front()->snapshot().bytes_read;
  EXPECT_LE(read, kBodyBufferedMax + net::kReadBufferBytes + 1000);
  s.handler.released.set();
  EXPECT_TRUE(has(s.exchange(wire), "waited"));
  EXPECT_EQ(s.handler.collected, body);
}

TEST(H1Bodies, WritesNoFasterThanTheClient) {
  Server s;
  s.handler.produce_total = 10'000'000;
  H1Wire& wire = s.connect(1000);
  wire.send(get("/produce"));
  s.test.run();
  EXPECT_LT(s.handler.produced, 1'000'000);
  const std::string reply = s.exchange(wire);
  EXPECT_EQ(s.handler.produced, 10'000'000);
  EXPECT_TRUE(reply.ends_with("p\r\n0\r\n\r\n"));
}

TEST(H1Bodies, DropsABodyNobodyWants) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string reply =
      s.exchange(wire, post("/early", std::string(100'000, 'x')) + get("/hello"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 413");
  EXPECT_TRUE(reply.ends_with("hello"));
  const std::string chunked = s.exchange(wire, post_chunked("/early", "5\r\nhello\r\n"));
  EXPECT_EQ(status_of(chunked), "HTTP/1.1 413");
  EXPECT_TRUE(has(s.exchange(wire, "5\r\nhello\r\n0\r\n\r\n" + get("/hello")), "\r\n\r\nhello"));
  EXPECT_FALSE(wire.ended);
}

TEST(H1Bodies, ClosesRatherThanReadALotNobodyWants) {
  Server s;
  H1Wire& known = s.connect();
  const std::string reply =
      s.exchange(known, request("POST", "/early", "Content-Length: 1000000000\r\n", "begin"));
  EXPECT_TRUE(has(reply, "connection: close\r\n"));
  EXPECT_TRUE(known.ended);
  H1Wire& unknown = s.connect();
  std::string endless = post_chunked("/early", "");
  for (int i = 0; i < 40; ++i) endless += "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  s.exchange(unknown, endless);
  EXPECT_EQ(status_of(unknown.received), "HTTP/1.1 413");
  EXPECT_TRUE(unknown.ended);
}

TEST(H1Bodies, AnswersEarlyAndGoesOnReading) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, request("POST", "/afterwards", "Content-Length: 10\r\n", "12345"));
  EXPECT_TRUE(has(wire.received, "early"));
  EXPECT_EQ(s.tally.ended, 0);
  s.exchange(wire, "67890" + get("/hello"));
  EXPECT_EQ(s.handler.afterwards, 1);
  EXPECT_TRUE(wire.received.ends_with("hello"));
}

TEST(H1Bodies, TellsAHandlerThatItsBodyIsMalformed) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, post_chunked("/collect", "5\r\nhello\r\n"));
  const std::string reply = s.exchange(wire, "x\r\n" + get("/hello"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 400");
  EXPECT_TRUE(has(reply, "connection: close\r\n"));
  EXPECT_EQ(count(reply, "HTTP/1.1 "), 1);
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.protocol_errors.read(), 1);
}

TEST(H1Bodies, TellsAHandlerThatTheClientStoppedWithinTheBody) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, request("POST", "/collect", "Content-Length: 10\r\n", "12345"));
  s.finish_writing(wire);
  EXPECT_EQ(status_of(wire.received), "HTTP/1.1 400");
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.requests_reset_by_peer.read(), 1);
}

TEST(H1Bodies, StopsAHandlerWhoseClientIsGone) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, get("/wait"));
  s.hang_up(wire);
  EXPECT_EQ(s.handler.stopped, async::StopReason::kCancelled);
  EXPECT_EQ(s.counters.requests_reset_by_peer.read(), 1);
  EXPECT_EQ(s.connections(), 0);
}

// ---- 100-continue

TEST(H1Bodies, AsksForABodyWhenItIsWanted) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string head =
      request("POST", "/wait", "Content-Length: 4\r\nExpect: 100-continue\r\n");
  EXPECT_EQ(s.exchange(wire, head), "");
  s.handler.released.set();
  EXPECT_EQ(s.exchange(wire), kContinue);
  const std::string reply = s.exchange(wire, "body");
  EXPECT_TRUE(has(reply, "waited"));
  EXPECT_FALSE(has(reply, "connection: close"));
  EXPECT_EQ(s.handler.collected, "body");
}

TEST(H1Bodies, AsksForNoBodyThatIsThere) {
  Server s;
  const std::string reply =
      s.ask(request("POST", "/collect", "Content-Length: 4\r\nExpect: 100-continue\r\n", "body"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 200");
  const std::string begun =
      s.ask(request("POST", "/collect", "Content-Length: 4\r\nExpect: 100-continue\r\n", "bo"));
  EXPECT_EQ(begun, "");
}

TEST(H1Bodies, ClosesWhenItDidNotAskForTheBody) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string reply =
      s.exchange(wire, request("POST", "/early", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 413");
  EXPECT_TRUE(has(reply, "connection: close\r\n"));
  EXPECT_TRUE(wire.ended);
}

}  // namespace
}  // namespace layotto::http::h1
