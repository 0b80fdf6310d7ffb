// ServerConnection, what happens because time passes: draining, timeouts, keepalive.
#include <algorithm>

#include "http/h2/server_connection.h"

namespace layotto::http::h2 {
namespace {

// After the first GOAWAY the peer has this long to stop opening streams; a PING answer ends it
// sooner.
constexpr auto kDrainNotice = std::chrono::seconds(1);
// One timer per connection; it looks at everything at least this often.
constexpr auto kUpkeepMax = std::chrono::seconds(60);
constexpr auto kUpkeepMin = std::chrono::milliseconds(1);

TimePoint due(TimePoint since, std::chrono::milliseconds limit) {
  return limit.count() > 0 ? since + limit : TimePoint::max();
}

}  // namespace

// ---- draining

void ServerConnection::on_drain() {
  if (drain_announced_) return;
  drain_announced_ = true;
  session_.announce_drain();
  session_.ping();
  ping_sent_ = env_.loop.now();
  connection_->schedule_flush();
  env_.loop.arm(*this, env_.loop.now() + kDrainNotice);
}

void ServerConnection::finish_drain() {
  drain_final_ = true;
  session_.refuse_new_streams();
  connection_->schedule_flush();
  arm_upkeep();
}

// ---- time

void ServerConnection::on_timer() {
  if (drain_announced_ && !drain_final_) {
    finish_drain();
    return;
  }
  const TimePoint now = env_.loop.now();
  if (session_.open_streams() == 0) session_.trim();
  if (end_overdue(now)) return;
  keep_alive(now);
  reset_stalled_streams(now);
  arm_upkeep();
}

// A header block that arrives in pieces is on the clock from its first byte.
void ServerConnection::watch_heads() {
  const uint32_t stream = session_.receiving_head();
  if (stream == head_stream_) return;
  head_stream_ = stream;
  head_since_ = env_.loop.now();
  if (stream != 0 && !(drain_announced_ && !drain_final_)) arm_upkeep();
}

bool ServerConnection::end_overdue(TimePoint now) {
  const ServerLimits& limits = env_.limits;
  const uint64_t written = connection_->bytes_written();
  if (written != written_before_ || connection_->unsent() == 0) {
    written_before_ = written;
    last_progress_ = now;
  }
  base::Tally* reason = nullptr;
  ErrorCode code = ErrorCode::kNoError;
  if (!session_.settings_received() && now >= due(opened_, limits.head_timeout)) {
    reason = &env_.counters.head_timeouts;
    code = ErrorCode::kSettingsTimeout;
  } else if (head_stream_ != 0 && now >= due(head_since_, limits.head_timeout)) {
    reason = &env_.counters.head_timeouts;
    code = ErrorCode::kEnhanceYourCalm;
  } else if (now >= due(last_progress_, limits.write_stall_timeout)) {
    reason = &env_.counters.write_stalls;
  } else if (session_.open_streams() == 0 && streams_.empty() &&
             now >= due(idle_since_, limits.idle_timeout)) {
    reason = &env_.counters.idle_timeouts;
  } else if (ping_sent_ != TimePoint{} && last_read_ <= ping_sent_ &&
             now >= due(ping_sent_, limits.keepalive_timeout)) {
    reason = &env_.counters.keepalive_timeouts;
  }
  if (reason == nullptr) return false;
  reason->add();
  session_.terminate(code);
  connection_->schedule_flush();
  end();
  return true;
}

void ServerConnection::keep_alive(TimePoint now) {
  if (last_read_ > ping_sent_) ping_sent_ = {};  // whatever it said, it is there
  if (ping_sent_ != TimePoint{} || now < due(last_read_, env_.limits.keepalive_interval)) return;
  ping_sent_ = now;
  session_.ping();
  connection_->schedule_flush();
}

// A peer that opens no window is a slow reader too, though the socket takes all we have for it.
void ServerConnection::reset_stalled_streams(TimePoint now) {
  for (ServerStream* stream = streams_.front(); stream != nullptr;
       stream = streams_.after(*stream)) {
    const size_t queued = session_.queued(stream->id);
    const uint64_t sent = stream->exchange.response_bytes - queued;
    if (queued == 0 || sent != stream->sent_seen || stream->sent_at == TimePoint{}) {
      stream->sent_seen = sent;
      stream->sent_at = now;
    } else if (now >= due(stream->sent_at, env_.limits.write_stall_timeout)) {
      env_.counters.write_stalls.add();
      session_.reset(stream->id, ErrorCode::kCancel);
      connection_->schedule_flush();
    }
  }
}

// For when the next of all limits can be reached.
void ServerConnection::arm_upkeep() {
  const TimePoint now = env_.loop.now();
  const ServerLimits& limits = env_.limits;
  TimePoint next = now + kUpkeepMax;
  const auto consider = [&](TimePoint since, std::chrono::milliseconds limit) {
    next = std::min(next, due(since, limit));
  };
  if (!session_.settings_received()) consider(opened_, limits.head_timeout);
  if (head_stream_ != 0) consider(head_since_, limits.head_timeout);
  if (session_.open_streams() == 0) consider(idle_since_, limits.idle_timeout);
  if (ping_sent_ != TimePoint{}) {
    consider(ping_sent_, limits.keepalive_timeout);
  } else {
    consider(last_read_, limits.keepalive_interval);
  }
  // A stall begins unseen: look twice within its limit.
  consider(now, limits.write_stall_timeout / 2);
  env_.loop.arm(*this, std::max(next, now + kUpkeepMin));
}

}  // namespace layotto::http::h2
