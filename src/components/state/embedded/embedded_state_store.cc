#include "components/state/embedded/embedded_state_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "async/deadline.h"

namespace layotto::components::state::embedded {
namespace {

using blocks::StateWrite;

constexpr telemetry::CounterFamily kFull(
    "layotto_state_embedded_full_total",
    "Writes refused because the store, its disk or its queue was full.", {"store"});
constexpr int kOpenAttempts = 3;

Error not_started() { return base::unavailable("the store has not been started"); }

bool expires(std::span<const StateWrite> writes) {
  return std::any_of(writes.begin(), writes.end(),
                     [](const StateWrite& write) { return write.ttl.has_value(); });
}

// What a call on another thread gave.
Status flat(Result<Status> called) {
  TRY(Status status, std::move(called));
  return status;
}

}  // namespace

// Hands writes to the writer and waits for its answer. A caller that is stopped takes them back if
// the writer has not begun; else nobody knows, and the Error says so.
class EmbeddedStateStore::Commit final : public async::Waiter {
 public:
  Commit(EmbeddedStateStore& front, Pending::Kind kind, std::span<const StateWrite> writes,
         std::span<Status> results)
      : Waiter(front.loop_), front_(front), kind_(kind), writes_(writes), results_(results) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!prepare(self)) return false;
    auto pending =
        std::make_unique<Pending>(kind_, writes_, static_cast<PendingOwner&>(front_), front_.loop_);
    pending->waiter = this;
    pending_ = pending.get();
    refused_ = front_.engine_->writer().submit(pending);
    if (refused_.ok()) {
      if (front_.in_flight_++ == 0) front_.idle_.reset();
      return true;
    }
    pending_ = nullptr;
    static_cast<base::ListLink<async::StopNode>*>(this)->unlink();
    return false;
  }
  // Of the whole; the results are filled when it is ok.
  Status await_resume() {
    if (answered_) return {};
    if (!refused_.ok()) return std::move(refused_);
    Error error = async::stop_error(stopped());
    if (pending_ == nullptr) return error;
    pending_->waiter = nullptr;
    if (pending_->withdraw()) return error;
    return std::move(error).unknown_outcome();
  }
  void answer(std::span<Status> results) {
    for (size_t i = 0; i < results.size(); ++i) results_[i] = std::move(results[i]);
    answered_ = true;
    wake();
  }

 private:
  EmbeddedStateStore& front_;
  const Pending::Kind kind_;
  const std::span<const StateWrite> writes_;
  const std::span<Status> results_;
  Pending* pending_ = nullptr;
  Status refused_;
  bool answered_ = false;
};

EmbeddedStateStore::EmbeddedStateStore(Engine& engine, const blocks::WorkerEnv& env)
    : engine_(engine.shared_from_this()),
      loop_(env.loop),
      full_(env.metrics.counter(kFull, env.name)),
      idle_(env.loop) {
  idle_.set();
}

EmbeddedStateStore::~EmbeddedStateStore() {
  CHECK(!started_, "a store that was started is stopped before it goes");
}

// ---- life

Task<Status> EmbeddedStateStore::start() { return open(this); }

Task<Status> EmbeddedStateStore::open(EmbeddedStateStore* self) {
  if (self->started_) co_return Status{};
  for (int i = 0; i < kOpenAttempts; ++i) {
    Status opened =
        flat(co_await async::run_blocking(self->engine_->blocking(), self->loop_,
                                          [engine = self->engine_] { return engine->open(); }));
    self->failure_ = opened.ok() ? "" : opened.error().message();
    if (!opened.ok()) co_return opened;
    // Another worker may have been the last to stop in between.
    if (!self->engine_->attach()) continue;
    self->reader_ = self->engine_->storage().add_reader();
    self->started_ = true;
    self->watch_expiry();
    co_return Status{};
  }
  co_return base::unavailable("the store is being closed");
}

Task<void> EmbeddedStateStore::drain() {
  [[maybe_unused]] const Status waited = co_await idle_.wait();
}

Task<Status> EmbeddedStateStore::until_idle(EmbeddedStateStore* self) {
  co_return co_await self->idle_.wait();
}

Task<void> EmbeddedStateStore::stop() {
  if (!started_) return async::ready();
  return close(this);
}

Task<void> EmbeddedStateStore::close(EmbeddedStateStore* self) {
  self->started_ = false;
  self->cancel();
  // The writer answers everything, and knows this front until it has.
  [[maybe_unused]] const Status idle =
      co_await async::shielded(self->loop_, TimePoint::max(), until_idle(self));
  self->engine_->storage().remove_reader(*self->reader_);
  self->reader_.reset();
  if (!self->engine_->detach()) co_return;
  [[maybe_unused]] const Result<bool> closed = co_await async::run_blocking(
      self->engine_->blocking(), self->loop_, [engine = self->engine_] {
        engine->close();
        return true;
      });
}

blocks::Health EmbeddedStateStore::health() const {
  using State = blocks::Health::State;
  if (!started_) {
    if (failure_.empty()) return {.state = State::kStarting, .reason = "not started"};
    return {.state = State::kFailed, .reason = failure_};
  }
  std::string trouble = engine_->writer().trouble();
  if (!trouble.empty()) return {.state = State::kDegraded, .reason = std::move(trouble)};
  if (!failure_.empty()) return {.state = State::kFailed, .reason = failure_};
  return {.state = State::kReady, .reason = {}};
}

Task<Status> EmbeddedStateStore::probe() {
  if (!started_) return async::failed<Status>(not_started());
  return ask(this);
}

// Looks for the file; when writes fail, tries one.
Task<Status> EmbeddedStateStore::ask(EmbeddedStateStore* self) {
  Status there = flat(co_await async::run_blocking(
      self->engine_->blocking(), self->loop_,
      [engine = self->engine_] { return engine->storage().check_in_place(); }));
  self->failure_ = there.ok() ? "" : there.error().message();
  if (!there.ok() || self->engine_->writer().trouble().empty()) co_return there;
  Status result;
  CO_TRY(co_await Commit(*self, Pending::Kind::kProbe, {}, {&result, 1}));
  co_return result;
}

Task<Status> EmbeddedStateStore::backup(std::string_view folder) {
  if (!started_) return async::failed<Status>(not_started());
  return copy(this, std::string(folder));
}

Task<Status> EmbeddedStateStore::copy(EmbeddedStateStore* self, std::string to) {
  co_return flat(co_await async::run_blocking(
      self->engine_->blocking(), self->loop_,
      [engine = self->engine_, to = std::move(to)] { return engine->storage().copy_to(to); }));
}

// ---- operations

Task<Status> EmbeddedStateStore::get(std::string_view key, blocks::Consistency,
                                     blocks::StateItem& out) {
  if (!started_) [[unlikely]] {
    out.clear();
    return async::failed<Status>(not_started());
  }
  if (Status status = blocks::check_state_key(key); !status.ok()) [[unlikely]] {
    out.clear();
    return async::ready(std::move(status));
  }
  return async::ready(engine_->storage().get(*reader_, key, loop_.now(), out));
}

Status EmbeddedStateStore::counted(Status status) {
  if (!status.ok() && status.error().code() == Code::kResourceExhausted) full_.add();
  return status;
}

Task<Status> EmbeddedStateStore::write(StateWrite write) {
  if (!started_) return async::failed<Status>(not_started());
  if (Status status = blocks::check_state_write(write); !status.ok()) {
    return async::ready(std::move(status));
  }
  return write_one(this, write);
}

Task<Status> EmbeddedStateStore::write_one(EmbeddedStateStore* self, StateWrite write) {
  Status result;
  Status whole = co_await Commit(*self, Pending::Kind::kEach, {&write, 1}, {&result, 1});
  co_return self->counted(whole.ok() ? std::move(result) : std::move(whole));
}

Task<Status> EmbeddedStateStore::write_bulk(std::span<const StateWrite> writes,
                                            std::span<Status> results) {
  CHECK(writes.size() == results.size());
  if (!started_) {
    for (Status& result : results) result = not_started();
    return async::ready_ok();
  }
  if (writes.empty()) return async::ready_ok();
  return write_each(this, writes, results);
}

Task<Status> EmbeddedStateStore::write_each(EmbeddedStateStore* self,
                                            std::span<const StateWrite> writes,
                                            std::span<Status> results) {
  std::vector<StateWrite> good;
  std::vector<size_t> places;
  for (size_t i = 0; i < writes.size(); ++i) {
    results[i] = blocks::check_state_write(writes[i]);
    if (!results[i].ok()) continue;
    good.push_back(writes[i]);
    places.push_back(i);
  }
  if (good.empty()) co_return Status{};
  std::vector<Status> done(good.size());
  Status whole = co_await Commit(*self, Pending::Kind::kEach, good, done);
  if (!whole.ok() && whole.error().code() == Code::kResourceExhausted) {
    // Refused before it began: that is a result of each.
    for (Status& status : done) status = whole.error().clone();
    whole = Status();
  }
  for (size_t i = 0; i < places.size(); ++i) results[places[i]] = self->counted(std::move(done[i]));
  co_return whole;
}

Task<Status> EmbeddedStateStore::transact(std::span<const StateWrite> writes) {
  if (!started_) return async::failed<Status>(not_started());
  for (const StateWrite& write : writes) {
    if (Status status = blocks::check_state_write(write); !status.ok()) {
      return async::ready(std::move(status));
    }
  }
  if (writes.empty()) return async::ready_ok();
  return write_all(this, writes);
}

Task<Status> EmbeddedStateStore::write_all(EmbeddedStateStore* self,
                                           std::span<const StateWrite> writes) {
  Status result;
  Status whole = co_await Commit(*self, Pending::Kind::kAll, writes, {&result, 1});
  co_return self->counted(whole.ok() ? std::move(result) : std::move(whole));
}

void EmbeddedStateStore::on_answer(Pending& pending) {
  if (--in_flight_ == 0) idle_.set();
  if (started_ && expires(pending.writes())) watch_expiry();
  if (pending.waiter != nullptr) static_cast<Commit*>(pending.waiter)->answer(pending.results());
}

// ---- expiry

void EmbeddedStateStore::watch_expiry() {
  if (!armed() && engine_->writer().anything_expires()) {
    loop_.arm(*this, loop_.now() + kSweepInterval);
  }
}

void EmbeddedStateStore::on_timer() {
  engine_->writer().sweep_if_due(loop_.now());
  watch_expiry();
}

}  // namespace layotto::components::state::embedded
