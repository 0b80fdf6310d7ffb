#include "base/clock.h"

#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace layotto::base {
namespace {

int64_t read_nanoseconds(clockid_t id) {
  timespec at{};
  clock_gettime(id, &at);
  return int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

bool tsc_is_invariant() {
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0) return false;
  return (d & (1U << 8)) != 0;
#else
  return false;
#endif
}

}  // namespace

TimePoint SystemClock::now() const {
  return TimePoint(Duration(read_nanoseconds(CLOCK_MONOTONIC)));
}

WallTime SystemClock::wall_now() const {
  return WallTime(Duration(read_nanoseconds(CLOCK_REALTIME)));
}

TickClock::TickClock() : use_tsc_(tsc_is_invariant()), nanoseconds_per_tick_(1.0) {
  if (!use_tsc_) return;
  const int64_t start = read_nanoseconds(CLOCK_MONOTONIC);
  const uint64_t first = ticks();
  int64_t end = start;
  while (end - start < 1'000'000) end = read_nanoseconds(CLOCK_MONOTONIC);
  const uint64_t last = ticks();
  if (last <= first) {
    use_tsc_ = false;
    return;
  }
  nanoseconds_per_tick_ = static_cast<double>(end - start) / static_cast<double>(last - first);
}

uint64_t TickClock::monotonic_nanoseconds() {
  return static_cast<uint64_t>(read_nanoseconds(CLOCK_MONOTONIC));
}

}  // namespace layotto::base
