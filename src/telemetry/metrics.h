// Metrics: every counter, gauge and histogram of the process, and the way to read them all.
//
// Each worker thread has a Shard (shard.h) with cells of its own: the worker resolves a cell once,
// when something is mounted, and then writes it without a lock. Reading sums the cells of a series
// over all shards. What another object knows anyway (queue lengths, memory) is pulled by a callback
// while reading.
//
//   Metrics metrics;                                       // one per process
//   Shard shard(metrics);                                  // one per worker
//   Counter& requests = shard.counter(kRequests, "h2", "200");
//   requests.add();
//   std::string text = prometheus_text(metrics);           // prometheus.h
//
// Thread rules: everything here may be called from any thread. Errors: a family that contradicts
// another of the same name is our bug (CHECK); names from outside go through declare() first, which
// returns an Error. Limits: MetricsLimits.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "telemetry/family.h"
#include "telemetry/limits.h"

namespace layotto::telemetry {

struct FamilyRecord;
class Metrics;
struct Series;

// One series at the moment it was read; borrowed, valid during the call that passes it.
struct SeriesView {
  std::span<const std::string> values;         // as many as the family has labels
  double value = 0;                            // of counters and gauges
  const HistogramTotals* histogram = nullptr;  // of histograms
};

// Receives what collect() reads: a family, then its series, then the next family; families by name,
// series by their label values.
class MetricsReader {
 public:
  virtual void on_family(const FamilySpec& family) = 0;
  virtual void on_series(const FamilySpec& family, const SeriesView& series) = 0;

 protected:
  ~MetricsReader() = default;
};

// A registered callback; it is not called any more once this is gone.
class [[nodiscard]] PulledSeries {
 public:
  PulledSeries() = default;
  PulledSeries(PulledSeries&& other) noexcept
      : metrics_(std::exchange(other.metrics_, nullptr)), id_(other.id_) {}
  PulledSeries& operator=(PulledSeries&& other) noexcept {
    std::swap(metrics_, other.metrics_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~PulledSeries();

 private:
  friend class Metrics;
  PulledSeries(Metrics& metrics, uint64_t id) : metrics_(&metrics), id_(id) {}
  Metrics* metrics_ = nullptr;
  uint64_t id_ = 0;
};

class Metrics {
 public:
  explicit Metrics(MetricsLimits limits = {});
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  // Every Shard and PulledSeries must be gone.
  ~Metrics();

  // Makes the family known. An Error when a name is not valid, when a family of that name with
  // another kind, other labels or another scale exists, or when there are too many families.
  Status declare(const FamilySpec& spec);

  // `read` is called by whichever thread collects: it may read atomics or hold a lock for a bounded
  // moment, must outlive the returned handle, and must not call pull() or destroy a PulledSeries.
  // Several callbacks of one series are summed. The last value of a counter stays when its callback
  // goes, a gauge without a source is not shown.
  template <size_t N>
  PulledSeries pull(const GaugeFamily<N>& family, std::array<std::string_view, N> values,
                    std::function<double()> read) {
    return pull(family.spec(), values, std::move(read));
  }
  template <size_t N>
  PulledSeries pull(const CounterFamily<N>& family, std::array<std::string_view, N> values,
                    std::function<double()> read) {
    return pull(family.spec(), values, std::move(read));
  }
  PulledSeries pull(const FamilySpec& spec, std::span<const std::string_view> values,
                    std::function<double()> read);

  // Reads everything once. The lock is held for at most kSeriesPerLockMax series at a time and
  // never while `reader` is called, so counts of different series are not of one instant; the
  // totals of a series never go back.
  void collect(MetricsReader& reader);

 private:
  friend class PulledSeries;
  friend class Shard;
  struct Pull {
    uint64_t id;
    Series* series;  // nullptr when it was beyond the limits
    std::function<double()> read;
    double last = 0;
  };

  // mutex_ is held in these. admit() returns nullptr when there are too many families.
  Series* admit(const FamilySpec& spec, std::span<const std::string_view> values);
  Result<FamilyRecord*> find_or_add(const FamilySpec& spec);
  Series& series_of(FamilyRecord& family, std::vector<std::string> values);
  void count_dropped(std::string family);

  void read_callbacks();
  void withdraw(uint64_t pull_id);

  const MetricsLimits limits_;

  // Held while callbacks run; taken before mutex_.
  std::mutex pulls_mutex_;
  std::vector<Pull> pulls_;
  uint64_t last_pull_id_ = 0;

  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<FamilyRecord>, std::less<>> families_;  // never erased
  size_t series_count_ = 0;
  size_t shards_ = 0;
};

}  // namespace layotto::telemetry
