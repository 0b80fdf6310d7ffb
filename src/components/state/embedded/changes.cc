#include "components/state/embedded/changes.h"

#include <absl/container/flat_hash_map.h>

#include <string>
#include <vector>

namespace layotto::components::state::embedded {
namespace {

using blocks::Precondition;
using blocks::StateWrite;
using clients::lmdb::Cursor;
using clients::lmdb::Outcome;

bool meets(const Precondition& precondition, bool live, std::string_view etag) {
  switch (precondition.kind) {
    case Precondition::Kind::kNone:
      return true;
    case Precondition::Kind::kAbsent:
      return !live;
    case Precondition::Kind::kEtag:
      return live && etag == precondition.etag;
  }
  return false;
}

}  // namespace

// What a key is after the writes of a transaction that were looked at.
struct Changes::Shadow {
  bool live = false;
  bool damaged = false;
  bool written = false;
  blocks::EtagSource::Etag etag{};
};

Changes::Changes(Storage& storage, blocks::EtagSource& etags)
    : storage_(storage), tables_(storage.tables()), etags_(etags), now_(storage.time().now()) {}

Outcome Changes::begin() { return transaction_.begin(*storage_.environment()); }

Error Changes::damaged(std::string_view key) const {
  return base::data_loss(
      "{}: the record of key '{}' is damaged; write or delete it without an etag, or go back to a "
      "backup",
      storage_.folder(), key);
}

Outcome Changes::find(std::string_view key, const StoredKey& stored, Found& found) {
  std::string_view bytes;
  const Outcome got = transaction_.get(tables_.state, stored.view(), bytes);
  if (got.not_found()) return {};
  if (!got.ok()) return got;
  found.exists = true;
  Record record;
  found.damaged =
      !record.read_from(bytes, stored.view()) || (!stored.is_whole() && record.key != key);
  if (found.damaged) return {};
  found.expires = record.expires;
  found.etag = record.etag;
  found.live = !storage_.time().expired(record.expires, now_);
  return {};
}

Outcome Changes::apply(const StateWrite& write, const StoredKey& stored, const Found& found) {
  if (write.kind == StateWrite::Kind::kDelete && !found.exists) return {};
  changed_ = true;
  if (found.expires != kNever) {
    const ExpiryKey old(found.expires, stored.view());
    const Outcome erased = transaction_.erase(tables_.expiry, old.view());
    if (!erased.ok() && !erased.not_found()) return erased;
  }
  if (write.kind == StateWrite::Kind::kDelete) {
    return transaction_.erase(tables_.state, stored.view());
  }
  Record record{.etag = etags_.next(), .key = {}, .value = write.value};
  if (!stored.is_whole()) record.key = write.key;
  if (write.ttl.has_value()) {
    const int64_t ttl = Duration(*write.ttl).count();
    record.expires = now_ + ttl;
    record.expires_wall = storage_.time().wall_now() + ttl;
    const ExpiryKey key(record.expires, stored.view());
    if (const Outcome put = transaction_.put(tables_.expiry, key.view(), {}); !put.ok()) return put;
  }
  char* place = nullptr;
  const Outcome reserved =
      transaction_.reserve(tables_.state, stored.view(), record.stored_bytes(), place);
  if (reserved.ok()) record.write_to(place, stored.view());
  return reserved;
}

Outcome Changes::write(const StateWrite& write, Status& result) {
  const StoredKey stored(write.key);
  Found found;
  if (const Outcome looked = find(write.key, stored, found); !looked.ok()) return looked;
  if (found.damaged && write.precondition.kind != Precondition::Kind::kNone) {
    result = damaged(write.key);
    return {};
  }
  if (!meets(write.precondition, found.live, blocks::view_of(found.etag))) {
    result = blocks::etag_mismatch(write.key, write.precondition);
    return {};
  }
  return apply(write, stored, found);
}

Outcome Changes::transact(std::span<const StateWrite> writes, Status& result) {
  absl::flat_hash_map<std::string_view, Shadow> shadows;
  for (const StateWrite& write : writes) {
    const auto [place, is_new] = shadows.try_emplace(write.key);
    Shadow& shadow = place->second;
    if (is_new) {
      const StoredKey stored(write.key);
      Found found;
      if (const Outcome looked = find(write.key, stored, found); !looked.ok()) return looked;
      shadow = {.live = found.live, .damaged = found.damaged, .etag = found.etag};
    }
    if (shadow.damaged && write.precondition.kind != Precondition::Kind::kNone) {
      result = damaged(write.key);
      return {};
    }
    // Nobody knows the etag of a write that is not done yet.
    const std::string_view etag = shadow.written ? "" : blocks::view_of(shadow.etag);
    if (!meets(write.precondition, shadow.live, etag)) {
      result = blocks::etag_mismatch(write.key, write.precondition);
      return {};
    }
    shadow = {.live = write.kind == StateWrite::Kind::kPut, .written = true};
  }
  for (const StateWrite& write : writes) {
    const StoredKey stored(write.key);
    Found found;
    if (const Outcome looked = find(write.key, stored, found); !looked.ok()) return looked;
    if (const Outcome applied = apply(write, stored, found); !applied.ok()) return applied;
  }
  return {};
}

Outcome Changes::sweep(size_t count, size_t& swept) {
  std::vector<std::string> over;
  {
    Cursor cursor;
    if (const Outcome opened = cursor.open(transaction_, tables_.expiry); !opened.ok())
      return opened;
    std::string_view key;
    std::string_view nothing;
    Outcome at = cursor.first(key, nothing);
    for (; at.ok() && over.size() < count; at = cursor.next(key, nothing)) {
      int64_t expires = 0;
      std::string_view stored;
      // What is no key of this table goes, too.
      if (ExpiryKey::parse(key, expires, stored) && !storage_.time().expired(expires, now_)) break;
      over.emplace_back(key);
    }
    if (!at.ok() && !at.not_found()) return at;
  }
  swept = over.size();
  for (const std::string& entry : over) {
    changed_ = true;
    int64_t expires = 0;
    std::string_view stored;
    if (ExpiryKey::parse(entry, expires, stored)) {
      std::string_view bytes;
      const Outcome got = transaction_.get(tables_.state, stored, bytes);
      if (!got.ok() && !got.not_found()) return got;
      Record record;
      if (got.ok() && record.read_from(bytes, stored) && record.expires == expires) {
        const Outcome gone = transaction_.erase(tables_.state, stored);
        if (!gone.ok()) return gone;
      }
    }
    if (const Outcome gone = transaction_.erase(tables_.expiry, entry); !gone.ok()) return gone;
  }
  return {};
}

Outcome Changes::look_ahead() {
  keys_ = transaction_.entries(tables_.state);
  next_expiry_ = kNever;
  Cursor cursor;
  if (const Outcome opened = cursor.open(transaction_, tables_.expiry); !opened.ok()) return opened;
  std::string_view key;
  std::string_view nothing;
  const Outcome first = cursor.first(key, nothing);
  if (first.not_found()) return {};
  std::string_view stored;
  if (first.ok() && !ExpiryKey::parse(key, next_expiry_, stored)) next_expiry_ = INT64_MIN;
  return first;
}

Outcome Changes::commit() {
  if (!changed_) return {};
  const auto saved = storage_.time().saved_now().bytes();
  const Outcome timed =
      transaction_.put(tables_.meta, kTimeKey, std::string_view(saved.data(), saved.size()));
  if (!timed.ok()) return timed;
  if (const Outcome looked = look_ahead(); !looked.ok()) return looked;
  return transaction_.commit();
}

}  // namespace layotto::components::state::embedded
