// The small things coroutines of one thread wait on: Readiness (a flag with one waiter, for a
// connection's reader), Event (a latch for many), Semaphore (first come, first served).
#pragma once

#include <coroutine>
#include <cstddef>

#include "async/loop.h"

namespace layotto::async {

// A flag that one coroutine at a time may wait for. wait() does not clear it.
class Readiness {
 public:
  explicit Readiness(Loop& loop) : loop_(loop) {}
  ~Readiness() { DCHECK(waiters_.empty(), "Readiness destroyed with a waiter"); }

  void set() {
    set_ = true;
    if (Waiter* waiter = waiters_.front(); waiter != nullptr) waiter->wake();
  }
  void clear() { set_ = false; }
  [[nodiscard]] bool is_set() const { return set_; }

  class Awaiter final : public Waiter {
   public:
    explicit Awaiter(Readiness& readiness) : Waiter(readiness.loop_), readiness_(readiness) {}
    [[nodiscard]] bool await_ready() const noexcept { return readiness_.set_; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!prepare(self)) return false;
      DCHECK(readiness_.waiters_.empty(), "two waiters on one Readiness");
      readiness_.waiters_.push_back(*this);
      return true;
    }
    [[nodiscard]] Status await_resume() const { return outcome(); }

   private:
    Readiness& readiness_;
  };
  Awaiter wait() { return Awaiter(*this); }

 private:
  Loop& loop_;
  WaitList waiters_;
  bool set_ = false;
};

// set() wakes everyone who waits; until reset() later waits are ready at once.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}

  void set() {
    set_ = true;
    wake_all();
  }
  void reset() { set_ = false; }
  // Wakes those who wait now, without leaving the event set.
  void wake_all() {
    while (Waiter* waiter = waiters_.front()) waiter->wake();
  }
  [[nodiscard]] bool is_set() const { return set_; }
  [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }

  class Awaiter final : public Waiter {
   public:
    explicit Awaiter(Event& event) : Waiter(event.loop_), event_(event) {}
    [[nodiscard]] bool await_ready() const noexcept { return event_.set_; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!prepare(self)) return false;
      event_.waiters_.push_back(*this);
      return true;
    }
    [[nodiscard]] Status await_resume() const { return outcome(); }

   private:
    Event& event_;
  };
  Awaiter wait() { return Awaiter(*this); }

 private:
  Loop& loop_;
  WaitList waiters_;
  bool set_ = false;
};

// `co_await semaphore.acquire()` takes one permit, in the order of asking; give it back with
// release(). A stopped wait takes none.
class Semaphore {
 public:
  Semaphore(Loop& loop, size_t permits) : loop_(loop), permits_(permits) {}

  class Awaiter final : public Waiter {
   public:
    explicit Awaiter(Semaphore& semaphore) : Waiter(semaphore.loop_), semaphore_(semaphore) {}
    [[nodiscard]] bool await_ready() const noexcept { return semaphore_.try_acquire(); }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!prepare(self)) return false;
      semaphore_.waiters_.push_back(*this);
      return true;
    }
    [[nodiscard]] Status await_resume() const { return outcome(); }

   private:
    Semaphore& semaphore_;
  };
  Awaiter acquire() { return Awaiter(*this); }
  bool try_acquire() {
    if (permits_ == 0) return false;
    --permits_;
    return true;
  }
  // Hands the permit to the first who waits, else keeps it.
  void release() {
    if (Waiter* waiter = waiters_.front(); waiter != nullptr) {
      waiter->wake();
    } else {
      ++permits_;
    }
  }
  [[nodiscard]] size_t available() const { return permits_; }
  [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }

 private:
  Loop& loop_;
  WaitList waiters_;
  size_t permits_;
};

}  // namespace layotto::async
