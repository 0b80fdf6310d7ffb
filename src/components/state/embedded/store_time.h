// StoreTime: the time by which keys expire: nanoseconds that go on while the process runs as the
// monotonic clock does, so that nobody who sets the wall clock makes a key live longer or shorter.
//
// Across a restart only the wall clock knows how long it took: each commit saves what both say
// (Saved), and the store's time goes on by the difference, never back. What is set while nothing
// runs, or after the last commit of a process that was killed, cannot be told from time passing.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace layotto::components::state::embedded {

class StoreTime {
 public:
  // As it lies in the database.
  struct Saved {
    int64_t store = 0;
    int64_t wall = 0;

    static constexpr size_t kBytes = 16;
    [[nodiscard]] std::array<char, kBytes> bytes() const {
      std::array<char, kBytes> bytes;
      std::memcpy(bytes.data(), &store, sizeof(store));
      std::memcpy(bytes.data() + sizeof(store), &wall, sizeof(wall));
      return bytes;
    }
    static std::optional<Saved> parse(std::string_view bytes) {
      if (bytes.size() != kBytes) return std::nullopt;
      Saved saved;
      std::memcpy(&saved.store, bytes.data(), sizeof(saved.store));
      std::memcpy(&saved.wall, bytes.data() + sizeof(saved.store), sizeof(saved.wall));
      return saved;
    }
  };

  explicit StoreTime(const Clock& clock) : clock_(clock) {}

  // Goes on from what was saved; without that it begins at the wall clock's time.
  void begin(std::optional<Saved> saved) {
    const int64_t wall = wall_now();
    int64_t now = wall;
    if (saved.has_value()) now = saved->store + std::max<int64_t>(0, wall - saved->wall);
    offset_.store(now - clock_.now().time_since_epoch().count(), std::memory_order_relaxed);
  }
  [[nodiscard]] int64_t at(TimePoint time) const {
    return time.time_since_epoch().count() + offset_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] int64_t now() const { return at(clock_.now()); }
  [[nodiscard]] int64_t wall_now() const { return clock_.wall_now().time_since_epoch().count(); }
  [[nodiscard]] Saved saved_now() const { return {.store = now(), .wall = wall_now()}; }

  // Passes of different workers differ by a moment: what anybody has seen expired is expired for
  // everyone.
  bool expired(int64_t expires, int64_t now) {
    if (expires == INT64_MAX) [[likely]]
      return false;
    int64_t seen = seen_expired_.load(std::memory_order_relaxed);
    if (expires <= seen) return true;
    if (expires > now) return false;
    while (seen < expires && !seen_expired_.compare_exchange_weak(seen, expires)) {
    }
    return true;
  }

 private:
  const Clock& clock_;
  std::atomic<int64_t> offset_ = 0;
  std::atomic<int64_t> seen_expired_ = INT64_MIN;
};

}  // namespace layotto::components::state::embedded
