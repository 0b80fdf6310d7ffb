// From a component's entry to what makes it: its line of the catalogue, and its settings read by
// its own schema. Nothing is made or opened here.
#pragma once

#include <string>

#include "blocks/catalog.h"
#include "config/any_schema.h"
#include "settings/load.h"
#include "settings/places.h"
#include "settings/unbuilt.h"

namespace layotto::settings {

// Fills loaded.state and loaded.hellos from loaded.config. A type that is not in the catalogue is
// an error or, when Layotto has it, unbuilt, and then leaves loaded.config too; an entry without a
// type was reported by whoever read it. Strictness is that of the pass.
void resolve_components(const Places& places, const blocks::Catalog& catalog, Unbuilt& unbuilt,
                        config::ParsePass& pass, LoadedConfig& loaded);

}  // namespace layotto::settings
