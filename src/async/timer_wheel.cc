#include "async/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace layotto::async {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(1);

}  // namespace

uint64_t TimerWheel::tick_at_or_after(TimePoint at) const {
  if (at <= start_) return 0;
  return static_cast<uint64_t>((at - start_ + kTick - Duration(1)) / kTick);
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) {
  timer.unlink();
  timer.tick_ = std::max(tick_at_or_after(deadline), now_tick_ + 1);
  insert(timer);
}

// Level n holds the timers whose tick differs from now first in digit n (base 64).
void TimerWheel::insert(Timer& timer) {
  // One slot of the rim stays free, so that a slot never means "now" and "a full turn later".
  const uint64_t horizon = (kSlots - 1) << ((kLevels - 1) * kBits);
  const uint64_t tick = std::min(timer.tick_, now_tick_ + horizon);
  size_t level = 0;
  while (level < kLevels - 1 &&
         (tick >> ((level + 1) * kBits)) != (now_tick_ >> ((level + 1) * kBits))) {
    ++level;
  }
  const uint64_t slot = (tick >> (level * kBits)) % kSlots;
  slots_[level][slot].push_back(timer);
  occupied_[level] |= uint64_t{1} << slot;
}

void TimerWheel::advance(TimePoint now) {
  const uint64_t target = now <= start_ ? 0 : static_cast<uint64_t>((now - start_) / kTick);
  while (now_tick_ < target) {
    const uint64_t slot = now_tick_ % kSlots;
    // Skip empty ticks of level 0 up to the next digit change.
    uint64_t step = 1;
    while (slot + step < kSlots && now_tick_ + step < target && slots_[0][slot + step].empty()) {
      ++step;
    }
    now_tick_ += step;
    // Digits that turned: bring their timers one level down.
    for (size_t level = 1; level < kLevels; ++level) {
      if ((now_tick_ & ((uint64_t{1} << (level * kBits)) - 1)) != 0) break;
      Slot moved;
      moved.splice_back(slots_[level][(now_tick_ >> (level * kBits)) % kSlots]);
      while (Timer* timer = moved.pop_front()) insert(*timer);
    }
    Slot due;
    due.splice_back(slots_[0][now_tick_ % kSlots]);
    while (Timer* timer = due.pop_front()) {
      if (timer->tick_ > now_tick_) {
        insert(*timer);  // it was further away than the horizon
      } else {
        timer->on_timer();
      }
    }
  }
}

std::optional<TimePoint> TimerWheel::next() {
  for (size_t level = 0; level < kLevels; ++level) {
    const uint64_t base = now_tick_ >> (level * kBits);
    const uint64_t digit = base % kSlots;
    while (occupied_[level] != 0) {
      // Bit i of `ahead` is the slot i steps ahead of the current one.
      const uint64_t ahead = std::rotr(occupied_[level], static_cast<int>(digit));
      const auto steps = static_cast<uint64_t>(std::countr_zero(ahead));
      const uint64_t slot = (digit + steps) % kSlots;
      if (!slots_[level][slot].empty()) {
        return start_ + kTick * static_cast<int64_t>((base + steps) << (level * kBits));
      }
      occupied_[level] &= ~(uint64_t{1} << slot);
    }
  }
  return std::nullopt;
}

}  // namespace layotto::async
