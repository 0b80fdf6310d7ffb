// Attributes of a request: which there are, what they append; and the access log made of them.
#include "http/attributes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "async/test_loop.h"
#include "http/access_log_filter.h"
#include "http/local_reply.h"
#include "net/memory_pipe.h"

namespace layotto::http {
namespace {

using std::chrono::milliseconds;

class Attributes : public ::testing::Test {
 protected:
  Attributes() {
    exchange.head_block = HeaderBlockRef(HeaderBlock::make());
    HeaderBlock& block = *exchange.head_block.get();
    block.add("user-agent", "curl/8 \"x\"");
    block.line() = {.method_text = "POST",
                    .path = "/path?query",
                    .authority = "here:80",
                    .scheme = "http",
                    .method = Method::kPost,
                    .protocol = Protocol::kHttp11};
    head.emplace(block);
    exchange.request = &*head;
  }
  std::string format(std::string_view text) {
    AttributeTable table;
    auto compiled = telemetry::AccessLogFormat::compile(text, table);
    CHECK(compiled.ok(), compiled.error().message());
    std::string memory(telemetry::kLineBytesMax + 100, '\0');
    telemetry::TimeText seconds;
    telemetry::Line line(memory.data(), telemetry::kLineBytesMax - 1, seconds);
    exchange.duration = milliseconds(12);
    ExchangeAttributes values(exchange, WallTime(std::chrono::seconds(1'700'000'000)));
    compiled->append_to(line, values);
    return memory.substr(0, line.size());
  }

  async::TestLoop test;
  Exchange exchange{test.loop()};
  std::optional<RequestHead> head;
};

TEST_F(Attributes, AreAllKnownByName) {
  AttributeTable table;
  EXPECT_EQ(table.names().size(), 17);
  for (const std::string_view name : table.names()) {
    const auto found = table.find(name, name == "REQ" ? "host" : "");
    ASSERT_TRUE(found.ok()) << name;
    EXPECT_TRUE(found->has_value()) << name;
  }
  const auto unknown = table.find("NO_SUCH", "");
  ASSERT_TRUE(unknown.ok());
  EXPECT_FALSE(unknown->has_value());
}

TEST_F(Attributes, RefuseArgumentsThatDoNotFit) {
  AttributeTable table;
  for (const std::string_view name : {"", "a b", ":STATUS"}) {
    EXPECT_FALSE(table.find("REQ", name).ok()) << name;
  }
  EXPECT_FALSE(table.find("DURATION", "x").ok());
  EXPECT_TRUE(table.find("REQ", ":path").ok());
}

TEST_F(Attributes, DescribeTheRequest) {
  EXPECT_EQ(format("%REQ(:METHOD)% %REQ(:path)% %REQ(:AUTHORITY)% %REQ(:SCHEME)% %PROTOCOL%"),
            "POST /path?query here:80 http HTTP/1.1");
  EXPECT_EQ(format("%REQ(user-agent)% %REQ(x-other)%"), "curl/8 \\\"x\\\" -");
  EXPECT_EQ(format("%REQ(User-Agent)% %REQ(:Method)%"), "curl/8 \\\"x\\\" POST");
  EXPECT_EQ(format("%START_TIME% %DURATION%"), "2023-11-14T22:13:20.000Z 12");
}

TEST_F(Attributes, DescribeTheOutcome) {
  exchange.status = 200;
  exchange.request_bytes = 12;
  exchange.response_bytes = 345;
  exchange.operation = "/pkg.Service/Method";
  EXPECT_EQ(format("%RESPONSE_CODE% %BYTES_RECEIVED% %BYTES_SENT% %OPERATION%"),
            "200 12 345 /pkg.Service/Method");
  EXPECT_EQ(format("%GRPC_STATUS% %GRPC_STATUS_NUMBER% %RESPONSE_FLAGS%"), "- - -");
  exchange.grpc_status = 5;
  exchange.failure.emplace(base::not_found("gone").flag("NR"));
  exchange.failure_reason = "no_such_key";
  EXPECT_EQ(format("%GRPC_STATUS% %GRPC_STATUS_NUMBER% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"),
            "NOT_FOUND 5 NR no_such_key");
}

TEST_F(Attributes, DescribeTheConnection) {
  EXPECT_EQ(format("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_TLS_VERSION% %TRACE_ID%"), "- - -");
  auto [ours, theirs] = net::MemoryPipe::make(test.loop());
  exchange.connection = ours.get();
  exchange.span.trace_id = {0xab, 0xcd};
  EXPECT_EQ(format("%DOWNSTREAM_REMOTE_ADDRESS%"), ours->peer().to_string());
  EXPECT_EQ(format("%DOWNSTREAM_LOCAL_ADDRESS%"), ours->local().to_string());
  EXPECT_EQ(format("%DOWNSTREAM_PEER_SUBJECT%"), "-");
  EXPECT_EQ(format("%TRACE_ID%"), "abcd0000000000000000000000000000");
}

TEST_F(Attributes, AreMissingWithoutARequest) {
  exchange.request = nullptr;
  EXPECT_EQ(format("%REQ(:METHOD)% %REQ(user-agent)% %PROTOCOL% %RESPONSE_CODE%"), "- - - 0");
}

TEST_F(Attributes, MakeALinePerRequestThatHasEnded) {
  const std::string path = ::testing::TempDir() + "layotto-access-" + std::to_string(getpid());
  {
    auto file = telemetry::LogFile::open(path);
    ASSERT_TRUE(file.ok());
    telemetry::LineWriter writer(**file);
    AttributeTable table;
    auto compiled = telemetry::AccessLogFormat::compile(kDefaultAccessLogFormat, table);
    ASSERT_TRUE(compiled.ok());
    AccessLogFilter filter(*compiled, writer, test.clock());
    exchange.start = test.loop().now();
    exchange.status = 204;
    filter.on_end(exchange);
    test.advance(milliseconds(1500));
    exchange.start = test.loop().now();
    filter.on_end(exchange);
    writer.flush();
  }
  std::ifstream stream(path);
  std::string first;
  std::string second;
  std::getline(stream, first);
  std::getline(stream, second);
  std::filesystem::remove(path);
  EXPECT_TRUE(
      first.starts_with("2023-11-14T22:13:20.000Z \"POST /path?query HTTP/1.1\" 204 - - 0 0"))
      << first;
  EXPECT_TRUE(second.starts_with("2023-11-14T22:13:21.500Z \"POST ")) << second;
}

}  // namespace
}  // namespace layotto::http
