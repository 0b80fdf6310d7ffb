#include "app/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace layotto::app {
namespace {

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  struct sigaction reap{};
  reap.sa_handler = SIG_DFL;
  reap.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &reap, nullptr);
}

Result<std::unique_ptr<SignalWatch>> SignalWatch::make(async::Loop& loop,
                                                       std::function<void(int)> on_signal) {
  const sigset_t set = watched();
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return base::internal("signalfd: {}", base::errno_text(errno));
  std::unique_ptr<SignalWatch> watch(new SignalWatch(loop, fd, std::move(on_signal)));
  TRY(loop.watch(fd, *watch));
  return watch;
}

SignalWatch::~SignalWatch() {
  loop_.unwatch(fd_, *this);
  close(fd_);
}

void SignalWatch::on_io(async::IoEvents) {
  signalfd_siginfo info{};
  while (read(fd_, &info, sizeof(info)) == sizeof(info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace layotto::app
