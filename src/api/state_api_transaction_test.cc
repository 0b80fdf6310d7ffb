// StateApi: ExecuteStateTransaction, and the key prefixes of a store on every rpc.
#include <gtest/gtest.h>

#include "tests/support/state_api_harness.h"

namespace layotto::api {
namespace {

using blocks::StateItem;
using std::chrono::seconds;
using tests::code_of;
using tests::item;
using tests::kFirstWrite;
using tests::said;

class StateApiTransactions : public tests::StateApiTest {};

TEST_F(StateApiTransactions, UpsertsAndDeletesInOrder) {
  add_memory();
  ASSERT_EQ(said(save({.key = "old"})), "OK");
  EXPECT_EQ(said(transact({{"upsert", item({.key = "a", .value = "1"})},
                           {"delete", item({.key = "old"})},
                           {"upsert", item({.key = "a", .value = "2"})},
                           {"upsert", item({.key = "b"})},
                           {"delete", item({.key = "b"})}})),
            "OK");
  EXPECT_EQ(value("a"), "2");
  EXPECT_EQ(etag("old"), "");
  EXPECT_EQ(etag("b"), "");
}

TEST_F(StateApiTransactions, AreAllOrNothing) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a", .value = "1"})), "OK");
  EXPECT_EQ(said(transact({{"upsert", item({.key = "a", .value = "2"})},
                           {"delete", item({.key = "b", .etag = "wrong"})},
                           {"upsert", item({.key = "c"})}})),
            "ABORTED: error while executing state transaction: etag mismatch: key 'b' is missing "
            "or has another etag");
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(etag("c"), "");
  for (const auto& [broken, code] :
       {std::pair{item({.key = ""}), "INVALID_ARGUMENT"},
        std::pair{item({.key = "x||y"}), "UNKNOWN"},
        std::pair{item({.key = "x", .ttl = "text"}), "INVALID_ARGUMENT"}}) {
    EXPECT_EQ(code_of(transact({{"upsert", item({.key = "a", .value = "2"})}, {"upsert", broken}})),
              code);
    EXPECT_EQ(value("a"), "1");
  }
}

TEST_F(StateApiTransactions, CompareEtagsAndKnowTheOptions) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a"})), "OK");
  EXPECT_EQ(said(transact({{"upsert", item({.key = "a", .value = "2", .etag = etag("a")})}})),
            "OK");
  EXPECT_EQ(value("a"), "2");
  EXPECT_EQ(code_of(transact({{"upsert", item({.key = "a", .concurrency = kFirstWrite})}})),
            "ABORTED");
  EXPECT_EQ(said(transact({{"delete", item({.key = "a", .concurrency = kFirstWrite})}})), "OK");
  EXPECT_EQ(said(transact({{"upsert", item({.key = "a", .etag = ""})}})), "OK")
      << "an empty etag is none";
}

TEST_F(StateApiTransactions, UpsertsExpire) {
  add_memory({.default_ttl = seconds(30)});
  EXPECT_EQ(said(transact({{"upsert", item({.key = "a", .ttl = "10"})},
                           {"upsert", item({.key = "b"})},
                           {"upsert", item({.key = "c", .ttl = "0"})}})),
            "OK");
  test.advance(seconds(10));
  EXPECT_EQ(etag("a"), "");
  EXPECT_NE(etag("b"), "");
  test.advance(seconds(20));
  EXPECT_EQ(etag("b"), "");
  EXPECT_NE(etag("c"), "");
}

TEST_F(StateApiTransactions, OtherTypesAreUnimplementedAndNothingIsDone) {
  add_memory();
  for (const char* type : {"", "merge", "UPSERT", "Delete", "upsert ", "get"}) {
    EXPECT_EQ(said(transact({{"upsert", item({.key = "a"})}, {type, item({.key = "b"})}})),
              fmt::format("UNIMPLEMENTED: operation type {} not supported", type));
    EXPECT_EQ(etag("a"), "") << type;
  }
}

TEST_F(StateApiTransactions, WithoutOperationsAreOk) {
  add_memory();
  EXPECT_EQ(said(transact({})), "OK");
}

TEST_F(StateApiTransactions, AnOperationWithoutARequestIsLeftOut) {
  add_memory();
  runtime::ExecuteStateTransactionRequest request;
  request.set_storename("demo");
  request.add_operations()->set_operationtype("upsert");
  Empty reply;
  EXPECT_EQ(said(test.run(api.execute_state_transaction(request, reply, exchange))), "OK");
  runtime::TransactionalStateOperation& second = *request.add_operations();
  second.set_operationtype("upsert");
  *second.mutable_request() = item({.key = "a"});
  request.add_operations()->set_operationtype("delete");
  EXPECT_EQ(said(test.run(api.execute_state_transaction(request, reply, exchange))), "OK");
  EXPECT_EQ(value("a"), "v");
}

TEST_F(StateApiTransactions, AStoreWithoutThemSaysSo) {
  add_memory({.transactions = false});
  for (const char* type : {"upsert", "merge"}) {
    EXPECT_EQ(said(transact({{type, item({.key = "a"})}})),
              "UNIMPLEMENTED: state store demo doesn't support transaction");
  }
  EXPECT_EQ(said(transact({})), "UNIMPLEMENTED: state store demo doesn't support transaction");
  EXPECT_EQ(etag("a"), "");
}

// ---- key prefixes

class StateApiPrefixes : public tests::StateApiTest {
 protected:
  bool holds(blocks::StateStore& store, std::string_view key) {
    StateItem found;
    EXPECT_TRUE(test.run(store.get(key, blocks::Consistency::kDefault, found)).ok());
    return found.found;
  }
};

TEST_F(StateApiPrefixes, StandBeforeTheKeyInTheStoreOnly) {
  struct Case {
    std::string_view name;
    std::string key_prefix;
    std::string_view held_as;
  };
  // The application is called "app".
  for (const Case& c : {Case{"s0", "", "k"}, Case{"s1", "none", "k"}, Case{"s2", "NONE", "k"},
                        Case{"s3", "name", "s3||k"}, Case{"s4", "Name", "s4||k"},
                        Case{"s5", "appid", "app||k"}, Case{"s6", "APPID", "app||k"},
                        Case{"s7", "Some Text", "some text||k"}, Case{"s8", "a|b", "a|b||k"}}) {
    blocks::StateStore& store = add_memory({.name = c.name, .key_prefix = c.key_prefix});
    const std::string name(c.name);
    ASSERT_EQ(said(save({item({.key = "k"})}, name)), "OK") << name;
    EXPECT_TRUE(holds(store, c.held_as)) << name;
    EXPECT_EQ(get("k", name).data(), "v") << name;
    const auto bulk = get_bulk({"k", "other"}, 2, name);
    ASSERT_EQ(bulk.items_size(), 2) << name;
    EXPECT_EQ(bulk.items(0).key(), "k") << name;
    EXPECT_EQ(bulk.items(0).data(), "v") << name;
    EXPECT_EQ(bulk.items(1).key(), "other") << name;
    EXPECT_EQ(said(save({item({.key = "x"}), item({.key = "y"})}, name)), "OK") << name;
    EXPECT_EQ(said(remove_bulk({item({.key = "x"})}, name)), "OK") << name;
    EXPECT_EQ(get("x", name).etag(), "") << name;
    EXPECT_EQ(
        said(transact({{"delete", item({.key = "y"})}, {"upsert", item({.key = "z"})}}, name)),
        "OK");
    EXPECT_EQ(get("y", name).etag(), "") << name;
    EXPECT_EQ(get("z", name).data(), "v") << name;
    EXPECT_EQ(said(remove({.key = "k"}, name)), "OK") << name;
    EXPECT_FALSE(holds(store, c.held_as)) << name;
  }
}

TEST_F(StateApiPrefixes, AreNotSeenInErrors) {
  add_memory({.key_prefix = "secret"});
  for (const Status& refused :
       {save({.key = "k", .etag = "wrong"}), remove({.key = "k", .etag = "wrong"}),
        save({item({.key = "k", .etag = "wrong"}), item({.key = "l", .etag = "wrong"})}),
        transact({{"upsert", item({.key = "k", .etag = "wrong"})}})}) {
    EXPECT_EQ(code_of(refused), "ABORTED");
    EXPECT_NE(said(refused).find("key 'k'"), std::string::npos) << said(refused);
    EXPECT_EQ(said(refused).find("secret"), std::string::npos) << said(refused);
  }
}

TEST_F(StateApiPrefixes, CountForTheKeysSizeAndDoNotAllowBars) {
  add_memory({.key_prefix = "name"});
  EXPECT_EQ(said(save({.key = std::string(4096 - 6, 'k')})), "OK");
  EXPECT_EQ(code_of(save({.key = std::string(4096 - 5, 'k')})), "INVALID_ARGUMENT");
  EXPECT_EQ(code_of(save({.key = ""})), "INVALID_ARGUMENT");
  EXPECT_EQ(said(save({.key = "demo||k"})),
            "UNKNOWN: input key/keyPrefix 'demo||k' can't contain '||'");
}

}  // namespace
}  // namespace layotto::api
