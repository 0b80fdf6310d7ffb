#include "components/state/memory/memory.h"

#include <memory>
#include <utility>

#include "components/state/memory/memory_state_store.h"
#include "components/state/memory/shared_map.h"

namespace layotto::components::state::memory {

const config::Schema<MemorySettings>& MemorySettings::schema() {
  using S = MemorySettings;
  static const auto& schema = config::Schema<S>::make(
      "state.memory", "State in the memory of the process, gone when it ends.",
      [](config::Schema<S>& s) {
        s.field("bytes_max", &S::bytes_max,
                "Keys, values and what it costs to keep them; a write beyond is refused.")
            .min(config::ByteSize::kib(64));
        s.field("keys_max", &S::keys_max, "Keys at once; a new one beyond is refused.").min(1);
      });
  return schema;
}

blocks::ComponentSpec<blocks::StateStore> spec() {
  return blocks::component<blocks::StateStore, MemorySettings>(
      {.type = "memory",
       .aliases = {"in-memory"},
       .summary = "Keeps keys and values in the memory of the process.",
       .features = {.transactions = true, .ttl = true, .survives_restart = false},
       .make_shared = [](const MemorySettings& settings,
                         blocks::ProcessEnv& env) -> Result<std::shared_ptr<blocks::Shared>> {
         return std::shared_ptr<blocks::Shared>(
             std::make_shared<SharedMap>(SharedMap::Limits{.bytes_max = settings.bytes_max.bytes,
                                                           .keys_max = settings.keys_max},
                                         env.name, env.metrics));
       },
       .make = [](const MemorySettings&, blocks::Shared* shared,
                  blocks::WorkerEnv& env) -> Result<std::unique_ptr<blocks::StateStore>> {
         return std::unique_ptr<blocks::StateStore>(
             std::make_unique<MemoryStateStore>(static_cast<SharedMap&>(*shared), env));
       }});
}

}  // namespace layotto::components::state::memory
