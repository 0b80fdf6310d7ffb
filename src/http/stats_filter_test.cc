// StatsFilter and TraceFilter: what a request leaves in the metrics, and which trace it belongs to.
#include "http/stats_filter.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "async/test_loop.h"
#include "http/message.h"
#include "http/trace_filter.h"
#include "telemetry/metrics.h"

namespace layotto::http {
namespace {

// "name,label values" -> value; histograms by their count.
class Reading final : public telemetry::MetricsReader {
 public:
  explicit Reading(telemetry::Metrics& metrics) { metrics.collect(*this); }
  void on_family(const telemetry::FamilySpec&) override {}
  void on_series(const telemetry::FamilySpec& family,
                 const telemetry::SeriesView& series) override {
    std::string name(family.name);
    for (const std::string& value : series.values) name += "," + value;
    values_[name] =
        series.histogram != nullptr ? static_cast<double>(series.histogram->count()) : series.value;
  }
  // -1: there is no such series.
  double operator[](const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? -1 : found->second;
  }

 private:
  std::map<std::string, double> values_;
};

class Stats : public ::testing::Test {
 protected:
  void end(uint16_t status, int grpc_status = -1) {
    exchange.status = status;
    exchange.grpc_status = grpc_status;
    filter.on_end(exchange);
  }

  async::TestLoop test;
  telemetry::Metrics metrics;
  telemetry::Shard shard{metrics};
  StatsFilter filter{shard};
  Exchange exchange{test.loop()};
};

TEST_F(Stats, CountsByOperationAndClass) {
  OperationStats page(shard, "page");
  exchange.stats = &page;
  end(200);
  end(299);
  end(404);
  end(0);
  exchange.stats = nullptr;
  end(503);
  const Reading seen(metrics);
  EXPECT_EQ(seen["layotto_http_requests_total,page,2xx"], 2);
  EXPECT_EQ(seen["layotto_http_requests_total,page,4xx"], 1);
  EXPECT_EQ(seen["layotto_http_requests_total,page,none"], 1);
  EXPECT_EQ(seen["layotto_http_requests_total,other,5xx"], 1);
  EXPECT_EQ(seen["layotto_http_requests_total,page,5xx"], -1);
  EXPECT_EQ(seen["layotto_request_duration_seconds,page"], 4);
  EXPECT_EQ(seen["layotto_request_duration_seconds,other"], 1);
}

TEST_F(Stats, CountsGrpcCallsByCodeAndAsLayottoDoes) {
  OperationStats method(shard, "/pkg.Service/Method");
  exchange.stats = &method;
  end(200, 0);
  end(200, 0);
  end(200, 14);
  const Reading seen(metrics);
  EXPECT_EQ(seen["layotto_grpc_calls_total,/pkg.Service/Method,OK"], 2);
  EXPECT_EQ(seen["layotto_grpc_calls_total,/pkg.Service/Method,UNAVAILABLE"], 1);
  EXPECT_EQ(seen["grpc_request_total,/pkg.Service/Method"], 3);
  EXPECT_EQ(seen["grpc_response_succ_total,/pkg.Service/Method"], 2);
  EXPECT_EQ(seen["grpc_response_fail_total,/pkg.Service/Method"], 1);
  EXPECT_EQ(seen["layotto_http_requests_total,/pkg.Service/Method,2xx"], -1);
}

TEST_F(Stats, KeepsItsLabelsBounded) {
  end(999);
  end(65535);
  end(200, 99);
  const Reading seen(metrics);
  EXPECT_EQ(seen["layotto_http_requests_total,other,5xx"], 2);
  EXPECT_EQ(seen["layotto_grpc_calls_total,other,UNAUTHENTICATED"], 1);
}

// ---- traces

telemetry::Span span_of(std::string_view traceparent) {
  async::TestLoop test;
  Random random(1);
  TraceFilter filter(random);
  Exchange exchange(test.loop());
  const RequestLine line;
  RequestHead head(line);
  if (!traceparent.empty()) head.headers.add(HeaderId::kTraceparent, traceparent, exchange.arena);
  EXPECT_FALSE(filter.on_request(head, exchange).has_value());
  return exchange.span;
}

TEST(TraceFilter, TakesTheTraceARequestComesWith) {
  const telemetry::Span span = span_of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  ASSERT_TRUE(span.present());
  EXPECT_TRUE(span.sampled());
  EXPECT_EQ(span.trace_id[0], 0x4b);
  EXPECT_EQ(span.parent_id[1], 0xf0);
}

TEST(TraceFilter, DrawsNoIdsForOthers) {
  EXPECT_FALSE(span_of("").present());
  EXPECT_FALSE(span_of("00-00000000000000000000000000000000-00f067aa0ba902b7-01").present());
  EXPECT_FALSE(span_of("nonsense").present());
}

}  // namespace
}  // namespace layotto::http
