#include "blocks/scoped_state_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace layotto::blocks {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Status refuse_separator(std::string_view text) {
  if (text.find(ScopedStateStore::kSeparator) == std::string_view::npos) return {};
  return base::unknown("input key/keyPrefix '{}' can't contain '||'", text);
}

// Keys with their prefix, for calls with several: one allocation for all of them.
class PrefixedWrites {
 public:
  explicit PrefixedWrites(std::string_view prefix) : prefix_(prefix) {}

  void reserve(std::span<const StateWrite> writes) {
    size_t bytes = 0;
    for (const StateWrite& write : writes) bytes += prefix_.size() + write.key.size();
    keys_.reserve(bytes);
    writes_.reserve(writes.size());
  }
  void add(const StateWrite& write) {
    const size_t at = keys_.size();
    keys_ += prefix_;
    keys_ += write.key;
    writes_.push_back(write);
    writes_.back().key = std::string_view(keys_).substr(at);
  }
  [[nodiscard]] std::span<const StateWrite> writes() const { return writes_; }

 private:
  std::string_view prefix_;
  std::string keys_;  // never moves: reserve() made room for all
  std::vector<StateWrite> writes_;
};

}  // namespace

Result<std::unique_ptr<ScopedStateStore>> ScopedStateStore::make(StateStore& inner,
                                                                 Options options) {
  std::string prefix = lower_case(std::move(options.key_prefix));
  if (prefix == "none") {
    prefix.clear();
  } else if (prefix == "name") {
    prefix = std::move(options.store_name);
  } else if (prefix == "appid") {
    prefix = std::move(options.app_id);
  }
  if (Status status = refuse_separator(prefix); !status.ok()) {
    return std::move(status).error().recoded(Code::kInvalidArgument);
  }
  if (!prefix.empty()) prefix += kSeparator;
  return std::unique_ptr<ScopedStateStore>(new ScopedStateStore(inner, std::move(prefix)));
}

bool ScopedStateStore::is_plain(std::string_view key) const {
  return !key.empty() && prefix_.size() + key.size() <= kStateKeyBytesMax &&
         std::memchr(key.data(), kSeparator[0], key.size()) == nullptr;
}

Status ScopedStateStore::check_key(std::string_view key) const {
  if (is_plain(key)) [[likely]]
    return {};
  TRY(refuse_separator(key));
  TRY(check_state_key(key));
  if (prefix_.size() + key.size() > kStateKeyBytesMax) {
    return base::invalid_argument("the key has {} bytes with its prefix, the limit is {}",
                                  prefix_.size() + key.size(), kStateKeyBytesMax);
  }
  return {};
}

Status ScopedStateStore::check(const StateWrite& write) const {
  TRY(check_key(write.key));
  return check_state_write(write);
}

ScopedStateStore::Scratch ScopedStateStore::take_scratch(std::string_view key) {
  Scratch scratch;
  if (free_scratch_.empty()) {
    scratch = std::make_unique<std::string>();
  } else {
    scratch = std::move(free_scratch_.back());
    free_scratch_.pop_back();
  }
  scratch->assign(prefix_);
  scratch->append(key);
  return scratch;
}

void ScopedStateStore::give_scratch(Scratch scratch) {
  if (free_scratch_.size() < kScratchKept) free_scratch_.push_back(std::move(scratch));
}

// A refused write names its key as the store knows it: the caller wrote it without the prefix.
Status ScopedStateStore::restored(Status status) const {
  if (status.ok() || prefix_.empty() || status.error().code() != Code::kAborted) return status;
  std::string text(status.error().message());
  const size_t at = text.find(prefix_);
  if (at == std::string::npos) return status;
  text.erase(at, prefix_.size());
  return std::move(status).error().reworded(std::move(text));
}

Task<Status> ScopedStateStore::finish(Task<Status> running, Scratch scratch) {
  if (!running.is_ready()) return wait(this, std::move(running), std::move(scratch));
  Status done = restored(std::move(running).take());
  give_scratch(std::move(scratch));
  return async::ready(std::move(done));
}

Task<Status> ScopedStateStore::wait(ScopedStateStore* self, Task<Status> running, Scratch scratch) {
  Status done = self->restored(co_await std::move(running));
  self->give_scratch(std::move(scratch));
  co_return done;
}

Task<Status> ScopedStateStore::get(std::string_view key, Consistency consistency, StateItem& out) {
  if (!is_plain(key)) [[unlikely]] {
    if (Status status = check_key(key); !status.ok()) {
      out.clear();
      return async::ready(std::move(status));
    }
  }
  if (prefix_.empty()) return inner_.get(key, consistency, out);
  Scratch scratch = take_scratch(key);
  Task<Status> running = inner_.get(*scratch, consistency, out);
  return finish(std::move(running), std::move(scratch));
}

Task<Status> ScopedStateStore::write(StateWrite write) {
  if (Status status = check(write); !status.ok()) return async::ready(std::move(status));
  if (prefix_.empty()) return inner_.write(write);
  Scratch scratch = take_scratch(write.key);
  write.key = *scratch;
  Task<Status> running = inner_.write(write);
  return finish(std::move(running), std::move(scratch));
}

Task<Status> ScopedStateStore::write_bulk(std::span<const StateWrite> writes,
                                          std::span<Status> results) {
  CHECK(writes.size() == results.size());
  if (prefix_.empty() && std::all_of(writes.begin(), writes.end(),
                                     [this](const StateWrite& w) { return check(w).ok(); })) {
    return inner_.write_bulk(writes, results);
  }
  return bulk_prefixed(this, writes, results);
}

Task<Status> ScopedStateStore::bulk_prefixed(ScopedStateStore* self,
                                             std::span<const StateWrite> writes,
                                             std::span<Status> results) {
  PrefixedWrites prefixed(self->prefix_);
  prefixed.reserve(writes);
  std::vector<size_t> places;
  places.reserve(writes.size());
  for (size_t i = 0; i < writes.size(); ++i) {
    results[i] = self->check(writes[i]);
    if (!results[i].ok()) continue;
    prefixed.add(writes[i]);
    places.push_back(i);
  }
  std::vector<Status> written(places.size());
  CO_TRY(co_await self->inner_.write_bulk(prefixed.writes(), written));
  for (size_t i = 0; i < places.size(); ++i) {
    results[places[i]] = self->restored(std::move(written[i]));
  }
  co_return Status{};
}

Task<Status> ScopedStateStore::transact(std::span<const StateWrite> writes) {
  for (const StateWrite& write : writes) {
    if (Status status = check(write); !status.ok()) return async::ready(std::move(status));
  }
  if (prefix_.empty()) return inner_.transact(writes);
  return transact_prefixed(this, writes);
}

Task<Status> ScopedStateStore::transact_prefixed(ScopedStateStore* self,
                                                 std::span<const StateWrite> writes) {
  PrefixedWrites prefixed(self->prefix_);
  prefixed.reserve(writes);
  for (const StateWrite& write : writes) prefixed.add(write);
  co_return self->restored(co_await self->inner_.transact(prefixed.writes()));
}

}  // namespace layotto::blocks
