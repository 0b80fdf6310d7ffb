#include "api/state_api.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>
#include <utility>

namespace layotto::api {
namespace {

using blocks::Consistency;
using blocks::Precondition;
using blocks::StateItem;
using blocks::StateWrite;
using Metadata = google::protobuf::Map<std::string, std::string>;

// How many failed items of a bulk are named.
constexpr size_t kFailedItemsNamed = 10;

Consistency consistency_of(runtime::StateOptions::StateConsistency value) {
  switch (value) {
    case runtime::StateOptions::CONSISTENCY_EVENTUAL:
      return Consistency::kEventual;
    case runtime::StateOptions::CONSISTENCY_STRONG:
      return Consistency::kStrong;
    default:
      return Consistency::kDefault;
  }
}

Precondition precondition_of(std::string_view etag, const runtime::StateOptions& options,
                             StateWrite::Kind kind) {
  const auto concurrency = options.concurrency();
  if (concurrency == runtime::StateOptions::CONCURRENCY_LAST_WRITE) return Precondition::none();
  if (!etag.empty()) return Precondition::matches(etag);
  if (concurrency == runtime::StateOptions::CONCURRENCY_FIRST_WRITE &&
      kind == StateWrite::Kind::kPut) {
    return Precondition::absent();
  }
  return Precondition::none();
}

// The TTL of one put: what its metadata say, else the store's default. Zero and less: no expiry.
Result<std::optional<std::chrono::seconds>> ttl_of(const Metadata& metadata,
                                                   const StateApi::Store& store) {
  const auto entry = metadata.find("ttlInSeconds");
  if (entry == metadata.end()) return store.default_ttl;
  const std::string& text = entry->second;
  int64_t seconds = 0;
  const char* const text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, seconds);
  if (error == std::errc::invalid_argument || end != text_end) {
    return base::invalid_argument("ttlInSeconds '{}' is not a whole number of seconds", text);
  }
  if (error == std::errc::result_out_of_range) {
    seconds = text.starts_with('-') ? -1 : std::numeric_limits<int64_t>::max();
  }
  if (seconds > blocks::kStateTtlMax.count()) {
    return base::invalid_argument("ttlInSeconds '{}' is more than 10 years", text);
  }
  if (seconds <= 0) return std::optional<std::chrono::seconds>();
  return std::optional(std::chrono::seconds(seconds));
}

Result<StateWrite> write_of(const runtime::StateItem& item, StateWrite::Kind kind,
                            const StateApi::Store& store) {
  StateWrite write{.kind = kind,
                   .key = item.key(),
                   .value = item.value(),
                   .precondition = precondition_of(item.etag().value(), item.options(), kind),
                   .ttl = std::nullopt,
                   .consistency = consistency_of(item.options().consistency())};
  if (kind == StateWrite::Kind::kPut) {
    TRY(write.ttl, ttl_of(item.metadata(), store));
  }
  return write;
}

// Codes that mean something to the caller are kept, everything else is the component's failure.
Code surface_code(const Error& error) {
  switch (error.code()) {
    case Code::kAborted:
    case Code::kInvalidArgument:
    case Code::kUnknown:
    case Code::kResourceExhausted:
    case Code::kUnimplemented:
    case Code::kCancelled:
      return error.code();
    default:
      return Code::kInternal;
  }
}

// The product's words around the component's, and the status table of the header.
Error worded(Error error, std::string_view words) {
  const Code code = surface_code(error);
  std::string text = fmt::format("{}{}: {}", error.outcome_unknown() ? "outcome unknown: " : "",
                                 words, error.message());
  return std::move(error).recoded(code).reworded(std::move(text));
}

// The same for one key. One with "||" is answered in Layotto's words alone.
Error surface_error(Error error, std::string_view words) {
  if (error.code() == Code::kUnknown) return error;
  return worded(std::move(error), words);
}

Error bulk_error(std::span<Status> results,
                 const google::protobuf::RepeatedPtrField<runtime::StateItem>& items,
                 std::string_view words) {
  std::string named;
  const Error* first = nullptr;
  size_t failed = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok()) continue;
    if (first == nullptr) first = &results[i].error();
    if (++failed > kFailedItemsNamed) continue;
    if (failed > 1) named += "; ";
    named += fmt::format("item {} (key '{}'): {}{}", i, items[static_cast<int>(i)].key(),
                         results[i].error().outcome_unknown() ? "outcome unknown: " : "",
                         results[i].error().message());
  }
  if (failed > kFailedItemsNamed) named += fmt::format("; and {} more", failed - kFailedItemsNamed);
  return worded(first->clone().reworded(std::move(named)),
                fmt::format("{}: {} of {} items failed", words, failed, results.size()));
}

std::string rfc3339(WallTime at) {
  std::array<char, 32> text{};
  return {text.data(), write_rfc3339(at, text)};
}

}  // namespace

Result<const StateApi::Store*> StateApi::find(std::string_view name) const {
  for (const Store& store : stores_) {
    if (store.name == name) return &store;
  }
  if (stores_.empty()) return base::failed_precondition("state store is not configured");
  return base::invalid_argument("state store {} is not found", name);
}

// ---- reads

namespace {

Error get_error(Error error, std::string_view key, std::string_view store) {
  return surface_error(std::move(error),
                       fmt::format("fail to get {} from state store {}", key, store));
}

}  // namespace

Task<Status> StateApi::get_state(const GetStateRequest& request, GetStateReply& reply,
                                 http::Exchange&) {
  Result<const Store*> found = find(request.store_name());
  if (!found.ok()) return async::failed<Status>(std::move(found).error());
  const Store& store = **found;
  Task<Status> running =
      store.store->get(request.key(), consistency_of(request.consistency()), reply.item);
  if (!running.is_ready()) return finish_get(std::move(running), store, request);
  if (running.value().ok()) return running;
  return async::failed<Status>(
      get_error(std::move(running).take().error(), request.key(), store.name));
}

Task<Status> StateApi::finish_get(Task<Status> running, const Store& store,
                                  const GetStateRequest& request) {
  Status got = co_await std::move(running);
  if (got.ok()) co_return got;
  co_return get_error(std::move(got).error(), request.key(), store.name);
}

Task<Status> StateApi::get_bulk_state(const runtime::GetBulkStateRequest& request,
                                      runtime::GetBulkStateResponse& reply, http::Exchange&) {
  CO_TRY(const Store* store, find(request.store_name()));
  std::vector<std::string_view> keys(request.keys().begin(), request.keys().end());
  if (keys.empty()) co_return Status{};
  std::vector<StateItem> items(keys.size());
  std::vector<Status> results(keys.size());
  CO_TRY(co_await blocks::get_bulk(loop_, *store->store, keys, Consistency::kDefault,
                                   static_cast<size_t>(std::max(request.parallelism(), 1)), items,
                                   results));
  for (size_t i = 0; i < keys.size(); ++i) {
    // A key against the rules is the caller's mistake, not the item's failure.
    if (!results[i].ok() && (results[i].error().code() == Code::kInvalidArgument ||
                             results[i].error().code() == Code::kUnknown)) {
      co_return std::move(results[i]);
    }
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    runtime::BulkStateItem& out = *reply.add_items();
    out.set_key(keys[i].data(), keys[i].size());
    if (!results[i].ok()) {
      const Error error = get_error(std::move(results[i]).error(), keys[i], store->name);
      out.set_error(std::string(error.message()));
      continue;
    }
    if (!items[i].found) continue;
    out.mutable_data()->swap(items[i].value);
    out.mutable_etag()->swap(items[i].etag);
    if (items[i].expires_at.has_value()) {
      (*out.mutable_metadata())[std::string(kExpiryMetadata)] = rfc3339(*items[i].expires_at);
    }
  }
  co_return Status{};
}

// ---- writes

namespace {

template <class Words>
Task<Status> reworded(Task<Status> running, Words words) {
  Status done = co_await std::move(running);
  if (done.ok()) co_return done;
  co_return surface_error(std::move(done).error(), words());
}

// Awaits nothing, makes no text, unless it has to. What `words` refers to lives as long as the
// call.
template <class Words>
Task<Status> with_words(Task<Status> running, Words words) {
  if (!running.is_ready()) return reworded(std::move(running), words);
  Status done = std::move(running).take();
  if (done.ok()) return async::ready(std::move(done));
  return async::ready(Status(surface_error(std::move(done).error(), words())));
}

}  // namespace

Task<Status> StateApi::save_state(const runtime::SaveStateRequest& request, Empty&,
                                  http::Exchange&) {
  Result<const Store*> found = find(request.store_name());
  if (!found.ok()) return async::failed<Status>(std::move(found).error());
  const Store& store = **found;
  if (request.states_size() != 1) {
    return write_items(store, request.states(), StateWrite::Kind::kPut);
  }
  const auto words = [&store] {
    return fmt::format("failed saving state in state store {}", store.name);
  };
  Result<StateWrite> write = write_of(request.states(0), StateWrite::Kind::kPut, store);
  if (!write.ok()) {
    return async::failed<Status>(surface_error(std::move(write).error(), words()));
  }
  return with_words(store.store->write(*write), words);
}

Task<Status> StateApi::delete_state(const runtime::DeleteStateRequest& request, Empty&,
                                    http::Exchange&) {
  Result<const Store*> found = find(request.store_name());
  if (!found.ok()) return async::failed<Status>(std::move(found).error());
  const StateWrite write{.kind = StateWrite::Kind::kDelete,
                         .key = request.key(),
                         .value = {},
                         .precondition = precondition_of(request.etag().value(), request.options(),
                                                         StateWrite::Kind::kDelete),
                         .ttl = std::nullopt,
                         .consistency = consistency_of(request.options().consistency())};
  return with_words((*found)->store->write(write), [&request] {
    return fmt::format("failed deleting state with key {}", request.key());
  });
}

Task<Status> StateApi::delete_bulk_state(const runtime::DeleteBulkStateRequest& request, Empty&,
                                         http::Exchange&) {
  Result<const Store*> found = find(request.store_name());
  if (!found.ok()) return async::failed<Status>(std::move(found).error());
  return write_items(**found, request.states(), StateWrite::Kind::kDelete);
}

Task<Status> StateApi::write_items(
    const Store& store, const google::protobuf::RepeatedPtrField<runtime::StateItem>& items,
    StateWrite::Kind kind) {
  const auto count = static_cast<size_t>(items.size());
  std::vector<Status> results(count);
  // Items that break a rule are failed here and not sent; the others keep their order.
  std::vector<StateWrite> writes;
  std::vector<size_t> places;
  for (size_t i = 0; i < count; ++i) {
    Result<StateWrite> write = write_of(items[static_cast<int>(i)], kind, store);
    if (!write.ok()) {
      results[i] = std::move(write).error();
      continue;
    }
    writes.push_back(*std::move(write));
    places.push_back(i);
  }
  std::vector<Status> written(writes.size());
  const auto words = [&] {
    return fmt::format("failed {} state in state store {}",
                       kind == StateWrite::Kind::kPut ? "saving" : "deleting", store.name);
  };
  if (Status whole = co_await store.store->write_bulk(writes, written); !whole.ok()) {
    Error error = std::move(whole).error();
    // Refused before it began, or stopped on the way: then any of the writes may have happened.
    if (error.code() != Code::kResourceExhausted) error = std::move(error).unknown_outcome();
    co_return worded(std::move(error), words());
  }
  for (size_t i = 0; i < places.size(); ++i) results[places[i]] = std::move(written[i]);
  if (std::all_of(results.begin(), results.end(), [](const Status& s) { return s.ok(); })) {
    co_return Status{};
  }
  co_return bulk_error(results, items, words());
}

Task<Status> StateApi::execute_state_transaction(
    const runtime::ExecuteStateTransactionRequest& request, Empty&, http::Exchange&) {
  CO_TRY(const Store* store, find(request.storename()));
  if (!store->features.transactions) {
    co_return base::unimplemented("state store {} doesn't support transaction", store->name);
  }
  std::vector<StateWrite> writes;
  for (const runtime::TransactionalStateOperation& operation : request.operations()) {
    StateWrite::Kind kind = StateWrite::Kind::kPut;
    if (operation.operationtype() == "delete") {
      kind = StateWrite::Kind::kDelete;
    } else if (operation.operationtype() != "upsert") {
      co_return base::unimplemented("operation type {} not supported", operation.operationtype());
    }
    if (!operation.has_request()) continue;
    Result<StateWrite> write = write_of(operation.request(), kind, *store);
    if (!write.ok()) {
      co_return surface_error(std::move(write).error(), "error while executing state transaction");
    }
    writes.push_back(*std::move(write));
  }
  if (writes.empty()) co_return Status{};
  Status done = co_await store->store->transact(writes);
  if (done.ok()) co_return done;
  co_return surface_error(std::move(done).error(), "error while executing state transaction");
}

}  // namespace layotto::api
