// ClientConnection: against a scripted server that may do anything, and against our own.
#include "http/h2/client_connection.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>

#include "tests/support/allocation_counter.h"
#include "tests/support/h2_scripted_server.h"

namespace layotto::http::h2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::H2Wire;
namespace wire = tests::h2;
using wire::data;
using wire::headers;
using wire::hpack;

constexpr int kOpen = wire::kEndHeaders;

std::string answer(uint32_t stream, const wire::Fields& fields, int flags = kOpen) {
  return headers(stream, hpack(fields), flags);
}
std::string ok(uint32_t stream, std::string_view body) {
  return answer(stream, {{":status", "200"}}) + data(stream, body);
}

// One request and what became of it. Must have ended before it goes.
class Call final : public ExchangePort {
 public:
  Call(async::TestLoop& test, Handler& client, std::string_view path, Body payload = {})
      : exchange(test.loop()), test_(test) {
    line_ = {.method_text = payload.empty() ? "GET" : "POST",
             .path = path,
             .authority = "test",
             .method = payload.empty() ? Method::kGet : Method::kPost};
    exchange.port = this;
    test_.tasks().spawn_under(exchange.stop, &run, this, &client,
                              Request{.head = RequestHead(line_), .body = std::move(payload)});
  }
  ~Call() {
    cancel();
    test_.run();
    EXPECT_TRUE(finished) << "a call does not end";
    exchange.reset();
    test_.run();
  }
  void send_interim(const ResponseHead& head) override {
    interims += fmt::format("{} ", head.status);
  }
  void cancel() { exchange.stop.fire(async::StopReason::kCancelled); }

  // "200 body" or the error.
  [[nodiscard]] std::string outcome() const {
    if (error.has_value()) return error->to_string();
    return finished ? fmt::format("{} {}", status, body) : "(waits)";
  }

  Exchange exchange;
  std::optional<Error> error;
  uint16_t status = 0;
  std::string body;
  std::string trailer;  // the value of "sum"
  std::string interims;
  bool finished = false;
  bool hold_body = false;  // do not read the body
  size_t read_max = 1 << 20;

 private:
  static Task<void> run(Call* self, Handler* client, Request request) {
    {
      auto response = co_await client->handle(std::move(request), self->exchange);
      if (response.ok()) {
        self->status = response->head.status;
        while (self->hold_body && (co_await self->exchange.loop().yield()).ok() &&
               (co_await self->exchange.loop().sleep(milliseconds(100))).ok()) {
        }
        co_await read(self, std::move(response->body));
      } else {
        self->error.emplace(std::move(response).error());
      }
    }
    co_await self->exchange.tasks.join();
    self->finished = true;
  }
  static Task<void> read(Call* self, Body from) {
    while (true) {
      auto chunk = co_await from.read(self->read_max);
      if (!chunk.ok()) {
        self->error.emplace(std::move(chunk).error());
        co_return;
      }
      self->body += chunk->data.view();
      if (!chunk->end) continue;
      const HeaderMap* trailers = from.trailers();
      if (trailers != nullptr) self->trailer = trailers->get("sum").value_or("");
      from.mark_ended();
      co_return;
    }
  }

  async::TestLoop& test_;
  RequestLine line_;
};

// A request body the test feeds.
class Feed final : public BodyStream {
 public:
  explicit Feed(async::Loop& loop) : more_(loop) {}
  ~Feed() = default;
  Task<Result<Chunk>> read(size_t max) override { return next(this, max); }
  void abandon() override { abandoned = true; }
  void add(std::string_view text, bool end = false) {
    pending_ += text;
    end_ = end;
    more_.set();
  }
  void fail() {
    failed_ = true;
    more_.set();
  }
  bool abandoned = false;
  size_t taken = 0;

 private:
  static Task<Result<Chunk>> next(Feed* self, size_t max) {
    while (self->pending_.empty() && !self->end_ && !self->failed_) {
      CO_TRY(co_await self->more_.wait());
      self->more_.reset();
    }
    if (self->failed_) co_return base::data_loss("the feed broke");
    const size_t n = std::min(max, self->pending_.size());
    Bytes bytes = Bytes::copy(self->pending_.substr(0, n));
    self->pending_.erase(0, n);
    self->taken += n;
    co_return Chunk{.data = std::move(bytes), .end = self->end_ && self->pending_.empty()};
  }
  async::Event more_;
  std::string pending_;
  bool end_ = false;
  bool failed_ = false;
};

// A client whose other end is a script.
struct Scripted {
  explicit Scripted(const ServerLimits& limits = {}, size_t capacity = 1 << 20) {
    auto [ours, theirs] = net::MemoryPipe::make(test.loop(), capacity);
    client = std::make_unique<ClientConnection>(std::move(ours), buffer, limits);
    server = std::make_unique<H2Wire>(std::move(theirs), tests::H2Peer::OtherSide::kClient);
    client->start();
    say(wire::settings() + wire::settings_ack());
    server->forget_frames();
  }
  ~Scripted() {
    if (client != nullptr) stop();
  }
  void stop() {
    test.tasks().spawn(&stop_client, client.get());
    for (int i = 0; i < 3 && test.tasks().running() > 0; ++i) {
      say({});
      test.advance(seconds(1));
    }
    client.reset();
  }
  static Task<void> stop_client(ClientConnection* client) { co_await client->stop(); }
  void say(std::string_view bytes) {
    if (server == nullptr) return;
    if (!bytes.empty()) server->send(bytes);
    uint64_t seen = 0;
    do {
      seen = server->connection().bytes_read();
      test.run();
      server->read();
    } while (server->connection().bytes_read() != seen);
    test.run();
  }

  async::TestLoop test;
  std::array<char, net::kReadBufferBytes> buffer;
  std::unique_ptr<ClientConnection> client;
  std::unique_ptr<H2Wire> server;
};

TEST(H2Client, GetsAnAnswer) {
  Scripted s;
  Call call(s.test, *s.client, "/path");
  s.say({});
  EXPECT_EQ(
      s.server->answer(1).pseudo,
      (wire::Fields{
          {":method", "GET"}, {":scheme", "http"}, {":path", "/path"}, {":authority", "test"}}));
  EXPECT_EQ(call.outcome(), "(waits)");
  s.say(ok(1, "hello"));
  EXPECT_EQ(call.outcome(), "200 hello");
  EXPECT_EQ(s.client->open_streams(), 0);
}

TEST(H2Client, GetsAnAnswerInPiecesWithTrailers) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say(answer(1, {{":status", "200"}}));
  s.say(data(1, "one ", wire::kNoFlags));
  s.say(data(1, "two", wire::kNoFlags));
  EXPECT_EQ(call.outcome(), "(waits)");
  s.say(headers(1, hpack({{"sum", "2"}})));
  EXPECT_EQ(call.outcome(), "200 one two");
  EXPECT_EQ(call.trailer, "2");
}

TEST(H2Client, GivesAWholeAnswerAtOnce) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say(answer(1, {{":status", "200"}}) + data(1, "body", wire::kNoFlags) +
        headers(1, hpack({{"sum", "1"}})));
  EXPECT_EQ(call.outcome(), "200 body");
  EXPECT_EQ(call.trailer, "1");
}

TEST(H2Client, AnswersMayOvertakeEachOther) {
  Scripted s;
  Call first(s.test, *s.client, "/1");
  Call second(s.test, *s.client, "/2");
  Call third(s.test, *s.client, "/3");
  s.say(ok(5, "three") + ok(1, "one"));
  EXPECT_EQ(first.outcome(), "200 one");
  EXPECT_EQ(second.outcome(), "(waits)");
  EXPECT_EQ(third.outcome(), "200 three");
  s.say(ok(3, "two"));
  EXPECT_EQ(second.outcome(), "200 two");
}

TEST(H2Client, PassesInterimHeadsOn) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say(answer(1, {{":status", "100"}}) + answer(1, {{":status", "103"}, {"link", "x"}}) +
        ok(1, "done"));
  EXPECT_EQ(call.interims, "100 103 ");
  EXPECT_EQ(call.outcome(), "200 done");
}

// ---- requests with bodies

TEST(H2Client, SendsACompleteBody) {
  Scripted s;
  Call call(s.test, *s.client, "/", Body::complete(Bytes::copy("payload")));
  s.say({});
  EXPECT_EQ(s.server->answer(1).body, "payload");
  EXPECT_TRUE(s.server->answer(1).ended);
  s.say(ok(1, ""));
  EXPECT_EQ(call.outcome(), "200 ");
}

TEST(H2Client, SendsABodyAsItComes) {
  Scripted s;
  Feed feed(s.test.loop());
  Call call(s.test, *s.client, "/", Body::stream(feed));
  s.say({});
  EXPECT_TRUE(s.server->answer(1).status.empty());
  feed.add("one");
  s.say({});
  EXPECT_EQ(s.server->answer(1).body, "one");
  // The answer may begin before the request ends.
  s.say(answer(1, {{":status", "200"}}) + data(1, "so far so good", wire::kNoFlags));
  feed.add("two", true);
  s.say({});
  EXPECT_EQ(s.server->answer(1).body, "onetwo");
  EXPECT_TRUE(s.server->answer(1).ended);
  s.say(data(1, "!"));
  EXPECT_EQ(call.outcome(), "200 so far so good!");
}

TEST(H2Client, AServerThatTakesNothingHoldsTheBody) {
  Scripted s;
  Feed feed(s.test.loop());
  Call call(s.test, *s.client, "/", Body::stream(feed));
  feed.add(std::string(1 << 20, 'x'), true);
  s.say({});
  EXPECT_EQ(s.server->answer(1).body.size(), 65'535);
  EXPECT_LE(feed.taken, 65'535 + 2 * 64 * 1024);
  s.say(wire::window_update(1, 1 << 24) + wire::window_update(0, 1 << 24));
  EXPECT_EQ(s.server->answer(1).body.size(), 1 << 20);
  s.say(ok(1, ""));
  EXPECT_EQ(call.outcome(), "200 ");
}

TEST(H2Client, AReaderThatTakesNothingHoldsTheServer) {
  ServerLimits limits;
  limits.stream_window_bytes = 65'536;
  Scripted s(limits);
  Call call(s.test, *s.client, "/");
  call.hold_body = true;
  s.say(answer(1, {{":status", "200"}}));
  for (int i = 0; i < 4; ++i) s.say(data(1, std::string(16'384, 'x'), wire::kNoFlags));
  EXPECT_EQ(s.server->window_updates(1), 0);
  call.hold_body = false;
  s.test.advance(milliseconds(200));
  s.say(data(1, "end"));
  EXPECT_GE(s.server->window_updates(1), 32'768);
  EXPECT_EQ(call.body.size(), 65'536 + 3);
}

TEST(H2Client, ABrokenRequestBodyResetsTheStream) {
  Scripted s;
  Feed feed(s.test.loop());
  Call call(s.test, *s.client, "/", Body::stream(feed));
  feed.add("some");
  s.say({});
  feed.fail();
  s.say({});
  EXPECT_EQ(call.outcome(), "DATA_LOSS: the feed broke");
  EXPECT_EQ(s.server->reset(1), wire::kCancel);
}

TEST(H2Client, AnEarlyAnswerEndsTheRequestBody) {
  Scripted s;
  Feed feed(s.test.loop());
  Call call(s.test, *s.client, "/", Body::stream(feed));
  feed.add("some");
  s.say({});
  s.say(answer(1, {{":status", "413"}}) + data(1, "too much") +
        wire::rst_stream(1, wire::kNoError));
  EXPECT_EQ(call.status, 413);
  EXPECT_EQ(call.body, "too much");
  feed.add("more", true);
  s.say({});
  EXPECT_EQ(call.outcome(), "413 too much");
  EXPECT_TRUE(feed.abandoned);
}

// ---- stops

TEST(H2Client, ADeadlineResetsTheStream) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  call.exchange.deadline = s.test.loop().now() + seconds(2);
  call.exchange.arm_deadline();
  s.say({});
  s.test.advance(milliseconds(2010));
  s.say({});
  EXPECT_EQ(call.outcome(), "DEADLINE_EXCEEDED: deadline exceeded");
  EXPECT_EQ(s.server->reset(1), wire::kCancel);
  EXPECT_EQ(s.client->open_streams(), 0);
}

TEST(H2Client, CancellingWhileTheBodyComesResetsTheStream) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say(answer(1, {{":status", "200"}}) + data(1, "part", wire::kNoFlags));
  call.cancel();
  s.say({});
  EXPECT_EQ(call.outcome(), "CANCELLED: cancelled");
  EXPECT_EQ(s.server->reset(1), wire::kCancel);
}

TEST(H2Client, CancellingAtOnceResetsTheStream) {
  Scripted s;
  {
    Call call(s.test, *s.client, "/");
    call.cancel();
    s.say({});
    EXPECT_EQ(call.outcome(), "CANCELLED: cancelled");
  }
  EXPECT_EQ(s.server->reset(1), wire::kCancel);
  Call next(s.test, *s.client, "/");
  s.say({});
  s.say(ok(3, "next"));
  EXPECT_EQ(next.outcome(), "200 next");
}

TEST(H2Client, ARequestThatIsStoppedAlreadyIsNotSent) {
  Scripted s;
  Exchange exchange(s.test.loop());
  exchange.stop.fire(async::StopReason::kDeadline);
  RequestLine line{.method_text = "GET", .path = "/", .authority = "a", .method = Method::kGet};
  auto result = s.test.run(s.client->handle({.head = RequestHead(line), .body = Body()}, exchange));
  EXPECT_EQ(result.error().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(s.client->open_streams(), 0);
}

TEST(H2Client, DataOfCancelledRequestsCostTheConnectionNoWindow) {
  Scripted s;
  for (uint32_t stream = 1; stream < 97; stream += 2) {
    Call call(s.test, *s.client, "/");
    call.hold_body = true;
    s.say(answer(stream, {{":status", "200"}}));
    for (int i = 0; i < 16; ++i) s.say(data(stream, std::string(16'384, 'x'), wire::kNoFlags));
    call.hold_body = false;
    call.cancel();
    s.say({});
  }
  EXPECT_FALSE(s.server->goaway().has_value());
  EXPECT_GE(s.server->window_updates(0), 10U * 1024 * 1024);
}

// ---- the server resets

TEST(H2Client, SaysWhatAResetMeans) {
  struct Case {
    uint32_t code;
    Code means;
    base::Retry retry;
  };
  for (const Case& c : {Case{wire::kRefusedStream, Code::kUnavailable, base::Retry::kYes},
                        Case{wire::kCancel, Code::kCancelled, base::Retry::kNo},
                        Case{wire::kEnhanceYourCalm, Code::kResourceExhausted, base::Retry::kNo},
                        Case{12, Code::kPermissionDenied, base::Retry::kNo},
                        Case{wire::kInternalError, Code::kInternal, base::Retry::kNo},
                        Case{wire::kProtocolError, Code::kInternal, base::Retry::kNo},
                        Case{wire::kNoError, Code::kInternal, base::Retry::kNo},
                        Case{0xabcdef, Code::kInternal, base::Retry::kNo}}) {
    Scripted s;
    Call call(s.test, *s.client, "/");
    s.say({});
    s.say(wire::rst_stream(1, c.code));
    ASSERT_TRUE(call.error.has_value());
    EXPECT_EQ(call.error->code(), c.means) << c.code;
    EXPECT_EQ(call.error->retry(), c.retry) << c.code;
    EXPECT_EQ(call.error->origin(), base::Origin::kUpstream);
    EXPECT_EQ(call.error->outcome_unknown(), c.retry == base::Retry::kNo);
    Call next(s.test, *s.client, "/");
    s.say({});
    s.say(ok(3, "next"));
    EXPECT_EQ(next.outcome(), "200 next");
  }
}

TEST(H2Client, AResetInTheMiddleOfTheBodyIsAnError) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say(answer(1, {{":status", "200"}}) + data(1, "part", wire::kNoFlags) +
        wire::rst_stream(1, wire::kInternalError));
  EXPECT_EQ(call.outcome(), "INTERNAL: the peer reset the stream: INTERNAL_ERROR");
  EXPECT_EQ(call.body, "part");
}

TEST(H2Client, AMalformedAnswerIsAnError) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say(answer(1, {{"no", "status"}}));
  EXPECT_EQ(call.outcome(), "INTERNAL: a broken answer made us reset the stream: PROTOCOL_ERROR");
}

TEST(H2Client, AnAnswerWhoseHeadIsTooLargeIsAnError) {
  ServerLimits limits;
  limits.header_bytes_max = 500;
  Scripted s(limits);
  Call call(s.test, *s.client, "/");
  s.say(answer(1, {{":status", "200"}, {"big", std::string(600, 'x')}}));
  EXPECT_EQ(call.outcome(), "RESOURCE_EXHAUSTED: the answer's header fields are too large");
  EXPECT_EQ(s.server->reset(1), wire::kCancel);
  Call trailers(s.test, *s.client, "/");
  s.say(answer(3, {{":status", "200"}}));
  s.say(headers(3, hpack({{"big", std::string(600, 'x')}})));
  EXPECT_EQ(trailers.outcome(), "RESOURCE_EXHAUSTED: the answer's trailers are too large");
}

// ---- the connection ends

TEST(H2Client, GoawaySaysWhichRequestsMayBeTriedAgain) {
  Scripted s;
  Call first(s.test, *s.client, "/1");
  Call second(s.test, *s.client, "/2");
  s.say({});
  EXPECT_TRUE(s.client->usable());
  s.say(wire::goaway(1));
  EXPECT_EQ(second.error->retry(), base::Retry::kYes);
  EXPECT_EQ(second.error->code(), Code::kUnavailable);
  EXPECT_FALSE(s.client->usable());
  EXPECT_EQ(s.client->streams_available(), 0);
  Call late(s.test, *s.client, "/late");
  EXPECT_EQ(late.error->retry(), base::Retry::kYes);
  EXPECT_EQ(first.outcome(), "(waits)");
  s.say(ok(1, "still"));
  EXPECT_EQ(first.outcome(), "200 still");
  s.test.advance(seconds(2));
  s.say({});
  EXPECT_TRUE(s.server->closed());
}

TEST(H2Client, ALostConnectionFailsWhatIsOpen) {
  Scripted s;
  Feed feed(s.test.loop());
  Call waiting(s.test, *s.client, "/1");
  Call sending(s.test, *s.client, "/2", Body::stream(feed));
  Call reading(s.test, *s.client, "/3");
  s.say({});
  s.say(answer(5, {{":status", "200"}}) + data(5, "part", wire::kNoFlags));
  s.server->hang_up();
  s.server.reset();
  s.test.run();
  for (const Call* call : {&waiting, &sending, &reading}) {
    ASSERT_TRUE(call->error.has_value());
    EXPECT_EQ(call->error->code(), Code::kUnavailable);
    EXPECT_EQ(call->error->retry(), base::Retry::kIfReusedConnection);
    EXPECT_TRUE(call->error->outcome_unknown());
  }
  EXPECT_FALSE(s.client->usable());
  Call late(s.test, *s.client, "/late");
  EXPECT_EQ(late.error->retry(), base::Retry::kYes);
}

TEST(H2Client, ARequestThatNeverLeftMayBeTriedAgain) {
  Scripted s({}, 1000);
  s.server->connection().close(net::Connection::Close::kReset);
  Call call(s.test, *s.client, "/");
  s.test.run();
  ASSERT_TRUE(call.error.has_value());
  EXPECT_EQ(call.error->retry(), base::Retry::kYes);
  s.server.reset();
}

TEST(H2Client, AServerThatBreaksTheProtocolFailsWhatIsOpen) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say({});
  s.say(data(0, "x"));
  ASSERT_TRUE(call.error.has_value());
  EXPECT_NE(call.outcome().find("breaks the HTTP/2 protocol"), std::string::npos);
  EXPECT_EQ(s.server->goaway(), wire::kProtocolError);
  EXPECT_FALSE(s.client->usable());
}

TEST(H2Client, StoppingFailsWhatIsOpenAndSaysGoodbye) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say({});
  s.stop();
  EXPECT_EQ(call.outcome(), "UNAVAILABLE: shutting down");
  EXPECT_EQ(s.server->goaway(), wire::kNoError);
}

TEST(H2Client, DrainingEndsWithTheLastAnswer) {
  Scripted s;
  Call call(s.test, *s.client, "/");
  s.say({});
  s.client->drain();
  s.say({});
  EXPECT_FALSE(s.client->usable());
  EXPECT_FALSE(s.server->closed());
  s.say(ok(1, "last"));
  EXPECT_EQ(call.outcome(), "200 last");
  s.test.advance(seconds(2));
  s.say({});
  EXPECT_TRUE(s.server->closed());
}

TEST(H2Client, AsksASilentServerWhetherItIsThere) {
  ServerLimits limits;
  limits.keepalive_interval = seconds(10);
  limits.keepalive_timeout = seconds(5);
  Scripted s(limits);
  Call call(s.test, *s.client, "/");
  s.say({});
  s.test.advance(milliseconds(10'010));
  s.say({});
  EXPECT_EQ(s.server->count(wire::kPing), 1);
  s.say(wire::ping(s.server->last(wire::kPing).payload, wire::kAck));
  s.test.advance(milliseconds(10'010));
  s.say({});
  EXPECT_EQ(s.server->count(wire::kPing), 2);
  EXPECT_EQ(call.outcome(), "(waits)");
  s.test.advance(milliseconds(5010));
  ASSERT_TRUE(call.error.has_value());
  EXPECT_NE(call.outcome().find("does not answer"), std::string::npos);
}

// ---- limits of the server

TEST(H2Client, TakesNoMoreRequestsThanTheServerAllows) {
  Scripted s;
  s.say(wire::settings({{wire::kMaxConcurrentStreams, 1}}));
  EXPECT_EQ(s.client->streams_available(), 1);
  Call first(s.test, *s.client, "/");
  Call second(s.test, *s.client, "/");
  EXPECT_EQ(second.error->code(), Code::kUnavailable);
  EXPECT_EQ(second.error->retry(), base::Retry::kYes);
  EXPECT_TRUE(s.client->usable());
  s.say({});
  s.say(ok(1, "one"));
  Call third(s.test, *s.client, "/");
  s.say({});
  s.say(ok(3, "three"));
  EXPECT_EQ(first.outcome(), "200 one");
  EXPECT_EQ(third.outcome(), "200 three");
}

// ---- against our own server

struct Both : tests::ScriptedServer {
  Both() {
    auto [ours, theirs] = net::MemoryPipe::make(test.loop());
    test.tasks().spawn(&serve_connection, std::unique_ptr<net::Connection>(std::move(theirs)), env);
    client = std::make_unique<ClientConnection>(std::move(ours), buffer, ServerLimits{});
    client->start();
    test.run();
  }
  ~Both() {
    test.tasks().spawn(&Scripted::stop_client, client.get());
    test.advance(seconds(2));
    client.reset();
  }
  std::array<char, net::kReadBufferBytes> buffer;
  std::unique_ptr<ClientConnection> client;
};

TEST(H2ClientAndServer, UnderstandEachOther) {
  Both b;
  Call hello(b.test, *b.client, "/hello");
  Call fail(b.test, *b.client, "/fail");
  Call early(b.test, *b.client, "/early", Body::complete(Bytes::copy(std::string(10'000, 'x'))));
  Call collect(b.test, *b.client, "/collect", Body::complete(Bytes::copy("whole")));
  Call interim(b.test, *b.client, "/interim");
  b.test.run();
  EXPECT_EQ(hello.outcome(), "200 hello");
  EXPECT_EQ(fail.outcome(), "404 not here\n");
  EXPECT_EQ(early.outcome(), "413 ");
  EXPECT_EQ(collect.outcome(), "200 collected");
  EXPECT_EQ(b.handler.collected, "whole");
  EXPECT_EQ(interim.interims, "103 ");
  EXPECT_EQ(interim.outcome(), "200 final");
}

TEST(H2ClientAndServer, MoveLargeBodiesBothWays) {
  Both b;
  b.handler.produce_total = 5'000'000;
  Call down(b.test, *b.client, "/produce");
  std::string large;
  for (int i = 0; i < 3'000'000; ++i) large += static_cast<char>('a' + i % 23);
  Call up(b.test, *b.client, "/collect", Body::complete(Bytes::copy(large)));
  Feed feed(b.test.loop());
  Call both(b.test, *b.client, "/bidi", Body::stream(feed));
  feed.add(large, true);
  b.test.run();
  EXPECT_EQ(down.body, std::string(5'000'000, 'p'));
  EXPECT_EQ(up.outcome(), "200 collected");
  EXPECT_EQ(b.handler.collected, large);
  EXPECT_EQ(both.body, large);
}

TEST(H2ClientAndServer, SurviveADrain) {
  Both b;
  Call waiting(b.test, *b.client, "/wait");
  b.test.run();
  b.drain.begin();
  b.test.run();
  EXPECT_FALSE(b.client->usable());
  b.handler.released.set();
  b.test.run();
  EXPECT_EQ(waiting.outcome(), "200 waited");
}

TEST(H2ClientAndServer, CancellingHereStopsTheHandlerThere) {
  Both b;
  Call waiting(b.test, *b.client, "/wait");
  b.test.run();
  waiting.cancel();
  b.test.run();
  EXPECT_EQ(b.handler.stopped, async::StopReason::kCancelled);
}

TEST(H2ClientAndServer, AThousandRequestsOneAfterTheOtherKeepMemoryFlat) {
  Both b;
  size_t settled = 0;
  for (int i = 0; i < 1000; ++i) {
    Call call(b.test, *b.client, i % 2 == 0 ? "/hello" : "/collect",
              i % 2 == 0 ? Body() : Body::complete(Bytes::copy("x")));
    b.test.run();
    ASSERT_EQ(call.status, 200);
    if (i == 100) settled = tests::bytes_in_use();
  }
  EXPECT_LE(tests::bytes_in_use(), settled + 8192);
}

}  // namespace
}  // namespace layotto::http::h2
