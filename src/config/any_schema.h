// AnySchema: a Schema<T> (config/schema.h) without its T, so that catalogues can hold schemas of
// any struct and print them. It knows its fields by description and reads and shows objects behind
// void pointers; only Schema<T> makes one.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "config/node.h"
#include "config/problem.h"
#include "config/value_sink.h"

namespace layotto::config {

class AnySchema;

// kStrict, our own YAML: unknown names and wrong types are errors.
// kLenient, Layotto's JSON: unknown names are warnings, names may differ in case (with a warning),
// null is as if not written, and numbers, booleans and durations may be given as strings, strings
// as numbers, because Layotto's metadata values are all strings.
enum class Strictness : uint8_t { kStrict, kLenient };

// One reading of a document: how, and where its problems go.
struct ParsePass {
  Problems& problems;
  Strictness strictness = Strictness::kStrict;
  [[nodiscard]] bool lenient() const { return strictness == Strictness::kLenient; }
};

// ok(), or why the text is not of this format. The error's message is shown unless the text is a
// secret.
using FormatCheck = Status (*)(std::string_view text);

// What a setting's value must keep to. Limits of lists and maps that are not about their number of
// items hold for each item.
struct Limits {
  std::optional<Int128> min, max;  // integers; durations in nanoseconds; sizes in bytes
  std::optional<double> number_min, number_max;
  bool non_empty = false;            // strings, secrets, lists, maps
  std::optional<size_t> length_max;  // bytes of strings and secrets
  std::optional<size_t> items_max;   // of lists and maps
  std::vector<std::string> one_of;
  std::string format_name;
  FormatCheck format = nullptr;
  std::optional<Duration> unit_if_bare;  // lenient: a duration without unit counts these
  char separator = 0;                    // lenient: a string is a list with this between its items

  // For each item of a list or map.
  [[nodiscard]] Limits of_items() const;
};

enum class Type : uint8_t {
  kBool,
  kInteger,
  kNumber,
  kString,
  kDuration,
  kByteSize,
  kSecret,
  kEnum,
  kList,
  kMap,
  kStruct,
  kAny,  // a Node, read later by somebody else
};

struct TypeDescription {
  Type type = Type::kAny;
  bool optional = false;                   // std::optional: unset when not written
  Int128 min = 0, max = 0;                 // kInteger: of the C++ type
  std::vector<std::string_view> names;     // kEnum
  const AnySchema& (*schema)() = nullptr;  // kStruct; a function because structs may be recursive
  std::shared_ptr<const TypeDescription> item;  // kList, kMap
};

struct FieldDescription {
  std::string name;
  std::string doc;  // one sentence
  bool required = false;
  bool hidden = false;  // accepted, but not in any listing
  std::vector<std::string> aliases;
  Limits limits;
  TypeDescription type;
};

class AnyField {
 public:
  AnyField() = default;
  AnyField(const AnyField&) = delete;
  AnyField& operator=(const AnyField&) = delete;
  virtual ~AnyField() = default;

  [[nodiscard]] const FieldDescription& description() const { return description_; }
  // Reads the node into the member of `object`; false when a problem was added.
  virtual bool read(const Node& node, void* object, ParsePass& pass) const = 0;
  // Shows the member; masked where it is a secret or `written`, the node it was read from (may be
  // null), came from a reference.
  virtual void show(const void* object, const Node* written, ValueSink& sink) const = 0;

 protected:
  FieldDescription description_;
};

// A name that is accepted and means nothing.
struct IgnoredName {
  std::string name;
  std::string reason;
};

class AnySchema {
 public:
  AnySchema(std::string_view name, std::string_view summary) : name_(name), summary_(summary) {}
  AnySchema(const AnySchema&) = delete;
  AnySchema& operator=(const AnySchema&) = delete;
  virtual ~AnySchema() = default;

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::string_view summary() const { return summary_; }
  // In the order they were declared.
  [[nodiscard]] std::span<const std::unique_ptr<AnyField>> fields() const { return fields_; }
  [[nodiscard]] std::span<const IgnoredName> ignored_names() const { return ignored_; }

  // By name or alias; null when there is none.
  [[nodiscard]] const AnyField* find(std::string_view name) const;
  // The same, or one that differs only in case.
  [[nodiscard]] const AnyField* find_any_case(std::string_view name) const;
  // The value written for a field in `mapping`, under whichever name; null when there is none.
  [[nodiscard]] const Node* written(const Node& mapping, const AnyField& field) const;

  // `object` is a T. False when problems were added; members read before that keep their values. A
  // null node is an empty mapping.
  bool read(const Node& node, void* object, ParsePass& pass) const;
  // `written` is the node `object` was read from, or null.
  void show(const void* object, const Node* written, ValueSink& sink) const;
  // Reads the node into a T of its own: only the problems are wanted. False when any were added.
  bool validate(const Node& node, ParsePass& pass) const;
  // A default-constructed T, shared and new.
  [[nodiscard]] virtual const void* defaults() const = 0;
  [[nodiscard]] virtual std::shared_ptr<void> new_object() const = 0;

 protected:
  // Runs the rules that span fields; false when problems were added.
  virtual bool check_rules(const void* object, const Node& node, ParsePass& pass) const = 0;
  void add(std::unique_ptr<AnyField> field) { fields_.push_back(std::move(field)); }
  void add_ignored(std::string_view name, std::string_view reason) {
    ignored_.push_back({std::string(name), std::string(reason)});
  }
  // After the last field: CHECKs that no name is empty or there twice.
  void seal() const;

 private:
  bool read_child(const Node& child, void* object, ParsePass& pass,
                  std::vector<const Node*>& seen) const;
  bool unknown(const Node& child, ParsePass& pass) const;
  [[nodiscard]] size_t index_of(std::string_view name, bool exact) const;
  [[nodiscard]] std::vector<std::string_view> listed_names() const;

  std::string name_;
  std::string summary_;
  std::vector<std::unique_ptr<AnyField>> fields_;
  std::vector<IgnoredName> ignored_;
};

// Where a rule that spans fields says what is wrong.
class Report {
 public:
  Report(const AnySchema& schema, const Node& node, ParsePass& pass)
      : schema_(schema), node_(node), pass_(pass) {}

  // At the field's value, or at the struct when it is not written; `field` is a declared name or
  // empty for the struct itself.
  void error(std::string_view field, std::string message, std::string remedy = {});
  void warning(std::string_view field, std::string message, std::string remedy = {});
  // The value written for the field; null when it has its default.
  [[nodiscard]] const Node* written(std::string_view field) const;
  [[nodiscard]] bool has_errors() const { return errors_ != 0; }

 private:
  void add(Severity severity, std::string_view field, std::string message, std::string remedy);

  const AnySchema& schema_;
  const Node& node_;
  ParsePass& pass_;
  size_t errors_ = 0;
};

}  // namespace layotto::config
