#include "settings/resolve.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/nearest_name.h"
#include "settings/component_kinds.h"

namespace layotto::settings {
namespace {

using config::Node;
using config::ParsePass;
using config::Problem;
using config::Problems;

constexpr std::string_view kWhatThereIs = "`layotto components` lists what there is";

// True when the problem is the schema's warning about a name somebody else has read.
bool is_about(const Problem& problem, const std::vector<const Node*>& taken) {
  return problem.severity == config::Severity::kWarning &&
         std::any_of(taken.begin(), taken.end(), [&](const Node* child) {
           return problem.line == child->key_mark().line &&
                  problem.column == child->key_mark().column && problem.path == child->path();
         });
}

// Null when problems were added.
std::shared_ptr<const void> read_settings(const config::AnySchema& schema, const Node* settings,
                                          const ComponentPlace& place, ParsePass& pass) {
  const Node nothing;
  Problems found;
  ParsePass reading{found, pass.strictness};
  std::shared_ptr<void> object = schema.new_object();
  const bool good = schema.read(settings == nullptr ? nothing : *settings, object.get(), reading);
  for (Problem problem : found.kept()) {
    if (is_about(problem, place.taken)) continue;
    if (settings == nullptr) {  // what is missing, of settings that are not written at all
      problem.file = place.entry->file();
      problem.line = place.entry->mark().line;
      problem.column = place.entry->mark().column;
      problem.path = fmt::format("{}.{}.{}", place.entry->path(),
                                 pass.lenient() ? "metadata" : "settings", problem.path);
    }
    pass.problems.add(std::move(problem));
  }
  return good ? std::shared_ptr<const void>(std::move(object)) : nullptr;
}

struct Wanted {
  const ComponentKind& kind;
  const std::string& name;  // of the instance
  const std::string& type;
  const ComponentPlace& place;
};

// `known`: the types of the catalogue with their aliases.
void say_no_such_type(const Wanted& wanted, std::vector<std::string_view> known, Unbuilt& unbuilt,
                      ParsePass& pass) {
  const auto& [kind, name, type, place] = wanted;
  const Node& at = place.type == nullptr ? *place.entry : *place.type;
  const auto add_unbuilt = [&](std::string_view what) {
    unbuilt.add(at, fmt::format("{} {} of {} {}", kind.noun, config::quote(name), what,
                                config::quote(type)));
  };
  if (std::find(kind.types.begin(), kind.types.end(), type) != kind.types.end()) {
    return add_unbuilt("type");
  }
  known.insert(known.end(), kind.types.begin(), kind.types.end());
  const bool wanted_name = !pass.problems.full(config::Severity::kError);  // finding it is costly
  const std::string_view nearest =
      wanted_name ? base::nearest_name(type, known) : std::string_view{};
  if (nearest.empty() && pass.lenient() && kind.section == "hellos") {
    // Layotto asks a process of that name, if there is one.
    return add_unbuilt("the pluggable type");
  }
  pass.problems.error(at, fmt::format("there is no {} of type {}", kind.noun, shown(at)),
                      nearest.empty() || at.from_reference()
                          ? std::string(kWhatThereIs)
                          : fmt::format("did you mean {}? {}", nearest, kWhatThereIs));
}

template <class Block, class Entry>
void resolve(std::map<std::string, Entry>& entries,
             const std::map<std::string, ComponentPlace>& places, const ComponentKind& kind,
             const blocks::Catalog& catalog, Unbuilt& unbuilt, ParsePass& pass,
             std::vector<Configured<Block, Entry>>& out) {
  std::vector<std::string_view> known;
  for (const auto& spec : catalog.all<Block>()) {
    known.push_back(spec.type);
    known.insert(known.end(), spec.aliases.begin(), spec.aliases.end());
  }
  std::set<std::string> skipped;
  for (const auto& [name, entry] : entries) {
    const auto place = places.find(name);
    if (entry.type.empty() || place == places.end()) continue;
    const blocks::ComponentSpec<Block>* spec = catalog.find<Block>(entry.type);
    if (spec == nullptr) {
      say_no_such_type({.kind = kind, .name = name, .type = entry.type, .place = place->second},
                       known, unbuilt, pass);
      skipped.insert(name);
      continue;
    }
    auto settings = read_settings(*spec->schema, entry.settings, place->second, pass);
    if (settings == nullptr) continue;
    out.push_back({.name = name, .entry = entry, .spec = spec, .settings = std::move(settings)});
  }
  std::erase_if(entries, [&](const auto& entry) { return skipped.contains(entry.first); });
}

}  // namespace

void resolve_components(const Places& places, const blocks::Catalog& catalog, Unbuilt& unbuilt,
                        ParsePass& pass, LoadedConfig& loaded) {
  resolve<blocks::StateStore>(loaded.config.state, places.state, component_kind("state"), catalog,
                              unbuilt, pass, loaded.state);
  resolve<blocks::Hello>(loaded.config.hellos, places.hellos, component_kind("hellos"), catalog,
                         unbuilt, pass, loaded.hellos);
}

}  // namespace layotto::settings
