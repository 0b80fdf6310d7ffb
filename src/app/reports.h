// Reports: what `layotto components`, `layotto schema` and the admin pages say about the product
// and its configuration, as text. Pure functions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "app/pages.h"
#include "base/error.h"
#include "blocks/catalog.h"
#include "http/attributes.h"
#include "settings/load.h"
#include "telemetry/access_log.h"

namespace layotto::app {

// {"components": [{"block", "type", "aliases", "summary", "features", "settings"}]}
std::string catalog_json(const blocks::Catalog& catalog);
// For the terminal: one line each.
std::string catalog_text(const blocks::Catalog& catalog);
// JSON schema (draft 2020-12) of the runtime's configuration, or of one component's settings
// ("state.redis"); an Error names what there is.
Result<std::string> schema_json(const blocks::Catalog& catalog, std::string_view type);
// The same for people.
Result<std::string> schema_text(const blocks::Catalog& catalog, std::string_view type);
// The configuration in force, as YAML without secrets.
std::string config_yaml(const settings::LoadedConfig& config);

// What the pages say about a configuration in force.
std::shared_ptr<const ConfigPages> config_pages(const settings::LoadedConfig& config,
                                                const blocks::Catalog& catalog,
                                                const Process& process, size_t workers);

// The format of the access log: text, or its operators as members of a JSON object named after
// them.
Result<telemetry::AccessLogFormat> access_log_format(const settings::AccessLogSettings& settings);

}  // namespace layotto::app
