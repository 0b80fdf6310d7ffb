// Copying an embedded component's data while no sidecar runs, for `layotto backup`.
#pragma once

#include <string>

#include "base/error.h"
#include "settings/load.h"

namespace layotto::app {

// `component` as in "state.demo"; `to` must not exist yet. Blocks. kUnavailable: somebody has the
// data open.
Status back_up_at_rest(const settings::LoadedConfig& config, const std::string& data_folder,
                       const std::string& component, const std::string& to);

}  // namespace layotto::app
