#include "blocks/guarded_state_store.h"

#include <gtest/gtest.h>

#include "async/frame_pool.h"
#include "async/test_loop.h"
#include "blocks/fake_state_store.h"
#include "telemetry/prometheus.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/later.h"

namespace layotto::blocks {
namespace {

using base::Code;
using std::chrono::milliseconds;
using std::chrono::seconds;

class GuardedStore : public ::testing::Test {
 protected:
  GuardedStateStore make(size_t waiting_max = 0) {
    return {inner_,
            {.name = "demo",
             .type = "fake",
             .operation_timeout = seconds(5),
             .waiting_max = waiting_max},
            loop_.loop(),
            ticks_,
            shard_};
  }
  static Task<void> write(GuardedStateStore* store, tests::Later<Status>* result) {
    result->emplace(co_await store->write({.key = "k", .value = "v"}));
  }
  static Task<void> read(GuardedStateStore* store, StateItem* item, tests::Later<Status>* result) {
    result->emplace(co_await store->get("k", Consistency::kDefault, *item));
  }
  bool has_line(std::string_view line) {
    return telemetry::prometheus_text(metrics_).find(std::string(line) + "\n") != std::string::npos;
  }

  async::TestLoop loop_;
  telemetry::Metrics metrics_;
  telemetry::Shard shard_{metrics_};
  base::TickClock ticks_;
  FakeStateStore inner_{loop_.loop()};
  StateItem item_;
};

TEST_F(GuardedStore, AReadyAnswerPassesThrough) {
  GuardedStateStore store = make();
  inner_.asked.reserve(16);
  ASSERT_TRUE(loop_.run(store.get("k", Consistency::kDefault, item_)).ok());
  const uint64_t frames = async::frames_allocated();
  const uint64_t allocations = tests::allocations();
  Task<Status> task = store.get("k", Consistency::kDefault, item_);
  ASSERT_TRUE(task.is_ready());
  EXPECT_TRUE(std::move(task).take().ok());
  EXPECT_EQ(async::frames_allocated(), frames);
  EXPECT_EQ(tests::allocations(), allocations);
  EXPECT_EQ(item_.value, "v");
}

TEST_F(GuardedStore, EndsWhatTakesTooLong) {
  GuardedStateStore store = make();
  inner_.hold();
  tests::Later<Status> result;
  loop_.tasks().spawn(&write, &store, &result);
  loop_.advance(seconds(5) - milliseconds(10));
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(store.waiting(), 1U);
  loop_.advance(milliseconds(20));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(result->error().outcome_unknown()) << "what the store said is kept";
  EXPECT_EQ(store.waiting(), 0U);
}

TEST_F(GuardedStore, EndsWhenTheCallerIsStopped) {
  GuardedStateStore store = make();
  inner_.hold();
  tests::Later<Status> result;
  async::StopSource stop;
  loop_.tasks().spawn_under(stop, &read, &store, &item_, &result);
  loop_.run();
  stop.fire(async::StopReason::kCancelled);
  loop_.run();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().code(), Code::kCancelled);
}

TEST_F(GuardedStore, RefusesBeyondTheBound) {
  GuardedStateStore store = make(2);
  inner_.hold();
  std::array<tests::Later<Status>, 3> results;
  for (auto& result : results) loop_.tasks().spawn(&write, &store, &result);
  loop_.run();
  ASSERT_TRUE(results[2].has_value());
  EXPECT_EQ(results[2]->error().code(), Code::kResourceExhausted);
  EXPECT_FALSE(results[0].has_value());
  inner_.go();
  loop_.run();
  EXPECT_TRUE(results[0]->ok() && results[1]->ok());
  EXPECT_TRUE(has_line("layotto_state_waiting_refused_total{store=\"demo\",type=\"fake\"} 1"));
}

TEST_F(GuardedStore, CountsByResult) {
  GuardedStateStore store = make();
  inner_.will_answer({});
  inner_.will_answer(base::unavailable("gone"));
  for (int i = 0; i < 3; ++i) {
    [[maybe_unused]] const Status got = loop_.run(store.get("k", Consistency::kDefault, item_));
  }
  inner_.will_answer(base::aborted("etag mismatch"));
  const std::array writes = {StateWrite{.key = "a"}, StateWrite{.key = "b"}};
  std::array<Status, 2> results;
  ASSERT_TRUE(loop_.run(store.write_bulk(writes, results)).ok());
  ASSERT_TRUE(loop_.run(store.transact(writes)).ok());
  const std::string of = "layotto_state_operations_total{store=\"demo\",type=\"fake\",operation=";
  EXPECT_TRUE(has_line(of + "\"get\",code=\"OK\"} 2"));
  EXPECT_TRUE(has_line(of + "\"get\",code=\"UNAVAILABLE\"} 1"));
  EXPECT_TRUE(has_line(of + "\"write_bulk\",code=\"ABORTED\"} 1")) << "item by item";
  EXPECT_TRUE(has_line(of + "\"write_bulk\",code=\"OK\"} 1"));
  EXPECT_TRUE(has_line(of + "\"transact\",code=\"OK\"} 1"));
  EXPECT_TRUE(
      has_line("layotto_state_operation_duration_seconds_count{store=\"demo\",type=\"fake\","
               "operation=\"get\"} 3"));
}

TEST_F(GuardedStore, ABulkThatWasStoppedCountsOnce) {
  GuardedStateStore store = make();
  inner_.hold();
  const std::array writes = {StateWrite{.key = "a"}, StateWrite{.key = "b"}};
  std::array<Status, 2> results;
  async::StopSource stop;
  tests::Later<Status> result;
  const auto bulk = [](GuardedStateStore* to, std::span<const StateWrite> all,
                       std::span<Status> each, tests::Later<Status>* done) -> Task<void> {
    done->emplace(co_await to->write_bulk(all, each));
  };
  loop_.tasks().spawn_under(stop, +bulk, &store, std::span<const StateWrite>(writes),
                            std::span<Status>(results), &result);
  loop_.run();
  stop.fire(async::StopReason::kCancelled);
  loop_.run();
  EXPECT_EQ(result->error().code(), Code::kCancelled);
  EXPECT_TRUE(
      has_line("layotto_state_operations_total{store=\"demo\",type=\"fake\","
               "operation=\"write_bulk\",code=\"CANCELLED\"} 1"));
}

}  // namespace
}  // namespace layotto::blocks
