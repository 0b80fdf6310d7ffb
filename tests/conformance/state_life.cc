// Life: before start, after stop, restarts, stopped callers, back ends that go away.
#include <array>

#include "async/deadline.h"
#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

using async::StopReason;
using async::StopSource;
using blocks::Consistency;
using blocks::Health;

void expect_unavailable(StateCase& t, StateStore& store) {
  StateItem item;
  item.found = true;
  EXPECT_EQ(code_of(t.main().run(store.get("k", Consistency::kDefault, item))), Code::kUnavailable);
  EXPECT_FALSE(item.found);
  EXPECT_EQ(code_of(t.main().run(store.write(put("k", "v")))), Code::kUnavailable);
  EXPECT_EQ(code_of(t.main().run(store.write(put_if("k", "v", "e")))), Code::kUnavailable);
  EXPECT_EQ(code_of(t.main().run(store.write(del_if("k", "e")))), Code::kUnavailable);
  const std::array<StateWrite, 2> writes = {put("a", "v"), del("b")};
  std::array<Status, 2> results;
  EXPECT_TRUE(t.main().run(store.write_bulk(writes, results)).ok());
  for (const Status& status : results) EXPECT_EQ(code_of(status), Code::kUnavailable);
  if (t.bed().features().transactions) {
    EXPECT_EQ(code_of(t.main().run(store.transact(writes))), Code::kUnavailable);
  }
}

Task<bool> stop_store(StateStore* store) {
  co_await store->drain();
  co_await store->stop();
  co_return true;
}

void before_start(StateCase& t) {
  const StateFront front = t.another_front();
  EXPECT_NE(front.store->health().state, Health::State::kReady);
  expect_unavailable(t, *front.store);
}

void after_stop(StateCase& t) {
  StateFront front = t.another_front();
  ASSERT_TRUE(t.main().run(front.store->start()).ok());
  EXPECT_EQ(front.store->health().state, Health::State::kReady);
  t.main().run(stop_store(front.store.get()));
  expect_unavailable(t, *front.store);
  t.must(put("k", "v"));  // others go on
}

void healthy_when_started(StateCase& t) {
  EXPECT_EQ(t.store().health().state, Health::State::kReady);
  EXPECT_TRUE(t.store().health().reason.empty());
  EXPECT_TRUE(t.main().run(t.store().probe()).ok());
  EXPECT_EQ(t.store().health().state, Health::State::kReady);
}

void fronts_come_and_go(StateCase& t) {
  for (int i = 0; i < 5; ++i) {
    StateFront front = t.another_front();
    ASSERT_TRUE(t.main().run(front.store->start()).ok());
    ASSERT_TRUE(t.main().run(front.store->write(put("k", std::to_string(i)))).ok());
    t.main().run(stop_store(front.store.get()));
    front.store.reset();
    EXPECT_EQ(t.value_of("k"), std::to_string(i));
  }
}

void a_restart_keeps_everything(StateCase& t) {
  std::vector<std::pair<std::string, StateItem>> kept;
  for (const size_t length : {size_t{1}, size_t{400}, size_t{401}, size_t{4096}}) {
    kept.emplace_back(std::string(length, 'k'), StateItem());
  }
  kept.emplace_back(std::string("\0\xff", 2), StateItem());
  for (auto& [key, item] : kept) {
    t.must(put(key, std::string(key.size() * 100, 'v')));
    item = t.get(key);
  }
  t.must(put("deleted", "v"));
  t.must(del("deleted"));
  for (int i = 0; i < 3; ++i) {
    t.restart();
    for (const auto& [key, item] : kept) {
      const StateItem now = t.get(key);
      EXPECT_TRUE(now.found);
      EXPECT_EQ(now.value, item.value);
      EXPECT_EQ(now.etag, item.etag);
    }
    EXPECT_FALSE(t.get("deleted").found);
  }
  t.must(put_if(kept[0].first, "new", kept[0].second.etag));
}

// Runs one operation under a StopSource that the case fires.
template <class T>
Task<void> tell(Task<T> task, tests::Later<T>* result) {
  result->emplace(co_await std::move(task));
}

void stopped_before_it_begins(StateCase& t) {
  StopSource stop;
  stop.fire(StopReason::kCancelled);
  t.must(put("k", "old"));
  tests::Later<Status> written;
  t.main().tasks().spawn_task(tell(t.store().write(put("k", "new")), &written), stop);
  ASSERT_TRUE(t.main().run_until([&] { return written.has_value(); }));
  // A store that never waits does it; one that waits says that it was stopped.
  if (written->ok()) {
    EXPECT_EQ(t.value_of("k"), "new");
    return;
  }
  EXPECT_EQ(code_of(*written), Code::kCancelled);
  EXPECT_FALSE(written->error().outcome_unknown()) << "nothing was sent";
  EXPECT_EQ(t.value_of("k"), "old");
}

// Stopped in every state of the wait: what the result says is true.
void stopped_while_waiting(StateCase& t) {
  struct Write {
    std::string key;
    StopSource stop;
    tests::Later<Status> result;
  };
  std::vector<std::unique_ptr<Write>> writes;
  for (int i = 0; i < 60; ++i) {
    auto write = std::make_unique<Write>();
    write->key = "key-" + std::to_string(i);
    t.main().tasks().spawn_task(tell(t.store().write(put(write->key, "v")), &write->result),
                                write->stop);
    for (int passes = 0; passes < i % 4; ++passes) t.main().loop().run_once(Duration(0));
    write->stop.fire(StopReason::kDeadline);
    writes.push_back(std::move(write));
  }
  ASSERT_TRUE(t.main().run_until([&] {
    return std::all_of(writes.begin(), writes.end(),
                       [](const auto& write) { return write->result.has_value(); });
  }));
  t.must(put("fence", "v"));
  for (const auto& write : writes) {
    const Status& status = *write->result;
    const bool found = t.get(write->key).found;
    if (status.ok()) {
      EXPECT_TRUE(found) << write->key;
    } else {
      EXPECT_EQ(status.error().code(), Code::kDeadlineExceeded);
      if (!status.error().outcome_unknown()) EXPECT_FALSE(found) << write->key;
    }
  }
}

void many_at_once(StateCase& t) {
  constexpr int kCount = 300;
  std::vector<std::string> keys;
  for (int i = 0; i < kCount; ++i) keys.push_back("key-" + std::to_string(i));
  std::vector<tests::Later<Status>> results(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    t.main().tasks().spawn_task(tell(t.store().write(put(keys[i], keys[i])), &results[i]),
                                t.main().tasks().stop_source());
  }
  ASSERT_TRUE(t.main().run_until([&] {
    return std::all_of(results.begin(), results.end(),
                       [](const auto& result) { return result.has_value(); });
  }));
  for (auto& result : results) EXPECT_TRUE(result->ok());
  for (const std::string& key : keys) EXPECT_EQ(t.value_of(key), key);
}

// With its server gone a store says so, in bounded time, and works again when it is back.
void the_back_end_goes_away(StateCase& t) {
  t.must(put("k", "v"));
  if (!t.backend().take_away()) GTEST_SKIP() << "nothing can be taken away";
  StateItem item;
  for (int i = 0; i < 3; ++i) {
    const Status got = t.get("k", item);
    EXPECT_TRUE(code_of(got) == Code::kUnavailable || code_of(got) == Code::kDeadlineExceeded);
    const Status written = t.write(put_if("k", "x", "e"));
    EXPECT_TRUE(code_of(written) == Code::kUnavailable ||
                code_of(written) == Code::kDeadlineExceeded)
        << "never a mismatch";
  }
  [[maybe_unused]] const Status probed = t.main().run(t.store().probe());
  EXPECT_NE(t.store().health().state, Health::State::kReady);
  EXPECT_FALSE(t.store().health().reason.empty());
  t.backend().bring_back();
  ASSERT_TRUE(t.main().run_until([&] { return t.get("k", item).ok(); }));
  EXPECT_TRUE(t.main().run(t.store().probe()).ok());
  EXPECT_EQ(t.store().health().state, Health::State::kReady);
  if (item.found) t.must(put_if("k", "new", item.etag));
  t.must(put("k", "newer"));
}

constexpr StateCaseSpec kCases[] = {
    {"BeforeStartNothingIsAvailable", {}, before_start},
    {"AfterStopNothingIsAvailable", {}, after_stop},
    {"HealthyWhenStarted", {}, healthy_when_started},
    {"FrontsComeAndGo", {}, fronts_come_and_go},
    {"RestartKeepsEverything", {.survives_restart = true}, a_restart_keeps_everything},
    {"StoppedBeforeItBegins", {}, stopped_before_it_begins},
    {"StoppedWhileWaiting", {}, stopped_while_waiting},
    {"ManyAtOnce", {}, many_at_once},
    {"BackEndGoesAway", {}, the_back_end_goes_away},
};

}  // namespace

std::span<const StateCaseSpec> life_cases() { return kCases; }

}  // namespace layotto::conformance
