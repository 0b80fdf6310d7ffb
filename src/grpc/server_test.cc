// Server: unary calls over our own HTTP/2 connection, from a client that speaks bytes.
#include "grpc/server.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "async/frame_pool.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/grpc_test_service.h"

namespace layotto::grpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::call;
using tests::grpc_frame;
using tests::grpc_message_of;
using tests::H2Wire;
using tests::outcome;
using tests::Text;
using tests::text_frame;
using tests::text_message;
using tests::TextServer;
using tests::unary;
namespace wire = tests::h2;
using namespace std::string_literals;

TEST(GrpcServer, AnswersAtOnce) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Echo", "hello"));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [hello]");
  EXPECT_EQ(peer.answer(1).status, "200");
  EXPECT_EQ(peer.answer(1).header("content-type"), "application/grpc");
  EXPECT_EQ(peer.answer(1).trailers, (wire::Fields{{"grpc-status", "0"}}));
  EXPECT_EQ(s.counters.requests_inline.read(), 1);
}

TEST(GrpcServer, AnswersLater) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Later", "hello"));
  EXPECT_FALSE(peer.answer(1).ended);
  s.service.released.set();
  s.exchange(peer, {});
  EXPECT_EQ(outcome(peer.answer(1)), "0 [later: hello]");
}

TEST(GrpcServer, AWarmCallMakesNoFrameAndAllocatesNothing) {
  TextServer s;
  H2Wire& peer = s.connect();
  for (uint32_t stream = 1; stream < 7; stream += 2)
    s.exchange(peer, unary(stream, "Echo", "text"));
  peer.connection().out().append(unary(7, "Echo", "text"));
  peer.connection().schedule_flush();
  const uint64_t frames = async::frames_allocated();
  const uint64_t allocations = tests::allocations();
  s.test.run();
  EXPECT_EQ(async::frames_allocated(), frames);
  EXPECT_EQ(tests::allocations(), allocations);
  s.exchange(peer, {});
  EXPECT_EQ(outcome(peer.answer(7)), "0 [text]");
}

TEST(GrpcServer, TakesAMessageInPieces) {
  TextServer s;
  H2Wire& peer = s.connect();
  const std::string bytes = text_frame("a longer text that comes in pieces");
  s.exchange(peer, call(1, "Echo"));
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    s.exchange(peer, wire::data(1, bytes.substr(i, 1), wire::kNoFlags));
  }
  s.exchange(peer, wire::data(1, bytes.substr(bytes.size() - 1)));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [a longer text that comes in pieces]");
}

TEST(GrpcServer, TakesAnEmptyMessage) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Echo") + wire::data(1, grpc_frame("")));
  EXPECT_EQ(outcome(peer.answer(1)), "0 []");
}

TEST(GrpcServer, PassesMetadataThroughUnchanged) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Echo", "m",
                         {{"x-one", "1"},
                          {"x-blob-bin", "AAECAw"},
                          {"x-one", "2"},
                          {"x-padded-bin", "AAEC Aw=="s}}));
  const wire::Fields expected = {
      {"x-one", "1"}, {"x-blob-bin", "AAECAw"}, {"x-one", "2"}, {"x-padded-bin", "AAEC Aw=="}};
  wire::Fields head = peer.answer(1).headers;
  ASSERT_EQ(head.size(), 5);
  head.erase(head.begin());
  EXPECT_EQ(head, expected);
  wire::Fields trailers = peer.answer(1).trailers;
  ASSERT_EQ(trailers.size(), 5);
  trailers.erase(trailers.begin());
  EXPECT_EQ(trailers, expected);
}

TEST(GrpcServer, TurnsAFailureIntoTrailersOnly) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Fail", "100% \n\xc3\xa9"));
  EXPECT_EQ(outcome(peer.answer(1)), "6");
  EXPECT_EQ(peer.answer(1).status, "200");
  EXPECT_TRUE(peer.answer(1).trailers.empty());
  EXPECT_EQ(peer.answer(1).header("content-type"), "application/grpc");
  EXPECT_EQ(grpc_message_of(peer.answer(1)), "100%25 %0A%C3%A9");
  EXPECT_EQ(peer.count(wire::kData), 0);
}

TEST(GrpcServer, RefusesWhatItDoesNotKnow) {
  TextServer s;
  H2Wire& peer = s.connect();
  wire::Fields get = wire::grpc("/test.Text/Echo");
  get[0].second = "GET";
  s.exchange(peer, unary(1, "Nonsense", "x") + unary(3, "Unbuilt", "x") + wire::request(5, get) +
                       unary(7, "echo", "x") + unary(9, "Echo/", "x"));
  EXPECT_EQ(outcome(peer.answer(1)), "12");
  EXPECT_NE(grpc_message_of(peer.answer(1)).find("/test.Text/Nonsense"), std::string::npos);
  EXPECT_EQ(outcome(peer.answer(3)), "12");
  EXPECT_NE(grpc_message_of(peer.answer(3)).find("not built yet"), std::string::npos);
  for (const uint32_t stream : {5U, 7U, 9U}) EXPECT_EQ(outcome(peer.answer(stream)), "12");
}

TEST(GrpcServer, RefusesWhatIsNotGrpc) {
  TextServer s;
  H2Wire& peer = s.connect();
  wire::Fields json = wire::post("/test.Text/Echo");
  json.emplace_back("content-type", "application/json");
  wire::Fields web = wire::post("/test.Text/Echo");
  web.emplace_back("content-type", "application/grpc-web");
  s.exchange(peer, wire::request_with_body(1, json, "{}") + wire::request_with_body(3, web, "{}"));
  EXPECT_EQ(peer.answer(1).status, "415");
  EXPECT_EQ(peer.answer(3).status, "415");
}

class TeapotHandler final : public http::Handler {
 public:
  Task<Result<http::Response>> handle(http::Request, http::Exchange&) override {
    return async::ready(Result<http::Response>(
        http::Response{.head = http::ResponseHead(418), .body = http::Body()}));
  }
};

TEST(GrpcServer, LeavesWhatIsNotGrpcToAnother) {
  TeapotHandler teapot;
  TextServer s({.otherwise = &teapot});
  H2Wire& peer = s.connect();
  s.exchange(peer, wire::request(1, wire::get("/")) +
                       wire::request_with_body(3, wire::grpc("/test.Text/Echo"), text_frame("x")));
  EXPECT_EQ(peer.answer(1).status, "418");
  EXPECT_EQ(outcome(peer.answer(3)), "0 [x]");
}

TEST(GrpcServer, RefusesBrokenMessages) {
  TextServer s;
  H2Wire& peer = s.connect();
  const std::string message = text_message("x");
  const std::vector<std::string> bodies = {
      "",                                         // no message
      "\0\0\0"s,                                  // not even a prefix
      grpc_frame(message).substr(0, 6),           // less than announced
      grpc_frame(message) + "more",               // more than announced
      grpc_frame(message) + grpc_frame(message),  // two messages
      grpc_frame(message, 2),                     // unknown flag
      grpc_frame(message, 1),                     // compressed, but how?
      grpc_frame("\x0a\x7f"s),                    // not protobuf
      grpc_frame("\xff\xff\xff\xff"s),
  };
  uint32_t stream = 1;
  for (const std::string& body : bodies) {
    s.exchange(peer, call(stream, "Echo") + wire::data(stream, body));
    EXPECT_EQ(outcome(peer.answer(stream)), "13") << body.size();
    // The same when it comes in two reads.
    s.exchange(peer, call(stream + 2, "Echo"));
    s.exchange(peer, wire::data(stream + 2, body));
    EXPECT_EQ(outcome(peer.answer(stream + 2)), "13") << body.size();
    stream += 4;
  }
  s.exchange(peer, wire::request(stream, wire::grpc("/test.Text/Echo")));
  EXPECT_EQ(outcome(peer.answer(stream)), "13");
}

TEST(GrpcServer, RefusesMessagesOverTheLimit) {
  TextServer s({.message_bytes_max = 10'000});
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Echo", std::string(9'990, 'x')));
  EXPECT_EQ(outcome(peer.answer(1)).substr(0, 3), "0 [");
  s.exchange(peer, unary(3, "Echo", std::string(10'000, 'x')));
  EXPECT_EQ(outcome(peer.answer(3)), "8");
  // In pieces, and far too large: refused before all of it has come.
  s.exchange(peer, call(5, "Echo"));
  for (int i = 0; i < 10 && !peer.answer(5).ended; ++i) {
    s.exchange(peer, wire::data(5, std::string(i == 0 ? "\0\x7f\0\0\0"s : std::string(4000, 'x')),
                                wire::kNoFlags));
  }
  EXPECT_EQ(outcome(peer.answer(5)), "8");
  s.exchange(peer, unary(7, "Large", "9990") + unary(9, "Large", "10000"));
  EXPECT_EQ(outcome(peer.answer(7)).substr(0, 3), "0 [");
  EXPECT_EQ(outcome(peer.answer(9)), "8");
  EXPECT_NE(grpc_message_of(peer.answer(9)).find("limit of 10000"), std::string::npos);
}

// ---- deadlines

TEST(GrpcServer, ADeadlineEndsAWaitingCall) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Later", "x", {{"grpc-timeout", "250m"}}));
  s.advance(milliseconds(249), peer);
  EXPECT_FALSE(peer.answer(1).ended);
  s.advance(milliseconds(3), peer);
  EXPECT_EQ(outcome(peer.answer(1)), "4");
  EXPECT_EQ(s.service.stopped, async::StopReason::kDeadline);
}

TEST(GrpcServer, ADeadlineEndsACallWhoseMessageDoesNotCome) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Echo", {{"grpc-timeout", "1S"}}));
  s.advance(milliseconds(1002), peer);
  EXPECT_EQ(outcome(peer.answer(1)), "4");
  EXPECT_EQ(peer.reset(1), wire::kNoError);
}

TEST(GrpcServer, ADeadlineThatHasPassedIsNotTried) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Echo", "x", {{"grpc-timeout", "0n"}}) +
                       call(3, "Chat", {{"grpc-timeout", "0m"}}));
  EXPECT_EQ(outcome(peer.answer(1)), "4");
  EXPECT_EQ(outcome(peer.answer(3)), "4");
  EXPECT_EQ(s.service.handled, 0);
}

TEST(GrpcServer, ALateDeadlineChangesNothing) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Later", "x", {{"grpc-timeout", "99999999H"}}));
  s.advance(seconds(1000), peer);
  s.service.released.set();
  s.exchange(peer, {});
  EXPECT_EQ(outcome(peer.answer(1)), "0 [later: x]");
}

TEST(GrpcServer, RefusesAMalformedDeadline) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Echo", "x", {{"grpc-timeout", "soon"}}));
  EXPECT_EQ(outcome(peer.answer(1)), "3");
}

TEST(GrpcServer, AClientThatCancelsStopsTheCall) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Later", "x"));
  s.exchange(peer, wire::rst_stream(1, wire::kCancel));
  EXPECT_EQ(s.service.stopped, async::StopReason::kCancelled);
  EXPECT_EQ(s.tally.ended, 1);
}

// ---- compression

std::string zip(std::string_view plain) {
  auto packed = gzip(plain);
  return std::string(packed->view());
}

TEST(GrpcServer, TakesCompressedCallsAndAnswersCompressed) {
  TextServer s;
  H2Wire& peer = s.connect();
  const std::string text(5000, 'z');
  s.exchange(peer, call(1, "Echo",
                        {{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "identity, gzip"}}) +
                       wire::data(1, grpc_frame(zip(text_message(text)), 1)));
  const tests::H2Answer& answer = peer.answer(1);
  EXPECT_EQ(answer.header("grpc-encoding"), "gzip");
  ASSERT_GT(answer.body.size(), 5);
  EXPECT_EQ(answer.body[0], 1);
  EXPECT_LT(answer.body.size(), 200);
  Text reply;
  const auto plain = gunzip(std::string_view(answer.body).substr(5), 1 << 20);
  ASSERT_TRUE(plain.ok());
  ASSERT_TRUE(reply.ParseFromArray(plain->data(), static_cast<int>(plain->size())));
  EXPECT_EQ(reply.value(), text);
  EXPECT_EQ(answer.trailer("grpc-status"), "0");
}

TEST(GrpcServer, DoesNotCompressWhatIsSmallOrNotWanted) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer,
             call(1, "Echo", {{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "gzip"}}) +
                 wire::data(1, text_frame("small")) + call(3, "Echo", {{"grpc-encoding", "gzip"}}) +
                 wire::data(3, text_frame(std::string(5000, 'z'))) +
                 unary(5, "Echo", std::string(5000, 'z'), {{"grpc-accept-encoding", "gzip"}}));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [small]");
  for (const uint32_t stream : {1U, 3U, 5U}) {
    EXPECT_EQ(peer.answer(stream).header("grpc-encoding"), "") << stream;
    EXPECT_EQ(peer.answer(stream).body[0], 0) << stream;
  }
}

TEST(GrpcServer, SaysWhichEncodingsThereAre) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Echo", "x", {{"grpc-encoding", "snappy"}}) +
                       unary(3, "Join", "x", {{"grpc-encoding", "snappy"}}));
  for (const uint32_t stream : {1U, 3U}) {
    EXPECT_EQ(outcome(peer.answer(stream)), "12");
    EXPECT_EQ(peer.answer(stream).header("grpc-accept-encoding"), "identity,gzip");
  }
}

TEST(GrpcServer, RefusesCompressedBombs) {
  TextServer s({.message_bytes_max = 10'000});
  H2Wire& peer = s.connect();
  const std::string bomb = zip(text_message(std::string(1 << 20, 'b')));
  ASSERT_LT(bomb.size(), 10'000);
  s.exchange(peer,
             call(1, "Echo", {{"grpc-encoding", "gzip"}}) + wire::data(1, grpc_frame(bomb, 1)));
  EXPECT_EQ(outcome(peer.answer(1)), "8");
}

// ---- messages are kept for reuse, but not large ones

TEST(GrpcServer, LargeMessagesAreNotKept) {
  TextServer s({}, {.stream_window_bytes = 1 << 20, .stream_window_bytes_max = 1 << 20});
  H2Wire& peer = s.connect({{wire::kInitialWindowSize, 1 << 24}});
  s.exchange(peer, wire::window_update(0, 1 << 28));
  const std::string text(200'000, 'x');
  const std::string plain = text_frame(text);
  const std::string packed = grpc_frame(zip(text_message(text)), 1);
  uint32_t stream = 1;
  const auto eight_at_once = [&](bool compressed) {
    s.service.released.reset();
    const uint32_t first = stream;
    for (; stream < first + 16; stream += 2) {
      std::string bytes = call(stream, "Later", {{"grpc-encoding", "gzip"}});
      const std::string& body = compressed ? packed : plain;
      for (size_t at = 0; at < body.size(); at += 16'000) {
        bytes += wire::data(stream, body.substr(at, 16'000),
                            at + 16'000 < body.size() ? wire::kNoFlags : wire::kEndStream);
      }
      s.exchange(peer, bytes);
    }
    s.service.released.set();
    s.exchange(peer, {});
    EXPECT_EQ(outcome(peer.answer(first)).size(), 200'000 + std::string("0 [later: ]").size());
    peer.forget();
    base::trim_slabs();
    return tests::bytes_in_use();
  };
  s.exchange(peer, unary(1001, "Echo", text.substr(0, 10)));
  stream = 1003;
  const size_t before = tests::bytes_in_use();
  // Eight kept calls would be 3.2 MB; the peer of the test keeps some itself.
  EXPECT_LE(eight_at_once(false), before + 1'000'000);
  EXPECT_LE(eight_at_once(true), before + 1'000'000);
}

TEST(GrpcServer, NamesItsServicesAndPaths) {
  TextServer s;
  EXPECT_EQ(s.server.services(), (std::vector<std::string>{"test.Text"}));
  EXPECT_EQ(s.server.paths().size(), 10);
}

TEST(GrpcServer, APathIsAddedOnce) {
  Server server({});
  server.add_unbuilt("/a.B/C");
  EXPECT_DEATH(server.add_unbuilt("/a.B/C"), "added twice");
}

}  // namespace
}  // namespace layotto::grpc
