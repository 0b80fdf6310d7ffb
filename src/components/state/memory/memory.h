// state.memory: keys and values in the memory of the process. Everything is gone when it ends.
#pragma once

#include <cstdint>

#include "blocks/spec.h"
#include "blocks/state.h"
#include "config/byte_size.h"
#include "config/schema.h"

namespace layotto::components::state::memory {

struct MemorySettings {
  config::ByteSize bytes_max = config::ByteSize::mib(256);
  uint64_t keys_max = 10'000'000;

  static const config::Schema<MemorySettings>& schema();
};

blocks::ComponentSpec<blocks::StateStore> spec();

}  // namespace layotto::components::state::memory
