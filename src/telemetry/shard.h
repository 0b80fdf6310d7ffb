// Shard: the cells of one worker thread. A cell is resolved once, when a route, a component or a
// listener is mounted, and then written by that thread alone, without a lock.
//
//   Counter& hits = shard.counter(kHits, "redis");   // one value per label, checked when compiled
//   hits.add();
//   Histogram& latency = shard.histogram(kLatency);
//   latency.observe(elapsed);
//
// Thread rules: cells may be resolved by any thread (it takes the lock of Metrics), written by the
// shard's thread only. A cell lives as long as its shard. Asking twice for the same series gives
// the same cell. When a shard goes, its totals stay in Metrics, its gauges go with it.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "base/tally.h"
#include "telemetry/counter.h"
#include "telemetry/family.h"
#include "telemetry/histogram.h"
#include "telemetry/metrics.h"

namespace layotto::telemetry {

class Shard {
 public:
  explicit Shard(Metrics& metrics);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  template <size_t N, class... V>
  Counter& counter(const CounterFamily<N>& family, const V&... values) {
    static_assert(sizeof...(V) == N, "one value per label");
    return counter(family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  template <size_t N, class... V>
  Gauge& gauge(const GaugeFamily<N>& family, const V&... values) {
    static_assert(sizeof...(V) == N, "one value per label");
    return gauge(family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  template <size_t N, class... V>
  Histogram& histogram(const HistogramFamily<N>& family, const V&... values) {
    static_assert(sizeof...(V) == N, "one value per label");
    return histogram(family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  // The same for families named at run time, which Metrics::declare has accepted.
  Counter& counter(const FamilySpec& spec, std::span<const std::string_view> values);
  Gauge& gauge(const FamilySpec& spec, std::span<const std::string_view> values);
  Histogram& histogram(const FamilySpec& spec, std::span<const std::string_view> values);

  // Shows a Tally some room keeps itself: a total as a counter, a level as a gauge. The tally must
  // outlive the shard or be withdrawn before it goes.
  template <size_t N, class... V>
  void expose(const base::Tally& tally, const CounterFamily<N>& family, const V&... values) {
    static_assert(sizeof...(V) == N, "one value per label");
    expose(tally, family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  template <size_t N, class... V>
  void expose(const base::Tally& tally, const GaugeFamily<N>& family, const V&... values) {
    static_assert(sizeof...(V) == N, "one value per label");
    expose(tally, family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  void expose(const base::Tally& tally, const FamilySpec& spec,
              std::span<const std::string_view> values);
  // Reads every exposed Tally inside `owner` (a struct of them) a last time and forgets it.
  template <class T>
  void withdraw(const T& owner) {
    withdraw(&owner, sizeof(T));
  }

 private:
  // Cells of two workers never share a cache line: the blocks they lie in are lines of their own.
  template <class T>
  struct CacheLines {
    using value_type = T;
    static constexpr std::align_val_t kLine{64};
    CacheLines() = default;
    template <class U>
    explicit CacheLines(const CacheLines<U>&) {}
    T* allocate(size_t n) {  // a deque allocates pointers with it, too
      return static_cast<T*>(::operator new(n * sizeof(T), kLine));  // NOLINT(bugprone-sizeof-*)
    }
    void deallocate(T* at, size_t) { ::operator delete(static_cast<void*>(at), kLine); }
    bool operator==(const CacheLines&) const { return true; }
  };
  template <class T>
  using Cells = std::deque<T, CacheLines<T>>;  // cells never move

  // The shard's cell of the series, made when it has none. The lock is held.
  template <class T, class... A>
  T& cell_of(Series& series, Cells<T>& cells, const A&... arguments);
  void withdraw(const void* begin, size_t size);

  Metrics& metrics_;
  Cells<Counter> counters_;
  Cells<Gauge> gauges_;
  Cells<Histogram> histograms_;
  std::vector<Series*> series_;  // that have a source of ours
  // What is written beyond the limit of families, and shown by nobody.
  Counter spare_counter_;
  Gauge spare_gauge_;
  Histogram spare_seconds_{Scale::kSeconds};
  Histogram spare_size_{Scale::kSize};
};

}  // namespace layotto::telemetry
