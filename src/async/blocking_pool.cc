#include "async/blocking_pool.h"

namespace layotto::async {

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool BlockingPool::submit(std::move_only_function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (ending_ || queue_.size() >= limits_.queue_max) return false;
  queue_.push_back(std::move(job));
  if (idle_ < queue_.size() && threads_.size() < limits_.threads_max) {
    threads_.emplace_back([this] { work(); });
  }
  changed_.notify_one();
  return true;
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;  // ending
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // frees what it holds outside the lock
    lock.lock();
  }
}

}  // namespace layotto::async
