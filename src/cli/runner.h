// Runner: a loop on the calling thread and what is needed to call out from it; a verb makes one,
// runs its task and returns.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "base/error.h"
#include "net/ares_resolver.h"
#include "net/system_dialer.h"

namespace layotto::cli {

class Runner {
 public:
  static Result<std::unique_ptr<Runner>> make();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() = default;

  // Runs the loop until the task has come to its end.
  Status run(Task<Status> task);

  [[nodiscard]] async::Loop& loop() { return loop_; }
  [[nodiscard]] net::Dialer& dialer() { return *dialer_; }
  [[nodiscard]] std::span<char> read_buffer() { return read_buffer_; }

 private:
  Runner() : loop_(clock_), tasks_(loop_) {}
  static Task<void> finish(Task<Status> task, Runner* self);

  base::SystemClock clock_;
  async::Loop loop_;
  std::unique_ptr<net::AresResolver> resolver_;
  std::unique_ptr<net::SystemDialer> dialer_;
  std::vector<char> read_buffer_;
  async::TaskGroup tasks_;
  Status outcome_;
};

}  // namespace layotto::cli
