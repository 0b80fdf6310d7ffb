// SharedMap: the keys and values of one state.memory, used by the fronts of all workers.
//
// Keys are spread over kShards hash maps, each with a mutex that is held while one entry is looked
// up and copied, never across a wait. A transaction locks the shards of its keys in their order.
//
// Time is given by the caller, the time of its loop's pass. Passes of different workers differ by a
// moment, so a key that was once seen expired is remembered by a common low-water mark of time:
// nobody sees it alive afterwards.
//
// Expired entries are absent at once; their memory is freed by collect(), by a write to their key,
// and when room is needed. bytes() counts keys, values and kEntryOverheadBytes for each.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "blocks/component.h"
#include "blocks/etag.h"
#include "blocks/state.h"
#include "telemetry/metrics.h"

namespace layotto::components::state::memory {

class SharedMap final : public blocks::Shared {
 public:
  struct Limits {
    uint64_t bytes_max;
    uint64_t keys_max;
  };
  // What an entry costs beside its key and value: itself, its place in the map, malloc's share.
  static constexpr size_t kEntryOverheadBytes = 192;
  // Entries freed under one hold of a lock.
  static constexpr size_t kCollectedPerLock = 64;

  // `name` is that of the component, for the metrics, which outlive this.
  SharedMap(Limits limits, std::string_view name, telemetry::Metrics& metrics);

  // All of these from any thread. `now` is the loop's, `wall` the wall clock's.
  void get(std::string_view key, TimePoint now, blocks::StateItem& out);
  // kAborted, or kResourceExhausted when full.
  Status write(const blocks::StateWrite& write, TimePoint now, WallTime wall);
  Status transact(std::span<const blocks::StateWrite> writes, TimePoint now, WallTime wall);
  // Frees up to `count` entries that have expired; the number freed.
  size_t collect(TimePoint now, size_t count);

  [[nodiscard]] int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] int64_t keys() const { return keys_.load(std::memory_order_relaxed); }
  // Entries that will expire.
  [[nodiscard]] int64_t expiring() const { return expiring_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kShards = 16;
  static constexpr TimePoint kNever = TimePoint::max();
  static constexpr size_t kNotInHeap = SIZE_MAX;

  struct Entry {
    std::string key;
    std::string value;
    blocks::EtagSource::Etag etag;
    TimePoint expires = kNever;
    WallTime expires_wall;
    size_t heap_at = kNotInHeap;

    [[nodiscard]] size_t bytes() const { return key.size() + value.size() + kEntryOverheadBytes; }
  };
  // absl's own hash of text, seeded per process; std::string_view would get the library's.
  struct KeyHash {
    size_t operator()(std::string_view key) const {
      return absl::Hash<absl::string_view>()(absl::string_view(key.data(), key.size()));
    }
  };
  using Entries = absl::flat_hash_map<std::string_view, std::unique_ptr<Entry>, KeyHash>;
  // Those that expire, the first to expire on top. Entries know their place.
  class ExpiryHeap {
   public:
    void insert(Entry& entry);
    void erase(Entry& entry);
    [[nodiscard]] Entry* top() const { return heap_.empty() ? nullptr : heap_.front(); }

   private:
    void place(size_t at, Entry* entry) {
      heap_[at] = entry;
      entry->heap_at = at;
    }
    void up(size_t at);
    void down(size_t at);
    std::vector<Entry*> heap_;
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    Entries entries;
    ExpiryHeap expiry;
  };
  // What a write adds to the map; negative when it frees.
  struct Change {
    int64_t bytes = 0;
    int64_t keys = 0;
  };
  class ShardLocks;
  struct Shadow;

  static size_t hash_of(std::string_view key) { return KeyHash()(key); }
  static size_t shard_of(size_t hash) { return hash >> 60; }
  static_assert(kShards == 16, "the top four bits of the hash choose");

  [[nodiscard]] bool expired(const Entry& entry, TimePoint now);
  // The live entry; one that has expired is freed. The shard is locked in all of these.
  Entry* find_live(Shard& shard, std::string_view key, size_t hash, TimePoint now);
  void erase(Shard& shard, Entry& entry);
  void put(Shard& shard, const blocks::StateWrite& write, Entry* entry, TimePoint now,
           WallTime wall);
  void set_expiry(Shard& shard, Entry& entry, const blocks::StateWrite& write, TimePoint now,
                  WallTime wall);
  size_t collect_shard(Shard& shard, TimePoint now, size_t count);

  // Enters the change into the accounts, or says what is full.
  Status reserve(Change change);
  // The same without a limit.
  void release(Change change);
  Status try_write(const blocks::StateWrite& write, TimePoint now, WallTime wall);
  Status try_transact(std::span<const blocks::StateWrite> writes, TimePoint now, WallTime wall);

  const Limits limits_;
  blocks::EtagSource etags_;
  std::atomic<int64_t> bytes_ = 0;
  std::atomic<int64_t> keys_ = 0;
  std::atomic<int64_t> expiring_ = 0;
  std::atomic<TimePoint::rep> seen_expired_at_;
  std::array<Shard, kShards> shards_;
  std::atomic<size_t> next_shard_ = 0;  // where collecting goes on
  std::array<telemetry::PulledSeries, 2> pulled_;
};

}  // namespace layotto::components::state::memory
