// ComponentHost: the components of one worker: makes their fronts, starts them with back-off until
// they are up, probes them, reports their health, and ends them. SharedComponents is the half that
// exists once per process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/hello_api.h"
#include "api/state_api.h"
#include "app/health_board.h"
#include "async/task_group.h"
#include "blocks/guarded_state_store.h"
#include "blocks/scoped_state_store.h"
#include "blocks/spec.h"
#include "settings/load.h"

namespace layotto::app {

struct Process;

class SharedComponents {
 public:
  // Nothing is opened yet: that is what starting does. Errors name the component.
  static Result<SharedComponents> make(const settings::LoadedConfig& config, Process& process,
                                       unsigned workers);

  [[nodiscard]] blocks::Shared* state(size_t i) const { return state_[i].get(); }
  [[nodiscard]] blocks::Shared* hello(size_t i) const { return hellos_[i].get(); }

 private:
  std::vector<std::shared_ptr<blocks::Shared>> state_;
  std::vector<std::shared_ptr<blocks::Shared>> hellos_;
};

class ComponentHost {
 public:
  // Of the worker; `base` names what every component may use, each gets its own name and log in it.
  struct Env {
    unsigned worker = 0;
    async::Loop& loop;
    net::Dialer& dial;
    Random& random;
    telemetry::Shard& metrics;
    Process& process;
    HealthBoard& board;
  };
  ComponentHost(Env env, const settings::LoadedConfig& config, const SharedComponents& shared);
  ~ComponentHost();

  // Makes every front; an Error names the component.
  Status make();
  // Starts them all, each for itself.
  void start();
  // Waits until every component was tried once, well or not.
  Task<void> tried_once();
  Task<void> drain();
  // After it nothing of a component runs any more.
  Task<void> stop();

  [[nodiscard]] api::StateApi& state_api() { return state_api_; }
  [[nodiscard]] api::HelloApi& hello_api() { return hello_api_; }

  // A copy of the component's data into `folder`, taken while it serves. `name` as in "state.demo".
  Task<Status> backup(std::string name, std::string folder);

 private:
  struct Hosted {
    std::string name;  // "state.demo"
    blocks::Component* component = nullptr;
    telemetry::Log log;
  };
  struct StateFront {
    std::unique_ptr<blocks::StateStore> store;
    std::unique_ptr<blocks::GuardedStateStore> guarded;
    std::unique_ptr<blocks::ScopedStateStore> scoped;
  };

  Status make_state(size_t i);
  Status make_hello(size_t i);
  void host(std::string name, blocks::Component& component);
  static Task<void> keep_up(ComponentHost* self, Hosted* hosted);
  Task<void> run(Hosted& hosted);
  void report(const Hosted& hosted);

  Env env_;
  const settings::LoadedConfig& config_;
  const SharedComponents& shared_;
  api::StateApi state_api_;
  api::HelloApi hello_api_;
  std::vector<StateFront> state_;
  std::vector<std::unique_ptr<blocks::Hello>> hellos_;
  std::vector<std::unique_ptr<Hosted>> hosted_;
  size_t untried_ = 0;
  async::Event all_tried_;
  async::TaskGroup tasks_;
};

}  // namespace layotto::app
