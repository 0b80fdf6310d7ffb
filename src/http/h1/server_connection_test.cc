// ServerConnection over a memory pipe: what a client sees in bytes, and what handlers and filters
// see of it.
#include "http/h1/server_connection.h"

#include <gtest/gtest.h>

#include <string>

#include "async/frame_pool.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/h1_messages.h"
#include "tests/support/h1_scripted_server.h"

namespace layotto::http::h1 {
namespace {

using namespace std::string_literals;
using tests::H1Wire;
using Server = tests::H1ScriptedServer;
using tests::h1::count;
using tests::h1::get;
using tests::h1::has;
using tests::h1::post;
using tests::h1::request;
using tests::h1::status_of;

// ---- answers

TEST(H1Server, AnswersARequest) {
  Server s;
  s.env.server_name = "layotto";
  H1Wire& wire = s.connect();
  EXPECT_EQ(s.exchange(wire, get("/hello")),
            "HTTP/1.1 200 OK\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\nserver: layotto\r\n"
            "content-length: 5\r\n\r\nhello");
  EXPECT_FALSE(wire.ended);
  EXPECT_EQ(s.tally.ended, 1);
  EXPECT_EQ(s.tally.responded, 1);
  EXPECT_EQ(s.tally.response_bytes, 5);
  EXPECT_EQ(s.counters.requests.read(), 1);
  EXPECT_EQ(s.counters.requests_inline.read(), 1);
  EXPECT_EQ(s.counters.response_bytes.read(), 5);
}

TEST(H1Server, AnswersInlineWithoutAFrameAndWithoutAllocating) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string bytes = post("/hello", "body");
  for (int i = 0; i < 3; ++i) s.exchange(wire, bytes);
  wire.send(bytes);
  const uint64_t frames = async::frames_allocated();
  const uint64_t allocations = tests::allocations();
  s.test.run();
  EXPECT_EQ(async::frames_allocated(), frames);
  EXPECT_EQ(tests::allocations(), allocations);
  EXPECT_TRUE(has(s.exchange(wire), "hello"));
  EXPECT_EQ(s.counters.requests_inline.read(), 4);
}

TEST(H1Server, KeepsAnIdleConnectionSmall) { EXPECT_LE(sizeof(ServerConnection), 1500); }

TEST(H1Server, KeepsTheConnection) {
  Server s;
  H1Wire& wire = s.connect();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(has(s.exchange(wire, get("/hello")), "\r\n\r\nhello"));
  EXPECT_FALSE(wire.ended);
  EXPECT_EQ(s.tally.ended, 5);
}

TEST(H1Server, ClosesWhenAsked) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string reply = s.exchange(wire, get("/hello", "Connection: close\r\n"));
  EXPECT_TRUE(has(reply, "connection: close\r\n"));
  EXPECT_TRUE(has(reply, "hello"));
  EXPECT_TRUE(wire.ended);
  EXPECT_FALSE(wire.broken);
}

TEST(H1Server, SpeaksHttp10) {
  Server s;
  H1Wire& closed = s.connect();
  const std::string reply = s.exchange(closed, "GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(has(reply, "connection: close\r\n"));
  EXPECT_TRUE(closed.ended);
  H1Wire& kept = s.connect();
  EXPECT_TRUE(has(s.exchange(kept, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                  "connection: keep-alive\r\n"));
  EXPECT_FALSE(kept.ended);
}

TEST(H1Server, StreamsToHttp10UntilItCloses) {
  Server s;
  s.handler.produce_total = 200'000;
  H1Wire& wire = s.connect();
  const std::string reply =
      s.exchange(wire, "GET /produce HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(has(reply, "transfer-encoding"));
  EXPECT_FALSE(has(reply, "content-length"));
  EXPECT_TRUE(wire.ended);
  EXPECT_FALSE(wire.broken);
  EXPECT_EQ(reply.size() - reply.find("\r\n\r\n") - 4, 200'000);
}

TEST(H1Server, ResetsWhereAnEndWouldLookLikeTheContents) {
  Server s;
  s.handler.fail_after = 100'000;
  H1Wire& wire = s.connect();
  s.exchange(wire, "GET /produce HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(wire.ended);
  EXPECT_TRUE(wire.broken);
  EXPECT_EQ(s.counters.requests_reset_by_us.read(), 1);
}

TEST(H1Server, StreamsInChunks) {
  Server s;
  s.handler.produce_total = 200'000;
  H1Wire& wire = s.connect();
  const std::string reply = s.exchange(wire, get("/produce") + get("/hello"));
  EXPECT_TRUE(has(reply, "transfer-encoding: chunked\r\n"));
  EXPECT_EQ(count(reply, "p"), 200'000);
  EXPECT_TRUE(has(reply, "p\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(reply.ends_with("hello"));
  EXPECT_EQ(s.tally.response_bytes, 200'005);
}

TEST(H1Server, BreaksOffWhatFails) {
  Server s;
  s.handler.fail_after = 100'000;
  H1Wire& wire = s.connect();
  const std::string reply = s.exchange(wire, get("/produce") + get("/hello"));
  EXPECT_TRUE(wire.ended);
  EXPECT_FALSE(reply.ends_with("0\r\n\r\n"));
  EXPECT_FALSE(has(reply, "hello"));
  EXPECT_EQ(s.counters.requests_reset_by_us.read(), 1);
}

TEST(H1Server, HoldsAHandlerToTheLengthItStates) {
  for (const std::string_view stated : {"5", "99999999"}) {
    Server s;
    s.handler.produce_total = 1000;
    s.handler.stated_length = stated;
    H1Wire& wire = s.connect();
    const std::string reply = s.exchange(wire, get("/produce") + get("/hello"));
    EXPECT_TRUE(has(reply, "content-length: " + std::string(stated) + "\r\n"));
    EXPECT_FALSE(has(reply, "hello"));
    EXPECT_TRUE(wire.ended);
    EXPECT_EQ(s.counters.requests_reset_by_us.read(), 1);
  }
  Server s;
  s.handler.produce_total = 1000;
  s.handler.stated_length = "1000";
  const std::string reply = s.ask(get("/produce") + get("/hello"));
  EXPECT_TRUE(has(reply, "content-length: 1000\r\n"));
  EXPECT_TRUE(reply.ends_with("hello"));
}

TEST(H1Server, SendsNoBodyWhereThereIsNone) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string head = s.exchange(wire, request("HEAD", "/hello"));
  EXPECT_TRUE(has(head, "content-length: 5\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  const std::string streamed = s.exchange(wire, request("HEAD", "/produce"));
  EXPECT_TRUE(streamed.ends_with("\r\n\r\n"));
  EXPECT_EQ(s.handler.produced, 0);
  const std::string empty = s.exchange(wire, get("/empty"));
  EXPECT_EQ(status_of(empty), "HTTP/1.1 204");
  EXPECT_FALSE(has(empty, "content-length"));
  EXPECT_TRUE(has(s.exchange(wire, get("/hello")), "\r\n\r\nhello"));
}

TEST(H1Server, TurnsErrorsIntoReplies) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string reply = s.exchange(wire, get("/fail"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 404");
  EXPECT_TRUE(reply.ends_with("\r\n\r\nnot here\n"));
  EXPECT_EQ(s.counters.local_replies.read(), 1);
  EXPECT_FALSE(wire.ended);
}

TEST(H1Server, SendsInterimHeads) {
  Server s;
  const std::string reply = s.ask(get("/interim"));
  EXPECT_TRUE(reply.starts_with(
      "HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(reply.ends_with("final"));
  EXPECT_FALSE(has(s.ask("GET /interim HTTP/1.0\r\n\r\n"), "103"));
}

TEST(H1Server, IgnoresAnUpgrade) {
  Server s;
  const std::string reply = s.ask(get(
      "/hello", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 200");
}

// ---- pipelining

TEST(H1Server, AnswersInTheOrderOfAsking) {
  Server s;
  H1Wire& wire = s.connect();
  EXPECT_EQ(s.exchange(wire, get("/wait") + get("/hello") + get("/fail") + get("/hel")), "");
  s.handler.released.set();
  const std::string reply = s.exchange(wire);
  const size_t first = reply.find("waited");
  const size_t second = reply.find("hello");
  const size_t third = reply.find("not here");
  ASSERT_NE(third, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(count(reply, "HTTP/1.1 "), 4);
}

TEST(H1Server, AnswersThousandsInOnePiece) {
  Server s;
  H1Wire& wire = s.connect();
  std::string all;
  for (int i = 0; i < 5000; ++i) all += get("/hello");
  const std::string reply = s.exchange(wire, all);
  EXPECT_EQ(count(reply, "\r\n\r\nhello"), 5000);
  EXPECT_EQ(s.tally.ended, 5000);
}

TEST(H1Server, ReadsNoMoreWhileAnswersAreNotTaken) {
  Server s;
  s.handler.produce_total = 400'000;
  H1Wire& wire = s.connect(1000);
  wire.connection().set_capacity(1000);
  std::string all;
  for (int i = 0; i < 100'000; ++i) all += get("/hello");
  wire.send(all);
  s.test.run();
  EXPECT_LT(s.tally.ended, 20'000);
  EXPECT_LT(s.live.front()->snapshot().unsent, 600'000);
  EXPECT_GT(wire.connection().unsent(), 1'000'000);
}

TEST(H1Server, ServesAClientThatOnlyListensAnyMore) {
  Server s;
  H1Wire& wire = s.connect();
  wire.send(get("/wait") + get("/hello"));
  s.finish_writing(wire);
  EXPECT_FALSE(wire.ended);
  s.handler.released.set();
  const std::string reply = s.exchange(wire);
  EXPECT_TRUE(has(reply, "waited"));
  EXPECT_TRUE(reply.ends_with("hello"));
  EXPECT_TRUE(wire.ended);
}

// ---- request bodies

// ---- 100-continue

// ---- refusals

TEST(H1Server, RefusesWithTheFaultsStatusAndCloses) {
  struct Case {
    std::string bytes;
    std::string status;
  };
  const Case cases[] = {
      {"nonsense\r\n", "HTTP/1.1 400"},
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
      {request("POST", "/hello", "Content-Length: 9999999999999999999\r\n"), "HTTP/1.1 413"},
      {request("POST", "/hello", "Transfer-Encoding: gzip, chunked\r\n"), "HTTP/1.1 501"},
      {request("CONNECT", "here:80"), "HTTP/1.1 501"},
      {"GET / HTTP/3.0\r\n", "HTTP/1.1 505"},
      {request("POST", "/hello", "Expect: miracles\r\nContent-Length: 1\r\n"), "HTTP/1.1 417"},
  };
  for (const Case& c : cases) {
    Server s;
    H1Wire& wire = s.connect();
    const std::string reply = s.exchange(wire, get("/hello") + c.bytes + get("/hello"));
    EXPECT_EQ(count(reply, "hello"), 1) << c.bytes;
    EXPECT_EQ(count(reply, c.status), 1) << c.bytes << reply;
    EXPECT_TRUE(has(reply, "connection: close\r\n")) << c.bytes;
    EXPECT_TRUE(wire.ended) << c.bytes;
    EXPECT_FALSE(wire.broken) << c.bytes;
    EXPECT_EQ(s.counters.protocol_errors.read(), 1) << c.bytes;
    EXPECT_EQ(s.tally.entered, 1) << c.bytes;
  }
}

TEST(H1Server, RefusesWhatIsTooLarge) {
  ServerLimits limits;
  limits.header_bytes_max = 1000;
  limits.header_fields_max = 4;
  Server s(limits);
  const std::string big(2000, 'x');
  EXPECT_EQ(status_of(s.ask("GET /" + big + " HTTP/1.1\r\n")), "HTTP/1.1 414");
  EXPECT_EQ(status_of(s.ask(get("/hello", "A: " + big + "\r\n"))), "HTTP/1.1 431");
  EXPECT_EQ(status_of(s.ask(get("/hello", "A:\r\nB:\r\nC:\r\nD:\r\n"))), "HTTP/1.1 431");
  EXPECT_EQ(status_of(s.ask(get("/hello", "A:\r\nB:\r\nC:\r\n"))), "HTTP/1.1 200");
  EXPECT_EQ(s.counters.header_limit.read(), 3);
  EXPECT_EQ(s.counters.protocol_errors.read(), 0);
}

TEST(H1Server, EndsAfterItsNumberOfRequests) {
  ServerLimits limits;
  limits.requests_per_connection_max = 2;
  Server s(limits);
  H1Wire& wire = s.connect();
  const std::string reply = s.exchange(wire, get("/hello") + get("/hello") + get("/hello"));
  EXPECT_EQ(count(reply, "\r\n\r\nhello"), 2);
  EXPECT_EQ(count(reply, "connection: close\r\n"), 1);
  EXPECT_TRUE(wire.ended);
}

// ---- detection

TEST(H1Server, IsFoundByWhatTheClientSays) {
  Server s;
  auto [ours, theirs] = net::MemoryPipe::make(s.test.loop());
  s.test.tasks().spawn(&http::serve_connection, std::unique_ptr<net::Connection>(std::move(theirs)),
                       s.env);
  H1Wire wire(std::move(ours));
  EXPECT_TRUE(s.exchange(wire, "P").empty());
  EXPECT_TRUE(has(s.exchange(wire, post("/collect", "body").substr(1)), "collected"));
  EXPECT_EQ(s.handler.collected, "body");
  EXPECT_EQ(s.counters.connections_active.read(), 1);
}

TEST(H1Server, StartsWithWhatWasReadBefore) {
  Server s;
  H1Wire& wire = s.connect(1 << 20, get("/hello"));
  EXPECT_TRUE(has(s.exchange(wire), "\r\n\r\nhello"));
}

}  // namespace
}  // namespace layotto::http::h1
