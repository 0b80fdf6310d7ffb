// Counter and Gauge: the cells one worker writes and the scraper reads. Writing is a relaxed load
// and a relaxed store, no locked instruction, because each cell has a single writer: the thread its
// Shard belongs to.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/tally.h"

namespace layotto::telemetry {

class Counter {
 public:
  Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void add(uint64_t n = 1) { tally_.add(n); }
  [[nodiscard]] uint64_t read() const { return tally_.read(); }

 private:
  base::Tally tally_;
};

// A level; the shown value is the sum over all workers.
class Gauge {
 public:
  Gauge() = default;
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;

  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { set(read() + n); }
  [[nodiscard]] int64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

}  // namespace layotto::telemetry
