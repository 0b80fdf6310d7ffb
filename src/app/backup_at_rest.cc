#include "app/backup_at_rest.h"

#include <fmt/format.h>

#include "components/state/embedded/embedded.h"

namespace layotto::app {

namespace embedded = components::state::embedded;

Status back_up_at_rest(const settings::LoadedConfig& config, const std::string& data_folder,
                       const std::string& component, const std::string& to) {
  for (const settings::ConfiguredState& state : config.state) {
    if (component != fmt::format("state.{}", state.name)) continue;
    if (state.spec->type != "embedded") {
      return base::unimplemented("{} is of type {}: its data are not here", component,
                                 state.spec->type);
    }
    const auto& settings = *static_cast<const embedded::EmbeddedSettings*>(state.settings.get());
    TRY(const std::string folder, embedded::folder_of(settings, data_folder, state.name));
    return embedded::copy_at_rest(folder, to);
  }
  return base::not_found("there is no component {} in the configuration", component);
}

}  // namespace layotto::app
