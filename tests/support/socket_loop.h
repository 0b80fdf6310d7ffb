// SocketLoop: a Loop on the system's clock, for tests that use real sockets. Nothing sleeps:
// run_until() lets the loop wait for what the kernel does and gives up after ten seconds.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "async/loop.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "tests/support/later.h"

namespace layotto::tests {

class SocketLoop {
 public:
  SocketLoop() : loop_(clock_), tasks_(loop_) {}
  ~SocketLoop() {
    tasks_.stop(async::StopReason::kShutdown);
    CHECK(run_until([this] { return tasks_.running() == 0; }), "a task does not end");
    for (int i = 0; i < 3; ++i) loop_.run_once(Duration(0));
  }

  [[nodiscard]] async::Loop& loop() { return loop_; }
  [[nodiscard]] async::TaskGroup& tasks() { return tasks_; }

  // Runs passes until `condition` holds. False: it did not within ten seconds.
  template <class F>
  bool run_until(F condition) {
    const TimePoint give_up = clock_.now() + std::chrono::seconds(10);
    while (!condition()) {
      if (clock_.now() >= give_up) return false;
      loop_.run_once(std::chrono::milliseconds(20));
    }
    return true;
  }
  // Some passes without waiting: enough for what is in the kernel already to be seen.
  void run_passes(int passes = 5) {
    for (int i = 0; i < passes; ++i) loop_.run_once(Duration(0));
  }
  // Runs the task to its end.
  template <class T>
  T run(Task<T> task) {
    Later<T> result;
    tasks_.spawn_task(store(std::move(task), &result), tasks_.stop_source());
    CHECK(run_until([&] { return result.has_value(); }), "the task does not end");
    return std::move(*result);
  }
  void run(Task<void> task) {
    bool ended = false;
    tasks_.spawn_task(tell(std::move(task), &ended), tasks_.stop_source());
    CHECK(run_until([&] { return ended; }), "the task does not end");
  }

 private:
  template <class T>
  static Task<void> store(Task<T> task, Later<T>* result) {
    result->emplace(co_await std::move(task));
  }
  static Task<void> tell(Task<void> task, bool* ended) {
    co_await std::move(task);
    *ended = true;
  }

  base::SystemClock clock_;
  async::Loop loop_;
  async::TaskGroup tasks_;
};

// Two connected non-blocking sockets: over the loopback device, or a Unix pair.
struct SocketPair {
  int near = -1;
  int far = -1;

  static SocketPair tcp() {
    const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CHECK(bind(listening, generic, length) == 0 && listen(listening, 1) == 0);
    CHECK(getsockname(listening, generic, &length) == 0);
    SocketPair pair;
    pair.near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(pair.near, generic, length) == 0);
    pair.far = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    CHECK(pair.far >= 0);
    close(listening);
    CHECK(fcntl(pair.near, F_SETFL, fcntl(pair.near, F_GETFL) | O_NONBLOCK) == 0);
    return pair;
  }
  static SocketPair unix_pair() {
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    return {fds[0], fds[1]};
  }
};

}  // namespace layotto::tests
