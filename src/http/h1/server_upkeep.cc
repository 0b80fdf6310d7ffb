// ServerConnection, what happens because time passes: draining and timeouts.
#include <algorithm>

#include "http/h1/server_connection.h"

namespace layotto::http::h1 {
namespace {

// One timer per connection; it looks at everything at least this often.
constexpr auto kUpkeepMax = std::chrono::seconds(60);
constexpr auto kUpkeepMin = std::chrono::milliseconds(1);

TimePoint due(TimePoint since, std::chrono::milliseconds limit) {
  return limit.count() > 0 ? since + limit : TimePoint::max();
}

}  // namespace

// A request that has begun to arrive is still answered, the next is not; nor is the rest of a body
// waited for whose request has its answer.
void ServerConnection::on_drain() {
  draining_ = true;
  if (!active_ && !parser_.started() && unread_.empty()) end();
}

void ServerConnection::on_timer() {
  const TimePoint now = env_.loop.now();
  if (end_overdue(now)) return;
  end_stalled_body(now);
  arm_upkeep();
}

// A head that arrives in pieces is on the clock from its first byte.
void ServerConnection::watch_head() {
  if (closing_ || head_begun_ || active_ || !parser_.started()) return;
  head_begun_ = true;
  head_since_ = env_.loop.now();
  arm_upkeep();
}

bool ServerConnection::end_overdue(TimePoint now) {
  const ServerLimits& limits = env_.limits;
  const uint64_t written = connection_->bytes_written();
  if (written != written_before_) written_at_ = now;
  if (written != written_before_ || connection_->unsent() == 0) {
    written_before_ = written;
    last_progress_ = now;
  }
  if (now >= due(last_progress_, limits.write_stall_timeout)) {
    env_.counters.write_stalls.add();
    end();
    return true;
  }
  if (active_) return false;
  const bool head_late = (head_begun_ && now >= due(head_since_, limits.head_timeout)) ||
                         (requests_ == 0 && now >= due(opened_, limits.head_timeout));
  if (head_late) {
    env_.counters.head_timeouts.add();
    if (head_begun_) {
      reply_and_end(base::deadline_exceeded("the request's head did not come in time"), 408);
    }
    end();
    return true;
  }
  // The rest of a body that nobody wanted has as long as a head.
  const bool rest_late = !body_.ended() && now >= due(idle_since_, limits.head_timeout);
  if (rest_late || (is_idle() && now >= due(idle_since_, limits.idle_timeout))) {
    env_.counters.idle_timeouts.add();
    end();
    return true;
  }
  return false;
}

// While an answer is under way the client may take its time, as on an idle connection.
TimePoint ServerConnection::body_due() const {
  if (!active_ || !body_.awaited()) return TimePoint::max();
  if (!head_sent_) return body_since_ + kBodyStallTime;
  return due(std::max(body_since_, written_at_), env_.limits.idle_timeout);
}

void ServerConnection::end_stalled_body(TimePoint now) {
  if (now < body_due()) return;
  env_.counters.idle_timeouts.add();
  body_stalled_ = true;
  keep_alive_ = false;
  body_.fail(
      base::deadline_exceeded("the client sends nothing more of the request's body").downstream());
}

// For when the next of all limits can be reached.
void ServerConnection::arm_upkeep() {
  const TimePoint now = env_.loop.now();
  const ServerLimits& limits = env_.limits;
  TimePoint next = now + kUpkeepMax;
  const auto consider = [&](TimePoint since, std::chrono::milliseconds limit) {
    next = std::min(next, due(since, limit));
  };
  if (!active_) {
    if (requests_ == 0) consider(opened_, limits.head_timeout);
    if (head_begun_) consider(head_since_, limits.head_timeout);
    if (!body_.ended()) consider(idle_since_, limits.head_timeout);
    if (is_idle()) consider(idle_since_, limits.idle_timeout);
  }
  next = std::min(next, body_due());
  // A stall begins unseen: look twice within its limit.
  consider(now, limits.write_stall_timeout / 2);
  env_.loop.arm(*this, std::max(next, now + kUpkeepMin));
}

}  // namespace layotto::http::h1
