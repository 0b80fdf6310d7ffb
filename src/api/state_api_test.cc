// StateApi, reads: GetState and GetBulkState.
#include "api/state_api.h"

#include <gtest/gtest.h>

#include "tests/support/later.h"
#include "tests/support/state_api_harness.h"

namespace layotto::api {
namespace {

using blocks::Consistency;
using blocks::StateItem;
using std::chrono::seconds;
using tests::code_of;
using tests::item;
using tests::kUnnamed;
using tests::said;

// Notes how it is read; can hold reads back.
class ReadStore final : public blocks::StateStore {
 public:
  explicit ReadStore(async::Loop& loop) : go_(loop) {}
  Task<Status> start() override { return async::ready_ok(); }
  [[nodiscard]] blocks::Health health() const override { return {}; }
  Task<Status> write(blocks::StateWrite) override { return async::ready_ok(); }
  Task<Status> get(std::string_view key, Consistency consistency, StateItem& out) override {
    out.clear();
    asked.push_back(consistency);
    return read(this, key, &out);
  }
  // The reads that wait get their answer, the others wait.
  void answer() { go_.wake_all(); }

  std::vector<Consistency> asked;
  int reading = 0;
  int reading_max = 0;

 private:
  static Task<Status> read(ReadStore* self, std::string_view key, StateItem* out) {
    self->reading_max = std::max(self->reading_max, ++self->reading);
    const Status waited = co_await self->go_.wait();
    --self->reading;
    if (!waited.ok()) co_return waited.error().clone();
    if (key.starts_with("bad")) co_return base::unavailable("no answer for {}", key);
    *out = {.found = true, .value = "v of " + std::string(key), .etag = "e"};
    co_return Status{};
  }

  async::Event go_;
};

class StateApiReads : public tests::StateApiTest {
 protected:
  static Task<void> keep(Task<Status> task, tests::Later<Status>* result) {
    result->emplace(co_await std::move(task));
  }
  void begin_bulk(const std::vector<std::string>& keys, int parallelism) {
    request = bulk_request(keys, parallelism);
    test.tasks().spawn(&keep, api.get_bulk_state(request, reply, exchange), &result);
    test.run();
  }
  // Everything the API says about an item.
  static std::string words(const runtime::BulkStateItem& item) {
    return item.key() + "=" + item.data() + (item.etag().empty() ? "" : " etag") +
           (item.error().empty() ? "" : " error: " + item.error());
  }

  runtime::GetBulkStateRequest request;
  runtime::GetBulkStateResponse reply;
  tests::Later<Status> result;
};

// ---- GetState

TEST_F(StateApiReads, AMissingKeyIsOkAndEmpty) {
  add_memory();
  const runtime::GetStateResponse got = get("nobody");
  EXPECT_EQ(said(status), "OK");
  EXPECT_EQ(got.data(), "");
  EXPECT_EQ(got.etag(), "");
  EXPECT_TRUE(got.metadata().empty());
}

TEST_F(StateApiReads, AnswersWithValueAndEtag) {
  add_memory();
  const std::string binary("\0\xff\n||", 5);
  ASSERT_EQ(said(save({.key = "a", .value = binary})), "OK");
  const runtime::GetStateResponse got = get("a");
  EXPECT_EQ(got.data(), binary);
  EXPECT_FALSE(got.etag().empty());
  EXPECT_TRUE(got.metadata().empty()) << "it does not expire";
  EXPECT_EQ(get("a").etag(), got.etag());
}

TEST_F(StateApiReads, AnEmptyValueIsNotAMissingOne) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a", .value = ""})), "OK");
  EXPECT_EQ(value("a"), "");
  EXPECT_NE(etag("a"), "");
}

TEST_F(StateApiReads, KeysAreBytes) {
  add_memory();
  const std::vector<std::string> keys = {"a", "A", "a ", " a", std::string("a\0", 2), "a|", "|"};
  for (const std::string& key : keys) ASSERT_EQ(said(save({.key = key, .value = key})), "OK");
  for (const std::string& key : keys) EXPECT_EQ(value(key), key);
}

TEST_F(StateApiReads, SaysWhenAnItemExpires) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a", .ttl = "60"})), "OK");
  EXPECT_EQ(get("a").metadata().at("ttlExpireTime"), "2023-11-14T22:14:20Z");
  const runtime::GetBulkStateResponse bulk = get_bulk({"a", "b"});
  EXPECT_EQ(bulk.items(0).metadata().at("ttlExpireTime"), "2023-11-14T22:14:20Z");
  EXPECT_TRUE(bulk.items(1).metadata().empty());
}

TEST_F(StateApiReads, PassesTheConsistencyOn) {
  ReadStore store(test.loop());
  wire(store);
  const std::pair<int, Consistency> cases[] = {{0, Consistency::kDefault},
                                               {1, Consistency::kEventual},
                                               {2, Consistency::kStrong},
                                               {kUnnamed, Consistency::kDefault},
                                               {-1, Consistency::kDefault}};
  for (const auto& [number, expected] : cases) {
    runtime::GetStateRequest asked = get_request("a");
    asked.set_consistency(static_cast<runtime::StateOptions::StateConsistency>(number));
    const tests::GetCall call(asked);
    result.reset();
    test.tasks().spawn(&keep, api.get_state(call.request, call.reply, exchange), &result);
    test.run();
    store.answer();
    test.run();
    EXPECT_EQ(said(*result), "OK");
    EXPECT_EQ(call.answer().data(), "v of a");
    EXPECT_EQ(store.asked.back(), expected) << number;
  }
}

TEST_F(StateApiReads, ReusesWhatHeldTheLastItemWithoutMixingThemUp) {
  add_memory();
  ASSERT_EQ(said(save({.key = "long", .value = std::string(100'000, 'x'), .ttl = "60"})), "OK");
  ASSERT_EQ(said(save({.key = "short", .value = "s"})), "OK");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(value("long").size(), 100'000);
    EXPECT_EQ(value("short"), "s");
    EXPECT_TRUE(get("short").metadata().empty());
    EXPECT_EQ(value("nobody"), "");
    EXPECT_EQ(etag("nobody"), "");
  }
}

// ---- GetBulkState

TEST_F(StateApiReads, NoKeysAreOkAndEmpty) {
  add_memory();
  EXPECT_EQ(get_bulk({}).items_size(), 0);
  EXPECT_EQ(said(status), "OK");
}

TEST_F(StateApiReads, ABulkAnswersInTheOrderOfItsKeys) {
  add_memory();
  ASSERT_EQ(said(save({item({.key = "a", .value = "1"}), item({.key = "c", .value = "3"})})), "OK");
  for (const int parallelism : {-3, 0, 1, 2, 1000}) {
    const auto got = get_bulk({"c", "missing", "a", "c"}, parallelism);
    ASSERT_EQ(said(status), "OK");
    ASSERT_EQ(got.items_size(), 4);
    EXPECT_EQ(words(got.items(0)), "c=3 etag");
    EXPECT_EQ(words(got.items(1)), "missing=");
    EXPECT_EQ(words(got.items(2)), "a=1 etag");
    EXPECT_EQ(words(got.items(3)), "c=3 etag");
    EXPECT_EQ(got.items(3).etag(), etag("c"));
  }
}

TEST_F(StateApiReads, ParallelismIsHonoured) {
  struct Case {
    int asked;
    int at_once;
  };
  ReadStore store(test.loop());
  wire(store);
  std::vector<std::string> keys;
  for (int i = 0; i < 10; ++i) keys.push_back("k" + std::to_string(i));
  for (const Case c : {Case{-1, 1}, Case{0, 1}, Case{1, 1}, Case{3, 3}, Case{10, 10}, Case{11, 10},
                       Case{2'000'000'000, 10}}) {
    store.reading_max = 0;
    result.reset();
    reply.Clear();
    begin_bulk(keys, c.asked);
    EXPECT_EQ(store.reading, c.at_once) << c.asked;
    for (int i = 0; i < 10 && !result.has_value(); ++i) {
      store.answer();
      test.run();
    }
    EXPECT_EQ(said(*result), "OK");
    EXPECT_EQ(store.reading_max, c.at_once) << c.asked;
    ASSERT_EQ(reply.items_size(), 10);
    int at = 0;
    for (const std::string& key : keys) EXPECT_EQ(reply.items(at++).data(), "v of " + key);
  }
}

TEST_F(StateApiReads, AFailingKeyIsAnItemWithAnError) {
  ReadStore store(test.loop());
  wire(store);
  begin_bulk({"a", "bad", "b"}, 3);
  store.answer();
  test.run();
  ASSERT_EQ(said(*result), "OK");
  ASSERT_EQ(reply.items_size(), 3);
  EXPECT_EQ(words(reply.items(0)), "a=v of a etag");
  EXPECT_EQ(words(reply.items(1)),
            "bad= error: fail to get bad from state store demo: no answer for bad");
  EXPECT_EQ(words(reply.items(2)), "b=v of b etag");
}

TEST_F(StateApiReads, AReadThatTakesTooLongIsAnItemWithAnError) {
  ReadStore store(test.loop());
  wire(store);
  begin_bulk({"a"}, 1);
  test.advance(seconds(5));
  ASSERT_EQ(said(*result), "OK");
  EXPECT_NE(words(reply.items(0)).find("error: fail to get a from state store demo: "),
            std::string::npos);
}

TEST_F(StateApiReads, AKeyAgainstTheRulesFailsTheWholeBulk) {
  add_memory();
  EXPECT_EQ(get_bulk({"a", ""}).items_size(), 0);
  EXPECT_EQ(code_of(status), "INVALID_ARGUMENT");
  EXPECT_EQ(get_bulk({"a", std::string(4097, 'k')}).items_size(), 0);
  EXPECT_EQ(code_of(status), "INVALID_ARGUMENT");
  EXPECT_EQ(get_bulk({"a", "b||c"}).items_size(), 0);
  EXPECT_EQ(said(status), "UNKNOWN: input key/keyPrefix 'b||c' can't contain '||'");
}

}  // namespace
}  // namespace layotto::api
