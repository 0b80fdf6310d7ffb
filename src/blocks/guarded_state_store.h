// GuardedStateStore: watches over every operation of a state store, in front of it: a deadline, a
// bound on how many wait at once, and metrics. Retries and breakers belong here, too, between the
// deadline and the store.
//
// An operation that is answered at once passes through: no frame, no timer, nothing allocated. One
// that has to wait gets `operation_timeout` from then on. What it answers when that is over is the
// store's word: kDeadlineExceeded, with outcome_unknown() when the write may have happened.
//
// Error of its own: kResourceExhausted for everything that is begun while `waiting_max` operations
// wait. One front, one thread.
//
//   layotto_state_operations_total{store,type,operation,code}      items of a bulk one by one
//   layotto_state_operation_duration_seconds{store,type,operation}
//   layotto_state_waiting_refused_total{store,type}
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "async/loop.h"
#include "base/clock.h"
#include "blocks/state.h"
#include "telemetry/shard.h"

namespace layotto::blocks {

class GuardedStateStore final : public StateStore {
 public:
  struct Options {
    std::string name;  // of the store, for the metrics
    std::string_view type;
    Duration operation_timeout = std::chrono::seconds(5);
    size_t waiting_max = 0;  // operations that wait at once; 0: no bound
  };

  // Everything outlives the object.
  GuardedStateStore(StateStore& inner, Options options, async::Loop& loop,
                    const base::TickClock& ticks, telemetry::Shard& metrics);

  Task<Status> get(std::string_view key, Consistency consistency, StateItem& out) override;
  Task<Status> write(StateWrite write) override;
  Task<Status> write_bulk(std::span<const StateWrite> writes, std::span<Status> results) override;
  Task<Status> transact(std::span<const StateWrite> writes) override;

  // The life of the component is the inner store's.
  Task<Status> start() override { return inner_.start(); }
  Task<void> drain() override { return inner_.drain(); }
  Task<void> stop() override { return inner_.stop(); }
  [[nodiscard]] Health health() const override { return inner_.health(); }
  Task<Status> backup(std::string_view folder) override { return inner_.backup(folder); }
  Task<Status> probe() override { return inner_.probe(); }

  [[nodiscard]] size_t waiting() const { return waiting_; }

 private:
  static constexpr size_t kCodes = 17;
  // The cells of one operation; counters are resolved when a code is first seen.
  struct Operation {
    std::string_view name;
    telemetry::Histogram* duration = nullptr;
    std::array<telemetry::Counter*, kCodes> by_code{};
  };
  // One that is under way.
  struct Running {
    Operation& operation;
    uint64_t begun;                      // ticks
    std::span<const Status> items = {};  // of a bulk: counted instead of the whole
  };

  Operation make_operation(std::string_view name);
  bool admit();
  Task<Status> refuse(Operation& operation);
  Task<Status> guard(Task<Status> task, const Running& running);
  static Task<Status> wait(GuardedStateStore* self, Task<Status> task, Running running);
  void finished(const Running& running, const Status& status);
  void count(Operation& operation, const Status& status);

  StateStore& inner_;
  const Options options_;
  async::Loop& loop_;
  const base::TickClock& ticks_;
  telemetry::Shard& metrics_;
  Operation get_;
  Operation write_;
  Operation bulk_;
  Operation transact_;
  telemetry::Counter& refused_;
  size_t waiting_ = 0;
};

}  // namespace layotto::blocks
