#include "components/state/embedded/writer.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "config/byte_size.h"

namespace layotto::components::state::embedded {
namespace {

using blocks::StateWrite;
using clients::lmdb::Outcome;

constexpr telemetry::CounterFamily kCommits("layotto_state_embedded_commits_total",
                                            "Transactions that reached the disk.", {"store"});
constexpr telemetry::CounterFamily kFailures("layotto_state_embedded_commit_failures_total",
                                             "Transactions that did not.", {"store"});
constexpr telemetry::CounterFamily kExpired("layotto_state_embedded_expired_total",
                                            "Keys deleted because their time was over.", {"store"});
constexpr telemetry::HistogramFamily kBatchWrites("layotto_state_embedded_batch_writes",
                                                  "Writes that shared one transaction.",
                                                  telemetry::Scale::kSize, {"store"});
constexpr telemetry::GaugeFamily kBytes("layotto_state_embedded_bytes", "Bytes of the file in use.",
                                        {"store"});
constexpr telemetry::GaugeFamily kMapBytes("layotto_state_embedded_map_bytes",
                                           "Address space of the file; grows with it.", {"store"});
constexpr telemetry::GaugeFamily kKeys("layotto_state_embedded_keys",
                                       "Keys, those included that expired and are not deleted yet.",
                                       {"store"});
constexpr telemetry::GaugeFamily kWaiting("layotto_state_embedded_waiting_writes",
                                          "Requests that wait for the disk.", {"store"});
constexpr telemetry::GaugeFamily kWaitingBytes("layotto_state_embedded_waiting_bytes",
                                               "Bytes of requests that wait for the disk.",
                                               {"store"});

constexpr int kSettlingCommits = 2;

blocks::EtagSource make_etags() {
  Random random;
  return blocks::EtagSource(random);
}

bool frees_only(std::span<const StateWrite> writes) {
  return std::all_of(writes.begin(), writes.end(), [](const StateWrite& write) {
    return write.kind == StateWrite::Kind::kDelete;
  });
}

void fail(Pending& pending, const Error& error) {
  for (Status& result : pending.results()) result = error.clone();
}

}  // namespace

Writer::Writer(Storage& storage, Limits limits, std::string_view name, telemetry::Metrics& metrics)
    : storage_(storage),
      limits_(limits),
      etags_(make_etags()),
      shard_(metrics),
      commits_(shard_.counter(kCommits, name)),
      failures_(shard_.counter(kFailures, name)),
      expired_(shard_.counter(kExpired, name)),
      batch_writes_(shard_.histogram(kBatchWrites, name)) {
  const auto show = [&](const auto& family, auto read) {
    return metrics.pull(family, {name}, [read] { return static_cast<double>(read()); });
  };
  pulled_[0] = show(kBytes, [this] { return used_bytes_.load(); });
  pulled_[1] = show(kMapBytes, [this] { return map_bytes_.load(); });
  pulled_[2] = show(kKeys, [this] { return keys_.load(); });
  pulled_[3] = show(kWaiting, [this] {
    const std::lock_guard lock(mutex_);
    return waiting_;
  });
  pulled_[4] = show(kWaitingBytes, [this] {
    const std::lock_guard lock(mutex_);
    return waiting_bytes_;
  });
}

// ---- the queue

void Writer::start() {
  ending_ = false;
  set_trouble("");
  // What is there already: as after a commit.
  Changes changes(storage_, etags_);
  if (changes.begin().ok() && changes.look_ahead().ok()) committed(changes);
  time_saved_ = storage_.time().now();
  thread_ = std::thread([this] { work(); });
}

void Writer::stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Status Writer::submit(std::unique_ptr<Pending>& pending) {
  const size_t cost = pending->cost_bytes();
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_ >= limits_.waiting_max) {
      return base::resource_exhausted(
          "{} requests wait for the disk already; slow down or raise waiting_max", waiting_);
    }
    if (waiting_bytes_ + cost > limits_.waiting_bytes_max) {
      return base::resource_exhausted(
          "{} bytes wait for the disk and this request has {}; slow down or raise "
          "waiting_bytes_max ({})",
          waiting_bytes_, cost, limits_.waiting_bytes_max);
    }
    ++waiting_;
    waiting_bytes_ += cost;
    wake = queue_.empty();
    queue_.push_back(std::move(pending));
  }
  if (wake) changed_.notify_one();
  return {};
}

void Writer::sweep_if_due(TimePoint now) {
  if (!anything_expires()) return;
  const int64_t at = storage_.time().at(now);
  if (next_expiry_ > at && at - time_saved_ < Duration(kTimeSavedEvery).count()) return;
  {
    const std::lock_guard lock(mutex_);
    sweep_ = true;
  }
  changed_.notify_one();
}

void Writer::take(Batch& batch) {
  size_t writes = 0;
  size_t bytes = 0;
  while (!queue_.empty() && writes < kBatchWritesMax && bytes < kBatchBytesMax) {
    writes += queue_.front()->writes().size();
    bytes += queue_.front()->cost_bytes();
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

void Writer::finish(Batch& batch) {
  size_t bytes = 0;
  for (const auto& pending : batch) bytes += pending->cost_bytes();
  {
    const std::lock_guard lock(mutex_);
    waiting_ -= batch.size();
    waiting_bytes_ -= bytes;
  }
  for (auto& pending : batch) pending.release()->answer();
  batch.clear();
}

void Writer::work() {
  Batch batch;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !queue_.empty() || sweep_ || ending_; });
    if (queue_.empty() && ending_) break;
    take(batch);
    const bool sweeping = std::exchange(sweep_, false);
    lock.unlock();
    if (!batch.empty()) write(batch);
    finish(batch);
    if (sweeping) sweep();
    lock.lock();
  }
  lock.unlock();
  // So that the time goes on from here when the store is opened again.
  if (anything_expires()) commit_nothing();
}

// ---- commits

Outcome Writer::commit(Changes& changes) {
  const Outcome done = changes.commit();
  if (done.ok() && changes.changed()) {
    committed(changes);
    commits_.add();
    ++commit_count_;
    settling_ = kSettlingCommits;
    time_saved_ = storage_.time().now();
    set_trouble("");
  } else if (!done.ok()) {
    after_failure();
  }
  return done;
}

void Writer::committed(const Changes& changes) {
  keys_ = changes.keys();
  next_expiry_ = changes.next_expiry();
  used_bytes_ = storage_.environment()->used_bytes();
  map_bytes_ = storage_.environment()->map_bytes();
}

// LMDB refuses everything once it could not write the root: whether that is on the disk is unknown.
void Writer::after_failure() {
  clients::lmdb::WriteTransaction transaction;
  const Outcome begun = transaction.begin(*storage_.environment());
  unknown_ = begun.broken();
}

Error Writer::failure(Outcome outcome, std::string_view doing) {
  failures_.add();
  if (storage_.environment() != nullptr) outcome = storage_.environment()->explained(outcome);
  Error error = outcome.error(doing, storage_.folder());
  set_trouble(std::string(error.message()));
  if (!std::exchange(unknown_, false)) return error;
  [[maybe_unused]] const Status reopened = storage_.reopen();
  return std::move(error).recoded(Code::kUnavailable).unknown_outcome();
}

// Opens the file when an attempt to do so has failed before.
bool Writer::ready() {
  if (storage_.environment() != nullptr) return true;
  const Status reopened = storage_.reopen();
  if (!reopened.ok()) set_trouble(std::string(reopened.error().message()));
  return reopened.ok();
}

template <class F>
Outcome Writer::with_room(Use use, F attempt) {
  Outcome done = attempt();
  while (done.map_full() && storage_.grow()) done = attempt();
  if (!done.map_full() || use == Use::kMap) return done;
  storage_.make_room(Storage::Room::kAllAndReserve);
  done = attempt();
  storage_.make_room(Storage::Room::kAll);
  return done;
}

bool Writer::commit_nothing() {
  if (!ready()) return false;
  const int settling = settling_;
  const Outcome done = with_room(Use::kReserve, [this] {
    Changes changes(storage_, etags_);
    if (const Outcome begun = changes.begin(); !begun.ok()) return begun;
    changes.touch();
    return commit(changes);
  });
  settling_ = settling - 1;
  if (!done.ok()) static_cast<void>(failure(done, "write"));
  return done.ok();
}

// ---- writes

void Writer::write(Batch& batch) {
  Batch begun;
  bool probe = false;
  size_t writes = 0;
  Batch rest;
  for (auto& pending : batch) {
    if (!pending->begin()) {
      rest.push_back(std::move(pending));
      continue;
    }
    probe = probe || pending->kind() == Pending::Kind::kProbe;
    writes += pending->writes().size();
    begun.push_back(std::move(pending));
  }
  if (!ready()) {
    for (auto& pending : begun) fail(*pending, base::unavailable("{}", trouble()));
  } else if (writes > 0) {
    batch_writes_.observe(writes);
    write_count_ += writes;
    std::string_view doing = "write";
    const Outcome done = with_room(Use::kMap, [&] { return write_together(begun, doing); });
    if (!done.ok() && unknown_) {
      const Error error = failure(done, doing);
      for (auto& pending : begun) fail(*pending, error);
    } else if (!done.ok()) {
      write_one_by_one(begun);
    }
  } else if (probe) {
    commit_nothing();
  }
  if (const std::string why = trouble(); probe && !why.empty()) {
    for (auto& pending : begun) {
      if (pending->kind() == Pending::Kind::kProbe) fail(*pending, base::unavailable("{}", why));
    }
  }
  batch.clear();
  std::move(begun.begin(), begun.end(), std::back_inserter(batch));
  std::move(rest.begin(), rest.end(), std::back_inserter(batch));
}

Outcome Writer::write_together(Batch& batch, std::string_view& doing) {
  Changes changes(storage_, etags_);
  if (const Outcome begun = changes.begin(); !begun.ok()) return begun;
  for (auto& pending : batch) {
    const auto writes = pending->writes();
    const auto results = pending->results();
    for (Status& result : results) result = Status();
    Outcome done;
    if (pending->kind() == Pending::Kind::kAll) {
      done = changes.transact(writes, results[0]);
    } else {
      for (size_t i = 0; i < writes.size() && done.ok(); ++i) {
        done = changes.write(writes[i], results[i]);
      }
    }
    if (!done.ok()) return done;
  }
  doing = "commit";
  return commit(changes);
}

void Writer::write_one_by_one(Batch& batch) {
  for (auto& pending : batch) {
    const auto writes = pending->writes();
    const auto results = pending->results();
    if (pending->kind() == Pending::Kind::kAll) {
      results[0] = write_alone(writes);
    } else {
      for (size_t i = 0; i < writes.size(); ++i) results[i] = write_alone(writes.subspan(i, 1));
    }
  }
}

// In a full map there may be room yet: in what has expired, and in what was deleted a moment ago,
// which can be used again two commits later.
Status Writer::write_alone(std::span<const StateWrite> writes) {
  const bool frees = frees_only(writes);
  while (true) {
    if (!ready()) return base::unavailable("{}", trouble());
    Status result;
    const Outcome done =
        with_room(frees ? Use::kReserve : Use::kMap, [&] { return write_once(writes, result); });
    if (done.ok()) return result;
    if (!done.map_full()) return failure(done, "write");
    if (next_expiry_ <= storage_.time().now() && sweep()) continue;
    if (settling_ > 0 && commit_nothing()) continue;
    return base::resource_exhausted(
        "the store in {} is full: its file has reached bytes_max ({}); delete something or raise "
        "bytes_max",
        storage_.folder(), config::ByteSize{limits_.bytes_max}.to_string());
  }
}

Outcome Writer::write_once(std::span<const StateWrite> writes, Status& result) {
  Changes changes(storage_, etags_);
  Outcome done = changes.begin();
  if (!done.ok()) return done;
  done = writes.size() == 1 ? changes.write(writes[0], result) : changes.transact(writes, result);
  return done.ok() ? commit(changes) : done;
}

bool Writer::sweep() {
  if (!ready()) return false;
  size_t swept = 0;
  const Outcome done = with_room(Use::kReserve, [this, &swept] {
    Changes changes(storage_, etags_);
    if (const Outcome begun = changes.begin(); !begun.ok()) return begun;
    if (const Outcome deleted = changes.sweep(kSweptPerCommit, swept); !deleted.ok()) {
      return deleted;
    }
    if (swept == 0) changes.touch();  // the time alone
    return commit(changes);
  });
  if (!done.ok()) {
    static_cast<void>(failure(done, "delete what has expired"));
    return false;
  }
  expired_.add(swept);
  if (swept == kSweptPerCommit) {  // there is more
    const std::lock_guard lock(mutex_);
    sweep_ = true;
  }
  return true;
}

// ---- what others ask

void Writer::set_trouble(std::string trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

std::string Writer::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

Writer::Counts Writer::counts() const {
  return {.commits = commit_count_, .writes = write_count_, .keys = keys_};
}

}  // namespace layotto::components::state::embedded
