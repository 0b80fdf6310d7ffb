#include "telemetry/prometheus.h"

#include <gtest/gtest.h>

#include <limits>

#include "telemetry/shard.h"

namespace layotto::telemetry {
namespace {

constexpr CounterFamily kBytes("layotto_test_read_bytes_total", "Read \\ received.\nIn bytes.",
                               {"path"});
constexpr GaugeFamily kLoad("layotto_test_load", "Load.", {"of"});
constexpr HistogramFamily kLatency("layotto_test_call_seconds", "Latency.", Scale::kSeconds,
                                   {"op"});
constexpr HistogramFamily kSize("layotto_test_body_bytes", "Sizes.", Scale::kSize);

TEST(Prometheus, WritesTheTextFormat) {
  Metrics metrics;
  Shard shard(metrics);
  shard.counter(kBytes, "/a\"b\\c\nd").add(12);
  shard.histogram(kLatency, "get").observe(std::chrono::milliseconds(2));
  shard.histogram(kLatency, "get").observe(std::chrono::microseconds(2500));
  shard.histogram(kLatency, "get").observe(std::chrono::seconds(100));
  EXPECT_EQ(prometheus_text(metrics),
            "# HELP layotto_telemetry_series_dropped_total Series refused beyond a limit; their "
            "values are in the series other of the family.\n"
            R"(# TYPE layotto_telemetry_series_dropped_total counter
layotto_telemetry_series_dropped_total{family="other"} 0
# HELP layotto_test_call_seconds Latency.
# TYPE layotto_test_call_seconds histogram
layotto_test_call_seconds_bucket{op="get",le="0.000001"} 0
layotto_test_call_seconds_bucket{op="get",le="0.0000025"} 0
layotto_test_call_seconds_bucket{op="get",le="0.000005"} 0
layotto_test_call_seconds_bucket{op="get",le="0.00001"} 0
layotto_test_call_seconds_bucket{op="get",le="0.000025"} 0
layotto_test_call_seconds_bucket{op="get",le="0.00005"} 0
layotto_test_call_seconds_bucket{op="get",le="0.0001"} 0
layotto_test_call_seconds_bucket{op="get",le="0.00025"} 0
layotto_test_call_seconds_bucket{op="get",le="0.0005"} 0
layotto_test_call_seconds_bucket{op="get",le="0.001"} 0
layotto_test_call_seconds_bucket{op="get",le="0.0025"} 2
layotto_test_call_seconds_bucket{op="get",le="0.005"} 2
layotto_test_call_seconds_bucket{op="get",le="0.01"} 2
layotto_test_call_seconds_bucket{op="get",le="0.025"} 2
layotto_test_call_seconds_bucket{op="get",le="0.05"} 2
layotto_test_call_seconds_bucket{op="get",le="0.1"} 2
layotto_test_call_seconds_bucket{op="get",le="0.25"} 2
layotto_test_call_seconds_bucket{op="get",le="0.5"} 2
layotto_test_call_seconds_bucket{op="get",le="1"} 2
layotto_test_call_seconds_bucket{op="get",le="2.5"} 2
layotto_test_call_seconds_bucket{op="get",le="5"} 2
layotto_test_call_seconds_bucket{op="get",le="10"} 2
layotto_test_call_seconds_bucket{op="get",le="25"} 2
layotto_test_call_seconds_bucket{op="get",le="50"} 2
layotto_test_call_seconds_bucket{op="get",le="60"} 2
layotto_test_call_seconds_bucket{op="get",le="+Inf"} 3
layotto_test_call_seconds_sum{op="get"} 100.0045
layotto_test_call_seconds_count{op="get"} 3
# HELP layotto_test_read_bytes_total Read \\ received.\nIn bytes.
# TYPE layotto_test_read_bytes_total counter
layotto_test_read_bytes_total{path="/a\"b\\c\nd"} 12
)");
}

TEST(Prometheus, WritesSizesAsTheyAre) {
  Metrics metrics;
  Shard shard(metrics);
  shard.histogram(kSize).observe(100);
  shard.histogram(kSize).observe(uint64_t{1} << 40);
  const std::string text = prometheus_text(metrics);
  EXPECT_NE(text.find("layotto_test_body_bytes_bucket{le=\"64\"} 0\n"
                      "layotto_test_body_bytes_bucket{le=\"256\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("layotto_test_body_bytes_bucket{le=\"1073741824\"} 1\n"
                      "layotto_test_body_bytes_bucket{le=\"+Inf\"} 2\n"
                      "layotto_test_body_bytes_sum 1099511627876\n"
                      "layotto_test_body_bytes_count 2\n"),
            std::string::npos);
}

TEST(Prometheus, WritesNumbersSoThatTheyReadBack) {
  Metrics metrics;
  std::vector<PulledSeries> pulled;
  const std::map<std::string_view, double> values = {
      {"a", 0.1},
      {"b", -3},
      {"c", 1e300},
      {"d", std::numeric_limits<double>::infinity()},
      {"e", -std::numeric_limits<double>::infinity()},
      {"f", std::numeric_limits<double>::quiet_NaN()},
      {"g", 123456789012}};
  pulled.reserve(values.size());
  for (const auto& [name, value] : values) {
    pulled.push_back(metrics.pull(kLoad, {name}, [value] { return value; }));
  }
  const std::string text = prometheus_text(metrics);
  EXPECT_NE(text.find("layotto_test_load{of=\"a\"} 0.1\n"
                      "layotto_test_load{of=\"b\"} -3\n"
                      "layotto_test_load{of=\"c\"} 1e+300\n"
                      "layotto_test_load{of=\"d\"} +Inf\n"
                      "layotto_test_load{of=\"e\"} -Inf\n"
                      "layotto_test_load{of=\"f\"} NaN\n"
                      "layotto_test_load{of=\"g\"} 123456789012\n"),
            std::string::npos)
      << text;
}

TEST(Prometheus, WritesTheSameIntoAChain) {
  Metrics metrics;
  Shard shard(metrics);
  for (int i = 0; i < 300; ++i) shard.counter(kBytes, std::to_string(i)).add();
  ByteChain chain;
  write_prometheus(metrics, chain);
  EXPECT_EQ(chain.take_all().view(), prometheus_text(metrics));
}

}  // namespace
}  // namespace layotto::telemetry
