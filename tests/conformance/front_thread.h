// FrontThread: a second worker: a thread with its own loop and its own front of the same back end.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "tests/conformance/state_case.h"

namespace layotto::conformance {

// What another thread will say.
template <class T>
class FromThread {
 public:
  void set(T value) {
    const std::lock_guard lock(mutex_);
    value_.emplace(std::move(value));
    changed_.notify_all();
  }
  // Waits for it; once.
  T take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return value_.has_value(); });
    return std::move(*value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> value_;
};

class FrontThread {
 public:
  explicit FrontThread(StateBackend& backend) : backend_(backend) {
    FromThread<Status> started;
    thread_ = std::thread([this, &started] { work(started); });
    const Status status = started.take();
    CHECK(status.ok(), status.error().message());
  }
  FrontThread(const FrontThread&) = delete;
  FrontThread& operator=(const FrontThread&) = delete;
  ~FrontThread() {
    loop_->stop();
    thread_.join();
  }

  // Runs the task that `make(store)` makes on the thread; the result comes in what is returned,
  // which this keeps alive, too. What `make` refers to lives until then.
  template <class F>
  auto begin(F make) {
    using T = std::invoke_result_t<F, StateStore&>::value_type;
    auto result = std::make_shared<FromThread<T>>();
    loop_->post([this, make = std::move(make), result]() mutable {
      tasks_->spawn_task(tell<T>(make(*front_->store), result), tasks_->stop_source());
    });
    return result;
  }

 private:
  template <class T>
  static Task<void> tell(Task<T> task, std::shared_ptr<FromThread<T>> result) {
    result->set(co_await std::move(task));
  }

  void work(FromThread<Status>& started) {
    CaseLoop loop(backend_.clock());
    StateFront front = backend_.make_front(loop.loop());
    loop_ = &loop.loop();
    tasks_ = &loop.tasks();
    front_ = &front;
    started.set(loop.run(front.store->start()));
    loop.loop().run();
    loop.run(stop(front.store.get()));
    front.store.reset();
  }
  static Task<bool> stop(StateStore* store) {
    co_await store->stop();
    co_return true;
  }

  StateBackend& backend_;
  async::Loop* loop_ = nullptr;
  async::TaskGroup* tasks_ = nullptr;
  StateFront* front_ = nullptr;
  std::thread thread_;
};

}  // namespace layotto::conformance
