#include "blocks/guarded_state_store.h"

#include <utility>

#include "async/deadline.h"

namespace layotto::blocks {
namespace {

using telemetry::CounterFamily;
using telemetry::HistogramFamily;

constexpr CounterFamily kOperations("layotto_state_operations_total",
                                    "Operations of state stores, by result.",
                                    {"store", "type", "operation", "code"});
constexpr HistogramFamily kDuration("layotto_state_operation_duration_seconds",
                                    "From the call to its result, by operation.",
                                    telemetry::Scale::kSeconds, {"store", "type", "operation"});
constexpr CounterFamily kRefused("layotto_state_waiting_refused_total",
                                 "Operations refused because too many were waiting.",
                                 {"store", "type"});

}  // namespace

GuardedStateStore::GuardedStateStore(StateStore& inner, Options options, async::Loop& loop,
                                     const base::TickClock& ticks, telemetry::Shard& metrics)
    : inner_(inner),
      options_(std::move(options)),
      loop_(loop),
      ticks_(ticks),
      metrics_(metrics),
      get_(make_operation("get")),
      write_(make_operation("write")),
      bulk_(make_operation("write_bulk")),
      transact_(make_operation("transact")),
      refused_(metrics.counter(kRefused, options_.name, options_.type)) {}

GuardedStateStore::Operation GuardedStateStore::make_operation(std::string_view name) {
  return {.name = name,
          .duration = &metrics_.histogram(kDuration, options_.name, options_.type, name)};
}

void GuardedStateStore::count(Operation& operation, const Status& status) {
  const Code code = status.ok() ? Code::kOk : status.error().code();
  telemetry::Counter*& counter = operation.by_code[static_cast<size_t>(code)];
  if (counter == nullptr) {
    counter = &metrics_.counter(kOperations, options_.name, options_.type, operation.name,
                                base::code_name(code));
  }
  counter->add();
}

void GuardedStateStore::finished(const Running& running, const Status& status) {
  running.operation.duration->observe(ticks_.elapsed(running.begun, ticks_.ticks()));
  if (running.items.empty() || !status.ok()) {
    count(running.operation, status);
    return;
  }
  for (const Status& item : running.items) count(running.operation, item);
}

bool GuardedStateStore::admit() {
  if (options_.waiting_max == 0 || waiting_ < options_.waiting_max) return true;
  refused_.add();
  return false;
}

Task<Status> GuardedStateStore::refuse(Operation& operation) {
  Status refused =
      base::resource_exhausted("{} operations of state store {} are waiting, the limit is {}",
                               waiting_, options_.name, options_.waiting_max);
  count(operation, refused);
  return async::ready(std::move(refused));
}

Task<Status> GuardedStateStore::get(std::string_view key, Consistency consistency, StateItem& out) {
  if (!admit()) [[unlikely]] {
    out.clear();
    return refuse(get_);
  }
  const Running running{.operation = get_, .begun = ticks_.ticks()};
  return guard(inner_.get(key, consistency, out), running);
}

Task<Status> GuardedStateStore::write(StateWrite write) {
  if (!admit()) [[unlikely]]
    return refuse(write_);
  const Running running{.operation = write_, .begun = ticks_.ticks()};
  return guard(inner_.write(write), running);
}

Task<Status> GuardedStateStore::write_bulk(std::span<const StateWrite> writes,
                                           std::span<Status> results) {
  if (!admit()) [[unlikely]]
    return refuse(bulk_);
  const Running running{.operation = bulk_, .begun = ticks_.ticks(), .items = results};
  return guard(inner_.write_bulk(writes, results), running);
}

Task<Status> GuardedStateStore::transact(std::span<const StateWrite> writes) {
  if (!admit()) [[unlikely]]
    return refuse(transact_);
  const Running running{.operation = transact_, .begun = ticks_.ticks()};
  return guard(inner_.transact(writes), running);
}

Task<Status> GuardedStateStore::guard(Task<Status> task, const Running& running) {
  if (!task.is_ready()) return wait(this, std::move(task), running);
  finished(running, task.value());
  return task;
}

Task<Status> GuardedStateStore::wait(GuardedStateStore* self, Task<Status> task, Running running) {
  ++self->waiting_;
  Status done = co_await async::with_deadline(
      self->loop_, self->loop_.now() + self->options_.operation_timeout, std::move(task));
  --self->waiting_;
  self->finished(running, done);
  co_return done;
}

}  // namespace layotto::blocks
