#include "cli/runner.h"

#include <utility>

#include "net/limits.h"

namespace layotto::cli {

Result<std::unique_ptr<Runner>> Runner::make() {
  std::unique_ptr<Runner> made(new Runner());
  TRY(made->resolver_, net::AresResolver::make(made->loop_, {}));
  made->dialer_ = std::make_unique<net::SystemDialer>(made->loop_, *made->resolver_);
  made->read_buffer_.resize(net::kReadBufferBytes);
  made->loop_.run_once(Duration(0));  // its now() is the present
  return made;
}

Task<void> Runner::finish(Task<Status> task, Runner* self) {
  self->outcome_ = co_await std::move(task);
}

Status Runner::run(Task<Status> task) {
  tasks_.spawn_task(finish(std::move(task), this), tasks_.stop_source());
  while (tasks_.running() > 0) loop_.run_once(std::chrono::seconds(1));
  loop_.run_once(Duration(0));  // what the last pass left to its end
  return std::move(outcome_);
}

}  // namespace layotto::cli
