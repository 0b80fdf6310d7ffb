// Layotto's grpc_config: the app and the components by kind and name.
#include <algorithm>

#include "base/nearest_name.h"
#include "blocks/state.h"
#include "config/schema.h"
#include "settings/component_kinds.h"
#include "settings/layotto_keys.h"

namespace layotto::settings {

struct StateDraft {
  StateStoreSettings settings;
  ComponentPlace place;
  const config::Node* secrets = nullptr;  // a secret_ref with something in it
};

struct HelloDraft {
  HelloSettings settings;
  ComponentPlace place;
};

namespace {

using config::Node;

template <class M>
bool read(const Node& node, M& out, Translation& t, const config::Limits& limits = {}) {
  return config::read_value(node, out, limits, t.pass);
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return text;
}

// ---- state stores

void take_key_prefix(Translation& t, const Node& value) {
  config::Limits limits;
  limits.format_name = "a key prefix";
  limits.format = check_key_prefix;
  std::string prefix;
  if (!read(value, prefix, t, limits)) return;
  t.state->settings.key_prefix = lower_case(std::move(prefix));
  t.state->place.key_prefix = &value;
}

void take_ttl(Translation& t, const Node& value) {
  int32_t count = 0;
  config::Limits limits;
  limits.max = seconds(blocks::kStateTtlMax).count();
  // Not positive: values do not expire.
  if (read(value, count, t, limits) && count > 0) t.state->settings.default_ttl = seconds(count);
}

constexpr KeyRule kStateMetadataKeys[] = {
    {"keyPrefix", Fate::kTranslated, "`state.<name>.key_prefix`, in lower case", take_key_prefix},
    {"ttlInSeconds", Fate::kTranslated, "`state.<name>.default_ttl`", take_ttl},
    {"actorStateStore", Fate::kNoMeaning, "there are no actors"},
};
constexpr KeyTable kStateMetadata{"state.<name>.metadata.", kStateMetadataKeys};

// Most keys are the component's.
void translate_state_metadata(Translation& t, const Node& value) {
  t.state->settings.settings = &value;
  if (!value.is_mapping()) return;
  for (const Node* child : value.children()) {
    const KeyRule* rule = find_rule(kStateMetadata, child->key());
    if (rule == nullptr) continue;
    t.state->place.taken.push_back(child);
    translate_key(*rule, *child, t);
  }
}

void take_state_secrets(Translation& t, const Node& value) {
  if (!is_empty_value(value)) t.state->secrets = &value;
}

constexpr std::string_view kComponentRef = "handing stores to components (component_ref)";

constexpr KeyRule kStateKeys[] = {
    {"type", Fate::kTranslated, "`state.<name>.type`",
     [](Translation& t, const Node& value) {
       t.state->place.type = &value;
       read(value, t.state->settings.type, t);
     }},
    {"metadata", Fate::kTranslated, "`state.<name>.settings`, except for the keys below",
     translate_state_metadata},
    {"secret_ref", Fate::kUnbuilt, "settings from secret stores", take_state_secrets},
    {"component_ref", Fate::kUnbuilt, kComponentRef},
};
constexpr KeyTable kState{"state.<name>.", kStateKeys};

// A file of an old release has the type as name.
template <class Draft>
bool has_type(const Node& entry, Draft& draft, const ComponentKind& kind, Translation& t) {
  if (draft.place.type != nullptr) return true;
  if (std::find(kind.types.begin(), kind.types.end(), entry.key()) == kind.types.end()) {
    t.pass.problems.error(entry, fmt::format("the {} has no type", kind.noun), "add \"type\"");
    return false;
  }
  warn_at_key(entry, fmt::format("the {} has no type; its name is taken for it", kind.noun),
              "add \"type\"", t);
  draft.settings.type = entry.key();
  return true;
}

// Takes the draft over; a name that is taken is an error.
template <class Draft, class Settings>
void add_component(Draft& draft, std::map<std::string, Settings>& config,
                   std::map<std::string, ComponentPlace>& places, Translation& t) {
  const Node& entry = *draft.place.entry;
  const std::string name(entry.key());
  if (const auto first = places.find(name); first != places.end()) {
    t.pass.problems.error(entry,
                          fmt::format("{} is here twice, first on line {}", config::quote(name),
                                      first->second.entry->key_mark().line),
                          "use another name");
    return;
  }
  config.emplace(name, std::move(draft.settings));
  places.emplace(name, std::move(draft.place));
}

void translate_state(Translation& t, const Node& value) {
  const ComponentKind& kind = component_kind("state");
  for (const Node* entry : mapping_items(value, t)) {
    StateDraft draft;
    draft.place.entry = entry;
    t.state = &draft;
    translate_keys(*entry, kState, t);
    t.state = nullptr;
    if (!entry->is_mapping() || !has_type(*entry, draft, kind, t)) continue;
    if (draft.secrets != nullptr) {  // without them it could not work
      t.unbuilt.add(*draft.secrets, fmt::format("{} {} with settings from a secret store",
                                                kind.noun, config::quote(entry->key())));
      continue;
    }
    add_component(draft, t.config.state, t.places.state, t);
  }
}

// ---- greetings

constexpr KeyRule kHelloKeys[] = {
    {"type", Fate::kTranslated, "`hellos.<name>.type`",
     [](Translation& t, const Node& value) {
       t.hello->place.type = &value;
       read(value, t.hello->settings.type, t);
     }},
    {"hello", Fate::kTranslated, "`hellos.<name>.settings.hello`"},
    {"metadata", Fate::kTranslated, "nothing: pluggable components get it, which are not built"},
    {"secret_ref", Fate::kNoMeaning, "Layotto puts no secrets into greetings either"},
    {"component_ref", Fate::kUnbuilt, kComponentRef},
};
constexpr KeyTable kHello{"hellos.<name>.", kHelloKeys};

void translate_hellos(Translation& t, const Node& value) {
  const ComponentKind& kind = component_kind("hellos");
  for (const Node* entry : mapping_items(value, t)) {
    HelloDraft draft;
    draft.place.entry = entry;
    t.hello = &draft;
    translate_keys(*entry, kHello, t);
    t.hello = nullptr;
    if (!entry->is_mapping() || !has_type(*entry, draft, kind, t)) continue;
    // What the component reads stands beside what everybody has.
    draft.settings.settings = entry;
    for (const Node* child : entry->children()) {
      const KeyRule* rule = find_rule(kHello, child->key());
      if (rule == nullptr || rule->key != "hello") draft.place.taken.push_back(child);
    }
    add_component(draft, t.config.hellos, t.places.hellos, t);
  }
}

// ---- everything else

void add_unbuilt(const ComponentKind& kind, const Node& entry, std::string_view name,
                 Translation& t) {
  const Node* type = find_any_case(entry, "type");
  std::string what = fmt::format("{} {}", kind.noun, config::quote(name));
  if (type != nullptr && type->kind() == config::Kind::kString) {
    what += fmt::format(" of type {}", shown(*type));
  }
  t.unbuilt.add(entry, std::move(what));
}

// A section of a kind that is not built: each of its entries.
void translate_unbuilt(Translation& t, const Node& value) {
  for (const ComponentKind& kind : component_kinds()) {
    if (!base::equal_but_case(kind.section, value.key())) continue;
    for (const Node* entry : mapping_items(value, t)) {
      add_unbuilt(kind, *entry, entry->key(), t);
    }
  }
}

void translate_custom(Translation& t, const Node& value) {
  for (const Node* kind : mapping_items(value, t)) {
    for (const Node* entry : mapping_items(*kind, t)) {
      add_unbuilt(component_kind("custom_component"), *entry,
                  fmt::format("{}.{}", kind->key(), entry->key()), t);
    }
  }
}

constexpr std::string_view kNoDelivery = "nothing is delivered to the app before pub_subs is built";

constexpr KeyRule kAppKeys[] = {
    {"app_id", Fate::kTranslated, "`app.id`",
     [](Translation& t, const Node& value) { read(value, t.config.app.id, t); }},
    {"grpc_callback_port", Fate::kNoMeaning, kNoDelivery, nullptr, ""},
    {"grpc_callback_host", Fate::kNoMeaning, kNoDelivery, nullptr, ""},
};
constexpr KeyTable kApp{"app.", kAppKeys};

void translate_app(Translation& t, const Node& value) { translate_keys(value, kApp, t); }

constexpr KeyRule kGrpcConfigKeys[] = {
    {"app", Fate::kTranslated, "`app`", translate_app},
    {"hellos", Fate::kTranslated, "`hellos`", translate_hellos},
    {"state", Fate::kTranslated, "`state`", translate_state},
    {"lock", Fate::kUnbuilt, "locks", translate_unbuilt},
    {"sequencer", Fate::kUnbuilt, "sequencers", translate_unbuilt},
    {"config_store", Fate::kUnbuilt, "configuration stores", translate_unbuilt},
    {"pub_subs", Fate::kUnbuilt, "pub/sub", translate_unbuilt},
    {"rpcs", Fate::kUnbuilt, "service invocation", translate_unbuilt},
    {"file", Fate::kUnbuilt, "file stores", translate_unbuilt},
    {"oss", Fate::kUnbuilt, "object stores", translate_unbuilt},
    {"secret_store", Fate::kUnbuilt, "secret stores", translate_unbuilt},
    {"bindings", Fate::kUnbuilt, "bindings", translate_unbuilt},
    {"custom_component", Fate::kUnbuilt, "custom components", translate_custom},
    {"cryption", Fate::kUnbuilt, "encryption", translate_unbuilt},
    {"email", Fate::kUnbuilt, "e-mail", translate_unbuilt},
    {"phone", Fate::kUnbuilt, "phone calls", translate_unbuilt},
    {"sms", Fate::kUnbuilt, "text messages", translate_unbuilt},
    {"extends", Fate::kNoMeaning, "it is for APIs compiled into Layotto"},
    // What shipped files of some releases have; their Layotto does not read it.
    {"config_stores", Fate::kNoMeaning, "it is called config_store", nullptr, "rename it"},
    {"files", Fate::kNoMeaning, "it is called file", nullptr, "rename it"},
    {"pubsub", Fate::kNoMeaning, "it is called pub_subs", nullptr, "rename it"},
};
constexpr KeyTable kGrpcConfig{"grpc_config.", kGrpcConfigKeys};

}  // namespace

std::span<const KeyTable> component_tables() {
  static constexpr KeyTable kTables[] = {kGrpcConfig, kApp, kState, kStateMetadata, kHello};
  return kTables;
}

void translate_grpc_config(Translation& t, const Node& value) {
  // Two listeners of one API have the same text.
  if (t.grpc_config != nullptr && same_content(*t.grpc_config, value)) return;
  if (t.grpc_config == nullptr) t.grpc_config = &value;
  translate_keys(value, kGrpcConfig, t);
}

}  // namespace layotto::settings
