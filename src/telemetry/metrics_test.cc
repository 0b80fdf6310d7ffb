#include "telemetry/metrics.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "telemetry/prometheus.h"
#include "telemetry/scope.h"
#include "telemetry/shard.h"

namespace layotto::telemetry {
namespace {

constexpr CounterFamily kRequests("layotto_test_requests_total", "Requests.", {"protocol", "code"});
constexpr CounterFamily kStarts("layotto_test_starts_total", "Starts.");
constexpr GaugeFamily kOpen("layotto_test_connections_open", "Open connections.", {"listener"});
constexpr HistogramFamily kLatency("layotto_test_duration_seconds", "Latency.", Scale::kSeconds);

// Everything as "name{values}" -> value; histograms by their count.
class Reading final : public MetricsReader {
 public:
  explicit Reading(Metrics& metrics) { metrics.collect(*this); }
  void on_family(const FamilySpec& family) override { families.emplace_back(family.name); }
  void on_series(const FamilySpec& family, const SeriesView& series) override {
    EXPECT_EQ(families.back(), family.name);
    std::string name(family.name);
    for (const std::string& value : series.values) name += "," + value;
    names.push_back(name);
    values[name] =
        series.histogram != nullptr ? static_cast<double>(series.histogram->count()) : series.value;
  }
  double operator[](const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() ? -1 : found->second;
  }
  std::vector<std::string> families;
  std::vector<std::string> names;
  std::map<std::string, double> values;
};

TEST(Metrics, SumsASeriesOverShards) {
  Metrics metrics;
  Shard one(metrics);
  Shard two(metrics);
  one.counter(kRequests, "h2", "200").add();
  one.counter(kRequests, "h2", "500").add(7);
  two.counter(kRequests, "h2", "200").add(2);
  one.gauge(kOpen, "a").set(5);
  two.gauge(kOpen, "a").add(-2);
  one.histogram(kLatency).observe(1);
  two.histogram(kLatency).observe(2);
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_requests_total,h2,200"], 3);
  EXPECT_EQ(reading["layotto_test_requests_total,h2,500"], 7);
  EXPECT_EQ(reading["layotto_test_connections_open,a"], 3);
  EXPECT_EQ(reading["layotto_test_duration_seconds"], 2);
}

TEST(Metrics, GivesTheSameCellForTheSameSeries) {
  Metrics metrics;
  Shard shard(metrics);
  Shard other(metrics);
  Counter& first = shard.counter(kRequests, "h2", "200");
  EXPECT_EQ(&shard.counter(kRequests, std::string("h2"), std::string_view("200")), &first);
  EXPECT_NE(&shard.counter(kRequests, "h2", "201"), &first);
  EXPECT_NE(&other.counter(kRequests, "h2", "200"), &first);
}

TEST(Metrics, AreReadInAStableOrder) {
  Metrics metrics;
  Shard shard(metrics);
  for (size_t i = 3 * kSeriesPerLockMax; i > 0; --i) {
    shard.gauge(kOpen, fmt::format("{:04}", i)).set(static_cast<int64_t>(i));
  }
  shard.counter(kStarts);
  const Reading reading(metrics);
  EXPECT_EQ(reading.families, (std::vector<std::string>{"layotto_telemetry_series_dropped_total",
                                                        "layotto_test_connections_open",
                                                        "layotto_test_starts_total"}));
  EXPECT_EQ(reading.names.size(), 3 * kSeriesPerLockMax + 2);
  EXPECT_TRUE(std::is_sorted(reading.names.begin(), reading.names.end()));
}

TEST(Metrics, GiveTheSeriesOtherBeyondTheLimitOfAFamily) {
  Metrics metrics({.series_per_family_max = 3});
  Shard shard(metrics);
  Shard second(metrics);
  for (int i = 0; i < 10; ++i) shard.gauge(kOpen, std::to_string(i)).add(1);
  EXPECT_EQ(&shard.gauge(kOpen, "7"), &shard.gauge(kOpen, "8"));
  second.gauge(kOpen, "9").add(1);
  EXPECT_EQ(&second.gauge(kOpen, "0"), &second.gauge(kOpen, "0"));
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_connections_open,2"], 1);
  EXPECT_EQ(reading["layotto_test_connections_open,3"], -1);
  EXPECT_EQ(reading["layotto_test_connections_open,other"], 8);
  EXPECT_EQ(reading["layotto_telemetry_series_dropped_total,layotto_test_connections_open"], 10);
}

TEST(Metrics, GiveTheSeriesOtherBeyondTheLimitOfTheProcess) {
  Metrics metrics({.series_max = 3});
  Shard shard(metrics);
  shard.gauge(kOpen, "a").add(1);
  shard.counter(kRequests, "h1", "200").add();
  shard.gauge(kOpen, "b").add(1);
  shard.counter(kRequests, "h1", "500").add();
  shard.counter(kStarts).add();  // a family without labels has its one series
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_connections_open,other"], 1);
  EXPECT_EQ(reading["layotto_test_requests_total,other,other"], 1);
  EXPECT_EQ(reading["layotto_test_requests_total,h1,200"], 1);
  EXPECT_EQ(reading["layotto_test_starts_total"], 1);
}

TEST(Metrics, GiveACellNobodySeesBeyondTheLimitOfFamilies) {
  Metrics metrics({.families_max = 1});
  Shard shard(metrics);
  shard.gauge(kOpen, "a").add(1);
  shard.counter(kRequests, "h1", "200").add();
  shard.histogram(kLatency).observe(5);
  const base::Tally tally;
  shard.expose(tally, kStarts);
  EXPECT_EQ(metrics.declare(kStarts.spec()).error().code(), Code::kResourceExhausted);
  const Reading reading(metrics);
  EXPECT_EQ(reading.families.size(), 2U);
  EXPECT_EQ(reading["layotto_telemetry_series_dropped_total,other"], 4);
}

TEST(Metrics, KeepTheTotalsOfAShardThatIsGone) {
  Metrics metrics;
  Shard staying(metrics);
  staying.counter(kStarts).add();
  {
    Shard leaving(metrics);
    leaving.counter(kStarts).add(4);
    leaving.histogram(kLatency).observe(1'000'000);
    leaving.gauge(kOpen, "a").set(9);
    EXPECT_EQ(Reading(metrics)["layotto_test_connections_open,a"], 9);
  }
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_starts_total"], 5);
  EXPECT_EQ(reading["layotto_test_duration_seconds"], 1);
  EXPECT_EQ(reading["layotto_test_connections_open,a"], -1);
}

TEST(Metrics, ShowTalliesOfOthersUntilTheyAreWithdrawn) {
  Metrics metrics;
  Shard shard(metrics);
  struct {
    base::Tally starts;
    base::Tally open;
  } counters;
  const base::Tally elsewhere;
  shard.expose(counters.starts, kStarts);
  shard.expose(counters.open, kOpen, "a");
  shard.expose(elsewhere, kOpen, "b");
  counters.starts.add(3);
  counters.open.add(2);
  shard.counter(kStarts).add();
  EXPECT_EQ(Reading(metrics)["layotto_test_starts_total"], 4);
  EXPECT_EQ(Reading(metrics)["layotto_test_connections_open,a"], 2);
  shard.withdraw(counters);
  counters.starts.add(100);
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_starts_total"], 4);
  EXPECT_EQ(reading["layotto_test_connections_open,a"], -1);
  EXPECT_EQ(reading["layotto_test_connections_open,b"], 0);
}

TEST(Metrics, CallBackWhileReading) {
  Metrics metrics;
  double level = 1.5;
  {
    PulledSeries one = metrics.pull(kOpen, {"a"}, [&] { return level; });
    const PulledSeries two = metrics.pull(kOpen, {"a"}, [&] { return 10.0; });
    const PulledSeries starts = metrics.pull(kStarts, {}, [&] { return 7.0; });
    EXPECT_EQ(Reading(metrics)["layotto_test_connections_open,a"], 11.5);
    level = 2;
    EXPECT_EQ(Reading(metrics)["layotto_test_connections_open,a"], 12);
    {
      const PulledSeries gone = std::move(one);
    }
    EXPECT_EQ(Reading(metrics)["layotto_test_connections_open,a"], 10);
  }
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_connections_open,a"], -1);
  EXPECT_EQ(reading["layotto_test_starts_total"], 7);
}

TEST(Metrics, RefuseNamesFromOutsideThatDoNotFit) {
  Metrics metrics;
  const std::array<std::string_view, 1> label = {"a"};
  const auto refusal = [&](const FamilySpec& spec) {
    return std::string(metrics.declare(spec).error().message());
  };
  EXPECT_EQ(refusal({.name = "1st", .help = "x"}),
            "metric '1st': a metric name begins with a letter");
  EXPECT_EQ(refusal({.name = "a-b", .help = "x"}),
            "metric 'a-b': a metric name has letters, digits, '_' and ':' only");
  EXPECT_EQ(refusal({.name = "layotto_x_y", .help = "x"}),
            "metric 'layotto_x_y': counters of ours end in _total, others do not");
  EXPECT_EQ(refusal({.name = "layotto_X_total", .help = "x"}),
            "metric 'layotto_X_total': names of ours have lower-case letters, digits and '_' only");
  const std::array<std::string_view, 2> twice = {"a", "a"};
  EXPECT_EQ(refusal({.name = "x", .help = "x", .labels = twice}),
            "metric 'x': a label name is there twice");
  const std::array<std::string_view, 1> le = {"le"};
  EXPECT_EQ(refusal({.name = "x", .help = "x", .kind = Kind::kHistogram, .labels = le}),
            "metric 'x': the label le belongs to the buckets");
  const std::vector<std::string_view> many(kLabelsMax + 1, "a");
  EXPECT_EQ(refusal({.name = "x", .help = "x", .labels = many}), "metric 'x': too many labels");

  const FamilySpec good{.name = "istio_requests_total", .help = "x", .labels = label};
  EXPECT_TRUE(metrics.declare(good).ok());
  EXPECT_TRUE(metrics.declare(good).ok());
  FamilySpec changed = good;
  changed.kind = Kind::kGauge;
  EXPECT_EQ(metrics.declare(changed).error().code(), Code::kAlreadyExists);
  Shard shard(metrics);
  shard.counter(good, std::array<std::string_view, 1>{"v"}).add(2);
  EXPECT_EQ(Reading(metrics)["istio_requests_total,v"], 2);
}

TEST(Metrics, ContradictingFamiliesAreABug) {
  constexpr CounterFamily kOther("layotto_test_requests_total", "Requests.", {"protocol"});
  EXPECT_DEATH(
      {
        Metrics metrics;
        Shard shard(metrics);
        shard.counter(kRequests, "h2", "200");
        shard.counter(kOther, "h2");
      },
      "exists with another kind or other labels");
}

TEST(Metrics, MakeLabelValuesShortAndValid) {
  Metrics metrics;
  Shard shard(metrics);
  shard.gauge(kOpen, "bad \xff byte").set(1);
  shard.gauge(kOpen, std::string(300, 'x') + "1").add(1);
  shard.gauge(kOpen, std::string(300, 'x') + "2").add(1);
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_connections_open,bad \xEF\xBF\xBD byte"], 1);
  EXPECT_EQ(reading["layotto_test_connections_open," + std::string(kLabelValueBytesMax, 'x')], 2);
}

TEST(Scope, PutsItsLabelsBeforeTheFamilysOwn) {
  constexpr CounterFamily kCommands("layotto_test_commands_total", "Commands.", {"command"});
  Metrics metrics;
  Shard shard(metrics);
  const Scope process(shard);
  const Scope orders = process.with("component", "orders").with("type", "state.redis");
  orders.counter(kCommands, "GET").add(3);
  EXPECT_EQ(&orders.counter(kCommands, "GET"), &orders.counter(kCommands, "GET"));
  process.counter(kStarts).add();
  orders.histogram(kLatency).observe(1);
  const std::string text = prometheus_text(metrics);
  EXPECT_NE(text.find("layotto_test_commands_total{component=\"orders\",type=\"state.redis\","
                      "command=\"GET\"} 3\n"),
            std::string::npos)
      << text;
}

TEST(Metrics, AreWrittenWhileTheyAreRead) {
  constexpr int kWorkers = 3;
  constexpr uint64_t kAdds = 100'000;
  Metrics metrics;
  std::atomic<int> running = kWorkers;
  std::vector<std::thread> workers;
  workers.reserve(kWorkers);
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&, i] {
      {
        Shard shard(metrics);
        Counter& counter = shard.counter(kStarts);
        Histogram& latency = shard.histogram(kLatency);
        for (uint64_t n = 0; n < kAdds; ++n) {
          counter.add();
          latency.observe(n);
          if (n % 5000 == 0) shard.gauge(kOpen, fmt::format("{}/{}", i, n)).set(1);
        }
      }
      --running;
    });
  }
  double last = -1;  // not there yet
  double last_count = -1;
  while (running > 0) {
    const Reading reading(metrics);
    EXPECT_GE(reading["layotto_test_starts_total"], last);
    EXPECT_GE(reading["layotto_test_duration_seconds"], last_count);
    last = std::max(last, reading["layotto_test_starts_total"]);
    last_count = std::max(last_count, reading["layotto_test_duration_seconds"]);
  }
  for (std::thread& worker : workers) worker.join();
  const Reading reading(metrics);
  EXPECT_EQ(reading["layotto_test_starts_total"], kWorkers * kAdds);
  EXPECT_EQ(reading["layotto_test_duration_seconds"], kWorkers * kAdds);
}

}  // namespace
}  // namespace layotto::telemetry
