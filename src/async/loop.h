// Loop: one thread's reactor. It waits on epoll, fires timers, runs what other threads posted,
// resumes the coroutines that became ready, and at the end of each pass lets the dirty connections
// send once. The only code in the tree that knows epoll.
//
// One pass: clock read once → due timers → epoll → posted closures → ready coroutines (those ready
// when the pass began to run them; later ones wait for the next pass) → pass-end hooks.
//
// A Loop belongs to the thread that runs it. Only post() and stop() may be called from elsewhere.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "async/stop_token.h"
#include "async/task.h"
#include "async/timer_wheel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/intrusive_list.h"

namespace layotto::async {

class Loop;

// What epoll said about one descriptor (edge-triggered).
struct IoEvents {
  bool readable = false;
  bool writable = false;
  bool hangup = false;  // EPOLLHUP, EPOLLRDHUP or EPOLLERR: read to the end to learn more
};

class IoHandler {
 public:
  virtual void on_io(IoEvents events) = 0;

 protected:
  ~IoHandler() = default;
};

// A suspended wait. Lives in the frame of the waiting coroutine; whoever it waits for holds it in a
// WaitList and calls wake(), or its StopSource does.
class Waiter : public base::ListLink<Waiter>, public StopNode {
 public:
  explicit Waiter(Loop& loop) : loop_(loop) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Leaves every list and becomes ready; resumed by the loop in this or the next pass.
  void wake();
  [[nodiscard]] StopReason stopped() const { return stopped_; }

 protected:
  ~Waiter() = default;
  // To be called first in await_suspend: false means stopped already, do not suspend.
  template <class P>
  bool prepare(std::coroutine_handle<P> self) {
    handle_ = self;
    if (StopSource* stop = self.promise().stop(); stop != nullptr) {
      if (stop->fired()) {
        stopped_ = stop->reason();
        return false;
      }
      stop->add(*this);
    }
    return true;
  }
  // For the rare wait that must not be interrupted (joining tasks).
  void prepare_unstoppable(std::coroutine_handle<> self) { handle_ = self; }
  // The result of the wait: why it ended.
  [[nodiscard]] Status outcome() const {
    if (stopped_ != StopReason::kNone) return stop_error(stopped_);
    return {};
  }
  [[nodiscard]] Loop& loop() const { return loop_; }

 private:
  friend class Loop;
  void on_stop(StopReason reason) override {
    stopped_ = reason;
    wake();
  }

  Loop& loop_;
  std::coroutine_handle<> handle_;
  StopReason stopped_ = StopReason::kNone;
};

using WaitList = base::IntrusiveList<Waiter, Waiter>;

// Called once at the end of the pass in which it was registered.
class PassEnd : public base::ListLink<PassEnd> {
 public:
  virtual void at_pass_end() = 0;

 protected:
  ~PassEnd() = default;
};

// A closure on its way to a loop's thread.
class Posted {
 public:
  virtual ~Posted() = default;
  virtual void run() = 0;
  // The loop ended before run(): free what there is to free.
  virtual void discard() = 0;

 private:
  friend class Loop;
  Posted* next_ = nullptr;
};

class Loop {
 public:
  explicit Loop(const Clock& clock);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Runs passes until stop().
  void run();
  // Runs one pass, waiting at most `wait_max` for something to happen.
  void run_once(Duration wait_max);
  // Any thread. What was posted before is run, the pass under way is finished.
  void stop();

  // Time at the start of this pass. Deadlines are computed from it; it never goes back.
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] bool on_this_thread() const { return thread_ == std::this_thread::get_id(); }

  // Any thread; `posted` must stay alive until run() or discard().
  void post(Posted& posted);
  // Any thread; the closure runs once on the loop's thread, or is destroyed with the loop.
  template <class F>
  void post(F function) {
    struct Closure final : Posted {
      explicit Closure(F f) : function(std::move(f)) {}
      void run() override {
        function();
        delete this;
      }
      void discard() override { delete this; }
      F function;
    };
    post(static_cast<Posted&>(*new Closure(std::move(function))));
  }

  // Edge-triggered, for reading and writing. The handler must outlive unwatch().
  Status watch(int fd, IoHandler& handler);
  void unwatch(int fd, IoHandler& handler);

  void arm(Timer& timer, TimePoint deadline) { timers_.arm(timer, deadline); }
  void make_ready(Waiter& waiter) { ready_.push_back(waiter); }
  // Registers once per pass; a hook already registered stays where it is.
  void at_pass_end(PassEnd& hook) {
    if (!hook.linked()) pass_end_.push_back(hook);
  }

  class YieldAwaiter final : public Waiter {
   public:
    using Waiter::Waiter;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!prepare(self)) return false;
      loop().make_ready(*this);
      return true;
    }
    [[nodiscard]] Status await_resume() const { return outcome(); }
  };
  // Lets everything else that is ready run first: `co_await loop.yield()`.
  YieldAwaiter yield() { return YieldAwaiter(*this); }

  class SleepAwaiter final : public Waiter, public Timer {
   public:
    SleepAwaiter(Loop& loop, TimePoint until) : Waiter(loop), until_(until) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!prepare(self)) return false;
      loop().arm(*this, until_);
      return true;
    }
    Status await_resume() {
      cancel();
      return outcome();
    }

   private:
    void on_timer() override { wake(); }
    TimePoint until_;
  };
  // Ok when the time has come, an Error when stopped first.
  SleepAwaiter sleep_until(TimePoint until) { return {*this, until}; }
  SleepAwaiter sleep(Duration duration) { return {*this, now_ + duration}; }

  // Counts since start, for the admin page and the tests.
  struct Counters {
    uint64_t passes = 0;
    uint64_t io_events = 0;
    uint64_t resumed = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  friend class TestLoop;
  struct Epoll;

  // True if there is work that must not wait for epoll.
  [[nodiscard]] bool has_ready_work() const;
  void run_posted();
  void run_ready();
  void run_pass_end();

  const Clock& clock_;
  TimePoint now_;
  TimerWheel timers_;
  WaitList ready_;
  base::IntrusiveList<PassEnd, PassEnd> pass_end_;
  std::unique_ptr<Epoll> epoll_;
  std::atomic<Posted*> posted_ = nullptr;
  bool stop_requested_ = false;
  std::thread::id thread_;
  Counters counters_;
};

}  // namespace layotto::async
