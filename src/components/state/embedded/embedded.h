// state.embedded: keys and values in a folder of this machine, in LMDB. Nothing to install, and an
// answered write is on the disk.
//
// Limits: one process per folder; keys as in blocks/state.h; a request (a value, a bulk, a
// transaction) of at most `waiting_bytes_max`; the file of at most `bytes_max`.
#pragma once

#include <cstdint>
#include <string>

#include "blocks/spec.h"
#include "blocks/state.h"
#include "config/byte_size.h"
#include "config/schema.h"

namespace layotto::components::state::embedded {

struct EmbeddedSettings {
  std::string folder;
  config::ByteSize bytes_max = config::ByteSize::gib(1);
  uint64_t waiting_max = 10'000;
  config::ByteSize waiting_bytes_max = config::ByteSize::mib(64);

  static const config::Schema<EmbeddedSettings>& schema();
};

blocks::ComponentSpec<blocks::StateStore> spec();

// Where the store called `name` keeps its data.
Result<std::string> folder_of(const EmbeddedSettings& settings, std::string_view data_folder,
                              std::string_view name);

// Copies the data of a store that nobody has open, for `layotto backup` without a sidecar; blocks.
// kUnavailable when a process holds `folder`: ask that one then. `to` must not exist, or be empty.
Status copy_at_rest(const std::string& folder, const std::string& to);

}  // namespace layotto::components::state::embedded
