// StateApi: the state rpcs of spec.proto.runtime.v1.Runtime, translated to blocks::StateStore and
// back. One object per worker; it holds no state of its own and knows messages, not gRPC.
//
// One status table for every rpc:
//   no store configured               FAILED_PRECONDITION
//   unknown store                     INVALID_ARGUMENT
//   key, etag or TTL against a rule   INVALID_ARGUMENT   ("||" in a key: UNKNOWN)
//   etag mismatch                     ABORTED
//   store full                        RESOURCE_EXHAUSTED
//   no transactions, unknown type     UNIMPLEMENTED
//   any failure of the component      INTERNAL
// A failure after which the write may have happened has the same code and a text that begins with
// "outcome unknown: ". A missing key is not a failure: the reply is empty.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/get_state_messages.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/error.h"
#include "blocks/state.h"
#include "http/exchange.h"
#include "spec/proto/runtime/v1/runtime.pb.h"

namespace layotto::api {

using google::protobuf::Empty;

class StateApi {
 public:
  explicit StateApi(async::Loop& loop) : loop_(loop) {}

  struct Store {
    std::string name;
    blocks::StateStore* store = nullptr;  // outlives the API
    blocks::StateStore::Features features;
    // For puts that do not say ttlInSeconds.
    std::optional<std::chrono::seconds> default_ttl;
  };
  void add_store(Store store) { stores_.push_back(std::move(store)); }

  Task<Status> get_state(const GetStateRequest& request, GetStateReply& reply,
                         http::Exchange& exchange);
  // Answers in the order of the keys.
  Task<Status> get_bulk_state(const runtime::GetBulkStateRequest& request,
                              runtime::GetBulkStateResponse& reply, http::Exchange& exchange);
  // Every item is tried, in order.
  Task<Status> save_state(const runtime::SaveStateRequest& request, Empty& reply,
                          http::Exchange& exchange);
  Task<Status> delete_state(const runtime::DeleteStateRequest& request, Empty& reply,
                            http::Exchange& exchange);
  Task<Status> delete_bulk_state(const runtime::DeleteBulkStateRequest& request, Empty& reply,
                                 http::Exchange& exchange);
  Task<Status> execute_state_transaction(const runtime::ExecuteStateTransactionRequest& request,
                                         Empty& reply, http::Exchange& exchange);

 private:
  [[nodiscard]] Result<const Store*> find(std::string_view name) const;
  static Task<Status> finish_get(Task<Status> running, const Store& store,
                                 const GetStateRequest& request);
  Task<Status> write_items(const Store& store,
                           const google::protobuf::RepeatedPtrField<runtime::StateItem>& items,
                           blocks::StateWrite::Kind kind);

  async::Loop& loop_;
  std::vector<Store> stores_;
};

}  // namespace layotto::api
