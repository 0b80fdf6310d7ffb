// Task<T>: a lazy computation that may wait. Awaiting it runs it; nothing else does.
//
//   Task<Status> SaveThenNotify(...) { CO_TRY(co_await store.put(...)); co_return ok(); }
//
// A Task may be born ready: a plain function returns ready(value) and no frame exists, awaiting it
// does not suspend. Hot handlers do that and call a coroutine only when they must wait.
//
// Rules (checked): a Task is awaited once or given to TaskGroup::spawn, never dropped; a suspended
// coroutine is never destroyed, it is stopped (stop_token.h) and returns; it resumes on the thread
// it suspended on; nothing throws.
#pragma once

#include <coroutine>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "async/frame_pool.h"
#include "async/stop_token.h"
#include "base/check.h"

namespace layotto::async {

template <class T>
class Task;

// Who takes the frame of a root task when it has run to its end.
class RootOwner {
 public:
  virtual void root_finished(std::coroutine_handle<> frame) = 0;

 protected:
  ~RootOwner() = default;
};

// What every coroutine of ours carries: where to go on, and what stops it.
class PromiseCore {
 public:
  static void* operator new(size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, size_t size) { free_frame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      PromiseCore& promise = self.promise();
      if (promise.owner_ != nullptr) {
        promise.owner_->root_finished(self);  // destroys the frame
        return std::noop_coroutine();
      }
      return promise.continuation_;
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { CHECK(false, "exception in a coroutine"); }

  [[nodiscard]] StopSource* stop() const { return stop_; }
  void continue_with(std::coroutine_handle<> continuation, StopSource* stop) {
    continuation_ = continuation;
    stop_ = stop;
  }
  void run_as_root(RootOwner& owner, StopSource* stop) {
    owner_ = &owner;
    stop_ = stop;
  }

 private:
  std::coroutine_handle<> continuation_;
  StopSource* stop_ = nullptr;
  RootOwner* owner_ = nullptr;
};

template <class T>
class Promise final : public PromiseCore {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    new (&storage_) T(std::forward<U>(value));
    has_value_ = true;
  }
  T take() { return std::move(*std::launder(reinterpret_cast<T*>(&storage_))); }
  ~Promise() {
    if (has_value_) std::launder(reinterpret_cast<T*>(&storage_))->~T();
  }

 private:
  alignas(T) std::byte storage_[sizeof(T)];
  bool has_value_ = false;
};

template <>
class Promise<void> final : public PromiseCore {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {}
};

struct ReadyTag {};

template <class T>
class [[nodiscard("a Task is awaited or spawned"), clang::coro_only_destroy_when_complete]] Task {
 public:
  using promise_type = Promise<T>;
  using value_type = T;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle frame) : frame_(frame), state_(State::kCoroutine) {}
  template <class U>
  Task(ReadyTag, U&& value) : value_(std::forward<U>(value)), state_(State::kReady) {}
  Task(Task&& other) noexcept : state_(other.state_) {
    if (state_ == State::kReady) {
      new (&value_) T(std::move(other.value_));
      other.value_.~T();
    } else if (state_ == State::kCoroutine) {
      frame_ = other.frame_;
    }
    other.state_ = State::kTaken;
  }
  Task& operator=(Task&&) = delete;
  ~Task() {
    CHECK(state_ != State::kCoroutine, "a Task was dropped: await it or spawn it");
    if (state_ == State::kReady) value_.~T();
  }

  [[nodiscard]] bool is_ready() const { return state_ == State::kReady; }
  // The value of a ready task, as long as the task.
  [[nodiscard]] T& value() & {
    DCHECK(is_ready());
    return value_;
  }
  // The value of a ready task; once.
  T take() && {
    DCHECK(is_ready());
    state_ = State::kTaken;
    T value = std::move(value_);
    value_.~T();
    return value;
  }
  // For TaskGroup: the frame, which the caller must run to its end.
  Handle release() && {
    DCHECK(state_ == State::kCoroutine);
    state_ = State::kTaken;
    return frame_;
  }

  // For awaiters: the frame to resume, which goes on with `parent` when it has finished.
  std::coroutine_handle<> start(std::coroutine_handle<> parent, StopSource* stop) {
    CHECK(state_ == State::kCoroutine, "a Task was awaited twice");
    frame_.promise().continue_with(parent, stop);
    return frame_;
  }
  // For awaiters: the value, once the task is ready or has run to its end.
  T finish() {
    if (is_ready()) return std::move(*this).take();
    state_ = State::kTaken;
    T value = frame_.promise().take();
    frame_.destroy();
    return value;
  }

  struct Awaiter {
    Task& task;
    [[nodiscard]] bool await_ready() const noexcept { return task.is_ready(); }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
      return task.start(parent, parent.promise().stop());
    }
    T await_resume() { return task.finish(); }
  };
  Awaiter operator co_await() && { return Awaiter{*this}; }

 private:
  enum class State : uint8_t { kCoroutine, kReady, kTaken };
  union {
    Handle frame_;
    T value_;
  };
  State state_;
};

template <>
class [[nodiscard(
    "a Task is awaited or spawned")]] [[clang::coro_only_destroy_when_complete]] Task<void> {
 public:
  using promise_type = Promise<void>;
  using value_type = void;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle frame) : frame_(frame), state_(State::kCoroutine) {}
  explicit Task(ReadyTag) : state_(State::kReady) {}
  Task(Task&& other) noexcept
      : frame_(other.frame_), state_(std::exchange(other.state_, State::kTaken)) {}
  Task& operator=(Task&&) = delete;
  ~Task() { CHECK(state_ != State::kCoroutine, "a Task was dropped: await it or spawn it"); }

  [[nodiscard]] bool is_ready() const { return state_ == State::kReady; }
  void take() && { state_ = State::kTaken; }
  Handle release() && {
    DCHECK(state_ == State::kCoroutine);
    state_ = State::kTaken;
    return frame_;
  }

  std::coroutine_handle<> start(std::coroutine_handle<> parent, StopSource* stop) {
    CHECK(state_ == State::kCoroutine, "a Task was awaited twice");
    frame_.promise().continue_with(parent, stop);
    return frame_;
  }
  void finish() {
    if (state_ == State::kCoroutine) frame_.destroy();
    state_ = State::kTaken;
  }

  struct Awaiter {
    Task& task;
    [[nodiscard]] bool await_ready() const noexcept { return task.is_ready(); }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
      return task.start(parent, parent.promise().stop());
    }
    void await_resume() { task.finish(); }
  };
  Awaiter operator co_await() && { return Awaiter{*this}; }

 private:
  enum class State : uint8_t { kCoroutine, kReady, kTaken };
  Handle frame_;
  State state_;
};

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// Task<T> ready(T): no frame, no suspension.
template <class T>
Task<std::decay_t<T>> ready(T&& value) {
  return Task<std::decay_t<T>>(ReadyTag{}, std::forward<T>(value));
}
inline Task<void> ready() { return Task<void>(ReadyTag{}); }
inline Task<Status> ready_ok() { return Task<Status>(ReadyTag{}, Status{}); }
// A ready failure of a Task<Result<T>> or Task<Status>: `return failed<Status>(not_found(…))`.
template <class R>
Task<R> failed(Error error) {
  return Task<R>(ReadyTag{}, R(std::move(error)));
}

// `co_await current_stop()`: the StopSource this coroutine runs under; never suspends, may be null
// only in a tree that was spawned without one.
struct CurrentStop {
  StopSource* source = nullptr;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) noexcept {
    source = self.promise().stop();
    return false;
  }
  [[nodiscard]] StopSource* await_resume() const noexcept { return source; }
};
inline CurrentStop current_stop() { return {}; }

}  // namespace layotto::async

namespace layotto {
using async::Task;
}  // namespace layotto
