// Channel and Call: against our own server, and against a scripted one that may do anything.
#include "grpc/channel.h"

#include <gtest/gtest.h>

#include <array>

#include "grpc/server.h"
#include "http/h2/client_connection.h"
#include "tests/support/grpc_test_service.h"

namespace layotto::grpc {
namespace {

using http::h2::ClientConnection;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::grpc_frame;
using tests::H2Wire;
using tests::Text;
using tests::text_frame;
using tests::text_message;
namespace wire = tests::h2;

Text text(std::string_view value) {
  Text made;
  made.set_value(std::string(value));
  return made;
}
// "OK", or the error in words.
std::string words(const Status& status) { return status.ok() ? "OK" : status.error().to_string(); }

// A unary call and what became of it.
struct Unary {
  Unary(async::TestLoop& test, Channel& channel, std::string_view method, std::string_view value,
        CallOptions options = {})
      : path("/test.Text/" + std::string(method)),
        request(text(value)),
        call(channel, path, std::move(options)) {
    test.tasks().spawn(&run, this);
  }
  static Task<void> run(Unary* self) {
    self->status = co_await self->call.unary(self->request, self->reply);
    self->finished = true;
  }
  [[nodiscard]] std::string outcome() const {
    if (!finished) return "(waits)";
    return status.ok() ? "OK " + reply.value() : status.error().to_string();
  }

  std::string path;
  Text request;
  Text reply;
  Call call;
  Status status;
  bool finished = false;
};

// ---- against our own server

struct Both : tests::TextServer {
  explicit Both(ServerOptions options = {}) : TextServer(options) {
    auto [ours, theirs] = net::MemoryPipe::make(test.loop());
    test.tasks().spawn(&http::serve_connection, std::unique_ptr<net::Connection>(std::move(theirs)),
                       env);
    client = std::make_unique<ClientConnection>(std::move(ours), buffer, http::ServerLimits{});
    client->start();
    channel = std::make_unique<Channel>(*client, test.loop(), ChannelOptions{.authority = "test"});
    test.run();
  }
  ~Both() {
    test.tasks().spawn(&stop_client, client.get());
    test.advance(seconds(2));
  }
  static Task<void> stop_client(ClientConnection* client) { co_await client->stop(); }

  std::array<char, net::kReadBufferBytes> buffer;
  std::unique_ptr<ClientConnection> client;
  std::unique_ptr<Channel> channel;
};

TEST(GrpcChannel, CallsAndGetsAReply) {
  Both b;
  Text reply;
  EXPECT_EQ(words(b.test.run(b.channel->call("/test.Text/Echo", text("hello"), reply))), "OK");
  EXPECT_EQ(reply.value(), "hello");
}

TEST(GrpcChannel, CallsSideBySide) {
  Both b;
  Unary later(b.test, *b.channel, "Later", "one");
  Unary echo(b.test, *b.channel, "Echo", "two");
  b.test.run();
  EXPECT_EQ(later.outcome(), "(waits)");
  EXPECT_EQ(echo.outcome(), "OK two");
  b.service.released.set();
  b.test.run();
  EXPECT_EQ(later.outcome(), "OK later: one");
}

TEST(GrpcChannel, GetsTheServersError) {
  Both b;
  Unary fail(b.test, *b.channel, "Fail", "50% \xc3\xa9t\xc3\xa9\n");
  Unary unknown(b.test, *b.channel, "Nonsense", "x");
  b.test.run();
  EXPECT_EQ(fail.outcome(), "ALREADY_EXISTS: 50% \xc3\xa9t\xc3\xa9\n");
  EXPECT_EQ(fail.status.error().origin(), base::Origin::kUpstream);
  EXPECT_EQ(fail.status.error().retry(), base::Retry::kNo);
  EXPECT_EQ(unknown.status.error().code(), Code::kUnimplemented);
}

TEST(GrpcChannel, CarriesMetadataBothWays) {
  Both b;
  Unary echo(b.test, *b.channel, "Echo", "m",
             {.metadata = {{"x-one", "1"}, {"x-blob-bin", "AAEC"}}});
  b.test.run();
  EXPECT_EQ(echo.outcome(), "OK m");
  EXPECT_EQ(echo.call.initial_metadata().get("x-one"), "1");
  EXPECT_EQ(echo.call.initial_metadata().get("x-blob-bin"), "AAEC");
  EXPECT_EQ(echo.call.trailing_metadata().get("x-one"), "1");
}

TEST(GrpcChannel, CompressesAndUnderstandsCompressed) {
  Both b;
  const std::string large(100'000, 'z');
  Unary echo(b.test, *b.channel, "Echo", large, {.compress = true});
  b.test.run();
  EXPECT_EQ(echo.outcome(), "OK " + large);
  EXPECT_LT(b.tally.request_bytes, 1000);
  EXPECT_LT(b.tally.response_bytes, 1000);
}

TEST(GrpcChannel, MovesLargeMessages) {
  Both b;
  Unary echo(b.test, *b.channel, "Echo", std::string(3'000'000, 'x'));
  Unary large(b.test, *b.channel, "Large", "4000000");
  Unary too_large(b.test, *b.channel, "Large", "5000000");
  b.test.run();
  EXPECT_EQ(echo.outcome().size(), 3'000'003);
  EXPECT_EQ(large.outcome().size(), 4'000'003);
  EXPECT_EQ(too_large.status.error().code(), Code::kResourceExhausted);
  Unary refused_here(b.test, *b.channel, "Echo", std::string(5'000'000, 'x'));
  b.test.run();
  EXPECT_EQ(refused_here.status.error().code(), Code::kResourceExhausted);
  EXPECT_EQ(refused_here.status.error().origin(), base::Origin::kLocal);
}

TEST(GrpcChannel, ADeadlineEndsTheCallOnBothSides) {
  Both b;
  Unary later(b.test, *b.channel, "Later", "x",
              {.deadline = b.test.loop().now() + milliseconds(300)});
  b.test.run();
  b.test.advance(milliseconds(299));
  EXPECT_EQ(later.outcome(), "(waits)");
  b.test.advance(milliseconds(5));
  EXPECT_EQ(later.status.error().code(), Code::kDeadlineExceeded);
  EXPECT_NE(b.service.stopped, async::StopReason::kNone);
}

TEST(GrpcChannel, ADeadlineThatHasPassedIsNotTried) {
  Both b;
  Unary echo(b.test, *b.channel, "Echo", "x", {.deadline = b.test.loop().now()});
  b.test.run();
  EXPECT_EQ(echo.outcome(), "DEADLINE_EXCEEDED: deadline exceeded");
  EXPECT_EQ(b.tally.entered, 0);
}

TEST(GrpcChannel, StoppingTheCallerCancelsTheCall) {
  Both b;
  async::TaskGroup group(b.test.loop());
  struct Caller {
    static Task<void> run(Channel* channel, std::string* outcome) {
      Text reply;
      *outcome = words(co_await channel->call("/test.Text/Later", text("x"), reply));
    }
  };
  std::string outcome;
  group.spawn(&Caller::run, b.channel.get(), &outcome);
  b.test.run();
  EXPECT_EQ(outcome, "");
  group.stop(async::StopReason::kShutdown);
  b.test.run();
  EXPECT_EQ(outcome, "UNAVAILABLE: shutting down");
  EXPECT_EQ(b.service.stopped, async::StopReason::kCancelled);
}

// ---- streams

// Sends texts, reads texts; what was read, then how it ended.
struct Chat {
  Chat(async::TestLoop& test, Channel& channel, std::string_view method, CallOptions options = {})
      : path("/test.Text/" + std::string(method)),
        call(channel, path, std::move(options)),
        test_(test) {
    EXPECT_TRUE(test.run(start(this)).ok());
    test.tasks().spawn(&read_all, this);
  }
  ~Chat() {
    test_.tasks().spawn(&end, this);
    test_.run();
    EXPECT_TRUE(ended);
  }
  static Task<Status> start(Chat* self) { co_return co_await self->call.start(); }
  static Task<void> end(Chat* self) {
    co_await self->call.end();
    self->ended = true;
  }
  static Task<void> read_all(Chat* self) {
    Text got;
    while (true) {
      auto more = co_await self->call.read(got);
      if (!more.ok()) {
        self->heard += more.error().to_string();
        break;
      }
      if (!*more) {
        self->heard += "OK";
        break;
      }
      ++self->count;
      if (self->count <= 20) self->heard += "[" + got.value() + "] ";
    }
  }
  static Task<void> write(Chat* self, Text what) {
    self->written = words(co_await self->call.write(what));
  }
  void say(std::string_view what) {
    written = "(waits)";
    test_.tasks().spawn(&write, this, text(what));
    test_.run();
  }

  std::string path;
  Call call;
  std::string heard;
  std::string written;
  size_t count = 0;
  bool ended = false;

 private:
  async::TestLoop& test_;
};

TEST(GrpcCall, TalksBothWays) {
  Both b;
  Chat chat(b.test, *b.channel, "Chat");
  chat.say("one");
  EXPECT_EQ(chat.heard, "[one] ");
  chat.say("two");
  EXPECT_EQ(chat.heard, "[one] [two] ");
  chat.call.finish_writing();
  b.test.run();
  EXPECT_EQ(chat.heard, "[one] [two] OK");
}

TEST(GrpcCall, SendsManyAndGetsOne) {
  Both b;
  Chat join(b.test, *b.channel, "Join");
  for (int i = 0; i < 50; ++i) join.say("x");
  join.call.finish_writing();
  b.test.run();
  EXPECT_EQ(join.heard, "[" + std::string(50, 'x') + "] OK");
}

TEST(GrpcCall, SendsOneAndGetsMany) {
  Both b;
  Chat count(b.test, *b.channel, "Count");
  count.say("3000");
  count.call.finish_writing();
  b.test.run();
  EXPECT_EQ(count.count, 3000);
  EXPECT_TRUE(count.heard.ends_with("OK"));
}

TEST(GrpcCall, HearsWhatWasSaidBeforeAFailure) {
  Both b;
  Chat chat(b.test, *b.channel, "Chat");
  chat.say("last words");
  chat.say("fail");
  EXPECT_EQ(chat.heard, "[last words] ABORTED: asked to fail");
  chat.say("anybody there?");
  EXPECT_EQ(chat.written, "CANCELLED: cancelled");
}

TEST(GrpcCall, GetsARefusalWithoutMessages) {
  Both b;
  Chat refused(b.test, *b.channel, "Refuse");
  b.test.run();
  EXPECT_EQ(refused.heard, "PERMISSION_DENIED: not you");
}

TEST(GrpcCall, ADeadlineEndsReadsAndWrites) {
  Both b;
  Chat chat(b.test, *b.channel, "Chat", {.deadline = b.test.loop().now() + seconds(1)});
  chat.say("early");
  b.test.advance(milliseconds(1010));
  EXPECT_TRUE(chat.heard.starts_with("[early] DEADLINE_EXCEEDED")) << chat.heard;
  chat.say("late");
  EXPECT_EQ(chat.written, "DEADLINE_EXCEEDED: deadline exceeded");
}

TEST(GrpcCall, CancellingEndsTheHandler) {
  Both b;
  Chat chat(b.test, *b.channel, "Chat");
  b.test.run();
  chat.call.cancel();
  b.test.run();
  EXPECT_EQ(chat.heard, "CANCELLED: cancelled");
  EXPECT_EQ(b.service.ended_with, "CANCELLED: cancelled");
}

TEST(GrpcCall, EndsThoughNobodyReads) {
  Both b;
  {
    Call call(*b.channel, "/test.Text/Count");
    struct Caller {
      static Task<Status> run(Call* self) {
        CO_TRY(co_await self->start());
        CO_TRY(co_await self->write(text("1000000")));
        self->finish_writing();
        co_return Status{};
      }
      static Task<void> end(Call* self) { co_await self->end(); }
    };
    EXPECT_TRUE(b.test.run(Caller::run(&call)).ok());
    b.test.run(Caller::end(&call));
  }
  b.test.run();
  EXPECT_EQ(b.client->open_streams(), 0);
  EXPECT_EQ(b.service.handled, 1);
}

// ---- against a scripted server

struct Script {
  Script() {
    auto [ours, theirs] = net::MemoryPipe::make(test.loop());
    client = std::make_unique<ClientConnection>(std::move(ours), buffer, http::ServerLimits{});
    server = std::make_unique<H2Wire>(std::move(theirs), tests::H2Peer::OtherSide::kClient);
    client->start();
    channel = std::make_unique<Channel>(
        *client, test.loop(), ChannelOptions{.authority = "test", .message_bytes_max = 10'000});
    say(wire::settings() + wire::settings_ack());
  }
  ~Script() {
    test.tasks().spawn(&Both::stop_client, client.get());
    test.advance(seconds(2));
  }
  void say(std::string_view bytes) {
    if (!bytes.empty()) server->send(bytes);
    test.run();
    server->read();
    test.run();
    server->read();
  }
  // A whole answer to a call on the given stream, and what the caller makes of it.
  std::string answered(const wire::Fields& head, std::string_view body,
                       const std::optional<wire::Fields>& trailers) {
    Unary call(test, *channel, "Echo", "x");
    say({});
    const uint32_t stream = next;
    next += 2;
    const bool head_only = body.empty() && !trailers.has_value();
    std::string bytes =
        wire::headers(stream, wire::hpack(head),
                      head_only ? wire::kEndHeaders | wire::kEndStream : wire::kEndHeaders);
    if (!body.empty()) {
      bytes += wire::data(stream, body, trailers.has_value() ? wire::kNoFlags : wire::kEndStream);
    }
    if (trailers.has_value()) bytes += wire::headers(stream, wire::hpack(*trailers));
    say(bytes);
    EXPECT_TRUE(call.finished);
    last_error = call.finished && !call.status.ok()
                     ? std::optional<Error>(call.status.error().clone())
                     : std::nullopt;
    return call.outcome();
  }

  async::TestLoop test;
  std::array<char, net::kReadBufferBytes> buffer;
  std::unique_ptr<ClientConnection> client;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<H2Wire> server;
  std::optional<Error> last_error;
  uint32_t next = 1;
};

const wire::Fields& grpc_head() {
  static const auto& fields =
      *new wire::Fields{{":status", "200"}, {"content-type", "application/grpc"}};
  return fields;
}
const wire::Fields& ok_trailers_of_server() {
  static const auto& fields = *new wire::Fields{{"grpc-status", "0"}};
  return fields;
}

TEST(GrpcChannel, SendsWhatTheProtocolAsksFor) {
  Script s;
  Unary call(s.test, *s.channel, "Echo", "hi",
             {.deadline = s.test.loop().now() + milliseconds(1500), .metadata = {{"x-a", "b"}}});
  s.say({});
  const tests::H2Answer& request = s.server->answer(1);
  EXPECT_EQ(request.pseudo, (wire::Fields{{":method", "POST"},
                                          {":scheme", "http"},
                                          {":path", "/test.Text/Echo"},
                                          {":authority", "test"}}));
  EXPECT_EQ(request.headers, (wire::Fields{{"content-type", "application/grpc"},
                                           {"te", "trailers"},
                                           {"user-agent", "layotto"},
                                           {"grpc-accept-encoding", "identity,gzip"},
                                           {"grpc-timeout", "1500000u"},
                                           {"x-a", "b"}}));
  EXPECT_EQ(request.body, text_frame("hi"));
  EXPECT_TRUE(request.ended);
  s.say(wire::headers(1, wire::hpack(grpc_head()), wire::kEndHeaders) +
        wire::data(1, text_frame("there"), wire::kNoFlags) +
        wire::headers(1, wire::hpack(ok_trailers_of_server())));
  EXPECT_EQ(call.outcome(), "OK there");
}

TEST(GrpcChannel, TellsErrorsByTheirStatus) {
  Script s;
  EXPECT_EQ(s.answered({{":status", "200"},
                        {"content-type", "application/grpc"},
                        {"grpc-status", "5"},
                        {"grpc-message", "no%20such %41%zz%4"}},
                       "", {}),
            "NOT_FOUND: no such A%zz%4");
  EXPECT_EQ(s.answered(grpc_head(), "", wire::Fields{{"grpc-status", "16"}}), "UNAUTHENTICATED: ");
  EXPECT_EQ(s.answered(grpc_head(), text_frame("x"),
                       wire::Fields{{"grpc-status", "10"}, {"grpc-message", "late"}}),
            "ABORTED: late");
  EXPECT_EQ(s.answered(grpc_head(), "", wire::Fields{{"grpc-status", "17"}}), "UNKNOWN: ");
  for (const char* status : {"", "x", "-1", "999", "1x"}) {
    s.answered(grpc_head(), text_frame("x"), wire::Fields{{"grpc-status", status}});
    ASSERT_TRUE(s.last_error.has_value()) << status;
    EXPECT_EQ(s.last_error->code(), Code::kUnknown) << status;
  }
}

TEST(GrpcChannel, TellsErrorsByTheHttpStatus) {
  Script s;
  const std::vector<std::pair<const char*, Code>> table = {
      {"400", Code::kInternal},         {"401", Code::kUnauthenticated},
      {"403", Code::kPermissionDenied}, {"404", Code::kUnimplemented},
      {"429", Code::kUnavailable},      {"500", Code::kUnknown},
      {"502", Code::kUnavailable},      {"503", Code::kUnavailable},
      {"504", Code::kUnavailable},      {"302", Code::kUnknown}};
  for (const auto& [status, code] : table) {
    s.answered({{":status", status}, {"content-type", "text/html"}}, "<html>", {});
    ASSERT_TRUE(s.last_error.has_value());
    EXPECT_EQ(s.last_error->code(), code) << status;
  }
  // The status of gRPC says more than that of HTTP.
  EXPECT_EQ(s.answered({{":status", "503"}, {"grpc-status", "8"}}, "", {}), "RESOURCE_EXHAUSTED: ");
  EXPECT_EQ(s.answered({{":status", "200"}, {"content-type", "text/html"}}, "<html>", {}),
            "UNKNOWN: the server's answer is not gRPC but 'text/html'");
}

TEST(GrpcChannel, RefusesBrokenReplies) {
  Script s;
  const auto code_of = [&](std::string_view body, const std::optional<wire::Fields>& trailers) {
    s.answered(grpc_head(), body, trailers);
    return s.last_error.has_value() ? s.last_error->code() : Code::kOk;
  };
  EXPECT_EQ(code_of(text_frame("x"), {}), Code::kInternal);          // no status
  EXPECT_EQ(code_of("", ok_trailers_of_server()), Code::kInternal);  // no reply
  EXPECT_EQ(code_of(text_frame("x") + text_frame("y"), ok_trailers_of_server()),
            Code::kInternal);  // two replies
  EXPECT_EQ(code_of(text_frame("xyz").substr(0, 7), ok_trailers_of_server()), Code::kInternal);
  EXPECT_EQ(code_of(grpc_frame("\xff\xff"), ok_trailers_of_server()), Code::kInternal);
  EXPECT_EQ(code_of(grpc_frame("x", 9), ok_trailers_of_server()), Code::kInternal);
  EXPECT_EQ(code_of(grpc_frame("x", 1), ok_trailers_of_server()), Code::kInternal);
  EXPECT_EQ(code_of(text_frame(std::string(9'999, 'x')), ok_trailers_of_server()),
            Code::kResourceExhausted);
  EXPECT_EQ(
      s.answered(
           {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-encoding", "snappy"}},
           text_frame("x"), ok_trailers_of_server())
          .substr(0, 13),
      "UNIMPLEMENTED");
  // After all that the connection is as good as new.
  EXPECT_EQ(s.answered(grpc_head(), text_frame("fine"), ok_trailers_of_server()), "OK fine");
  EXPECT_EQ(s.client->open_streams(), 0);
}

TEST(GrpcCall, AServerThatTakesNothingHoldsTheWriter) {
  Script s;
  Chat chat(s.test, *s.channel, "Chat");
  size_t said = 0;
  for (; said < 200 && chat.written != "(waits)"; ++said) chat.say(std::string(8000, 'x'));
  EXPECT_LE(said, 40);
  s.say(wire::window_update(1, 1 << 20) + wire::window_update(0, 1 << 20));
  EXPECT_EQ(chat.written, "OK");
}

TEST(GrpcChannel, ARefusedStreamMayBeTriedAgain) {
  Script s;
  Unary call(s.test, *s.channel, "Echo", "x");
  s.say({});
  s.say(wire::rst_stream(1, wire::kRefusedStream));
  EXPECT_EQ(call.status.error().code(), Code::kUnavailable);
  EXPECT_EQ(call.status.error().retry(), base::Retry::kYes);
  Unary other(s.test, *s.channel, "Echo", "x");
  s.say({});
  s.say(wire::rst_stream(3, wire::kCancel));
  EXPECT_EQ(other.status.error().code(), Code::kCancelled);
  EXPECT_EQ(other.status.error().retry(), base::Retry::kNo);
}

TEST(GrpcChannel, ALostConnectionFailsTheCall) {
  Script s;
  Unary call(s.test, *s.channel, "Echo", "x");
  Chat chat(s.test, *s.channel, "Chat");
  s.say({});
  s.server->hang_up();
  s.test.run();
  EXPECT_EQ(call.status.error().code(), Code::kUnavailable);
  EXPECT_TRUE(call.status.error().outcome_unknown());
  EXPECT_TRUE(chat.heard.starts_with("UNAVAILABLE")) << chat.heard;
  Unary late(s.test, *s.channel, "Echo", "x");
  s.test.run();
  EXPECT_EQ(late.status.error().retry(), base::Retry::kYes);
}

// ---- texts

TEST(GrpcTimeoutText, IsNeverLongerThanWhatIsLeft) {
  using namespace std::chrono;
  EXPECT_EQ(timeout_text(nanoseconds(-5)), "0n");
  EXPECT_EQ(timeout_text(nanoseconds(99'999'999)), "99999999n");
  EXPECT_EQ(timeout_text(nanoseconds(100'000'999)), "100000u");
  EXPECT_EQ(timeout_text(seconds(99)), "99000000u");
  EXPECT_EQ(timeout_text(seconds(100)), "100000m");
  EXPECT_EQ(timeout_text(hours(27)), "97200000m");
  EXPECT_EQ(timeout_text(hours(28)), "100800S");
  EXPECT_EQ(timeout_text(hours(2'000'000)), "2000000H");
  for (const auto left :
       {nanoseconds(1), nanoseconds(123'456'789), nanoseconds(9'876'543'210'123)}) {
    const auto parsed = parse_timeout(timeout_text(left));
    ASSERT_TRUE(parsed.ok());
    EXPECT_LE(*parsed, left);
    EXPECT_GE(*parsed, left - left / 1000);
  }
}

}  // namespace
}  // namespace layotto::grpc
