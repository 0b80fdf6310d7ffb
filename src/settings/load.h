// Loading: a file → checked settings with every component's settings read, or all of its problems at
// once. Nothing is opened before the whole file is valid.
//
// Two formats: our own YAML (any file whose root has no `servers`), strict; Layotto's JSON (root has
// `servers`), through layotto_json.h, lenient.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "blocks/catalog.h"
#include "config/document.h"
#include "config/problem.h"
#include "config/references.h"
#include "settings/runtime_config.h"

namespace layotto::settings {

// A component of the configuration, ready to be made.
template <class Block, class Entry>
struct Configured {
  std::string name;
  Entry entry;
  const blocks::ComponentSpec<Block>* spec = nullptr;  // of the catalogue
  std::shared_ptr<const void> settings;                // what spec->make is given
};
using ConfiguredState = Configured<blocks::StateStore, StateStoreSettings>;
using ConfiguredHello = Configured<blocks::Hello, HelloSettings>;

struct LoadedConfig {
  std::string file;  // empty: the embedded defaults
  RuntimeConfig config;
  std::vector<ConfiguredState> state;
  std::vector<ConfiguredHello> hellos;
  // What the file asks for and this release does not have; only with LoadOptions::skip_unbuilt.
  std::vector<std::string> unbuilt;
  // Keeps the nodes that settings point to.
  std::shared_ptr<const config::Document> document;
};

struct LoadOptions {
  // Start without what is not built, instead of an error that names it.
  bool skip_unbuilt = false;
};

// `text` is the file's content. nullopt: `problems` has errors. Warnings (what has no meaning here)
// are in `problems` either way.
std::optional<LoadedConfig> load(std::string_view text, std::string_view file,
                                 const blocks::Catalog& catalog,
                                 config::ReferenceSource& references, const LoadOptions& options,
                                 config::Problems& problems);

// What is used without a configuration file: a state store `demo` that keeps its data on disk, the
// API on TCP and beside it on `socket_path` (empty: none).
LoadedConfig embedded_defaults(const blocks::Catalog& catalog, std::string_view socket_path);

}  // namespace layotto::settings
