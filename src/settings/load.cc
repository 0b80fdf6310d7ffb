#include "settings/load.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "config/any_schema.h"
#include "settings/layotto_json.h"
#include "settings/listeners.h"
#include "settings/places.h"
#include "settings/resolve.h"
#include "settings/unbuilt.h"

namespace layotto::settings {
namespace {

using config::Document;
using config::Node;
using config::ParsePass;
using config::Problems;
using config::Strictness;

constexpr std::string_view kEmbeddedDefaults = R"(state:
  demo:
    type: embedded
hellos:
  helloworld:
    type: helloworld
)";

bool is_layotto(const Node& root) { return find_any_case(root, "servers") != nullptr; }

bool begins_with_brace(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

// JSON has no references, and libyaml is not quite JSON: what is JSON and Layotto's, or has no
// references to put in, is read as JSON; the rest is YAML, also when it is written in braces.
std::optional<Document> read_document(std::string_view text, std::string_view file,
                                      config::ReferenceSource& references, Problems& problems) {
  if (begins_with_brace(text)) {
    Problems found;
    std::optional<Document> document = config::read_json(text, file, found);
    const bool meant_as_json = file.ends_with(".json") || text.find("\"servers\"") != text.npos;
    if (document ? is_layotto(document->root()) || !config::has_references(text) : meant_as_json) {
      for (const config::Problem& problem : found.kept()) problems.add(problem);
      return document;
    }
  }
  return config::read_yaml(text, file, problems, &references);
}

std::map<std::string, ComponentPlace> component_places(const Node* section) {
  std::map<std::string, ComponentPlace> places;
  if (section == nullptr) return places;
  for (const Node* entry : section->children()) {
    places[std::string(entry->key())] = {.entry = entry,
                                         .type = entry->find("type"),
                                         .key_prefix = entry->find("key_prefix"),
                                         .taken = {}};
  }
  return places;
}

// Where our own YAML has what it has; a section of another kind than it should be has no parts.
Places own_places(const Node& root) {
  Places places;
  if (const Node* list = root.find("listeners"); list != nullptr && list->is_sequence()) {
    places.listeners.assign(list->children().begin(), list->children().end());
  }
  places.admin = root.find("admin");
  if (const Node* metrics = root.find("metrics"); metrics != nullptr) {
    places.metrics = metrics->find("listener");
  }
  places.state = component_places(root.find("state"));
  places.hellos = component_places(root.find("hellos"));
  return places;
}

void read_own(const Node& root, const LoadOptions& options, RuntimeConfig& config, Places& places,
              ParsePass& pass) {
  RuntimeConfig::schema().parse(root, config, pass);
  places = own_places(root);
  if (root.find("listeners") == nullptr) {
    add_default_listeners(config, places, options.socket_path, pass.problems);
  }
}

// key_prefix: appid without an id puts nothing before the keys, as in Layotto.
void check_key_prefixes(const RuntimeConfig& config, const Places& places, ParsePass& pass) {
  if (!config.app.id.empty()) return;
  for (const auto& [name, store] : config.state) {
    const auto place = places.state.find(name);
    if (store.key_prefix != "appid" || place == places.state.end()) continue;
    const Node& at =
        place->second.key_prefix == nullptr ? *place->second.entry : *place->second.key_prefix;
    const std::string_view message = "keys get the app's id as prefix, and it has none";
    if (pass.lenient()) {
      pass.problems.warning(at, std::string(message), "add app.app_id");
    } else {
      pass.problems.error(at, std::string(message), "add app: {id: …}");
    }
  }
}

// In file order, which is not the order in which they were found; without a place come first.
void hand_over(const Problems& found, Problems& problems) {
  std::vector<const config::Problem*> sorted;
  for (const config::Problem& problem : found.kept()) sorted.push_back(&problem);
  std::sort(sorted.begin(), sorted.end(), [](const config::Problem* a, const config::Problem* b) {
    return std::tuple(a->line, a->column, a) < std::tuple(b->line, b->column, b);
  });
  size_t errors = found.errors();
  size_t warnings = found.warnings();
  for (const config::Problem* problem : sorted) {
    --(problem->severity == config::Severity::kError ? errors : warnings);
    problems.add(*problem);
  }
  // Those that were only counted are only counted again.
  for (; errors > 0; --errors) problems.add({.severity = config::Severity::kError});
  for (; warnings > 0; --warnings) problems.add({.severity = config::Severity::kWarning});
}

std::optional<LoadedConfig> load_in_any_order(std::string_view text, std::string_view file,
                                              const blocks::Catalog& catalog,
                                              config::ReferenceSource& references,
                                              const LoadOptions& options, Problems& problems) {
  std::optional<Document> document = read_document(text, file, references, problems);
  if (!document) return std::nullopt;
  LoadedConfig loaded;
  loaded.file = file;
  loaded.document = std::make_shared<const Document>(*std::move(document));
  const Node& root = loaded.document->root();
  const bool layotto = is_layotto(root);
  ParsePass pass{problems, layotto ? Strictness::kLenient : Strictness::kStrict};
  Unbuilt unbuilt(options.skip_unbuilt, problems, loaded.unbuilt);
  Places places;
  if (layotto) {
    translate_layotto(root, loaded.config, places, unbuilt, pass);
  } else {
    read_own(root, options, loaded.config, places, pass);
  }
  finish_listeners(loaded.config, places, problems);
  check_key_prefixes(loaded.config, places, pass);
  resolve_components(places, catalog, unbuilt, pass, loaded);
  if (problems.has_errors()) return std::nullopt;
  return loaded;
}

}  // namespace

std::optional<LoadedConfig> load(std::string_view text, std::string_view file,
                                 const blocks::Catalog& catalog,
                                 config::ReferenceSource& references, const LoadOptions& options,
                                 Problems& problems) {
  Problems found;
  std::optional<LoadedConfig> loaded =
      load_in_any_order(text, file, catalog, references, options, found);
  hand_over(found, problems);
  return loaded;
}

std::string_view embedded_defaults_text() { return kEmbeddedDefaults; }

LoadedConfig embedded_defaults(const blocks::Catalog& catalog, std::string_view socket_path) {
  // Has no references.
  class NoReferences final : public config::ReferenceSource {
   public:
    Result<std::optional<std::string>> env(std::string_view) override {
      return std::optional<std::string>();
    }
    Result<std::string> file(std::string_view) override { return base::not_found("none"); }
  } references;
  Problems problems;
  std::optional<LoadedConfig> loaded = load(kEmbeddedDefaults, "", catalog, references,
                                            {.socket_path = std::string(socket_path)}, problems);
  CHECK(loaded.has_value(), "the embedded defaults are valid:\n" + problems.to_string());
  return *std::move(loaded);
}

}  // namespace layotto::settings
