// Channel<T>: a bounded queue between coroutines of one thread. push() waits while it is full,
// pop() while it is empty; close() ends it: what is queued can still be popped, then pop() gives
// nullopt.
#pragma once

#include <coroutine>
#include <deque>
#include <optional>
#include <utility>

#include "async/event.h"
#include "async/task.h"

namespace layotto::async {

template <class T>
class Channel {
 public:
  Channel(Loop& loop, size_t capacity) : capacity_(capacity), not_full_(loop), not_empty_(loop) {
    CHECK(capacity > 0);
  }

  // kUnavailable when closed; the value is lost then.
  Task<Status> push(T value) {
    while (!closed_ && queue_.size() >= capacity_) CO_TRY(co_await not_full_.wait());
    if (closed_) co_return Error::shutting_down();
    queue_.push_back(std::move(value));
    not_empty_.set();
    if (queue_.size() >= capacity_) not_full_.reset();
    co_return Status{};
  }
  // False when full or closed; the value is untouched then.
  bool try_push(T&& value) {
    if (closed_ || queue_.size() >= capacity_) return false;
    queue_.push_back(std::move(value));
    not_empty_.set();
    if (queue_.size() >= capacity_) not_full_.reset();
    return true;
  }
  // nullopt: closed and drained.
  Task<Result<std::optional<T>>> pop() {
    while (queue_.empty() && !closed_) CO_TRY(co_await not_empty_.wait());
    if (queue_.empty()) co_return std::optional<T>();
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    if (queue_.empty() && !closed_) not_empty_.reset();
    not_full_.set();
    co_return std::move(value);
  }
  void close() {
    closed_ = true;
    not_full_.set();
    not_empty_.set();
  }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] size_t size() const { return queue_.size(); }

 private:
  size_t capacity_;
  std::deque<T> queue_;
  Event not_full_;
  Event not_empty_;
  bool closed_ = false;
};

}  // namespace layotto::async
