#include "blocks/state.h"

#include <algorithm>

#include "async/task_group.h"

namespace layotto::blocks {

Status check_state_key(std::string_view key) {
  if (key.empty()) return base::invalid_argument("the key is empty");
  if (key.size() > kStateKeyBytesMax) {
    return base::invalid_argument("the key has {} bytes, the limit is {}", key.size(),
                                  kStateKeyBytesMax);
  }
  return {};
}

Status check_state_write(const StateWrite& write) {
  TRY(check_state_key(write.key));
  if (write.precondition.etag.size() > kEtagBytesMax) {
    return base::invalid_argument("the etag has {} bytes, the limit is {}",
                                  write.precondition.etag.size(), kEtagBytesMax);
  }
  if (write.ttl.has_value() && (write.ttl->count() <= 0 || *write.ttl > kStateTtlMax)) {
    return base::invalid_argument("a TTL of {} seconds is not between 1 second and 10 years",
                                  write.ttl->count());
  }
  return {};
}

Error etag_mismatch(std::string_view key, const Precondition& precondition) {
  if (precondition.kind == Precondition::Kind::kAbsent) {
    return base::aborted("etag mismatch: key '{}' exists already, first-write refused", key);
  }
  return base::aborted("etag mismatch: key '{}' is missing or has another etag", key);
}

namespace {

Task<Status> write_in_turn(StateStore& store, std::span<const StateWrite> writes,
                           std::span<Status> results) {
  for (size_t i = 0; i < writes.size(); ++i) {
    results[i] = co_await store.write(writes[i]);
    const async::StopSource* stop = co_await async::current_stop();
    if (stop != nullptr && stop->fired()) co_return async::stop_error(stop->reason());
  }
  co_return Status{};
}

// Shared by the readers of one bulk: each takes the next key until none is left.
struct BulkRead {
  StateStore& store;
  std::span<const std::string_view> keys;
  Consistency consistency;
  std::span<StateItem> out;
  std::span<Status> results;
  size_t next = 0;
};

Task<void> read_some(BulkRead* bulk) {
  while (bulk->next < bulk->keys.size()) {
    const size_t i = bulk->next++;
    bulk->results[i] = co_await bulk->store.get(bulk->keys[i], bulk->consistency, bulk->out[i]);
  }
}

}  // namespace

Task<Status> StateStore::write_bulk(std::span<const StateWrite> writes, std::span<Status> results) {
  CHECK(writes.size() == results.size());
  return write_in_turn(*this, writes, results);
}

Task<Status> StateStore::transact(std::span<const StateWrite>) {
  return async::failed<Status>(base::unimplemented("this store has no transactions"));
}

Task<Status> get_bulk(async::Loop& loop, StateStore& store, std::span<const std::string_view> keys,
                      Consistency consistency, size_t parallelism, std::span<StateItem> out,
                      std::span<Status> results) {
  CHECK(keys.size() == out.size() && keys.size() == results.size());
  BulkRead bulk{store, keys, consistency, out, results};
  async::StopSource* stop = co_await async::current_stop();
  async::TaskGroup readers(loop);
  if (stop != nullptr) readers.stop_source().link_to(*stop);
  const size_t count = std::clamp<size_t>(parallelism, 1, std::max<size_t>(keys.size(), 1));
  for (size_t i = 0; i < count; ++i) readers.spawn(&read_some, &bulk);
  co_await readers.join();
  if (stop != nullptr && stop->fired()) co_return async::stop_error(stop->reason());
  co_return Status{};
}

}  // namespace layotto::blocks
