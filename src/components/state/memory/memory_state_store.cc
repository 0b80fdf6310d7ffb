#include "components/state/memory/memory_state_store.h"

#include <algorithm>

namespace layotto::components::state::memory {
namespace {

using blocks::StateWrite;

constexpr telemetry::CounterFamily kFull("layotto_state_memory_full_total",
                                         "Writes refused because the store was full.", {"store"});

Error not_started() { return base::unavailable("the store has not been started"); }

}  // namespace

MemoryStateStore::MemoryStateStore(SharedMap& map, const blocks::WorkerEnv& env)
    : map_(map), loop_(env.loop), clock_(env.clock), full_(env.metrics.counter(kFull, env.name)) {}

Task<Status> MemoryStateStore::start() {
  started_ = true;
  return async::ready_ok();
}

Task<void> MemoryStateStore::stop() {
  started_ = false;
  cancel();
  return async::ready();
}

blocks::Health MemoryStateStore::health() const {
  if (started_) return {.state = blocks::Health::State::kReady, .reason = {}};
  return {.state = blocks::Health::State::kStarting, .reason = "not started"};
}

Task<Status> MemoryStateStore::get(std::string_view key, blocks::Consistency,
                                   blocks::StateItem& out) {
  if (!started_) [[unlikely]] {
    out.clear();
    return async::failed<Status>(not_started());
  }
  if (Status status = blocks::check_state_key(key); !status.ok()) [[unlikely]] {
    out.clear();
    return async::ready(std::move(status));
  }
  map_.get(key, loop_.now(), out);
  return async::ready_ok();
}

// The wall clock is asked only where its time is kept.
WallTime MemoryStateStore::wall_if_expiring(const StateWrite& write) const {
  return write.ttl.has_value() ? clock_.wall_now() : WallTime();
}

Status MemoryStateStore::written(Status status, bool expires) {
  if (!status.ok() && status.error().code() == Code::kResourceExhausted) full_.add();
  if (expires && !armed()) loop_.arm(*this, loop_.now() + kCollectInterval);
  return status;
}

Status MemoryStateStore::write_now(const StateWrite& write) {
  TRY(blocks::check_state_write(write));
  return written(map_.write(write, loop_.now(), wall_if_expiring(write)), write.ttl.has_value());
}

Task<Status> MemoryStateStore::write(StateWrite write) {
  if (!started_) [[unlikely]]
    return async::failed<Status>(not_started());
  return async::ready(write_now(write));
}

Task<Status> MemoryStateStore::write_bulk(std::span<const StateWrite> writes,
                                          std::span<Status> results) {
  CHECK(writes.size() == results.size());
  for (size_t i = 0; i < writes.size(); ++i) {
    results[i] = started_ ? write_now(writes[i]) : Status(not_started());
  }
  return async::ready_ok();
}

Task<Status> MemoryStateStore::transact(std::span<const StateWrite> writes) {
  if (!started_) [[unlikely]]
    return async::failed<Status>(not_started());
  for (const StateWrite& write : writes) {
    if (Status status = blocks::check_state_write(write); !status.ok()) {
      return async::ready(std::move(status));
    }
  }
  const bool expires = std::any_of(writes.begin(), writes.end(),
                                   [](const StateWrite& write) { return write.ttl.has_value(); });
  const WallTime wall = expires ? clock_.wall_now() : WallTime();
  return async::ready(written(map_.transact(writes, loop_.now(), wall), expires));
}

void MemoryStateStore::on_timer() {
  const size_t freed = map_.collect(loop_.now(), kCollectedPerPass);
  if (map_.expiring() == 0) return;
  // A full portion: there is more, go on in the next pass but one.
  const Duration pause = freed == kCollectedPerPass ? Duration(std::chrono::milliseconds(1))
                                                    : Duration(kCollectInterval);
  loop_.arm(*this, loop_.now() + pause);
}

}  // namespace layotto::components::state::memory
