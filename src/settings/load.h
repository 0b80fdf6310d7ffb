// Loading: a file → checked settings with every component's settings read, or all of its problems
// at once. Nothing is opened here: not the data folder, no socket, no certificate.
//
//   Problems problems;
//   TRY(const std::string text, read_config_file(path));        // settings/file_reader.h
//   ProcessReferences references;
//   auto loaded = load(text, path, catalog, references, {.socket_path = …}, problems);
//   if (!loaded) return problems.to_error();
//
// Two formats, told apart by the root: with `servers` it is Layotto's JSON (layotto_json.h), read
// leniently; anything else is our own YAML, strict, which may be written as JSON too. References
// (${NAME}) are our own YAML's; in JSON they are text.
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
  // Of our own YAML without `listeners`: where the API is served beside TCP; empty: nowhere.
  std::string socket_path = {};
};

// `text` is the file's content, `file` its name for messages. nullopt: errors were added to
// `problems`. Warnings (what has no meaning here) are added either way, all in the order of the
// file. Every listener of what is returned has an address and a name of its own.
std::optional<LoadedConfig> load(std::string_view text, std::string_view file,
                                 const blocks::Catalog& catalog,
                                 config::ReferenceSource& references, const LoadOptions& options,
                                 config::Problems& problems);

// What is used without a configuration file, in our own YAML: a state store `demo` that keeps its
// data on disk, a greeting.
std::string_view embedded_defaults_text();

// The same, loaded: the API on TCP and beside it on `socket_path` (empty: none). The catalogue has
// the components `embedded` and `helloworld`.
LoadedConfig embedded_defaults(const blocks::Catalog& catalog, std::string_view socket_path);

}  // namespace layotto::settings
