// CaseLoop: a loop for tests of what has threads of its own.
#pragma once

#include <chrono>
#include <utility>

#include "async/loop.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "tests/support/later.h"

namespace layotto::conformance {

// A loop on this thread. Nothing sleeps: run() lets it wait for what other threads and the kernel
// do, and gives up after `patience` of real time.
class CaseLoop {
 public:
  static constexpr auto kPatience = std::chrono::seconds(60);

  explicit CaseLoop(const Clock& clock) : loop_(clock), tasks_(loop_) {}
  ~CaseLoop() {
    tasks_.stop(async::StopReason::kShutdown);
    CHECK(run_until([this] { return tasks_.running() == 0; }), "a task does not end");
    for (int i = 0; i < 3; ++i) loop_.run_once(Duration(0));
  }

  [[nodiscard]] async::Loop& loop() { return loop_; }
  [[nodiscard]] async::TaskGroup& tasks() { return tasks_; }

  // One pass first, so that the loop knows what time it is. False: not within kPatience.
  template <class F>
  bool run_until(F condition) {
    loop_.run_once(Duration(0));
    const TimePoint give_up = real_.now() + kPatience;
    while (!condition()) {
      if (real_.now() >= give_up) return false;
      loop_.run_once(std::chrono::milliseconds(20));
    }
    return true;
  }
  template <class T>
  T run(Task<T> task) {
    tests::Later<T> result;
    tasks_.spawn_task(store(std::move(task), &result), tasks_.stop_source());
    CHECK(run_until([&] { return result.has_value(); }), "an operation does not end");
    return std::move(*result);
  }

 private:
  template <class T>
  static Task<void> store(Task<T> task, tests::Later<T>* result) {
    result->emplace(co_await std::move(task));
  }

  base::SystemClock real_;
  async::Loop loop_;
  async::TaskGroup tasks_;
};

}  // namespace layotto::conformance
