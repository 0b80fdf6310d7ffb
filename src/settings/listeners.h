// What the listeners of a configuration get when it does not say, and the rules that look at all of
// them together: every door has an address of its own and a name of its own.
#pragma once

#include <string_view>

#include "config/problem.h"
#include "settings/places.h"
#include "settings/runtime_config.h"

namespace layotto::settings {

// For a configuration without `listeners`: kApiAddressDefault and a Unix socket on `socket_path`
// (empty: none). A path the system does not take is a warning, and there is no such socket then.
void add_default_listeners(RuntimeConfig& config, Places& places, std::string_view socket_path,
                           config::Problems& problems);

// Fills in the admin address and the names that are not written: an API listener is called by its
// address, the others `admin` and `metrics`; where that is taken, `#2` and so on follows. Addresses
// that cannot be open together and names given twice are errors.
void finish_listeners(RuntimeConfig& config, const Places& places, config::Problems& problems);

// True when both sockets can be open at once: other ports, other paths, other hosts. Port 0 is free
// for all.
bool can_listen_together(std::string_view one, std::string_view other);

}  // namespace layotto::settings
