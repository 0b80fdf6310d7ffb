// Places: where in a file the settings are written that rules across settings have something to say
// about. Made by whoever read the file: load.cc for our own YAML, layotto_json.cc for Layotto's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/node.h"

namespace layotto::settings {

struct ComponentPlace {
  const config::Node* entry = nullptr;
  const config::Node* type = nullptr;        // null: not written
  const config::Node* key_prefix = nullptr;  // the same
  // Children of the component's settings that somebody else has read: its schema's warnings about
  // them are dropped.
  std::vector<const config::Node*> taken;
};

struct Places {
  std::vector<const config::Node*> listeners;  // as in RuntimeConfig; null: a default
  const config::Node* admin = nullptr;
  const config::Node* metrics = nullptr;  // the listener
  std::map<std::string, ComponentPlace> state;
  std::map<std::string, ComponentPlace> hellos;
};

// The value of a key that may differ in case; null when there is none or this is no mapping.
const config::Node* find_any_case(const config::Node& mapping, std::string_view key);

// True when both say the same: values with their kinds, lists in order, mappings in any order.
bool same_content(const config::Node& a, const config::Node& b);

// The node's text in quotes for a message, unless it came from a reference.
std::string shown(const config::Node& node);

}  // namespace layotto::settings
