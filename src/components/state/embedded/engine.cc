#include "components/state/embedded/engine.h"

#include <utility>

namespace layotto::components::state::embedded {

Engine::Engine(Storage::Options storage, Writer::Limits limits, const blocks::ProcessEnv& env)
    : storage_(std::move(storage), env.clock),
      writer_(storage_, limits, env.name, env.metrics),
      blocking_(env.blocking) {}

Engine::~Engine() { close(); }

Status Engine::open() {
  const std::lock_guard life(life_);
  {
    const std::lock_guard lock(count_);
    if (open_) return {};
  }
  TRY(storage_.open());
  writer_.start();
  const std::lock_guard lock(count_);
  open_ = true;
  return {};
}

void Engine::close() {
  const std::lock_guard life(life_);
  {
    const std::lock_guard lock(count_);
    if (!open_ || attached_ > 0) return;
    open_ = false;
  }
  writer_.stop();
  storage_.close();
}

bool Engine::attach() {
  const std::lock_guard lock(count_);
  if (open_) ++attached_;
  return open_;
}

bool Engine::detach() {
  const std::lock_guard lock(count_);
  return --attached_ == 0;
}

}  // namespace layotto::components::state::embedded
