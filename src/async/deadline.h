// Waits with a StopSource of their own.
//
//   co_await with_deadline(loop, until, task)   stopped by the caller's source, or at `until`
//                                               (TimePoint::max(): only by the source)
//   co_await shielded(loop, until, task)        not stopped by the caller's source: for clean-up
//   that
//                                               must still wait, yet never without a deadline
//   co_await under(stop, task)                  stopped by `stop` only
//
// None of them makes a coroutine frame.
#pragma once

#include <coroutine>
#include <utility>

#include "async/loop.h"
#include "async/stop_token.h"
#include "async/task.h"

namespace layotto::async {

enum class Shield : uint8_t { kNo, kYes };

template <class T>
class [[nodiscard]] DeadlineAwaiter final : private Timer {
 public:
  DeadlineAwaiter(Loop& loop, TimePoint until, Task<T> task, Shield shield)
      : loop_(loop), until_(until), task_(std::move(task)), shield_(shield) {}
  [[nodiscard]] bool await_ready() const noexcept { return task_.is_ready(); }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) {
    if (StopSource* outer = parent.promise().stop(); outer != nullptr && shield_ == Shield::kNo) {
      source_.link_to(*outer);
    }
    if (until_ != TimePoint::max()) loop_.arm(*this, until_);
    return task_.start(parent, &source_);
  }
  T await_resume() {
    cancel();
    source_.unlink_from_parent();
    return task_.finish();
  }

 private:
  void on_timer() override { source_.fire(StopReason::kDeadline); }

  Loop& loop_;
  TimePoint until_;
  StopSource source_;
  Task<T> task_;
  Shield shield_;
};

template <class T>
DeadlineAwaiter<T> with_deadline(Loop& loop, TimePoint until, Task<T> task) {
  return {loop, until, std::move(task), Shield::kNo};
}
template <class T>
DeadlineAwaiter<T> shielded(Loop& loop, TimePoint until, Task<T> task) {
  return {loop, until, std::move(task), Shield::kYes};
}

template <class T>
class [[nodiscard]] UnderAwaiter {
 public:
  UnderAwaiter(StopSource& stop, Task<T> task) : stop_(stop), task_(std::move(task)) {}
  [[nodiscard]] bool await_ready() const noexcept { return task_.is_ready(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) {
    return task_.start(parent, &stop_);
  }
  T await_resume() { return task_.finish(); }

 private:
  StopSource& stop_;
  Task<T> task_;
};

template <class T>
UnderAwaiter<T> under(StopSource& stop, Task<T> task) {
  return {stop, std::move(task)};
}

}  // namespace layotto::async
