// For the tests of StateApi: stores wired as the product wires them (the API, the limits and the
// prefix, the deadline, the component), messages in few words, and what came back as text.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/state_api.h"
#include "async/test_loop.h"
#include "blocks/fake_state_store.h"
#include "blocks/guarded_state_store.h"
#include "blocks/scoped_state_store.h"
#include "components/state/memory/memory.h"
#include "tests/support/component_environment.h"

namespace layotto::tests {

namespace runtime = ::spec::proto::runtime::v1;
using google::protobuf::Empty;

// "OK", or "CODE: message".
inline std::string said(const Status& status) {
  return status.ok() ? "OK" : status.error().to_string();
}
inline std::string code_of(const Status& status) {
  return std::string(base::code_name(status.ok() ? Code::kOk : status.error().code()));
}

struct ItemWords {
  std::string key;
  std::string value = "v";
  std::optional<std::string> etag = {};
  int concurrency = 0;
  int consistency = 0;
  std::optional<std::string> ttl = {};
};
inline runtime::StateItem item(const ItemWords& words) {
  runtime::StateItem made;
  made.set_key(words.key);
  made.set_value(words.value);
  if (words.etag.has_value()) made.mutable_etag()->set_value(*words.etag);
  using Options = runtime::StateOptions;
  made.mutable_options()->set_concurrency(
      static_cast<Options::StateConcurrency>(words.concurrency));
  made.mutable_options()->set_consistency(
      static_cast<Options::StateConsistency>(words.consistency));
  if (words.ttl.has_value()) (*made.mutable_metadata())["ttlInSeconds"] = *words.ttl;
  return made;
}

// Options, and a number that no release has a name for.
inline constexpr int kFirstWrite = runtime::StateOptions::CONCURRENCY_FIRST_WRITE;
inline constexpr int kLastWrite = runtime::StateOptions::CONCURRENCY_LAST_WRITE;
inline constexpr int kUnnamed = 77;

// How a store is configured.
struct StoreWords {
  std::string_view name = "demo";  // static text
  std::string key_prefix = {};
  std::optional<std::chrono::seconds> default_ttl = {};
  bool transactions = true;
};

// A GetState as it travels: both messages pass through the wire.
struct GetCall {
  explicit GetCall(const runtime::GetStateRequest& asked) : bytes(asked.SerializeAsString()) {
    CHECK(request.parse(bytes));
  }
  [[nodiscard]] runtime::GetStateResponse answer() const {
    std::string out(reply.byte_size(), '\0');
    reply.write(out.data());
    runtime::GetStateResponse parsed;
    CHECK(parsed.ParseFromString(out));
    return parsed;
  }

  const std::string bytes;
  mutable api::GetStateRequest request;
  mutable api::GetStateReply reply;
};

class StateApiTest : public ::testing::Test {
 protected:
  // `inner` outlives the fixture's calls.
  void wire(blocks::StateStore& inner, const StoreWords& words = {}) {
    const blocks::WorkerEnv env = worker_.env(words.name);
    Front& front = fronts_.emplace_back();
    front.guarded = std::make_unique<blocks::GuardedStateStore>(
        inner,
        blocks::GuardedStateStore::Options{.name = std::string(words.name),
                                           .type = "test",
                                           .operation_timeout = std::chrono::seconds(5)},
        test.loop(), ticks_, env.metrics);
    auto scoped =
        blocks::ScopedStateStore::make(*front.guarded, {.key_prefix = words.key_prefix,
                                                        .store_name = std::string(words.name),
                                                        .app_id = std::string(env.app_id)});
    CHECK(scoped.ok(), "the prefix of a test is refused");
    front.scoped = *std::move(scoped);
    api.add_store({.name = std::string(words.name),
                   .store = front.scoped.get(),
                   .features = {.transactions = words.transactions, .ttl = true},
                   .default_ttl = words.default_ttl});
  }
  // A state.memory; returned as the component itself, for a look at what it really holds.
  blocks::StateStore& add_memory(const StoreWords& words = {}) {
    static const auto& spec =
        *new blocks::ComponentSpec<blocks::StateStore>(components::state::memory::spec());
    const components::state::memory::MemorySettings settings;
    blocks::ProcessEnv process_env = process_.env(words.name);
    blocks::WorkerEnv worker_env = worker_.env(words.name);
    auto shared = spec.make_shared(&settings, process_env);
    CHECK(shared.ok());
    auto store = spec.make(&settings, shared->get(), worker_env);
    CHECK(store.ok() && test.run((*store)->start()).ok());
    shared_.push_back(*std::move(shared));
    stores_.push_back(*std::move(store));
    wire(*stores_.back(), words);
    return *stores_.back();
  }

  // ---- calls that come to an end at once
  runtime::GetStateResponse get(const std::string& key, const std::string& store = "demo") {
    const GetCall call(get_request(key, store));
    status = test.run(api.get_state(call.request, call.reply, exchange));
    return call.answer();
  }
  std::string value(const std::string& key) { return get(key).data(); }
  std::string etag(const std::string& key) { return get(key).etag(); }
  Status save(const std::vector<runtime::StateItem>& items, const std::string& store = "demo") {
    runtime::SaveStateRequest request;
    request.set_store_name(store);
    for (const runtime::StateItem& each : items) *request.add_states() = each;
    Empty reply;
    return test.run(api.save_state(request, reply, exchange));
  }
  Status save(const ItemWords& words) { return save(std::vector{item(words)}); }
  Status remove(const ItemWords& words, const std::string& store = "demo") {
    runtime::DeleteStateRequest request;
    request.set_store_name(store);
    const runtime::StateItem from = item(words);
    request.set_key(from.key());
    if (from.has_etag()) *request.mutable_etag() = from.etag();
    *request.mutable_options() = from.options();
    Empty reply;
    return test.run(api.delete_state(request, reply, exchange));
  }
  Status remove_bulk(const std::vector<runtime::StateItem>& items,
                     const std::string& store = "demo") {
    runtime::DeleteBulkStateRequest request;
    request.set_store_name(store);
    for (const runtime::StateItem& each : items) *request.add_states() = each;
    Empty reply;
    return test.run(api.delete_bulk_state(request, reply, exchange));
  }
  runtime::GetBulkStateResponse get_bulk(const std::vector<std::string>& keys, int parallelism = 0,
                                         const std::string& store = "demo") {
    runtime::GetBulkStateResponse reply;
    status = test.run(api.get_bulk_state(bulk_request(keys, parallelism, store), reply, exchange));
    return reply;
  }
  using Operations = std::vector<std::pair<std::string, runtime::StateItem>>;
  Status transact(const Operations& operations, const std::string& store = "demo") {
    runtime::ExecuteStateTransactionRequest request;
    request.set_storename(store);
    for (const auto& [type, each] : operations) {
      runtime::TransactionalStateOperation& operation = *request.add_operations();
      operation.set_operationtype(type);
      *operation.mutable_request() = each;
    }
    Empty reply;
    return test.run(api.execute_state_transaction(request, reply, exchange));
  }

  static runtime::GetStateRequest get_request(const std::string& key,
                                              const std::string& store = "demo") {
    runtime::GetStateRequest request;
    request.set_store_name(store);
    request.set_key(key);
    return request;
  }
  static runtime::GetBulkStateRequest bulk_request(const std::vector<std::string>& keys,
                                                   int parallelism,
                                                   const std::string& store = "demo") {
    runtime::GetBulkStateRequest request;
    request.set_store_name(store);
    for (const std::string& key : keys) request.add_keys(key);
    request.set_parallelism(parallelism);
    return request;
  }

  async::TestLoop test;
  Status status;  // of the last get() or get_bulk()

 private:
  struct Front {
    std::unique_ptr<blocks::GuardedStateStore> guarded;
    std::unique_ptr<blocks::ScopedStateStore> scoped;
  };
  ComponentProcess process_{test.clock()};
  ComponentWorker worker_{process_, test.loop()};
  base::TickClock ticks_;
  std::vector<std::shared_ptr<blocks::Shared>> shared_;
  std::vector<std::unique_ptr<blocks::StateStore>> stores_;
  std::deque<Front> fronts_;

 protected:
  api::StateApi api{test.loop()};
  http::Exchange exchange{test.loop()};
};

}  // namespace layotto::tests
