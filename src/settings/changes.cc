#include "settings/changes.h"

#include <algorithm>
#include <map>

#include "config/node.h"
#include "config/problem.h"
#include "config/value_sink.h"

namespace layotto::settings {
namespace {

using config::AnyField;
using config::AnySchema;
using config::FieldDescription;
using config::Node;

// What can change while it runs. A new setting needs a restart until it is listed here.
struct LiveRow {
  std::string_view part;
  std::string_view field;
  InForce when;
};
constexpr LiveRow kLive[] = {
    {"layotto", "drain_timeout", InForce::kNow},
    {"log", "level", InForce::kNow},
    {"log", "modules", InForce::kNow},
    {"listener", "message_bytes_max", InForce::kForNewConnections},
    {"listener", "connections_max", InForce::kForNewConnections},
    {"listener", "concurrent_streams_max", InForce::kForNewConnections},
    {"listener", "header_bytes_max", InForce::kForNewConnections},
    {"listener", "header_fields_max", InForce::kForNewConnections},
    {"listener", "head_timeout", InForce::kForNewConnections},
    {"listener", "idle_timeout", InForce::kForNewConnections},
    {"listener", "keepalive_interval", InForce::kForNewConnections},
    {"listener", "keepalive_timeout", InForce::kForNewConnections},
    {"listener", "write_stall_timeout", InForce::kForNewConnections},
};

// What is worth saying about a change that waits.
struct WaitRow {
  std::string_view part;
  std::string_view field;
  std::string_view why;
};
constexpr WaitRow kWaits[] = {
    {"layotto", "concurrency", "the number of worker threads stays as it is until a restart"},
    {"layotto", "data_folder", "files stay in the old folder until a restart"},
    {"layotto", "pid_file", "the old file stays until a restart"},
    {"app", "id", "keys keep their prefix until a restart"},
    {"access_log", "path", "the access log stays where it is until a restart"},
    {"log", "path", "the log stays where it is until a restart"},
    {"listener", "address", "the socket stays where it is until a restart"},
    {"listener", "tls",
     "TLS stays as it is until a restart (renewed certificates in the same files need none)"},
    {"listener", "token_file",
     "tokens come from the old file until a restart (a new token in the same file needs none)"},
};

// A value as one text: the same for values that are the same.
class TextSink final : public config::ValueSink {
 public:
  void null() override { text_ += "~ "; }
  void boolean(bool value) override { text_ += value ? "true " : "false "; }
  void integer(config::Int128 value) override { text_ += config::integer_text(value) + ' '; }
  void number(double value) override { text_ += fmt::format("{} ", value); }
  void string(std::string_view value) override {
    text_ += fmt::format("{}'{}' ", value.size(), value);
  }
  void masked() override { text_ += "*** "; }
  void begin_list() override { text_ += "[ "; }
  void begin_mapping() override { text_ += "{ "; }
  void key(std::string_view name) override { string(name); }
  void end() override { text_ += ") "; }
  void node(const Node& node) override {
    if (node.is_scalar()) {
      text_ += fmt::format("{} ", static_cast<int>(node.kind()));
      return string(node.text());
    }
    std::vector<const Node*> children(node.children().begin(), node.children().end());
    if (node.is_mapping()) {
      std::sort(children.begin(), children.end(),
                [](const Node* a, const Node* b) { return a->key() < b->key(); });
      begin_mapping();
    } else {
      begin_list();
    }
    for (const Node* child : children) {
      if (node.is_mapping()) key(child->key());
      this->node(*child);
    }
    end();
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string text_of(const AnyField& field, const void* object) {
  TextSink sink;
  field.show(object, nullptr, sink);
  return sink.text();
}

std::string_view when_in_words(InForce when) {
  switch (when) {
    case InForce::kNow:
      return "and is in force now";
    case InForce::kForNewConnections:
      return "and holds for new connections";
    case InForce::kAfterRestart:
      return "and needs a restart";
  }
  return {};
}

Change changed(std::string_view part, std::string_view field, std::string path) {
  const InForce when = in_force(part, field);
  const auto* const wait =
      std::find_if(std::begin(kWaits), std::end(kWaits),
                   [&](const WaitRow& row) { return row.part == part && row.field == field; });
  std::string sentence = wait == std::end(kWaits)
                             ? fmt::format("{} has changed {}", path, when_in_words(when))
                             : fmt::format("{} has changed: {}", path, wait->why);
  return {.path = std::move(path), .when = when, .sentence = std::move(sentence)};
}

// Parts of the configuration that are compared by themselves.
bool is_part(const FieldDescription& field) {
  const config::TypeDescription& type = field.type;
  if (type.optional) return false;
  return type.type == config::Type::kStruct ||
         (type.item != nullptr && type.item->type == config::Type::kStruct);
}

// The fields of one struct, but not the parts in it. `path` is that of the struct.
template <class T>
void compare(std::string_view part, const std::string& path, const T& before, const T& after,
             std::vector<Change>& out) {
  for (const auto& field : T::schema().fields()) {
    const FieldDescription& description = field->description();
    if (is_part(description) || text_of(*field, &before) == text_of(*field, &after)) continue;
    out.push_back(changed(part, description.name, config::path_with_key(path, description.name)));
  }
}

std::vector<std::pair<std::string, const ListenerSettings*>> by_name(
    const std::vector<ListenerSettings>& listeners) {
  std::vector<std::pair<std::string, const ListenerSettings*>> named;
  named.reserve(listeners.size());
  for (const ListenerSettings& listener : listeners) named.emplace_back(listener.name, &listener);
  return named;
}

template <class Entry>
std::vector<std::pair<std::string, const Entry*>> by_name(
    const std::map<std::string, Entry>& entries) {
  std::vector<std::pair<std::string, const Entry*>> named;
  named.reserve(entries.size());
  for (const auto& [name, entry] : entries) named.emplace_back(name, &entry);
  return named;
}

template <class Named>
auto find(const Named& named, std::string_view name) -> decltype(named.front().second) {
  const auto found = std::find_if(named.begin(), named.end(),
                                  [name](const auto& entry) { return entry.first == name; });
  return found == named.end() ? nullptr : found->second;
}

// What there is by name: listeners, components.
template <class Container>
void compare_named(std::string_view part, const std::string& path, const Container& before,
                   const Container& after, std::vector<Change>& out) {
  const auto old_ones = by_name(before);
  const auto new_ones = by_name(after);
  for (const auto& [name, entry] : old_ones) {
    std::string entry_path = config::path_with_key(path, name);
    if (const auto* now = find(new_ones, name); now != nullptr) {
      compare(part, entry_path, *entry, *now, out);
      continue;
    }
    std::string sentence =
        fmt::format("{} is not in the file any more: it stays until a restart", entry_path);
    out.push_back({.path = std::move(entry_path), .sentence = std::move(sentence)});
  }
  for (const auto& [name, entry] : new_ones) {
    if (find(old_ones, name) != nullptr) continue;
    std::string entry_path = config::path_with_key(path, name);
    std::string sentence = fmt::format("{} is new: it is there after a restart", entry_path);
    out.push_back({.path = std::move(entry_path), .sentence = std::move(sentence)});
  }
}

void compare_metrics(const MetricsSettings& before, const MetricsSettings& after,
                     std::vector<Change>& out) {
  if (before.listener && after.listener) {
    compare("listener", "metrics.listener", *before.listener, *after.listener, out);
    if (before.path != after.path) out.push_back(changed("metrics", "path", "metrics.path"));
  } else {
    compare("metrics", "metrics", before, after, out);
  }
}

// The fields of a listener that kLive has.
void adopt_limits(ListenerSettings& listener, const ListenerSettings& after) {
  listener.message_bytes_max = after.message_bytes_max;
  listener.connections_max = after.connections_max;
  listener.concurrent_streams_max = after.concurrent_streams_max;
  listener.header_bytes_max = after.header_bytes_max;
  listener.header_fields_max = after.header_fields_max;
  listener.head_timeout = after.head_timeout;
  listener.idle_timeout = after.idle_timeout;
  listener.keepalive_interval = after.keepalive_interval;
  listener.keepalive_timeout = after.keepalive_timeout;
  listener.write_stall_timeout = after.write_stall_timeout;
}

}  // namespace

void adopt_live(LoadedConfig& in_force, const LoadedConfig& after) {
  RuntimeConfig& config = in_force.config;
  config.drain_timeout = after.config.drain_timeout;
  config.log.level = after.config.log.level;
  config.log.modules = after.config.log.modules;
  adopt_limits(config.admin, after.config.admin);
  if (config.metrics.listener && after.config.metrics.listener) {
    adopt_limits(*config.metrics.listener, *after.config.metrics.listener);
  }
  for (ListenerSettings& listener : config.listeners) {
    const auto now = by_name(after.config.listeners);
    if (const auto* found = find(now, listener.name); found != nullptr) {
      adopt_limits(listener, *found);
    }
  }
}

InForce in_force(std::string_view part, std::string_view field) {
  const auto* const row =
      std::find_if(std::begin(kLive), std::end(kLive),
                   [&](const LiveRow& live) { return live.part == part && live.field == field; });
  return row == std::end(kLive) ? InForce::kAfterRestart : row->when;
}

std::vector<Change> changes(const LoadedConfig& before, const LoadedConfig& after) {
  const RuntimeConfig& a = before.config;
  const RuntimeConfig& b = after.config;
  std::vector<Change> out;
  compare("app", "app", a.app, b.app, out);
  compare_named("listener", "listeners", a.listeners, b.listeners, out);
  compare("listener", "admin", a.admin, b.admin, out);
  compare_metrics(a.metrics, b.metrics, out);
  compare_named("state store", "state", a.state, b.state, out);
  compare_named("hello", "hellos", a.hellos, b.hellos, out);
  compare("layotto", "", a, b, out);
  compare("log", "log", a.log, b.log, out);
  compare("access_log", "access_log", a.access_log, b.access_log, out);
  return out;
}

}  // namespace layotto::settings
