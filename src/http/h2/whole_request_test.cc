// The short way of a unary call: a request whose head was seen before and whose data came with it
// is one event, its answer one submission. Whatever does not fit goes the long way with the same
// result.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/h2_session_harness.h"

namespace layotto::http::h2 {
namespace {

namespace wire = tests::h2;
using tests::SessionHarness;

constexpr int kAll = wire::kEndStream | wire::kEndHeaders;

class WholeRequest : public ::testing::Test {
 protected:
  WholeRequest() {
    h.greet();
    // All fields into the table of the connection: from now on the head is a few bytes.
    std::string indexed;
    for (const auto& [name, value] : wire::post("/x")) {
      indexed += wire::hpack_literal_indexed(name, value);
    }
    h.exchange(wire::headers(1, indexed) + wire::rst_stream(1));
    for (size_t i = wire::post("/x").size(); i > 0; --i) head += wire::hpack_indexed(61 + i);
    h.exchange(wire::headers(3, head) + wire::rst_stream(3));
  }
  std::string request(uint32_t stream, std::string_view body, int data_flags = wire::kEndStream) {
    return wire::headers(stream, head, wire::kEndHeaders) + wire::data(stream, body, data_flags);
  }

  SessionHarness h;
  std::string head;
};

TEST_F(WholeRequest, IsOneEvent) {
  EXPECT_EQ(h.exchange(request(5, "hello")), "head 5 POST /x | whole 5 'hello' end");
  EXPECT_EQ(h.heads[5]->fields().size(), h.heads[3]->fields().size());
  EXPECT_EQ(h.exchange(wire::headers(7, head, kAll)), "head 7 POST /x end");
  EXPECT_EQ(h.session.open_streams(), 2);
}

TEST_F(WholeRequest, MeansTheSameWhereverTheBytesAreCut) {
  uint32_t stream = 5;
  const size_t size = request(stream, "hello").size();
  for (size_t cut = 0; cut <= size; ++cut, stream += 2) {
    const std::string bytes = request(stream, "hello");
    h.received.clear();
    h.feed(std::string_view(bytes).substr(0, cut));
    h.feed(std::string_view(bytes).substr(cut));
    EXPECT_EQ(h.received[stream], 5) << cut;
    EXPECT_TRUE(h.lines.back().ends_with(" end")) << h.lines.back();
    EXPECT_EQ(h.heads[stream]->line().path, "/x") << cut;
  }
}

TEST_F(WholeRequest, GoesTheLongWayWhenItsDataAreNotPlain) {
  EXPECT_EQ(h.exchange(request(5, "part", wire::kNoFlags)), "head 5 POST /x | data 5 'part'");
  EXPECT_EQ(h.exchange(request(7, "")), "head 7 POST /x | data 7 '' end");
  EXPECT_EQ(h.exchange(request(9, std::string(1, 2) + "body" + std::string(2, '\0'),
                               wire::kPadded | wire::kEndStream)),
            "head 9 POST /x | data 9 'body' end");
  // Another stream's data behind the head.
  EXPECT_EQ(h.exchange(wire::headers(11, head, wire::kEndHeaders) + wire::data(5, "more")),
            "head 11 POST /x | data 5 'more' end");
}

TEST_F(WholeRequest, IsHeldToEveryRule) {
  EXPECT_EQ(h.exchange(wire::headers(3, head, kAll)), "");
  EXPECT_EQ(h.session.failure(), SessionFailure::kNone) << "its stream was reset, by the peer";
  EXPECT_EQ(h.peer.last(wire::kRstStream).code(), wire::kStreamClosed);
  h.session.refuse_new_streams();
  EXPECT_EQ(h.exchange(request(5, "hello")), "");
  EXPECT_EQ(h.peer.last(wire::kRstStream).code(), wire::kRefusedStream);
}

TEST_F(WholeRequest, TooManyOfThemAreRefused) {
  const uint32_t max = ServerLimits{}.concurrent_streams_max;
  uint32_t stream = 5;
  for (uint32_t i = 0; i < max; ++i, stream += 2) h.exchange(request(stream, "x"));
  EXPECT_EQ(h.session.open_streams(), max);
  h.exchange(request(stream, "x"));
  EXPECT_EQ(h.peer.last(wire::kRstStream).code(), wire::kRefusedStream);
  EXPECT_EQ(h.session.streams_refused(), 1);
}

TEST_F(WholeRequest, IsForgottenWhenTheTableChanges) {
  // A new entry moves all others: the same bytes mean other fields now.
  h.exchange(wire::headers(5, wire::hpack(wire::get("/")) + wire::hpack_literal_indexed("x", "y")));
  EXPECT_EQ(h.exchange(request(7, "hello")), "");
  EXPECT_EQ(h.peer.last(wire::kRstStream).code(), wire::kProtocolError);
}

TEST_F(WholeRequest, CountsAgainstTheConnectionsWindow) {
  h.consume = false;
  ServerLimits limits;
  const std::string body(16'000, 'x');
  uint32_t stream = 5;
  size_t left = limits.connection_window_bytes;
  for (; left >= body.size(); left -= body.size(), stream += 2) h.exchange(request(stream, body));
  ASSERT_EQ(h.session.failure(), SessionFailure::kNone);
  h.exchange(request(stream, body));
  EXPECT_EQ(h.session.failure(), SessionFailure::kProtocol);
  EXPECT_EQ(h.peer.last(wire::kGoaway).code(), wire::kFlowControlError);
}

// ---- answers

class WholeAnswer : public WholeRequest {
 protected:
  static const HeaderMap& permanent(std::string_view name, std::string_view value) {
    HeaderBlock* block = HeaderBlock::make();
    block->add(name, value);
    block->make_permanent();
    return *new HeaderMap(*block);  // lives as long as the process, as those of gRPC do
  }
  bool answer(uint32_t stream, std::string_view data) {
    static const HeaderMap& fields = permanent("content-type", "application/grpc");
    static const HeaderMap& trailers = permanent("grpc-status", "0");
    ResponseHead response(200);
    response.headers = fields;
    if (h.session.submit_whole(*h.refs[stream], response, data, trailers)) return true;
    h.session.submit_response(stream, response, false);
    h.session.submit_data(stream, Bytes::copy(data), false);
    h.session.submit_trailers(stream, trailers);
    return false;
  }
  void expect_answer(uint32_t stream, std::string_view data) {
    h.flush();
    const tests::H2Answer seen = h.peer.answer(stream);
    EXPECT_EQ(seen.status, "200") << stream;
    EXPECT_EQ(seen.body, data) << stream;
    EXPECT_EQ(seen.headers, (wire::Fields{{"content-type", "application/grpc"}})) << stream;
    EXPECT_EQ(seen.trailers, (wire::Fields{{"grpc-status", "0"}})) << stream;
    EXPECT_TRUE(seen.ended) << stream;
  }
};

TEST_F(WholeAnswer, LeavesAtOnceOnceItsBlocksAreKnown) {
  h.exchange(request(5, "a") + request(7, "b") + request(9, "c"));
  EXPECT_FALSE(answer(5, "first")) << "the table learns its fields";
  expect_answer(5, "first");
  EXPECT_FALSE(answer(7, "second")) << "now they are known, and remembered";
  expect_answer(7, "second");
  EXPECT_TRUE(answer(9, "third"));
  expect_answer(9, "third");
  EXPECT_EQ(h.session.open_streams(), 0);
  EXPECT_EQ(h.said(), "closed 5 NO_ERROR | closed 7 NO_ERROR");
}

TEST_F(WholeAnswer, GoesTheLongWayWhenSomethingHoldsItBack) {
  h.exchange(request(5, "a") + request(7, "b"));
  answer(5, "first");
  answer(7, "second");
  h.exchange(request(9, "c") + wire::headers(11, head, wire::kEndHeaders) + request(13, "d"));
  EXPECT_FALSE(answer(9, std::string(5000, 'x'))) << "larger than what is copied";
  EXPECT_FALSE(answer(11, "early")) << "its request has not ended";
  h.exchange(wire::settings({{wire::kHeaderTableSize, 0}}));
  EXPECT_FALSE(answer(13, "table gone"));
  expect_answer(13, "table gone");
  expect_answer(9, std::string(5000, 'x'));
}

TEST_F(WholeAnswer, KeepsToTheWindows) {
  h.exchange(request(5, "a") + request(7, "b"));
  answer(5, "first");
  answer(7, "second");
  h.exchange(wire::settings({{wire::kInitialWindowSize, 3}}));
  h.exchange(request(9, "c"));
  EXPECT_FALSE(answer(9, "four"));
  h.flush();
  EXPECT_EQ(h.peer.answer(9).body, "fou");
  h.exchange(wire::window_update(9, 10));
  expect_answer(9, "four");
}

TEST_F(WholeAnswer, IsNotGivenToAStreamThatIsClosed) {
  h.exchange(request(5, "a") + request(7, "b"));
  answer(5, "first");
  answer(7, "second");
  h.flush();
  h.feed(request(9, "c"));
  StreamRef& ref = *h.refs[9];
  h.session.feed(wire::rst_stream(9), h.now);  // its kClosed is not cleared yet
  ResponseHead response(200);
  EXPECT_FALSE(h.session.submit_whole(ref, response, "x", HeaderMap()));
  h.feed("");
  EXPECT_EQ(h.session.open_streams(), 0);
}

}  // namespace
}  // namespace layotto::http::h2
