// FloodGuard: tells a busy peer from an attacker by budgets that refill with time and with work.
//
// Frames that do no work (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, CONTINUATION, empty DATA,
// unknown types) spend from one bucket, resets (RST_STREAM from the peer, and those it provokes
// from us) from another. A frame that does work earns kEarnedPerFrame idle frames back, a stream
// that neither side resets one reset.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "http/limits.h"

namespace layotto::http::h2 {

class TokenBucket {
 public:
  TokenBucket(uint32_t burst, uint32_t per_second)
      : burst_(int64_t{burst} * kScale), per_second_(per_second), level_(burst_) {}

  // False when the bucket is empty.
  bool spend(TimePoint now) {
    if (last_ == TimePoint{}) last_ = now;
    if (level_ < kScale) refill(now);
    if (level_ < kScale) return false;
    level_ -= kScale;
    return true;
  }
  void earn(uint32_t tokens) { level_ = std::min(burst_, level_ + int64_t{tokens} * kScale); }

 private:
  static constexpr int64_t kScale = 1000;  // tokens are counted in thousandths

  // Only when there is need: what came back since the last time, so at most one burst more.
  void refill(TimePoint now) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - last_);
    if (elapsed.count() <= 0) return;
    level_ = std::min(burst_, level_ + elapsed.count() * int64_t{per_second_});
    last_ = now;
  }

  int64_t burst_;
  uint32_t per_second_;
  int64_t level_;
  TimePoint last_{};  // of refilling; the first frame starts the clock
};

class FloodGuard {
 public:
  static constexpr uint32_t kEarnedPerFrame = 4;

  explicit FloodGuard(const ServerLimits& limits)
      : idle_frames_(limits.idle_frames_burst, limits.idle_frames_per_second),
        resets_(limits.resets_burst, limits.resets_per_second) {}

  bool idle_frame(TimePoint now) { return idle_frames_.spend(now); }
  bool reset(TimePoint now) { return resets_.spend(now); }
  void worked() { idle_frames_.earn(kEarnedPerFrame); }
  void stream_ended_well() { resets_.earn(1); }

 private:
  TokenBucket idle_frames_;
  TokenBucket resets_;
};

}  // namespace layotto::http::h2
