// Clock: where time comes from. Everything that needs time gets a Clock in its constructor, so that
// tests turn the hands (ManualClock). Monotonic time is for deadlines and durations; wall time is
// for people and for expiry written to disk.
#pragma once

#include <chrono>
#include <cstdint>

namespace layotto::base {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] WallTime wall_now() const override;
};

class ManualClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override { return wall_; }
  // Both hands move.
  void advance(Duration by) {
    now_ += by;
    wall_ += by;
  }
  // Only the wall clock jumps, as after a correction by NTP or by hand.
  void step_wall(Duration by) { wall_ += by; }

 private:
  TimePoint now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::seconds(1'700'000'000)};
};

// Ticks of the processor's time-stamp counter, converted to nanoseconds by a factor measured once:
// about 20 instructions and no system call, for latencies. Falls back to the monotonic clock where
// the counter is not invariant.
class TickClock {
 public:
  // Measures the factor: takes about a millisecond. Make one at start, pass it around.
  TickClock();
  [[nodiscard]] uint64_t ticks() const {
#if defined(__x86_64__)
    if (use_tsc_) [[likely]]
      return __builtin_ia32_rdtsc();
#endif
    return monotonic_nanoseconds();
  }
  [[nodiscard]] Duration elapsed(uint64_t from, uint64_t to) const {
    return Duration(static_cast<int64_t>(static_cast<double>(to - from) * nanoseconds_per_tick_));
  }

 private:
  static uint64_t monotonic_nanoseconds();

  bool use_tsc_;
  double nanoseconds_per_tick_;
};

}  // namespace layotto::base

namespace layotto {
using base::Clock;
using base::Duration;
using base::TimePoint;
using base::WallTime;
}  // namespace layotto
