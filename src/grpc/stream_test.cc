// Stream: calls with many messages, each way and both ways.
#include "grpc/stream.h"

#include <gtest/gtest.h>

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
using tests::text_frame;
using tests::texts_of;
using tests::TextServer;
using tests::unary;
namespace wire = tests::h2;
using wire::data;

TEST(GrpcStream, TakesManyAndGivesOne) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Join"));
  s.exchange(peer, data(1, text_frame("a") + text_frame("b"), wire::kNoFlags));
  s.exchange(peer, data(1, text_frame("c"), wire::kNoFlags));
  EXPECT_FALSE(peer.answer(1).ended);
  s.exchange(peer, data(1, ""));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [abc]");
}

TEST(GrpcStream, TakesOneAndGivesMany) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Count", "4"));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [xx0] [xx1] [xx2] [xx3]");
  s.exchange(peer, unary(3, "Count", "0"));
  EXPECT_EQ(outcome(peer.answer(3)), "0");
}

TEST(GrpcStream, AHandlerThatIsDoneAtOnceIsAnsweredInline) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Count", "3"));
  EXPECT_EQ(s.counters.requests_inline.read(), 1);
}

TEST(GrpcStream, TalksBothWays) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Chat"));
  EXPECT_EQ(peer.answer(1).status, "200");
  for (int i = 0; i < 10; ++i) {
    s.exchange(peer, data(1, text_frame(std::to_string(i)), wire::kNoFlags));
    EXPECT_EQ(texts_of(peer.answer(1).body).size(), static_cast<size_t>(i + 1));
  }
  EXPECT_FALSE(peer.answer(1).ended);
  s.exchange(peer, data(1, ""));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [0] [1] [2] [3] [4] [5] [6] [7] [8] [9]");
}

TEST(GrpcStream, MessagesMayBeCutAnywhere) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Chat"));
  const std::string bytes = text_frame("one") + text_frame("") + text_frame("three");
  for (const char c : bytes) s.exchange(peer, data(1, std::string(1, c), wire::kNoFlags));
  s.exchange(peer, data(1, ""));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [one] [] [three]");
}

TEST(GrpcStream, SendsWhatWasWrittenBeforeAFailure) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer,
             call(1, "Chat") + data(1, text_frame("said") + text_frame("fail"), wire::kNoFlags));
  EXPECT_EQ(outcome(peer.answer(1)), "10 [said]");
  EXPECT_EQ(grpc_message_of(peer.answer(1)), "asked to fail");
  EXPECT_TRUE(peer.answer(1).ended);
  EXPECT_EQ(peer.reset(1), wire::kNoError);  // the client may stop sending
}

TEST(GrpcStream, FailsWithoutAWord) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Refuse") + call(3, "Ignore"));
  EXPECT_EQ(outcome(peer.answer(1)), "7");
  EXPECT_TRUE(peer.answer(1).trailers.empty());
  EXPECT_EQ(outcome(peer.answer(3)), "0");
  for (const uint32_t stream : {1U, 3U}) EXPECT_EQ(peer.reset(stream), wire::kNoError);
}

TEST(GrpcStream, WhatNobodyReadsIsGivenBack) {
  TextServer s;
  H2Wire& peer = s.connect();
  for (uint32_t i = 0; i < 3 * 16; ++i) {
    const uint32_t stream = 2 * i + 1;
    std::string bytes = call(stream, i % 2 == 0 ? "Ignore" : "Refuse");
    for (int j = 0; j < 16; ++j) bytes += data(stream, std::string(16'384, 'x'), wire::kNoFlags);
    s.exchange(peer, bytes);
  }
  EXPECT_FALSE(peer.goaway().has_value());
  EXPECT_GE(peer.window_updates(0), 10U * 1024 * 1024);
}

TEST(GrpcStream, ReturnsThoughTheClientGoesOn) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer,
             call(1, "Chat") + data(1, text_frame("a") + text_frame("return"), wire::kNoFlags));
  EXPECT_EQ(outcome(peer.answer(1)), "0 [a]");
  s.exchange(peer, data(1, text_frame("late"), wire::kNoFlags) + unary(3, "Echo", "next"));
  EXPECT_EQ(outcome(peer.answer(3)), "0 [next]");
}

TEST(GrpcStream, RefusesBrokenMessages) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Join") + data(1, text_frame("a") + grpc_frame("\xff\xff")));
  EXPECT_EQ(outcome(peer.answer(1)), "13");
  s.exchange(peer, call(3, "Join") + data(3, text_frame("a") + grpc_frame("x", 9)));
  EXPECT_EQ(outcome(peer.answer(3)), "13");
  // The stream ends in the middle of a message, of its prefix.
  s.exchange(peer, call(5, "Join") + data(5, text_frame("abc").substr(0, 7)));
  EXPECT_EQ(outcome(peer.answer(5)), "13");
  s.exchange(peer, call(7, "Join") + data(7, text_frame("abc").substr(0, 3)));
  EXPECT_EQ(outcome(peer.answer(7)), "13");
}

TEST(GrpcStream, RefusesMessagesOverTheLimit) {
  TextServer s({.message_bytes_max = 1000});
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Join") + data(1, text_frame(std::string(1000, 'x')), wire::kNoFlags));
  EXPECT_EQ(outcome(peer.answer(1)), "8");
  s.service.text_size = 2000;
  s.exchange(peer, unary(3, "Count", "1"));
  EXPECT_EQ(outcome(peer.answer(3)), "8");
}

// ---- backpressure

TEST(GrpcStream, AClientThatReadsNothingHoldsTheWriter) {
  TextServer s;
  s.service.text_size = 1000;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Count", "1000"));
  EXPECT_LT(s.service.written, 65 + 2 * 65 + 66 + 5);
  EXPECT_EQ(s.service.handled, 0);
  s.exchange(peer, wire::window_update(1, 1 << 24) + wire::window_update(0, 1 << 24));
  EXPECT_EQ(s.service.written, 1000);
  EXPECT_EQ(texts_of(peer.answer(1).body).size(), 1000);
  EXPECT_EQ(peer.answer(1).trailer("grpc-status"), "0");
}

TEST(GrpcStream, AHandlerThatWaitsToWriteHoldsTheClient) {
  http::ServerLimits limits;
  limits.stream_window_bytes = 65'536;
  TextServer s({}, limits);
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Chat"));
  // The client sends and reads nothing: its own window holds it in the end.
  size_t sent = 0;
  const std::string message = text_frame(std::string(8000, 'x'));
  while (sent + message.size() <= 65'536 + peer.window_updates(1)) {
    s.exchange(peer, data(1, message, wire::kNoFlags));
    sent += message.size();
    ASSERT_LT(sent, 2U << 20);
  }
  EXPECT_LT(sent, 600'000);
  s.exchange(peer, wire::window_update(1, 1 << 24) + wire::window_update(0, 1 << 24));
  EXPECT_EQ(texts_of(peer.answer(1).body).size(), sent / message.size());
}

// ---- endings

TEST(GrpcStream, ADeadlineEndsAReadThatWaits) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer,
             call(1, "Chat", {{"grpc-timeout", "2S"}}) + data(1, text_frame("a"), wire::kNoFlags));
  s.advance(milliseconds(2002), peer);
  EXPECT_EQ(outcome(peer.answer(1)), "4 [a]");
  EXPECT_EQ(s.service.handled, 1);
  EXPECT_EQ(s.service.stopped, async::StopReason::kDeadline);
}

TEST(GrpcStream, ADeadlineEndsAWriteThatWaits) {
  TextServer s;
  s.service.text_size = 1000;
  H2Wire& peer = s.connect();
  s.exchange(peer, unary(1, "Count", "1000", {{"grpc-timeout", "2S"}}));
  s.advance(milliseconds(2002), peer);
  EXPECT_EQ(s.service.ended_with, "DEADLINE_EXCEEDED: deadline exceeded");
  EXPECT_EQ(s.tally.ended, s.counters.requests_active.read() == 0 ? 1 : 0);
  EXPECT_TRUE(peer.reset(1).has_value());
}

TEST(GrpcStream, AClientThatCancelsEndsTheHandler) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Chat"));
  s.exchange(peer, wire::rst_stream(1));
  EXPECT_EQ(s.service.ended_with, "CANCELLED: cancelled");
  EXPECT_EQ(s.tally.ended, 1);
  s.service.text_size = 1000;
  s.exchange(peer, unary(3, "Count", "1000"));
  s.exchange(peer, wire::rst_stream(3));
  EXPECT_EQ(s.service.handled, 2);
  EXPECT_EQ(s.tally.ended, 2);
}

TEST(GrpcStream, AStopEndsTheHandler) {
  TextServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, call(1, "Chat"));
  s.test.tasks().stop(async::StopReason::kShutdown);
  s.advance(seconds(3), peer);
  EXPECT_EQ(s.service.ended_with, "UNAVAILABLE: shutting down");
  EXPECT_EQ(s.tally.ended, 1);
}

TEST(GrpcStream, CompressesBothWays) {
  TextServer s;
  H2Wire& peer = s.connect();
  const std::string text(3000, 'q');
  const auto packed = gzip(tests::text_message(text));
  s.exchange(peer, call(1, "Chat", {{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "gzip"}}) +
                       data(1, grpc_frame(packed->view(), 1)));
  EXPECT_EQ(peer.answer(1).header("grpc-encoding"), "gzip");
  ASSERT_GT(peer.answer(1).body.size(), 5);
  EXPECT_EQ(peer.answer(1).body[0], 1);
  EXPECT_LT(peer.answer(1).body.size(), 100);
}

}  // namespace
}  // namespace layotto::grpc
