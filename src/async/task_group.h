// TaskGroup: the owner of concurrent tasks. Every spawned task belongs to one; the group stops them
// together and can be waited for. Whoever owns a group stops and joins it before it goes:
// ~TaskGroup CHECKs that it is empty.
//
//   tasks_.spawn(&serve_stream, this, stream);     // a free function and values, never a lambda
//   tasks_.stop(StopReason::kShutdown);
//   co_await tasks_.join();
#pragma once

#include <type_traits>
#include <utility>

#include "async/loop.h"
#include "async/task.h"

namespace layotto::async {

class TaskGroup final : private RootOwner {
 public:
  explicit TaskGroup(Loop& loop) : loop_(loop) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() { CHECK(running_ == 0, "TaskGroup destroyed with tasks: stop and join it"); }

  // Calls function(arguments...) and runs the task until it first waits; the rest runs as the loop
  // resumes it. It runs under this group's StopSource.
  template <class... P, class... A>
  void spawn(Task<void> (*function)(P...), A&&... arguments) {
    start(function(std::forward<A>(arguments)...), stop_);
  }
  // The same under another source; the caller sees to it that the source outlives the task.
  template <class... P, class... A>
  void spawn_under(StopSource& stop, Task<void> (*function)(P...), A&&... arguments) {
    start(function(std::forward<A>(arguments)...), stop);
  }
  // For a task that was made already.
  void spawn_task(Task<void> task, StopSource& stop) { start(std::move(task), stop); }

  void stop(StopReason reason) { stop_.fire(reason); }
  [[nodiscard]] StopSource& stop_source() { return stop_; }
  [[nodiscard]] size_t running() const { return running_; }

  // Waits until no task is left (spawning meanwhile is allowed). Not interrupted by the caller's
  // own stop: joining is how one cleans up.
  class JoinAwaiter final : public Waiter {
   public:
    explicit JoinAwaiter(TaskGroup& group) : Waiter(group.loop_), group_(group) {}
    [[nodiscard]] bool await_ready() const noexcept { return group_.running_ == 0; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) {
      prepare_unstoppable(self);
      group_.joining_.push_back(*this);
    }
    void await_resume() const {}

   private:
    TaskGroup& group_;
  };
  JoinAwaiter join() { return JoinAwaiter(*this); }

  // The same, but ends with the caller's stop: an Error then.
  class WaitAwaiter final : public Waiter {
   public:
    explicit WaitAwaiter(TaskGroup& group) : Waiter(group.loop_), group_(group) {}
    [[nodiscard]] bool await_ready() const noexcept { return group_.running_ == 0; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!prepare(self)) return false;
      group_.joining_.push_back(*this);
      return true;
    }
    [[nodiscard]] Status await_resume() const { return outcome(); }

   private:
    TaskGroup& group_;
  };
  WaitAwaiter wait_until_empty() { return WaitAwaiter(*this); }

 private:
  void start(Task<void> task, StopSource& stop) {
    if (task.is_ready()) {
      std::move(task).take();
      return;
    }
    Task<void>::Handle frame = std::move(task).release();
    ++running_;
    frame.promise().run_as_root(*this, &stop);
    frame.resume();
  }
  void root_finished(std::coroutine_handle<> frame) override {
    frame.destroy();
    if (--running_ == 0) {
      while (Waiter* waiter = joining_.front()) waiter->wake();
    }
  }

  Loop& loop_;
  StopSource stop_;
  WaitList joining_;
  size_t running_ = 0;
};

}  // namespace layotto::async
