#include "telemetry/histogram.h"

namespace layotto::telemetry {
namespace {

constexpr size_t kLatencyBounds = 56;
constexpr size_t kSizeBounds = 60;

struct LatencyTable {
  std::array<uint64_t, kLatencyBounds> bounds{};
  std::array<bool, kLatencyBounds> exported{};
};

// 1, 1.5, 2, 2.5, 3.5, 5, 7 in each decade: the bounds people write into alerts are among them.
consteval LatencyTable latency_table() {
  constexpr std::array<uint64_t, 7> kSteps = {10, 15, 20, 25, 35, 50, 70};
  constexpr uint64_t kSecond = 1'000'000'000;
  LatencyTable table;
  size_t n = 0;
  for (uint64_t decade = 100; decade <= kSecond; decade *= 10) {  // tenths of 1 µs … of 10 s
    for (const uint64_t step : kSteps) {
      if (step * decade > 50 * kSecond) break;
      table.bounds[n] = step * decade;
      table.exported[n] = step == 10 || step == 25 || step == 50;
      ++n;
    }
  }
  table.bounds[n] = 60 * kSecond;
  table.exported[n] = true;
  return table;
}

struct SizeTable {
  std::array<uint64_t, kSizeBounds> bounds{};
  std::array<bool, kSizeBounds> exported{};
};

// 1, 2, 3, 4, 6, 8, 12 … 2^30.
consteval SizeTable size_table() {
  SizeTable table;
  size_t n = 0;
  for (size_t exponent = 0; exponent <= 30; ++exponent) {
    table.bounds[n] = uint64_t{1} << exponent;
    table.exported[n] = exponent % 2 == 0;
    ++n;
    if (exponent > 0 && exponent < 30) table.bounds[n++] = uint64_t{3} << (exponent - 1);
  }
  return table;
}

constexpr LatencyTable kLatencyTable = latency_table();
static_assert(kLatencyTable.bounds.back() == 60'000'000'000);
constexpr SizeTable kSizeTable = size_table();
static_assert(kSizeTable.bounds.back() == uint64_t{1} << 30);

constexpr HistogramScale kSeconds(kLatencyTable.bounds, kLatencyTable.exported);
constexpr HistogramScale kSize(kSizeTable.bounds, kSizeTable.exported);

}  // namespace

const HistogramScale& HistogramScale::of(Scale scale) {
  return scale == Scale::kSeconds ? kSeconds : kSize;
}

uint64_t HistogramTotals::count() const {
  uint64_t total = 0;
  for (const uint64_t n : counts) total += n;
  return total;
}

uint64_t HistogramTotals::quantile(double q, const HistogramScale& scale) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const double wanted = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  uint64_t seen = 0;
  for (size_t i = 0; i < scale.buckets(); ++i) {
    seen += counts[i];
    if (seen > 0 && static_cast<double>(seen) >= wanted) return scale.bound(i);
  }
  return UINT64_MAX;
}

void Histogram::add_to(HistogramTotals& totals) const {
  totals.sum += sum_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < scale_.buckets(); ++i) {
    totals.counts[i] += counts_[i].load(std::memory_order_relaxed);
  }
}

}  // namespace layotto::telemetry
