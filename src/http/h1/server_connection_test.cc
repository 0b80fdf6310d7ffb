// ServerConnection over a memory pipe: what a client sees in bytes, and what handlers and filters
// see of it.
#include "http/h1/server_connection.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/h1_scripted_server.h"

namespace layotto::http::h1 {
namespace {

using namespace std::string_literals;
using tests::H1Wire;
using Server = tests::H1ScriptedServer;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string request(std::string_view method, std::string_view path, std::string_view fields = {},
                    std::string_view body = {}) {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: here\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}
std::string get(std::string_view path, std::string_view fields = {}) {
  return request("GET", path, fields);
}
std::string post(std::string_view path, std::string_view body) {
  return request("POST", path, "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}
std::string post_chunked(std::string_view path, std::string_view chunks) {
  return request("POST", path, "Transfer-Encoding: chunked\r\n", chunks);
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}
std::string status_of(std::string_view reply) { return std::string(reply.substr(0, 12)); }

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

TEST(H1Server, GivesASmallBodyAsAWhole) {
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

TEST(H1Server, GivesTheSameHoweverItIsCut) {
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

TEST(H1Server, GivesTheSameByteByByte) {
  Server s;
  H1Wire& wire = s.connect();
  for (const char c : post_chunked("/collect", "3\r\nabc\r\n0\r\n\r\n")) {
    s.exchange(wire, std::string_view(&c, 1));
  }
  EXPECT_EQ(s.handler.collected, "abc");
  EXPECT_TRUE(has(wire.received, "collected"));
}

TEST(H1Server, EchoesABodyWithTrailers) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, post_chunked("/bidi", "3\r\none\r\n"));
  EXPECT_TRUE(has(wire.received, "3\r\none\r\n"));
  s.exchange(wire, "3\r\ntwo\r\n0\r\nchecksum: 7\r\n\r\n");
  EXPECT_TRUE(wire.received.ends_with("3\r\ntwo\r\n0\r\nchecksum: 7\r\n\r\n"));
}

TEST(H1Server, ReadsNoFasterThanTheHandler) {
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

TEST(H1Server, WritesNoFasterThanTheClient) {
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

TEST(H1Server, DropsABodyNobodyWants) {
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

TEST(H1Server, ClosesRatherThanReadALotNobodyWants) {
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

TEST(H1Server, AnswersEarlyAndGoesOnReading) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, request("POST", "/afterwards", "Content-Length: 10\r\n", "12345"));
  EXPECT_TRUE(has(wire.received, "early"));
  EXPECT_EQ(s.tally.ended, 0);
  s.exchange(wire, "67890" + get("/hello"));
  EXPECT_EQ(s.handler.afterwards, 1);
  EXPECT_TRUE(wire.received.ends_with("hello"));
}

TEST(H1Server, TellsAHandlerThatItsBodyIsMalformed) {
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

TEST(H1Server, TellsAHandlerThatTheClientStoppedWithinTheBody) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, request("POST", "/collect", "Content-Length: 10\r\n", "12345"));
  s.finish_writing(wire);
  EXPECT_EQ(status_of(wire.received), "HTTP/1.1 400");
  EXPECT_TRUE(wire.ended);
  EXPECT_EQ(s.counters.requests_reset_by_peer.read(), 1);
}

TEST(H1Server, StopsAHandlerWhoseClientIsGone) {
  Server s;
  H1Wire& wire = s.connect();
  s.exchange(wire, get("/wait"));
  s.hang_up(wire);
  EXPECT_EQ(s.handler.stopped, async::StopReason::kCancelled);
  EXPECT_EQ(s.counters.requests_reset_by_peer.read(), 1);
  EXPECT_EQ(s.connections(), 0);
}

// ---- 100-continue

TEST(H1Server, AsksForABodyWhenItIsWanted) {
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

TEST(H1Server, AsksForNoBodyThatIsThere) {
  Server s;
  const std::string reply =
      s.ask(request("POST", "/collect", "Content-Length: 4\r\nExpect: 100-continue\r\n", "body"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 200");
  const std::string begun =
      s.ask(request("POST", "/collect", "Content-Length: 4\r\nExpect: 100-continue\r\n", "bo"));
  EXPECT_EQ(begun, "");
}

TEST(H1Server, ClosesWhenItDidNotAskForTheBody) {
  Server s;
  H1Wire& wire = s.connect();
  const std::string reply =
      s.exchange(wire, request("POST", "/early", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
  EXPECT_EQ(status_of(reply), "HTTP/1.1 413");
  EXPECT_TRUE(has(reply, "connection: close\r\n"));
  EXPECT_TRUE(wire.ended);
}

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
