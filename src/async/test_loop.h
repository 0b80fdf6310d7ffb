// TestLoop: a Loop whose clock the test turns. Nothing sleeps: advance() moves time from timer to
// timer and runs everything that becomes ready.
#pragma once

#include <algorithm>
#include <utility>

#include "async/loop.h"
#include "async/task_group.h"
#include "base/clock.h"

namespace layotto::async {

class TestLoop {
 public:
  TestLoop() : loop_(clock_), tasks_(loop_) {}
  // The test must have let its tasks finish: stop_and_run() does.
  ~TestLoop() { stop_and_run(); }

  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] base::ManualClock& clock() { return clock_; }
  [[nodiscard]] TaskGroup& tasks() { return tasks_; }

  // Runs passes until nothing is ready. Bounded: a task that never stops yielding is a bug.
  void run() {
    for (int passes = 0; passes < 1'000'000; ++passes) {
      const uint64_t seen = loop_.counters().resumed + loop_.counters().io_events;
      loop_.run_once(Duration(0));
      if (!loop_.has_ready_work() &&
          seen == loop_.counters().resumed + loop_.counters().io_events) {
        return;
      }
    }
    CHECK(false, "the loop does not come to rest");
  }
  // Lets `by` pass: stops at every timer on the way.
  void advance(Duration by) {
    const TimePoint end = clock_.now() + by;
    run();
    while (clock_.now() < end) {
      const auto next = loop_.timers_.next();
      const TimePoint step = next.has_value() ? std::min(std::max(*next, clock_.now()), end) : end;
      clock_.advance(step - clock_.now());
      run();
      if (next.has_value() && *next >= end) break;
    }
    clock_.advance(end - clock_.now());
    run();
  }
  // Awaits the task on this loop, running it to its end; CHECKs that it came to an end without
  // time passing.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    tasks_.spawn_task(store(std::move(task), &result), tasks_.stop_source());
    run();
    CHECK(result.has_value(), "the task waits for something that did not happen");
    return std::move(*result);
  }
  void run(Task<void> task) {
    const size_t before = tasks_.running();
    tasks_.spawn_task(std::move(task), tasks_.stop_source());
    run();
    CHECK(tasks_.running() == before, "the task waits for something that did not happen");
  }
  void stop_and_run() {
    tasks_.stop(StopReason::kShutdown);
    run();
  }

 private:
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>* result) {
    result->emplace(co_await std::move(task));
  }

  base::ManualClock clock_;
  Loop loop_;
  TaskGroup tasks_;
};

}  // namespace layotto::async
