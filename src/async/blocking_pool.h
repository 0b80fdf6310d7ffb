// BlockingPool: threads for calls that block (opening files, name look-ups of foreign libraries).
// `co_await run_blocking(pool, loop, f, args...)` runs f on one of them and resumes here with its
// value. The function and its arguments are copied and live until the call ends: if the waiting
// task is stopped meanwhile, it gets its Error at once and the result is thrown away.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "base/error.h"

namespace layotto::async {

// Threads are started when needed, up to `threads_max`; jobs waiting beyond `queue_max` are refused.
class BlockingPool {
 public:
  struct Limits {
    size_t threads_max = 4;
    size_t queue_max = 1024;
  };
  explicit BlockingPool(Limits limits) : limits_(limits) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  // Waits for the calls under way; jobs not begun are dropped. The loops they report to must still
  // exist.
  ~BlockingPool();

  // Any thread. False when the queue is full or the pool is ending.
  bool submit(std::move_only_function<void()> job);

 private:
  void work();

  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void()>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool ending_ = false;
};

// Shared between the waiting coroutine and the pool's thread.
template <class T>
struct BlockingCall {
  Waiter* waiter = nullptr;  // loop's thread only; null once nobody waits
  std::optional<T> value;
};

template <class T>
class [[nodiscard]] BlockingAwaiter final : public Waiter {
 public:
  BlockingAwaiter(BlockingPool& pool, Loop& loop, std::move_only_function<T()> function)
      : Waiter(loop), pool_(pool), function_(std::move(function)) {}
  ~BlockingAwaiter() {
    if (call_ != nullptr) call_->waiter = nullptr;
  }
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!prepare(self)) return false;
    call_ = std::make_shared<BlockingCall<T>>();
    call_->waiter = this;
    Loop* home = &loop();
    accepted_ = pool_.submit([call = call_, function = std::move(function_), home]() mutable {
      call->value = function();
      home->post([call = std::move(call)] {
        if (call->waiter != nullptr) call->waiter->wake();
      });
    });
    if (!accepted_) static_cast<base::ListLink<StopNode>*>(this)->unlink();
    return accepted_;
  }
  Result<T> await_resume() {
    if (!accepted_) {
      return base::resource_exhausted("the pool for blocking calls is full, try again later");
    }
    if (stopped() != StopReason::kNone) return stop_error(stopped());
    return std::move(*call_->value);
  }

 private:
  BlockingPool& pool_;
  std::move_only_function<T()> function_;
  std::shared_ptr<BlockingCall<T>> call_;
  bool accepted_ = true;
};

template <class F>
auto run_blocking(BlockingPool& pool, Loop& loop, F function) {
  using T = std::invoke_result_t<F>;
  return BlockingAwaiter<T>(pool, loop, std::move_only_function<T()>(std::move(function)));
}

}  // namespace layotto::async
