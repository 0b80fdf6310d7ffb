// Tally: a count with one writer thread and any number of readers. Adding is a plain load and store
// (relaxed), no locked instruction; readers may see it a moment late, never torn.
#pragma once

#include <atomic>
#include <cstdint>

namespace layotto::base {

class Tally {
 public:
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // For levels (open connections): never below zero.
  void subtract(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

}  // namespace layotto::base
