// Calls elsewhere: `co_await` a function that runs on another thread and resume here with its
// value.
//
//   run_blocking(pool, here, f)    on a thread of the pool, for what blocks   (blocking_pool.h)
//   call_on(here, there, f)        on another loop's thread, for asking another worker
//
// The function and what it captured are owned by the call and live until it ends: a waiting task
// that is stopped gets its Error at once, the result is thrown away when it comes.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/loop.h"
#include "base/error.h"

namespace layotto::async {

// Gives a job to whoever runs it; false when it is not accepted.
using JobSubmitter = std::move_only_function<bool(std::move_only_function<void()> job)>;

template <class T>
class [[nodiscard]] CallAwaiter final : public Waiter {
 public:
  CallAwaiter(Loop& here, JobSubmitter submit, std::move_only_function<T()> function)
      : Waiter(here), submit_(std::move(submit)), function_(std::move(function)) {}
  ~CallAwaiter() {
    if (call_ != nullptr) call_->waiter = nullptr;
  }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!prepare(self)) return false;
    call_ = std::make_shared<Call>();
    call_->waiter = this;
    Loop* home = &loop();
    accepted_ = submit_([call = call_, function = std::move(function_), home]() mutable {
      call->value.emplace(function());
      home->post([call = std::move(call)] {
        if (call->waiter != nullptr) call->waiter->wake();
      });
    });
    if (!accepted_) static_cast<base::ListLink<StopNode>*>(this)->unlink();
    return accepted_;
  }
  Result<T> await_resume() {
    if (!accepted_) return base::resource_exhausted("too many calls wait for another thread");
    if (stopped() != StopReason::kNone) return stop_error(stopped());
    return std::move(*call_->value);
  }

 private:
  // Shared between the waiting coroutine and the other thread.
  struct Call {
    Waiter* waiter = nullptr;  // touched on the home loop only; null once nobody waits
    std::optional<T> value;
  };

  JobSubmitter submit_;
  std::move_only_function<T()> function_;
  std::shared_ptr<Call> call_;
  bool accepted_ = true;
};

// Both loops must outlive the call: `there` runs it in one of its passes.
template <class F>
auto call_on(Loop& here, Loop& there, F function) {
  using T = std::invoke_result_t<F>;
  return CallAwaiter<T>(
      here,
      [&there](std::move_only_function<void()> job) {
        there.post([job = std::move(job)]() mutable { job(); });
        return true;
      },
      std::move_only_function<T()>(std::move(function)));
}

}  // namespace layotto::async
