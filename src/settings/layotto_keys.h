// KeyRule: one key of Layotto's configuration file, or one type of filter, with what becomes of it.
// To build what was not built: give its row a function that translates it and change its fate.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/any_schema.h"
#include "config/node.h"
#include "settings/places.h"
#include "settings/runtime_config.h"
#include "settings/unbuilt.h"

namespace layotto::settings {

// What is being read; each is its .cc file's own.
struct ListenerDraft;
struct StateDraft;
struct HelloDraft;
struct SinkDraft;

// What one translation has found so far. Parts of the file are translated in file order; what needs
// several of them waits here.
struct Translation {
  RuntimeConfig& config;
  Places& places;
  Unbuilt& unbuilt;
  config::ParsePass& pass;

  // The listener, store or greeting whose keys are being read.
  ListenerDraft* listener = nullptr;
  StateDraft* state = nullptr;
  HelloDraft* hello = nullptr;
  SinkDraft* sink = nullptr;

  const config::Node* grpc_config = nullptr;  // the first
  bool serves_api = false;                    // some listener does, or would if it had no mistake
  bool has_drain_timeout = false;
};

enum class Fate : uint8_t { kTranslated, kNoMeaning, kUnbuilt };

struct KeyRule {
  std::string_view key;
  Fate fate;
  // kTranslated: the setting it becomes. kNoMeaning: why. kUnbuilt: what it is, with its article.
  std::string_view text;
  // Deals with the value, whatever the fate; null: what the fate says is done, and of kTranslated
  // nothing.
  void (*translate)(Translation& translation, const config::Node& value) = nullptr;
  std::string_view remedy = "remove it";  // kNoMeaning: what to do about it
};

// The keys of one mapping.
struct KeyTable {
  std::string_view where;  // the path of the mapping in the file
  std::span<const KeyRule> rules;
};

// Reads the keys of a mapping. Null values count as not written, and so do empty ones that would
// have no meaning or are not built.
void translate_keys(const config::Node& mapping, const KeyTable& table, Translation& translation);

// Reads one key by its rule.
void translate_key(const KeyRule& rule, const config::Node& child, Translation& translation);

// Reads a list of filters, `{type, config}`, by their types; a filter's function gets its node.
// Types that are in no table are errors.
void translate_filters(const config::Node& list, const KeyTable& table, Translation& translation);

// By name, or by one that differs in case; null when there is none.
const KeyRule* find_rule(const KeyTable& table, std::string_view key);

// The node's children when it is a list (or null); otherwise an error is added.
std::span<const config::Node* const> list_items(const config::Node& node, Translation& translation);
// The same for a mapping.
std::span<const config::Node* const> mapping_items(const config::Node& node,
                                                   Translation& translation);

// At the key of `child`.
void warn_at_key(const config::Node& child, std::string message, std::string remedy,
                 Translation& translation);

// True for null, false, 0, "", [] and {}.
bool is_empty_value(const config::Node& node);

// A time to drain; the longest one that is written counts.
void translate_drain_timeout(Translation& translation, const config::Node& value);

// The tables, in the order people read them. Each .cc file has its own.
std::span<const KeyTable> server_tables();     // layotto_json.cc
std::span<const KeyTable> listener_tables();   // layotto_listeners.cc
std::span<const KeyTable> component_tables();  // layotto_components.cc

// One entry of `listeners`, layotto_listeners.cc.
void translate_listener(const config::Node& node, Translation& translation);
// A `grpc_config`, layotto_components.cc.
void translate_grpc_config(Translation& translation, const config::Node& value);

}  // namespace layotto::settings
