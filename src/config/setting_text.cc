#include "config/setting_text.h"

#include <algorithm>

#include "config/byte_size.h"
#include "config/duration_text.h"
#include "config/json_support.h"

namespace layotto::config {
namespace {

// Bounds of C++ types wider than this are not worth a word.
constexpr Int128 kTypeMaxShown = UINT16_MAX;

std::string bound_text(Type type, Int128 value) {
  switch (type) {
    case Type::kDuration:
      return duration_text(Duration(static_cast<int64_t>(value)));
    case Type::kByteSize:
      return ByteSize{static_cast<uint64_t>(value)}.to_string();
    default:
      return integer_text(value);
  }
}

std::string range_text(const TypeDescription& type, const Limits& limits) {
  std::string low;
  std::string high;
  if (type.type == Type::kNumber) {
    if (limits.number_min) low = fmt::format("{}", *limits.number_min);
    if (limits.number_max) high = fmt::format("{}", *limits.number_max);
  } else {
    std::optional<Int128> min = limits.min;
    std::optional<Int128> max = limits.max;
    if (type.type == Type::kInteger) {
      if (!min && type.max <= kTypeMaxShown) min = type.min;
      if (!min && type.min == 0) min = 0;
      if (!max && type.max <= kTypeMaxShown) max = type.max;
    }
    if (min) low = bound_text(type.type, *min);
    if (max) high = bound_text(type.type, *max);
  }
  if (!low.empty() && !high.empty()) return fmt::format("from {} to {}", low, high);
  if (!low.empty()) return "at least " + low;
  if (!high.empty()) return "at most " + high;
  return {};
}

template <class Names>
std::string comma_list(const Names& names) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

std::string plural(const TypeDescription& type) {
  switch (type.type) {
    case Type::kBool:
      return "booleans";
    case Type::kInteger:
      return "integers";
    case Type::kNumber:
      return "numbers";
    case Type::kString:
      return "strings";
    case Type::kDuration:
      return "durations";
    case Type::kByteSize:
      return "sizes";
    case Type::kSecret:
      return "secrets";
    case Type::kEnum:
      return "names";
    case Type::kList:
      return "lists of " + plural(*type.item);
    case Type::kMap:
      return "maps of names to " + plural(*type.item);
    case Type::kStruct:
      return fmt::format("`{}`", type.schema().name());
    case Type::kAny:
      break;
  }
  return "values";
}

void collect(const AnySchema& schema, std::vector<const AnySchema*>& found) {
  if (std::find(found.begin(), found.end(), &schema) != found.end()) return;
  found.push_back(&schema);
  for (const auto& field : schema.fields()) {
    if (field->description().hidden) continue;
    const TypeDescription& leaf = leaf_of(field->description().type);
    if (leaf.type == Type::kStruct) collect(leaf.schema(), found);
  }
}

}  // namespace

const TypeDescription& leaf_of(const TypeDescription& type) {
  const TypeDescription* leaf = &type;
  while (leaf->item != nullptr) leaf = leaf->item.get();
  return *leaf;
}

std::vector<const AnySchema*> schemas_below(const AnySchema& schema) {
  std::vector<const AnySchema*> found;
  collect(schema, found);
  return found;
}

std::string type_text(const TypeDescription& type) {
  switch (type.type) {
    case Type::kBool:
      return "boolean";
    case Type::kInteger:
      return "integer";
    case Type::kNumber:
      return "number";
    case Type::kString:
      return "string";
    case Type::kDuration:
      return "duration";
    case Type::kByteSize:
      return "size";
    case Type::kSecret:
      return "secret";
    case Type::kEnum:
      return "name";
    case Type::kList:
      return "list of " + plural(*type.item);
    case Type::kMap:
      return "map of names to " + plural(*type.item);
    case Type::kStruct:
      return fmt::format("`{}`", type.schema().name());
    case Type::kAny:
      break;
  }
  return "any";
}

std::string limits_text(const FieldDescription& field) {
  const Limits& limits = field.limits;
  const TypeDescription& leaf = leaf_of(field.type);
  std::vector<std::string> parts;
  if (!leaf.names.empty()) parts.push_back("one of " + comma_list(leaf.names));
  if (!limits.one_of.empty()) parts.push_back("one of " + comma_list(limits.one_of));
  if (limits.non_empty) parts.emplace_back("not empty");
  if (std::string range = range_text(leaf, limits); !range.empty()) {
    parts.push_back(std::move(range));
  }
  if (limits.length_max) parts.push_back(fmt::format("at most {} bytes", *limits.length_max));
  if (limits.items_max) parts.push_back(fmt::format("at most {} items", *limits.items_max));
  if (limits.format != nullptr) parts.push_back(limits.format_name);
  return comma_list(parts);
}

std::string default_text(const AnySchema& schema, const AnyField& field) {
  const FieldDescription& description = field.description();
  if (description.required) return "required";
  if (description.type.type == Type::kStruct && !description.type.optional) return {};
  if (leaf_of(description.type).type == Type::kSecret && !description.type.optional) return {};
  JsonSink sink;
  field.show(schema.defaults(), nullptr, sink);
  const boost::json::value value = sink.take();
  if (value.is_null()) return "unset";
  if (const auto* text = value.if_string(); text != nullptr && !text->empty()) {
    return {text->data(), text->size()};
  }
  if (const double* number = value.if_double()) return fmt::format("{}", *number);
  return boost::json::serialize(value);
}

}  // namespace layotto::config
