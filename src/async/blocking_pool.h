// BlockingPool: threads for calls that block (opening files, name look-ups of foreign libraries):
//
//   CO_TRY(auto text, co_await run_blocking(pool, loop, [path] { return read_file(path); }));
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/call.h"

namespace layotto::async {

// Threads are started when needed, up to `threads_max`; jobs waiting beyond `queue_max` are
// refused.
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

template <class F>
auto run_blocking(BlockingPool& pool, Loop& here, F function) {
  using T = std::invoke_result_t<F>;
  return CallAwaiter<T>(
      here, [&pool](std::move_only_function<void()> job) { return pool.submit(std::move(job)); },
      std::move_only_function<T()>(std::move(function)));
}

}  // namespace layotto::async
