// Local replies: one table from codes to statuses, for gRPC and for others.
#include "http/local_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "async/test_loop.h"

namespace layotto::http {
namespace {

class LocalReply : public ::testing::Test {
 protected:
  // As if this was the request.
  void request_with(std::string_view content_type) {
    exchange.head_block = HeaderBlockRef(HeaderBlock::make());
    exchange.head_block->add("content-type", content_type);
    head.emplace(*exchange.head_block.get());
    exchange.request = &*head;
  }

  async::TestLoop test;
  Exchange exchange{test.loop()};
  std::optional<RequestHead> head;
};

TEST_F(LocalReply, HasAStatusForEveryCode) {
  const std::pair<Code, int> expected[] = {
      {Code::kOk, 200},
      {Code::kCancelled, 499},
      {Code::kUnknown, 500},
      {Code::kInvalidArgument, 400},
      {Code::kDeadlineExceeded, 504},
      {Code::kNotFound, 404},
      {Code::kAlreadyExists, 409},
      {Code::kPermissionDenied, 403},
      {Code::kResourceExhausted, 429},
      {Code::kFailedPrecondition, 400},
      {Code::kAborted, 409},
      {Code::kOutOfRange, 400},
      {Code::kUnimplemented, 501},
      {Code::kInternal, 500},
      {Code::kUnavailable, 503},
      {Code::kDataLoss, 500},
      {Code::kUnauthenticated, 401},
  };
  for (const auto& [code, status] : expected) {
    EXPECT_EQ(http_status_of(code), status) << base::code_name(code);
    EXPECT_EQ(grpc_status_text(code), std::to_string(static_cast<int>(code)));
  }
}

TEST_F(LocalReply, IsTextForThoseWhoDoNotSpeakGrpc) {
  request_with("application/json");
  const Response reply = local_reply(base::not_found("no page {}", 7), exchange);
  EXPECT_EQ(reply.head.status, 404);
  EXPECT_EQ(reply.head.headers.get(HeaderId::kContentType), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.body.bytes(), "no page 7\n");
  EXPECT_EQ(exchange.grpc_status, -1);
  ASSERT_TRUE(exchange.failure.has_value());
  EXPECT_EQ(exchange.failure->message(), "no page 7");
}

TEST_F(LocalReply, IsPossibleBeforeThereIsARequest) {
  const Response reply = local_reply(base::invalid_argument("broken"), 431, exchange);
  EXPECT_EQ(reply.head.status, 431);
  EXPECT_EQ(reply.body.bytes(), "broken\n");
}

TEST_F(LocalReply, IsAHeadOnlyForGrpc) {
  request_with("application/grpc+proto");
  exchange.trailing_metadata.add("retry-after", "5", exchange.arena);
  const Response reply = local_reply(base::unavailable("50% gone\n"), 418, exchange);
  EXPECT_EQ(reply.head.status, 200);
  EXPECT_TRUE(reply.body.empty());
  EXPECT_EQ(reply.head.headers.get(HeaderId::kContentType), "application/grpc");
  EXPECT_EQ(reply.head.headers.get(HeaderId::kGrpcStatus), "14");
  EXPECT_EQ(reply.head.headers.get(HeaderId::kGrpcMessage), "50%25 gone%0A");
  EXPECT_EQ(reply.head.headers.get("retry-after"), "5");
  EXPECT_EQ(exchange.grpc_status, 14);
}

TEST_F(LocalReply, SaysNothingForAnEmptyMessage) {
  request_with("application/grpc");
  const Response reply = local_reply(Error(Code::kAborted, ""), exchange);
  EXPECT_FALSE(reply.head.headers.has(HeaderId::kGrpcMessage));
}

TEST_F(LocalReply, EncodesAndCutsMessages) {
  Arena arena;
  EXPECT_EQ(encode_status_message("", arena), "");
  EXPECT_EQ(encode_status_message("plain ~!", arena), "plain ~!");
  EXPECT_EQ(encode_status_message("\x1f\x7f\xc3\xa9%", arena), "%1F%7F%C3%A9%25");
  const std::string much(kStatusMessageBytesMax + 100, 'x');
  EXPECT_EQ(encode_status_message(much, arena).size(), kStatusMessageBytesMax);
}

}  // namespace
}  // namespace layotto::http
