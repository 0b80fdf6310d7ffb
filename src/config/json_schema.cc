// to_json_schema of config/schema_print.h.
#include <cmath>
#include <map>
#include <set>

#include "config/json_support.h"
#include "config/schema_print.h"
#include "config/setting_text.h"

namespace layotto::config {
namespace {

namespace json = boost::json;

constexpr std::string_view kDraft = "https://json-schema.org/draft/2020-12/schema";
// Integers beyond this are not exact in every reader of JSON.
constexpr Int128 kExactMax = Int128{1} << 53;
constexpr const char* kDurationPattern =
    "^[-+]?(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|ms|s|m|h))+$";
constexpr const char* kByteSizePattern = "^[0-9]+(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?$";
constexpr const char* kReferencePattern = "\\$\\{[^}]+\\}";

json::string text(std::string_view from) { return json::string(from.data(), from.size()); }

class JsonSchemaWriter {
 public:
  explicit JsonSchemaWriter(const AnySchema& root) : root_(root) {
    std::set<std::string> taken = {"reference"};
    for (const AnySchema* schema : schemas(root)) {
      std::string name(schema->name());
      for (int n = 2; !taken.insert(name).second; ++n)
        name = fmt::format("{}_{}", schema->name(), n);
      names_[schema] = name;
    }
  }

  json::object write() {
    json::object out;
    out["$schema"] = text(kDraft);
    json::object of_root = of_schema(root_);
    for (auto& [key, value] : of_root) out[key] = std::move(value);
    json::object definitions;
    definitions["reference"] = {{"type", "string"},
                                {"pattern", kReferencePattern},
                                {"description", "${NAME}, ${NAME:-default} or ${file:/path}"}};
    for (const AnySchema* schema : order_) {
      if (schema != &root_) definitions[text(names_[schema])] = of_schema(*schema);
    }
    out["$defs"] = std::move(definitions);
    return out;
  }

 private:
  // Hidden settings may lead to schemas too.
  const std::vector<const AnySchema*>& schemas(const AnySchema& schema) {
    if (std::find(order_.begin(), order_.end(), &schema) == order_.end()) {
      order_.push_back(&schema);
      for (const auto& field : schema.fields()) {
        const TypeDescription& leaf = leaf_of(field->description().type);
        if (leaf.type == Type::kStruct) schemas(leaf.schema());
      }
    }
    return order_;
  }

  // A choice that looks like a number or a boolean may be written without quotes.
  static void add_choice(json::array& choices, std::string_view choice) {
    choices.push_back(text(choice));
    const Scalar plain = plain_scalar(choice);
    if (plain.kind == Kind::kBool) choices.push_back(plain.boolean);
    if (plain.kind == Kind::kInteger && plain.integer <= kExactMax) {
      choices.push_back(static_cast<int64_t>(plain.integer));
    }
    if (plain.kind == Kind::kFloat && std::isfinite(plain.number)) choices.push_back(plain.number);
  }

  static json::value or_reference(json::object type) {
    return {{"anyOf", {std::move(type), {{"$ref", "#/$defs/reference"}}}}};
  }

  static void add_bounds(json::object& out, const TypeDescription& type, const Limits& limits) {
    const auto put = [&out](const char* name, Int128 value) {
      if (value >= -kExactMax && value <= kExactMax) out[name] = static_cast<int64_t>(value);
    };
    put("minimum", std::max(type.min, limits.min.value_or(type.min)));
    put("maximum", std::min(type.max, limits.max.value_or(type.max)));
  }

  static json::value of_string(const TypeDescription& type, const Limits& limits) {
    json::object out = {{"type", "string"}};
    if (limits.non_empty) out["minLength"] = 1;
    if (limits.length_max) out["maxLength"] = *limits.length_max;
    if (type.type == Type::kSecret) out["writeOnly"] = true;
    if (limits.one_of.empty()) return out;
    json::array choices;
    for (const std::string& choice : limits.one_of) add_choice(choices, choice);
    return or_reference({{"enum", std::move(choices)}});
  }

  json::value of_items(const char* type, const char* below, const char* count,
                       const TypeDescription& description, const Limits& limits) {
    json::object out = {{"type", {type, "null"}}};
    out[below] = of_type(*description.item, limits.of_items());
    if (limits.non_empty) out[std::string("min") + count] = 1;
    if (limits.items_max) out[std::string("max") + count] = *limits.items_max;
    return out;
  }

  json::value of_type(const TypeDescription& type, const Limits& limits) {
    json::object out;
    switch (type.type) {
      case Type::kBool:
        return or_reference({{"type", "boolean"}});
      case Type::kInteger:
        out["type"] = "integer";
        add_bounds(out, type, limits);
        return or_reference(std::move(out));
      case Type::kNumber:
        out["type"] = "number";
        if (limits.number_min) out["minimum"] = *limits.number_min;
        if (limits.number_max) out["maximum"] = *limits.number_max;
        return or_reference(std::move(out));
      case Type::kString:
      case Type::kSecret:
        return of_string(type, limits);
      case Type::kDuration:
        return {{"anyOf",
                 {{{"type", "string"}, {"pattern", kDurationPattern}},
                  {{"const", 0}},
                  {{"$ref", "#/$defs/reference"}}}}};
      case Type::kByteSize:
        return {{"anyOf",
                 {{{"type", "integer"}, {"minimum", 0}},
                  {{"type", "string"}, {"pattern", kByteSizePattern}},
                  {{"$ref", "#/$defs/reference"}}}}};
      case Type::kEnum: {
        json::array choices;
        for (const std::string_view name : type.names) add_choice(choices, name);
        return or_reference({{"enum", std::move(choices)}});
      }
      case Type::kList:
        return of_items("array", "items", "Items", type, limits);
      case Type::kMap:
        return of_items("object", "additionalProperties", "Properties", type, limits);
      case Type::kStruct:
        out["$ref"] = &type.schema() == &root_
                          ? text("#")
                          : text(fmt::format("#/$defs/{}", names_[&type.schema()]));
        return out;
      case Type::kAny:
        break;
    }
    return out;
  }

  json::object of_field(const AnySchema& schema, const AnyField& field) {
    const FieldDescription& description = field.description();
    json::object out = of_type(description.type, description.limits).get_object();
    if (description.hidden) return out;
    out["description"] = text(description.doc);
    if (description.required || description.type.type == Type::kStruct) return out;
    JsonSink sink;
    field.show(schema.defaults(), nullptr, sink);
    json::value standard = sink.take();
    if (!standard.is_null()) out["default"] = std::move(standard);
    return out;
  }

  json::object of_schema(const AnySchema& schema) {
    json::object properties;
    json::array required;
    json::array either;  // for required settings with other names
    for (const auto& field : schema.fields()) {
      const FieldDescription& description = field->description();
      properties[text(description.name)] = of_field(schema, *field);
      json::array names = {{{"required", {text(description.name)}}}};
      for (const std::string& alias : description.aliases) {
        json::object other = of_type(description.type, description.limits).get_object();
        other["description"] = text(fmt::format("Another name of {}.", description.name));
        properties[text(alias)] = std::move(other);
        names.push_back({{"required", {text(alias)}}});
      }
      if (!description.required) continue;
      if (description.aliases.empty()) {
        required.push_back(text(description.name));
      } else {
        either.push_back({{"anyOf", std::move(names)}});
      }
    }
    for (const IgnoredName& ignored : schema.ignored_names()) {
      properties[text(ignored.name)] = {
          {"deprecated", true},
          {"description", text("Accepted without a meaning: " + ignored.reason)}};
    }
    json::object out;
    out["title"] = text(schema.name());
    out["description"] = text(schema.summary());
    out["type"] = required.empty() && either.empty() ? json::value{"object", "null"} : "object";
    out["properties"] = std::move(properties);
    if (!required.empty()) out["required"] = std::move(required);
    if (!either.empty()) out["allOf"] = std::move(either);
    out["additionalProperties"] = false;
    return out;
  }

  const AnySchema& root_;
  std::vector<const AnySchema*> order_;
  std::map<const AnySchema*, std::string> names_;
};

}  // namespace

std::string to_json_schema(const AnySchema& schema) {
  return pretty_json(JsonSchemaWriter(schema).write());
}

}  // namespace layotto::config
