// Writer: the one thread that changes a store. Whatever waits when it comes round is one
// transaction and one sync of the disk (group commit); everybody is answered after it. Writes of
// one batch do not know of each other: when the batch fails as a whole (the map or the disk is
// full), each is done on its own and gets its own answer.
//
// A failed commit has not happened, except when the root of the file could not be written: then
// nobody knows, the answers say so, and the file is opened anew.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "blocks/component.h"
#include "blocks/etag.h"
#include "components/state/embedded/changes.h"
#include "components/state/embedded/pending.h"
#include "components/state/embedded/storage.h"
#include "telemetry/metrics.h"
#include "telemetry/shard.h"

namespace layotto::components::state::embedded {

class Writer {
 public:
  // Of one transaction.
  static constexpr size_t kBatchWritesMax = 4096;
  static constexpr size_t kBatchBytesMax = size_t{16} << 20;
  static constexpr size_t kSweptPerCommit = 1000;
  // How long the saved time may be behind when keys expire.
  static constexpr auto kTimeSavedEvery = std::chrono::minutes(1);

  struct Limits {
    uint64_t bytes_max;  // of the file, for the words of errors
    uint64_t waiting_max;
    uint64_t waiting_bytes_max;
  };
  // `storage` outlives this, `metrics` too.
  Writer(Storage& storage, Limits limits, std::string_view name, telemetry::Metrics& metrics);

  // The storage is open from start() to stop(); stop() writes what waits.
  void start();
  void stop();

  // ---- any thread
  // kResourceExhausted, and `pending` is left as it is, when too much waits.
  Status submit(std::unique_ptr<Pending>& pending);
  // Has what expired deleted.
  void sweep_if_due(TimePoint now);
  [[nodiscard]] bool anything_expires() const { return next_expiry_.load() != kNever; }
  // Empty when writes succeed.
  [[nodiscard]] std::string trouble() const;

  struct Counts {
    uint64_t commits = 0;
    uint64_t writes = 0;
    uint64_t keys = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  using Batch = std::vector<std::unique_ptr<Pending>>;

  void work();
  void take(Batch& batch);
  void finish(Batch& batch);

  void write(Batch& batch);
  clients::lmdb::Outcome write_together(Batch& batch, std::string_view& doing);
  void write_one_by_one(Batch& batch);
  Status write_alone(std::span<const blocks::StateWrite> writes);
  clients::lmdb::Outcome write_once(std::span<const blocks::StateWrite> writes, Status& result);
  bool sweep();
  bool commit_nothing();

  // Does it again in a larger map as long as that is full and can grow; in the end, for what frees
  // room, in the reserve.
  enum class Use : uint8_t { kMap, kReserve };
  template <class F>
  clients::lmdb::Outcome with_room(Use use, F attempt);
  clients::lmdb::Outcome commit(Changes& changes);
  void committed(const Changes& changes);
  Error failure(clients::lmdb::Outcome outcome, std::string_view doing);
  void after_failure();
  bool ready();
  void set_trouble(std::string trouble);

  Storage& storage_;
  const Limits limits_;
  blocks::EtagSource etags_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Pending>> queue_;
  size_t waiting_ = 0;  // those in the batch under way included
  size_t waiting_bytes_ = 0;
  bool sweep_ = false;
  bool ending_ = false;
  std::string trouble_;
  std::thread thread_;

  // The writer's thread.
  bool unknown_ = false;  // the last commit may have happened
  int settling_ = 0;      // commits until what the last one freed can be used

  std::atomic<int64_t> next_expiry_ = kNever;
  std::atomic<int64_t> time_saved_ = 0;
  std::atomic<uint64_t> keys_ = 0;
  std::atomic<uint64_t> used_bytes_ = 0;
  std::atomic<uint64_t> map_bytes_ = 0;
  std::atomic<uint64_t> commit_count_ = 0;
  std::atomic<uint64_t> write_count_ = 0;

  telemetry::Shard shard_;
  telemetry::Counter& commits_;
  telemetry::Counter& failures_;
  telemetry::Counter& expired_;
  telemetry::Histogram& batch_writes_;
  std::array<telemetry::PulledSeries, 5> pulled_;
};

}  // namespace layotto::components::state::embedded
