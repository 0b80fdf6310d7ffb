// TimerWheel: hierarchical timing wheel, one millisecond a tick. Arming and cancelling cost a few
// instructions and never allocate; a timer fires at its deadline or up to one tick later, never
// earlier. Timers further away than about 4.6 hours are kept at the rim and put back in when met.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/intrusive_list.h"

namespace layotto::async {

// Lives in whoever waits; leaves the wheel when destroyed.
class Timer : public base::ListLink<Timer> {
 public:
  [[nodiscard]] bool armed() const { return linked(); }
  void cancel() { unlink(); }

 protected:
  Timer() = default;
  ~Timer() = default;
  virtual void on_timer() = 0;

 private:
  friend class TimerWheel;
  uint64_t tick_ = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(TimePoint start) : start_(start) {}

  // (Re)arms the timer; a deadline in the past fires at the next advance().
  void arm(Timer& timer, TimePoint deadline);
  // Fires everything due at or before `now`, in order of ticks. Timers may be armed meanwhile.
  void advance(TimePoint now);
  // When to look again at the latest: exact for timers within 64 ticks, a lower bound otherwise.
  std::optional<TimePoint> next();

 private:
  static constexpr size_t kLevels = 4;
  static constexpr size_t kBits = 6;
  static constexpr uint64_t kSlots = 1U << kBits;
  using Slot = base::IntrusiveList<Timer, Timer>;

  void insert(Timer& timer);
  [[nodiscard]] uint64_t tick_at_or_after(TimePoint at) const;

  TimePoint start_;
  uint64_t now_tick_ = 0;  // every timer with tick <= now_tick_ has fired
  std::array<std::array<Slot, kSlots>, kLevels> slots_;
  // A set bit means the slot may hold timers; bits of slots found empty are cleared by next().
  std::array<uint64_t, kLevels> occupied_{};
};

}  // namespace layotto::async
