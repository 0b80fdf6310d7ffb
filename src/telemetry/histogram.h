// Histogram: how often values of each size were seen. A fixed set of about 60 bounds, chosen by its
// HistogramScale; observing is a table look-up by the leading bits, one comparison and two plain
// stores: no search, no floating point, no lock.
//
// A bucket holds the values above the bound before it, up to and including its own bound, which is
// what Prometheus means by `le`. The text format shows a subset of the bounds; since each of them
// is a bound of the full set, the cumulative counts are exact.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"

namespace layotto::telemetry {

enum class Scale : uint8_t {
  // Latencies, observed in nanoseconds and exported in seconds: 1 µs to 60 s, seven bounds a
  // decade, 25 of them exported.
  kSeconds,
  // Bytes and counts, exported as observed: 1 to 2^30, two bounds an octave, 16 of them exported.
  kSize,
};

// The bounds of one Scale.
class HistogramScale {
 public:
  static constexpr size_t kBoundsMax = 63;

  static const HistogramScale& of(Scale scale);

  // Bounds ascend; exported[i] says whether the text format shows bounds[i]. Bounds must be so far
  // apart that no two lie within a quarter of an octave (checked when compiled).
  consteval HistogramScale(std::span<const uint64_t> bounds, std::span<const bool> exported)
      : size_(bounds.size()) {
    std::fill(bounds_.begin(), bounds_.end(), UINT64_MAX);
    std::copy(bounds.begin(), bounds.end(), bounds_.begin());
    std::copy(exported.begin(), exported.end(), exported_.begin());
    for (size_t cell = 0; cell < kCells; ++cell) {
      const uint64_t lowest = lowest_of(cell);
      const uint64_t highest = cell + 1 < kCells ? lowest_of(cell + 1) - 1 : UINT64_MAX;
      first_[cell] = static_cast<uint8_t>(search(lowest));
      if (search(highest) > size_t{first_[cell]} + 1) bounds_are_too_close();
    }
  }

  // Index of the bucket of `value`: 0 … buckets() - 1, the last one has no upper bound.
  [[nodiscard]] constexpr size_t bucket(uint64_t value) const {
    const size_t first = first_[cell_of(value)];
    return first + static_cast<size_t>(value > bounds_[first]);
  }
  [[nodiscard]] constexpr size_t buckets() const { return size_ + 1; }
  // Upper bound of bucket i, UINT64_MAX for the last.
  [[nodiscard]] constexpr uint64_t bound(size_t i) const { return bounds_[i]; }
  [[nodiscard]] constexpr bool exported(size_t i) const { return exported_[i]; }

 private:
  // A cell is a quarter of an octave: the exponent and the two bits after the leading one.
  static constexpr size_t kCells = 252;
  static constexpr size_t cell_of(uint64_t value) {
    if (value < 4) return value;
    const auto exponent = static_cast<size_t>(std::bit_width(value)) - 1;
    return 4 * (exponent - 1) + ((value >> (exponent - 2)) & 3);
  }
  static constexpr uint64_t lowest_of(size_t cell) {
    if (cell < 4) return cell;
    const size_t exponent = cell / 4 + 1;
    return uint64_t{4 + cell % 4} << (exponent - 2);
  }
  [[nodiscard]] constexpr size_t search(uint64_t value) const {
    size_t i = 0;
    while (i < size_ && bounds_[i] < value) ++i;
    return i;
  }

  // Not constexpr and never defined: reached while compiling, it refuses the table.
  static void bounds_are_too_close();

  size_t size_;
  std::array<uint64_t, kBoundsMax + 1> bounds_{};  // the rest is UINT64_MAX
  std::array<uint8_t, kCells> first_{};  // the first bound at or above the cell's lowest value
  std::array<bool, kBoundsMax + 1> exported_{};
};

// The sum of several histograms of one scale, or one read at a moment.
struct HistogramTotals {
  std::array<uint64_t, HistogramScale::kBoundsMax + 1> counts{};
  uint64_t sum = 0;  // of the observed values, in the observed unit

  [[nodiscard]] uint64_t count() const;
  // Upper bound of the bucket in which the share `q` (0 to 1) of the values is reached; 0 without
  // values, UINT64_MAX beyond the last bound.
  [[nodiscard]] uint64_t quantile(double q, const HistogramScale& scale) const;
};

// Written by one thread, read by any: a reader may see a value in its bucket a moment before it is
// in the sum.
class Histogram {
 public:
  explicit Histogram(Scale scale) : scale_(HistogramScale::of(scale)) {}
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  // In the unit of the scale: nanoseconds, bytes, items.
  void observe(uint64_t value) {
    add(counts_[scale_.bucket(value)], 1);
    add(sum_, value);
  }
  // A negative duration (the clock of a peer) counts as zero.
  void observe(Duration duration) {
    observe(static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0)));
  }

  void add_to(HistogramTotals& totals) const;

 private:
  static void add(std::atomic<uint64_t>& cell, uint64_t n) {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  const HistogramScale& scale_;
  std::atomic<uint64_t> sum_ = 0;
  std::array<std::atomic<uint64_t>, HistogramScale::kBoundsMax + 1> counts_{};
};

}  // namespace layotto::telemetry
