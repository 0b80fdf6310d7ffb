// Signals as events of a loop: the signals are blocked for the whole process and read from a
// descriptor, so that no handler ever runs.
#pragma once

#include <functional>
#include <memory>

#include "async/loop.h"
#include "base/error.h"

namespace layotto::app {

// SIGTERM, SIGINT, SIGHUP, SIGUSR1. Blocks them for the calling thread and those it will make: call
// it before any thread exists. SIGPIPE is ignored; children of ours (PID 1 inherits orphans) are
// reaped by the kernel.
void block_signals();

class SignalWatch final : private async::IoHandler {
 public:
  // `on_signal` is called on the loop's thread.
  static Result<std::unique_ptr<SignalWatch>> make(async::Loop& loop,
                                                   std::function<void(int)> on_signal);
  ~SignalWatch();

 private:
  SignalWatch(async::Loop& loop, int fd, std::function<void(int)> on_signal)
      : loop_(loop), fd_(fd), on_signal_(std::move(on_signal)) {}
  void on_io(async::IoEvents events) override;

  async::Loop& loop_;
  int fd_;
  std::function<void(int)> on_signal_;
};

}  // namespace layotto::app
