// TurnedClock: a ManualClock that several threads may read while the test turns it.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace layotto::tests {

class TurnedClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override {
    return TimePoint(std::chrono::hours(1) + passed());
  }
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime(std::chrono::seconds(1'700'000'000) + passed() + Duration(stepped_.load()));
  }
  // Both hands move.
  void advance(Duration by) { passed_.fetch_add(by.count()); }
  // Only the wall clock jumps, as after a correction by NTP or by hand.
  void step_wall(Duration by) { stepped_.fetch_add(by.count()); }

 private:
  [[nodiscard]] Duration passed() const { return Duration(passed_.load()); }
  std::atomic<int64_t> passed_ = 0;
  std::atomic<int64_t> stepped_ = 0;
};

}  // namespace layotto::tests
