// Layotto's configuration file (MOSN's JSON) → our own settings. Every key the file may have is one
// row of a table (layotto_keys.h) that says what becomes of it:
//
//   translated       it is a setting of ours
//   no meaning here  a warning with the reason
//   not built yet    an error that names it, or a line of LoadedConfig::unbuilt
//
// Keys that are in no table are warnings; keys may differ in case, as in Go's JSON.
#pragma once

#include <string>

#include "config/any_schema.h"
#include "config/node.h"
#include "settings/places.h"
#include "settings/runtime_config.h"
#include "settings/unbuilt.h"

namespace layotto::settings {

// Fills `config` and `places` from the root of such a file, and says what is wrong. Components'
// types and settings are not looked at. The pass is lenient; nodes outlive `places` and `config`.
void translate_layotto(const config::Node& root, RuntimeConfig& config, Places& places,
                       Unbuilt& unbuilt, config::ParsePass& pass);

// Markdown: a table row for every key, with what becomes of it.
std::string layotto_key_table();

}  // namespace layotto::settings
