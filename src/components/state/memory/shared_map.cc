#include "components/state/memory/shared_map.h"

#include <algorithm>
#include <utility>

#include "base/random.h"

namespace layotto::components::state::memory {
namespace {

using blocks::Precondition;
using blocks::StateWrite;

constexpr telemetry::GaugeFamily kBytes("layotto_state_memory_bytes",
                                        "Bytes of keys, values and what it costs to keep them.",
                                        {"store"});
constexpr telemetry::GaugeFamily kKeys("layotto_state_memory_keys",
                                       "Keys, those included that expired and are not freed yet.",
                                       {"store"});
// Freed at once when a write finds the map full.
constexpr size_t kCollectedWhenFull = 1024;
// A value keeps its buffer unless that is much too large for it.
constexpr size_t kSpareBytes = 64;

blocks::EtagSource make_etags() {
  Random random;
  return blocks::EtagSource(random);
}

}  // namespace

// Locks the shards of a transaction's keys, in their order.
class SharedMap::ShardLocks {
 public:
  ShardLocks(std::array<Shard, kShards>& shards, std::span<const StateWrite> writes) {
    std::array<bool, kShards> wanted{};
    for (const StateWrite& write : writes) wanted[shard_of(hash_of(write.key))] = true;
    for (size_t i = 0; i < kShards; ++i) {
      if (wanted[i]) locks_[i] = std::unique_lock(shards[i].mutex);
    }
  }

 private:
  std::array<std::unique_lock<std::mutex>, kShards> locks_;
};

// What a key is after the writes of a transaction that were looked at.
struct SharedMap::Shadow {
  const Entry* before = nullptr;
  bool live = false;
  bool written = false;
  size_t bytes = 0;

  [[nodiscard]] bool meets(const Precondition& precondition) const {
    switch (precondition.kind) {
      case Precondition::Kind::kNone:
        return true;
      case Precondition::Kind::kAbsent:
        return !live;
      case Precondition::Kind::kEtag:
        // Nobody knows the etag of a write that is not done yet.
        return live && !written && blocks::view_of(before->etag) == precondition.etag;
    }
    return false;
  }
};

SharedMap::SharedMap(Limits limits, std::string_view name, telemetry::Metrics& metrics)
    : limits_(limits),
      etags_(make_etags()),
      seen_expired_at_(TimePoint::min().time_since_epoch().count()) {
  pulled_[0] = metrics.pull(kBytes, {name}, [this] { return static_cast<double>(bytes()); });
  pulled_[1] = metrics.pull(kKeys, {name}, [this] { return static_cast<double>(keys()); });
}

// ---- expiry

void SharedMap::ExpiryHeap::up(size_t at) {
  Entry* entry = heap_[at];
  while (at > 0 && entry->expires < heap_[(at - 1) / 2]->expires) {
    place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  place(at, entry);
}

void SharedMap::ExpiryHeap::down(size_t at) {
  Entry* entry = heap_[at];
  for (size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
    if (child + 1 < heap_.size() && heap_[child + 1]->expires < heap_[child]->expires) ++child;
    if (heap_[child]->expires >= entry->expires) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

void SharedMap::ExpiryHeap::insert(Entry& entry) {
  heap_.push_back(&entry);
  up(heap_.size() - 1);
}

void SharedMap::ExpiryHeap::erase(Entry& entry) {
  const size_t at = std::exchange(entry.heap_at, kNotInHeap);
  Entry* last = heap_.back();
  heap_.pop_back();
  if (last == &entry) return;
  place(at, last);
  up(at);
  down(last->heap_at);
}

bool SharedMap::expired(const Entry& entry, TimePoint now) {
  if (entry.expires == kNever) [[likely]]
    return false;
  const TimePoint::rep at = entry.expires.time_since_epoch().count();
  TimePoint::rep seen = seen_expired_at_.load(std::memory_order_relaxed);
  if (at <= seen) return true;
  if (entry.expires > now) return false;
  while (seen < at && !seen_expired_at_.compare_exchange_weak(seen, at)) {
  }
  return true;
}

size_t SharedMap::collect_shard(Shard& shard, TimePoint now, size_t count) {
  const std::lock_guard lock(shard.mutex);
  size_t freed = 0;
  for (; freed < count; ++freed) {
    Entry* first = shard.expiry.top();
    if (first == nullptr || !expired(*first, now)) break;
    release({.bytes = -static_cast<int64_t>(first->bytes()), .keys = -1});
    erase(shard, *first);
  }
  return freed;
}

size_t SharedMap::collect(TimePoint now, size_t count) {
  if (expiring() == 0) return 0;
  size_t freed = 0;
  for (size_t i = 0; i < kShards && freed < count; ++i) {
    Shard& shard = shards_[next_shard_.fetch_add(1, std::memory_order_relaxed) % kShards];
    for (size_t n = kCollectedPerLock; n == kCollectedPerLock && freed < count;) {
      n = collect_shard(shard, now, std::min(kCollectedPerLock, count - freed));
      freed += n;
    }
  }
  return freed;
}

// ---- one entry

SharedMap::Entry* SharedMap::find_live(Shard& shard, std::string_view key, size_t hash,
                                       TimePoint now) {
  const auto found = shard.entries.find(key, hash);
  if (found == shard.entries.end()) return nullptr;
  Entry& entry = *found->second;
  if (!expired(entry, now)) return &entry;
  release({.bytes = -static_cast<int64_t>(entry.bytes()), .keys = -1});
  erase(shard, entry);
  return nullptr;
}

void SharedMap::erase(Shard& shard, Entry& entry) {
  if (entry.heap_at != kNotInHeap) {
    shard.expiry.erase(entry);
    expiring_.fetch_sub(1, std::memory_order_relaxed);
  }
  shard.entries.erase(std::string_view(entry.key));
}

void SharedMap::set_expiry(Shard& shard, Entry& entry, const StateWrite& write, TimePoint now,
                           WallTime wall) {
  if (entry.heap_at != kNotInHeap) {
    shard.expiry.erase(entry);
    expiring_.fetch_sub(1, std::memory_order_relaxed);
  }
  entry.expires = kNever;
  if (!write.ttl.has_value()) return;
  entry.expires = now + *write.ttl;
  entry.expires_wall = wall + *write.ttl;
  shard.expiry.insert(entry);
  expiring_.fetch_add(1, std::memory_order_relaxed);
}

void SharedMap::put(Shard& shard, const StateWrite& write, Entry* entry, TimePoint now,
                    WallTime wall) {
  if (entry == nullptr) {
    auto made = std::make_unique<Entry>();
    entry = made.get();
    entry->key = write.key;
    shard.entries.emplace(std::string_view(entry->key), std::move(made));
  }
  if (entry->value.capacity() > 2 * write.value.size() + kSpareBytes) {
    entry->value = std::string(write.value);
  } else {
    entry->value.assign(write.value);
  }
  entry->etag = etags_.next();
  set_expiry(shard, *entry, write, now, wall);
}

// ---- accounts

void SharedMap::release(Change change) {
  bytes_.fetch_add(change.bytes, std::memory_order_relaxed);
  keys_.fetch_add(change.keys, std::memory_order_relaxed);
}

Status SharedMap::reserve(Change change) {
  const int64_t bytes = bytes_.fetch_add(change.bytes, std::memory_order_relaxed) + change.bytes;
  const int64_t keys = keys_.fetch_add(change.keys, std::memory_order_relaxed) + change.keys;
  const bool too_many_bytes = change.bytes > 0 && bytes > static_cast<int64_t>(limits_.bytes_max);
  const bool too_many_keys = change.keys > 0 && keys > static_cast<int64_t>(limits_.keys_max);
  if (!too_many_bytes && !too_many_keys) [[likely]]
    return {};
  release({.bytes = -change.bytes, .keys = -change.keys});
  if (too_many_bytes) {
    return base::resource_exhausted(
        "the store is full: {} bytes are kept, {} more are over bytes_max {}; delete keys, give "
        "them a TTL, or raise bytes_max",
        bytes - change.bytes, change.bytes, limits_.bytes_max);
  }
  return base::resource_exhausted(
      "the store is full: it has {} keys, {} more are over keys_max {}; delete keys, give them a "
      "TTL, or raise keys_max",
      keys - change.keys, change.keys, limits_.keys_max);
}

// ---- operations

void SharedMap::get(std::string_view key, TimePoint now, blocks::StateItem& out) {
  const size_t hash = hash_of(key);
  Shard& shard = shards_[shard_of(hash)];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(key, hash);
  if (found == shard.entries.end() || expired(*found->second, now)) {
    out.clear();
    return;
  }
  const Entry& entry = *found->second;
  out.found = true;
  out.value.assign(entry.value);
  out.etag.assign(entry.etag.data(), entry.etag.size());
  if (entry.expires == kNever) [[likely]] {
    out.expires_at.reset();
  } else {
    out.expires_at = entry.expires_wall;
  }
}

Status SharedMap::try_write(const StateWrite& write, TimePoint now, WallTime wall) {
  const size_t hash = hash_of(write.key);
  Shard& shard = shards_[shard_of(hash)];
  const std::lock_guard lock(shard.mutex);
  Entry* entry = find_live(shard, write.key, hash, now);
  const Shadow shadow{
      .before = entry, .live = entry != nullptr, .bytes = entry == nullptr ? 0 : entry->bytes()};
  if (!shadow.meets(write.precondition)) return etag_mismatch(write.key, write.precondition);
  const auto before = static_cast<int64_t>(shadow.bytes);
  if (write.kind == StateWrite::Kind::kDelete) {
    if (entry == nullptr) return {};
    release({.bytes = -before, .keys = -1});
    erase(shard, *entry);
    return {};
  }
  const auto after =
      static_cast<int64_t>(write.key.size() + write.value.size() + kEntryOverheadBytes);
  TRY(reserve({.bytes = after - before, .keys = entry == nullptr ? 1 : 0}));
  put(shard, write, entry, now, wall);
  return {};
}

Status SharedMap::write(const StateWrite& write, TimePoint now, WallTime wall) {
  Status status = try_write(write, now, wall);
  if (status.ok() || status.error().code() != Code::kResourceExhausted) return status;
  if (collect(now, kCollectedWhenFull) == 0) return status;
  return try_write(write, now, wall);
}

Status SharedMap::try_transact(std::span<const StateWrite> writes, TimePoint now, WallTime wall) {
  const ShardLocks locks(shards_, writes);
  absl::flat_hash_map<std::string_view, Shadow> shadows;
  Change change;
  for (const StateWrite& write : writes) {
    const auto [place, is_new] = shadows.try_emplace(write.key);
    Shadow& shadow = place->second;
    if (is_new) {
      const size_t hash = hash_of(write.key);
      shadow.before = find_live(shards_[shard_of(hash)], write.key, hash, now);
      shadow.live = shadow.before != nullptr;
      shadow.bytes = shadow.live ? shadow.before->bytes() : 0;
    }
    if (!shadow.meets(write.precondition)) return etag_mismatch(write.key, write.precondition);
    const bool is_put = write.kind == StateWrite::Kind::kPut;
    const size_t bytes = is_put ? write.key.size() + write.value.size() + kEntryOverheadBytes : 0;
    change.bytes += static_cast<int64_t>(bytes) - static_cast<int64_t>(shadow.bytes);
    change.keys += static_cast<int64_t>(is_put) - static_cast<int64_t>(shadow.live);
    shadow = {.before = shadow.before, .live = is_put, .written = true, .bytes = bytes};
  }
  TRY(reserve(change));
  for (const StateWrite& write : writes) {
    const size_t hash = hash_of(write.key);
    Shard& shard = shards_[shard_of(hash)];
    const auto found = shard.entries.find(write.key, hash);
    Entry* entry = found == shard.entries.end() ? nullptr : found->second.get();
    if (write.kind == StateWrite::Kind::kPut) {
      put(shard, write, entry, now, wall);
    } else if (entry != nullptr) {
      erase(shard, *entry);
    }
  }
  return {};
}

Status SharedMap::transact(std::span<const StateWrite> writes, TimePoint now, WallTime wall) {
  Status status = try_transact(writes, now, wall);
  if (status.ok() || status.error().code() != Code::kResourceExhausted) return status;
  if (collect(now, kCollectedWhenFull) == 0) return status;
  return try_transact(writes, now, wall);
}

}  // namespace layotto::components::state::memory
