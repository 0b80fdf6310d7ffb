// Changes: what differs between the configuration in force and a file loaded anew (SIGHUP), and
// what of it is in force without a restart. One sentence each, for the log.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settings/load.h"

namespace layotto::settings {

// When a setting that has changed is in force.
enum class InForce : uint8_t {
  kNow,
  kForNewConnections,  // what is open keeps what it has
  kAfterRestart,
};

struct Change {
  std::string path;  // `listeners["127.0.0.1:34904"].idle_timeout`
  InForce when = InForce::kAfterRestart;
  // `log.level has changed and is in force now`. Holds no value of a setting, so no secret.
  std::string sentence;

  [[nodiscard]] bool is_live() const { return when != InForce::kAfterRestart; }
};

// In the order of the schema; empty when both mean the same. Listeners are matched by name.
// Comments, order of keys and the way a value is written are no changes; values that came from a
// reference are compared, too.
std::vector<Change> changes(const LoadedConfig& before, const LoadedConfig& after);

// Takes over what is live of `after`: no live change is left between the two.
void adopt_live(LoadedConfig& in_force, const LoadedConfig& after);

// For a setting by the name of its part and its own: ("listener", "idle_timeout"). What no row says
// needs a restart.
InForce in_force(std::string_view part, std::string_view field);

}  // namespace layotto::settings
