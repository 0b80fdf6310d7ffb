// ComponentSpec: one line of the catalogue, and what a component may use of the process and of its
// worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/blocking_pool.h"
#include "async/loop.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "blocks/component.h"
#include "config/any_schema.h"
#include "config/node.h"
#include "net/dialer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/shard.h"

namespace layotto::blocks {

// Process-wide. Everything outlives the component.
struct ProcessEnv {
  std::string_view name;  // of this instance: the key in the configuration
  const Clock& clock;
  telemetry::Metrics& metrics;
  telemetry::Log log;
  async::BlockingPool& blocking;
  std::string_view data_folder;  // absolute; a component makes its own folder in it, mode 0700
  std::string_view app_id;
  std::string_view instance_id;
  unsigned workers = 1;
};

// Of one worker. Everything outlives the front.
struct WorkerEnv {
  std::string_view name;
  async::Loop& loop;
  net::Dialer& dial;
  const Clock& clock;
  Random& random;
  telemetry::Shard& metrics;
  telemetry::Log log;
  std::string_view app_id;
  std::string_view instance_id;
};

// `Block` is the interface (StateStore, Hello, …); its `Features` is a plain struct of what an
// implementation claims: claims select conformance cases, an unclaimed operation must answer
// kUnimplemented. Made by component<Block, Settings>(…).
template <class Block>
struct ComponentSpec {
  using Features = typename Block::Features;

  std::string_view type;                  // as in the configuration: "redis"
  std::vector<std::string_view> aliases;  // other names of the type, such as Layotto's
  std::string_view summary;               // one sentence for the docs and `layotto components`
  Features features;
  // Reads and describes the settings; new_object() makes what make_shared and make are given.
  const config::AnySchema* schema = nullptr;
  // Once per instance; null when the component has nothing to share. Does not wait: opening is
  // start()'s business.
  std::function<Result<std::shared_ptr<Shared>>(const void* settings, ProcessEnv& env)> make_shared;
  // Per worker.
  std::function<Result<std::unique_ptr<Block>>(const void* settings, Shared* shared,
                                               WorkerEnv& env)>
      make;
};

// The typed way to write a line of the catalogue. Functions get `const Settings&`, and the Shared
// they made themselves.
template <class Block, class Settings>
struct SpecFunctions {
  std::string_view type;
  std::vector<std::string_view> aliases = {};
  std::string_view summary;
  typename Block::Features features;
  Result<std::shared_ptr<Shared>> (*make_shared)(const Settings& settings,
                                                 ProcessEnv& env) = nullptr;
  Result<std::unique_ptr<Block>> (*make)(const Settings& settings, Shared* shared,
                                         WorkerEnv& env) = nullptr;
};
template <class Block, class Settings>
ComponentSpec<Block> component(SpecFunctions<Block, Settings> functions) {
  ComponentSpec<Block> spec{.type = functions.type,
                            .aliases = std::move(functions.aliases),
                            .summary = functions.summary,
                            .features = functions.features,
                            .schema = &Settings::schema()};
  if (functions.make_shared != nullptr) {
    spec.make_shared = [make = functions.make_shared](const void* settings, ProcessEnv& env) {
      return make(*static_cast<const Settings*>(settings), env);
    };
  }
  spec.make = [make = functions.make](const void* settings, Shared* shared, WorkerEnv& env) {
    return make(*static_cast<const Settings*>(settings), shared, env);
  };
  return spec;
}

}  // namespace layotto::blocks
