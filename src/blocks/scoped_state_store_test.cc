#include "blocks/scoped_state_store.h"

#include <gtest/gtest.h>

#include "async/test_loop.h"
#include "blocks/fake_state_store.h"
#include "tests/support/allocation_counter.h"

namespace layotto::blocks {
namespace {

using Asked = std::vector<std::string>;
using base::Code;

class ScopedStore : public ::testing::Test {
 protected:
  ScopedStateStore& scoped(std::string prefix, std::string app_id = "app") {
    auto made = ScopedStateStore::make(
        inner_,
        {.key_prefix = std::move(prefix), .store_name = "Demo", .app_id = std::move(app_id)});
    CHECK(made.ok(), made.error().message());
    store_ = *std::move(made);
    return *store_;
  }
  static StateWrite put(std::string_view key, std::string_view value = "v") {
    return {.key = key, .value = value};
  }
  Status get(std::string_view key) {
    return loop_.run(store_->get(key, Consistency::kDefault, item_));
  }

  async::TestLoop loop_;
  FakeStateStore inner_{loop_.loop()};
  std::unique_ptr<ScopedStateStore> store_;
  StateItem item_;
};

TEST_F(ScopedStore, PrefixStrategies) {
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"", "app", "k"},           {"none", "app", "k"},       {"NONE", "app", "k"},
      {"name", "app", "Demo||k"}, {"Name", "app", "Demo||k"}, {"appid", "app", "app||k"},
      {"AppId", "App", "App||k"}, {"appid", "", "k"},         {"Shop-EU", "app", "shop-eu||k"}};
  for (const auto& [prefix, app_id, key] : cases) {
    scoped(prefix, app_id);
    inner_.asked.clear();
    ASSERT_TRUE(get("k").ok()) << prefix;
    ASSERT_TRUE(loop_.run(store_->write(put("k"))).ok());
    const std::array two = {put("k"), StateWrite{.kind = StateWrite::Kind::kDelete, .key = "k"}};
    ASSERT_TRUE(loop_.run(store_->transact(two)).ok());
    EXPECT_EQ(inner_.asked, (Asked{"get " + key, "put " + key + "=v",
                                   "transact:", "put " + key + "=v", "delete " + key}))
        << prefix;
  }
}

TEST_F(ScopedStore, RefusesTheSeparatorInAConfiguredPrefix) {
  for (const char* prefix : {"a||b", "||", "name"}) {
    const auto made = ScopedStateStore::make(
        inner_, {.key_prefix = prefix, .store_name = "a||b", .app_id = "app"});
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code(), Code::kInvalidArgument);
    EXPECT_NE(made.error().message().find("can't contain '||'"), std::string::npos);
  }
}

TEST_F(ScopedStore, RefusesTheSeparatorInAKey) {
  for (const char* prefix : {"", "name"}) {
    scoped(prefix);
    inner_.asked.clear();
    const Status status = get("a||b");
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), Code::kUnknown);
    EXPECT_EQ(status.error().message(), "input key/keyPrefix 'a||b' can't contain '||'");
    EXPECT_EQ(loop_.run(store_->write(put("a||b"))).error().code(), Code::kUnknown);
    const std::array one = {put("a||b")};
    EXPECT_EQ(loop_.run(store_->transact(one)).error().code(), Code::kUnknown);
    EXPECT_TRUE(inner_.asked.empty()) << "nothing reached the store";
    EXPECT_TRUE(get("a|b").ok());
  }
}

TEST_F(ScopedStore, KeepsTheLimits) {
  scoped("name");
  const std::string longest(kStateKeyBytesMax - 6, 'k');  // and "Demo||"
  EXPECT_TRUE(get(longest).ok());
  EXPECT_EQ(get(longest + "k").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(get("").error().code(), Code::kInvalidArgument);
  const std::string etag(kEtagBytesMax + 1, 'e');
  StateWrite write = put("k");
  write.precondition = Precondition::matches(etag);
  EXPECT_EQ(loop_.run(store_->write(write)).error().code(), Code::kInvalidArgument);
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, kStateTtlMax.count() + 1}) {
    write = put("k");
    write.ttl = std::chrono::seconds(seconds);
    EXPECT_EQ(loop_.run(store_->write(write)).error().code(), Code::kInvalidArgument) << seconds;
  }
}

TEST_F(ScopedStore, ARefusedReadClearsTheItem) {
  scoped("");
  item_.found = true;
  item_.value = "old";
  EXPECT_FALSE(get("").ok());
  EXPECT_FALSE(item_.found);
  EXPECT_TRUE(item_.value.empty());
}

TEST_F(ScopedStore, BulkFailsBadItemsAlone) {
  for (const char* prefix : {"", "name"}) {
    scoped(prefix);
    inner_.asked.clear();
    inner_.will_answer({});
    inner_.will_answer(base::aborted("etag mismatch"));
    const std::array writes = {put("a"), put("x||y"), put("b"), put(""), put("c")};
    std::array<Status, 5> results;
    ASSERT_TRUE(loop_.run(store_->write_bulk(writes, results)).ok());
    EXPECT_TRUE(results[0].ok());
    EXPECT_EQ(results[1].error().code(), Code::kUnknown);
    EXPECT_EQ(results[2].error().code(), Code::kAborted);
    EXPECT_EQ(results[3].error().code(), Code::kInvalidArgument);
    EXPECT_TRUE(results[4].ok());
    EXPECT_EQ(inner_.asked.size(), 4U) << "bulk: and the three good ones";
  }
}

TEST_F(ScopedStore, ErrorsNameTheCallersKey) {
  scoped("name");
  inner_.will_answer(etag_mismatch("Demo||k", Precondition::absent()));
  EXPECT_EQ(loop_.run(store_->write(put("k"))).error().message(),
            "etag mismatch: key 'k' exists already, first-write refused");
  inner_.will_answer(etag_mismatch("Demo||k", Precondition::matches("e")));
  const std::array one = {put("k")};
  EXPECT_EQ(loop_.run(store_->transact(one)).error().message(),
            "etag mismatch: key 'k' is missing or has another etag");
}

TEST_F(ScopedStore, KeysLiveAsLongAsTheOperationWaits) {
  scoped("name");
  inner_.hold();
  std::array<StateItem, 3> items;
  std::array<std::optional<Status>, 3> done;
  const std::array<std::string, 3> keys = {"a", "b", "a key that is too long to be stored inline"};
  const auto read = [](ScopedStateStore* store, std::string_view key, StateItem* item,
                       std::optional<Status>* result) -> Task<void> {
    result->emplace(co_await store->get(key, Consistency::kDefault, *item));
  };
  for (size_t i = 0; i < 3; ++i) {
    loop_.tasks().spawn(+read, store_.get(), std::string_view(keys[i]), &items[i], &done[i]);
  }
  loop_.run();
  EXPECT_TRUE(inner_.asked.empty());
  inner_.go();
  loop_.run();
  EXPECT_EQ(inner_.asked, (Asked{"get Demo||a", "get Demo||b", "get Demo||" + keys[2]}));
  EXPECT_TRUE(done[0]->ok() && done[1]->ok() && done[2]->ok());
}

TEST_F(ScopedStore, AWarmReadAllocatesNothing) {
  for (const char* prefix : {"", "a-prefix-that-is-not-stored-inline"}) {
    scoped(prefix);
    inner_.asked.reserve(100);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(get("k").ok());
    inner_.asked.clear();
    const uint64_t before = tests::allocations();
    Task<Status> task = store_->get("k", Consistency::kDefault, item_);
    const uint64_t after = tests::allocations();
    ASSERT_TRUE(task.is_ready());
    EXPECT_TRUE(std::move(task).take().ok());
    // The fake notes "get <key>" in a string of its own.
    EXPECT_LE(after - before, *prefix == 0 ? 0U : 2U);
  }
}

TEST_F(ScopedStore, LifeIsTheInnerStores) {
  scoped("name");
  EXPECT_TRUE(loop_.run(store_->start()).ok());
  EXPECT_EQ(inner_.asked, Asked{"start"});
  EXPECT_EQ(store_->health().state, Health::State::kReady);
}

}  // namespace
}  // namespace layotto::blocks
