// BearerTokenFilter: who is let in, and what the others are told.
#include "filters/http/bearer_token/bearer_token.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "async/test_loop.h"

namespace layotto::filters::http::bearer_token {
namespace {

using layotto::http::Exchange;
using layotto::http::HeaderBlock;
using layotto::http::HeaderBlockRef;
using layotto::http::HeaderId;
using layotto::http::RequestHead;
using layotto::http::Response;

using Fields = std::vector<std::pair<std::string, std::string>>;

class BearerToken : public ::testing::Test {
 protected:
  BearerToken() { filter.set_token(config::Secret("correct horse")); }

  std::optional<Response> answer(const Fields& fields) {
    exchange.head_block = HeaderBlockRef(HeaderBlock::make());
    for (const auto& [name, value] : fields) exchange.head_block->add(name, value);
    head.emplace(*exchange.head_block.get());
    exchange.request = &*head;
    return filter.on_request(*head, exchange);
  }
  // The request has these authorization fields.
  bool lets_in(const std::vector<std::string>& values) {
    Fields fields;
    for (const std::string& value : values) fields.emplace_back("authorization", value);
    return !answer(fields).has_value();
  }

  async::TestLoop test;
  BearerTokenFilter filter;
  Exchange exchange{test.loop()};
  std::optional<RequestHead> head;
};

TEST_F(BearerToken, LetsTheTokenIn) {
  EXPECT_TRUE(lets_in({"Bearer correct horse"}));
  EXPECT_EQ(filter.refused().read(), 0);
  EXPECT_FALSE(exchange.failure.has_value());
}

TEST_F(BearerToken, RefusesEveryOtherToken) {
  for (const char* value :
       {"Bearer correct hors", "Bearer correct horse ", "Bearer correct horsf",
        "Bearer Correct horse", "Bearer  correct horse", "Bearer ", "Bearer", "", "correct horse",
        "Basic correct horse", "Bearercorrect horse", "Bearer\tcorrect horse",
        " Bearer correct horse", "Bearer correct horse, Bearer correct horse"}) {
    EXPECT_FALSE(lets_in({value})) << "'" << value << "'";
  }
  EXPECT_FALSE(lets_in({std::string("Bearer correct horse\0", 21)}));
  EXPECT_FALSE(lets_in({"Bearer " + std::string(1 << 16, 'x')}));
}

TEST_F(BearerToken, RefusesARequestWithoutOne) {
  EXPECT_FALSE(lets_in({}));
  EXPECT_TRUE(answer({{"x-authorization", "Bearer correct horse"}}).has_value());
}

TEST_F(BearerToken, TheNameOfTheSchemeHasNoCase) {
  for (const char* scheme : {"bearer", "BEARER", "bEaReR"}) {
    EXPECT_TRUE(lets_in({std::string(scheme) + " correct horse"})) << scheme;
  }
}

TEST_F(BearerToken, RefusesTwoFieldsWhateverTheySay) {
  const std::string right = "Bearer correct horse";
  EXPECT_FALSE(lets_in({right, "Bearer wrong"}));
  EXPECT_FALSE(lets_in({"Bearer wrong", right}));
  EXPECT_FALSE(lets_in({right, right}));
}

TEST_F(BearerToken, WithoutATokenNobodyComesIn) {
  filter.set_token(config::Secret(""));
  for (const char* value : {"Bearer ", "Bearer", "", "Bearer correct horse"}) {
    EXPECT_FALSE(lets_in({value})) << "'" << value << "'";
  }
  EXPECT_FALSE(lets_in({}));
}

TEST_F(BearerToken, IsExchangedWhileItServes) {
  filter.set_token(config::Secret("battery staple"));
  EXPECT_FALSE(lets_in({"Bearer correct horse"}));
  EXPECT_TRUE(lets_in({"Bearer battery staple"}));
}

TEST_F(BearerToken, CountsWhatItRefuses) {
  EXPECT_FALSE(lets_in({"Bearer wrong"}));
  EXPECT_FALSE(lets_in({}));
  EXPECT_TRUE(lets_in({"Bearer correct horse"}));
  EXPECT_EQ(filter.refused().read(), 2);
  EXPECT_EQ(exchange.failure_reason, "bearer_token_refused");
}

TEST_F(BearerToken, TellsABrowserWhatIsWanted) {
  const auto refused = answer({{"authorization", "Bearer wrong-token"}});
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->head.status, 401);
  EXPECT_EQ(refused->head.headers.get(HeaderId::kWwwAuthenticate), "Bearer");
  EXPECT_EQ(refused->head.headers.get(HeaderId::kContentType), "text/plain; charset=utf-8");
  EXPECT_NE(refused->body.bytes().find("authorization: Bearer <token>"), std::string_view::npos);
  for (const char* secret : {"correct horse", "wrong-token"}) {
    EXPECT_EQ(refused->body.bytes().find(secret), std::string_view::npos) << secret;
  }
}

TEST_F(BearerToken, TellsAGrpcClientWithAStatus) {
  const auto refused = answer({{"content-type", "application/grpc"}});
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->head.status, 200);
  EXPECT_EQ(refused->head.headers.get(HeaderId::kGrpcStatus), "16");
  EXPECT_TRUE(refused->body.empty());
  EXPECT_EQ(exchange.grpc_status, 16);
}

}  // namespace
}  // namespace layotto::filters::http::bearer_token
