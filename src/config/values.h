// Values<M>: which C++ types a setting may have, and how each is read, shown and described. To add
// a type, specialise it here.
//
//   bool · integers · double · std::string · Duration · ByteSize · Secret · enums with names ·
//   std::optional<V> · std::vector<V> · std::map<std::string, V> ·
//   std::vector<std::pair<std::string, V>> (a map in file order) · structs with their own schema()
//   · const Node* (read later by somebody else; null when not written)
#pragma once

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/any_schema.h"
#include "config/value_reader.h"
#include "config/value_sink.h"

namespace layotto::config {

template <class T>
class Schema;

// The name of an enum's value in documents. An enum becomes a setting by a function next to it,
// found by its argument:
//
//   constexpr config::EnumName<Mode> kModeNames[] = {{"single", Mode::kSingle}, …};
//   constexpr std::span<const config::EnumName<Mode>> enum_names(Mode) { return kModeNames; }
template <class E>
struct EnumName {
  std::string_view name;
  E value;
};

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
  { enum_names(value) } -> std::convertible_to<std::span<const EnumName<E>>>;
};

// A struct describes itself: `static const config::Schema<T>& schema();`
template <class T>
concept HasSchema = requires {
  { T::schema() } -> std::same_as<const Schema<T>&>;
};

template <class M>
struct Values;

// Reads one value; passes over nodes whose reference failed.
template <class M>
bool read_value(const Node& node, M& out, const Limits& limits, ParsePass& pass) {
  if (node.broken()) return false;
  return Values<M>::read(node, out, limits, pass);
}

// Shows one value; `written` is the node it was read from, or null.
template <class M>
void show_value(const M& value, const Node* written, ValueSink& sink) {
  if (written != nullptr && written->from_reference()) {
    sink.masked();
  } else {
    Values<M>::show(value, written, sink);
  }
}

template <>
struct Values<bool> {
  static bool read(const Node& node, bool& out, const Limits&, ParsePass& pass) {
    return read_bool(node, out, pass);
  }
  static void show(bool value, const Node*, ValueSink& sink) { sink.boolean(value); }
  static TypeDescription describe() { return {.type = Type::kBool}; }
};

template <std::integral M>
struct Values<M> {
  static constexpr Int128 kMin = std::numeric_limits<M>::min();
  static constexpr Int128 kMax = std::numeric_limits<M>::max();
  static bool read(const Node& node, M& out, const Limits& limits, ParsePass& pass) {
    Int128 value = 0;
    if (!read_integer(node, value, kMin, kMax, limits, pass)) return false;
    out = static_cast<M>(value);
    return true;
  }
  static void show(M value, const Node*, ValueSink& sink) { sink.integer(Int128{value}); }
  static TypeDescription describe() { return {.type = Type::kInteger, .min = kMin, .max = kMax}; }
};

template <>
struct Values<double> {
  static bool read(const Node& node, double& out, const Limits& limits, ParsePass& pass) {
    return read_number(node, out, limits, pass);
  }
  static void show(double value, const Node*, ValueSink& sink) { sink.number(value); }
  static TypeDescription describe() { return {.type = Type::kNumber}; }
};

template <>
struct Values<std::string> {
  static bool read(const Node& node, std::string& out, const Limits& limits, ParsePass& pass) {
    return read_string(node, out, limits, pass);
  }
  static void show(const std::string& value, const Node*, ValueSink& sink) { sink.string(value); }
  static TypeDescription describe() { return {.type = Type::kString}; }
};

template <>
struct Values<Secret> {
  static bool read(const Node& node, Secret& out, const Limits& limits, ParsePass& pass) {
    return read_secret(node, out, limits, pass);
  }
  static void show(const Secret& value, const Node*, ValueSink& sink) {
    if (value.empty()) {
      sink.string("");
    } else {
      sink.masked();
    }
  }
  static TypeDescription describe() { return {.type = Type::kSecret}; }
};

template <>
struct Values<Duration> {
  static bool read(const Node& node, Duration& out, const Limits& limits, ParsePass& pass) {
    return read_duration(node, out, limits, pass);
  }
  static void show(Duration value, const Node*, ValueSink& sink);
  static TypeDescription describe() { return {.type = Type::kDuration}; }
};

template <>
struct Values<ByteSize> {
  static bool read(const Node& node, ByteSize& out, const Limits& limits, ParsePass& pass) {
    return read_byte_size(node, out, limits, pass);
  }
  static void show(ByteSize value, const Node*, ValueSink& sink);
  static TypeDescription describe() { return {.type = Type::kByteSize}; }
};

template <NamedEnum M>
struct Values<M> {
  static std::vector<std::string_view> names() {
    std::vector<std::string_view> names;
    for (const EnumName<M>& entry : enum_names(M{})) names.push_back(entry.name);
    return names;
  }
  static bool read(const Node& node, M& out, const Limits&, ParsePass& pass) {
    size_t index = 0;
    if (!read_name(node, index, names(), pass)) return false;
    const std::span<const EnumName<M>> entries = enum_names(M{});
    out = entries[index].value;
    return true;
  }
  static void show(M value, const Node*, ValueSink& sink) {
    for (const EnumName<M>& entry : enum_names(M{})) {
      if (entry.value == value) return sink.string(entry.name);
    }
    sink.null();
  }
  static TypeDescription describe() { return {.type = Type::kEnum, .names = names()}; }
};

template <>
struct Values<const Node*> {
  static bool read(const Node& node, const Node*& out, const Limits&, ParsePass&) {
    out = &node;
    return true;
  }
  static void show(const Node* value, const Node*, ValueSink& sink) {
    if (value == nullptr) {
      sink.null();
    } else {
      sink.node(*value);
    }
  }
  static TypeDescription describe() { return {.type = Type::kAny}; }
};

template <class V>
struct Values<std::optional<V>> {
  static bool read(const Node& node, std::optional<V>& out, const Limits& limits, ParsePass& pass) {
    out.reset();
    if (node.is_null()) return true;
    V value{};
    if (!read_value(node, value, limits, pass)) return false;
    out = std::move(value);
    return true;
  }
  static void show(const std::optional<V>& value, const Node* written, ValueSink& sink) {
    if (value) {
      show_value(*value, written, sink);
    } else {
      sink.null();
    }
  }
  static TypeDescription describe() {
    TypeDescription description = Values<V>::describe();
    description.optional = true;
    return description;
  }
};

template <class V>
struct Values<std::vector<V>> {
  static_assert(!std::is_same_v<V, bool>, "use a vector of an enum");
  static bool read(const Node& node, std::vector<V>& out, const Limits& limits, ParsePass& pass) {
    if constexpr (std::is_same_v<V, std::string>) {
      if (is_separated_list(node, limits, pass)) return read_separated(node, out, limits, pass);
    }
    if (!check_list(node, limits, pass)) return false;
    const Limits each = limits.of_items();
    bool good = true;
    out.clear();
    for (const Node* child : node.children()) {
      V item{};
      good = read_value(*child, item, each, pass) && good;
      out.push_back(std::move(item));
    }
    return good;
  }
  static void show(const std::vector<V>& value, const Node* written, ValueSink& sink) {
    const bool same = written != nullptr && written->children().size() == value.size();
    sink.begin_list();
    for (size_t i = 0; i < value.size(); ++i) {
      show_value(value[i], same ? written->children()[i] : nullptr, sink);
    }
    sink.end();
  }
  static TypeDescription describe() {
    return {.type = Type::kList,
            .item = std::make_shared<const TypeDescription>(Values<V>::describe())};
  }
};

// Maps from names to V: a std::map or, in file order, a vector of pairs. Keys are unique, because
// the document's are.
template <class Map, class V>
struct MapValues {
  static bool read(const Node& node, Map& out, const Limits& limits, ParsePass& pass) {
    if (!check_map(node, limits, pass)) return false;
    const Limits each = limits.of_items();
    bool good = true;
    out.clear();
    for (const Node* child : node.children()) {
      V item{};
      good = read_value(*child, item, each, pass) && good;
      out.insert(out.end(), {std::string(child->key()), std::move(item)});
    }
    return good;
  }
  static void show(const Map& value, const Node* written, ValueSink& sink) {
    sink.begin_mapping();
    for (const auto& [key, item] : value) {
      sink.key(key);
      show_value(item, written == nullptr ? nullptr : written->find(key), sink);
    }
    sink.end();
  }
  static TypeDescription describe() {
    return {.type = Type::kMap,
            .item = std::make_shared<const TypeDescription>(Values<V>::describe())};
  }
};

template <class V>
struct Values<std::map<std::string, V>> : MapValues<std::map<std::string, V>, V> {};

template <class V>
struct Values<std::vector<std::pair<std::string, V>>>
    : MapValues<std::vector<std::pair<std::string, V>>, V> {};

template <HasSchema M>
struct Values<M> {
  static const AnySchema& schema() { return M::schema(); }
  static bool read(const Node& node, M& out, const Limits&, ParsePass& pass) {
    return schema().read(node, &out, pass);
  }
  static void show(const M& value, const Node* written, ValueSink& sink) {
    schema().show(&value, written, sink);
  }
  static TypeDescription describe() { return {.type = Type::kStruct, .schema = &schema}; }
};

}  // namespace layotto::config
