#include "config/any_schema.h"

#include <algorithm>
#include <set>

#include "base/nearest_name.h"

namespace layotto::config {
namespace {

// Lists of names in a remedy end here.
constexpr size_t kNamesListedMax = 12;
constexpr size_t kNone = SIZE_MAX;

// The field's name or alias that is `name` (or differs only in case); empty when none is.
std::string_view matching_name(const FieldDescription& field, std::string_view name, bool exact) {
  const auto matches = [&](std::string_view candidate) {
    return exact ? candidate == name : base::equal_but_case(candidate, name);
  };
  if (matches(field.name)) return field.name;
  const auto alias = std::find_if(field.aliases.begin(), field.aliases.end(), matches);
  return alias == field.aliases.end() ? std::string_view{} : std::string_view{*alias};
}

bool has_name(const FieldDescription& field, std::string_view name, bool exact) {
  return !matching_name(field, name, exact).empty();
}

// A problem about the key of `child`, not its value.
Problem at_key(const Node& child, std::string message, std::string remedy, Severity severity) {
  return {.file = std::string(child.file()),
          .line = child.key_mark().line,
          .column = child.key_mark().column,
          .path = child.path(),
          .message = std::move(message),
          .remedy = std::move(remedy),
          .severity = severity};
}

}  // namespace

Limits Limits::of_items() const {
  Limits each = *this;
  each.non_empty = false;
  each.items_max.reset();
  each.separator = 0;
  return each;
}

void AnySchema::seal() const {
  std::set<std::string_view> names;
  const auto check = [&](std::string_view name) {
    CHECK(!name.empty(), "a setting without a name");
    CHECK(names.insert(name).second, fmt::format("{}: two settings named {}", name_, name));
  };
  for (const auto& field : fields_) {
    const FieldDescription& description = field->description();
    check(description.name);
    for (const std::string& alias : description.aliases) check(alias);
    CHECK(description.hidden || !description.doc.empty(), "a setting without a sentence about it");
  }
  for (const IgnoredName& ignored : ignored_) check(ignored.name);
}

size_t AnySchema::index_of(std::string_view name, bool exact) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (has_name(fields_[i]->description(), name, exact)) return i;
  }
  return kNone;
}

const AnyField* AnySchema::find(std::string_view name) const {
  const size_t index = index_of(name, true);
  return index == kNone ? nullptr : fields_[index].get();
}

const AnyField* AnySchema::find_any_case(std::string_view name) const {
  if (const AnyField* exact = find(name); exact != nullptr) return exact;
  const size_t index = index_of(name, false);
  return index == kNone ? nullptr : fields_[index].get();
}

const Node* AnySchema::written(const Node& mapping, const AnyField& field) const {
  if (!mapping.is_mapping()) return nullptr;
  for (const Node* child : mapping.children()) {
    if (has_name(field.description(), child->key(), true)) return child;
  }
  for (const Node* child : mapping.children()) {
    if (has_name(field.description(), child->key(), false)) return child;
  }
  return nullptr;
}

bool AnySchema::read(const Node& node, void* object, ParsePass& pass) const {
  if (node.broken()) return false;
  if (!node.is_mapping() && !node.is_null()) {
    pass.problems.error(node, fmt::format("wants a mapping, found {}", node.describe()),
                        "write one `name: value` a line below it");
    return false;
  }
  bool good = true;
  std::vector<const Node*> seen(fields_.size());
  for (const Node* child : node.children()) good = read_child(*child, object, pass, seen) && good;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const FieldDescription& field = fields_[i]->description();
    if (!field.required || seen[i] != nullptr) continue;
    good = false;
    pass.problems.add({.file = std::string(node.file()),
                       .line = node.mark().line,
                       .column = node.mark().column,
                       .path = path_with_key(node.path(), field.name),
                       .message = "this setting is required and missing",
                       .remedy = fmt::format("add {}: {}", field.name, field.doc)});
  }
  return good && check_rules(object, node, pass);
}

bool AnySchema::validate(const Node& node, ParsePass& pass) const {
  const std::shared_ptr<void> object = new_object();
  return read(node, object.get(), pass);
}

bool AnySchema::read_child(const Node& child, void* object, ParsePass& pass,
                           std::vector<const Node*>& seen) const {
  size_t index = index_of(child.key(), true);
  if (index == kNone && pass.lenient()) {
    index = index_of(child.key(), false);
    if (index != kNone) {
      pass.problems.add(at_key(
          child, "the name is spelt otherwise",
          fmt::format("write {}", matching_name(fields_[index]->description(), child.key(), false)),
          Severity::kWarning));
    }
  }
  if (index == kNone) return unknown(child, pass);
  if (const Node* first = seen[index]; first != nullptr) {
    pass.problems.add(at_key(child,
                             fmt::format("this is the same setting as {} on line {}", first->key(),
                                         first->key_mark().line),
                             "remove one of them", Severity::kError));
    return false;
  }
  if (pass.lenient() && child.is_null()) return true;
  seen[index] = &child;
  if (child.broken()) return false;
  return fields_[index]->read(child, object, pass);
}

std::vector<std::string_view> AnySchema::listed_names() const {
  std::vector<std::string_view> names;
  for (const auto& field : fields_) {
    if (!field->description().hidden) names.emplace_back(field->description().name);
  }
  return names;
}

bool AnySchema::unknown(const Node& child, ParsePass& pass) const {
  for (const IgnoredName& ignored : ignored_) {
    if (ignored.name != child.key()) continue;
    pass.problems.add(at_key(child, "this setting has no meaning here: " + ignored.reason,
                             "remove it", Severity::kWarning));
    return true;
  }
  const Severity severity = pass.lenient() ? Severity::kWarning : Severity::kError;
  std::string remedy;
  if (!pass.problems.full(severity)) {  // comparing names is the costly part
    std::vector<std::string_view> names = listed_names();
    if (const auto nearest = base::nearest_name(child.key(), names); !nearest.empty()) {
      remedy = fmt::format("did you mean {}?", nearest);
    } else if (names.empty()) {
      remedy = "remove it";
    } else {
      const bool all = names.size() <= kNamesListedMax;
      if (!all) names.resize(kNamesListedMax);
      remedy = "remove it; known here: ";
      for (const std::string_view name : names) {
        if (name != names.front()) remedy += ", ";
        remedy += name;
      }
      if (!all) remedy += ", …";
    }
  }
  const std::string_view what = pass.lenient() ? "unknown setting, not used" : "unknown setting";
  pass.problems.add(at_key(child, std::string(what), std::move(remedy), severity));
  return pass.lenient();
}

void AnySchema::show(const void* object, const Node* written_as, ValueSink& sink) const {
  sink.begin_mapping();
  for (const auto& field : fields_) {
    const Node* node = written_as == nullptr ? nullptr : written(*written_as, *field);
    if (field->description().hidden && node == nullptr) continue;
    sink.key(field->description().name);
    field->show(object, node, sink);
  }
  sink.end();
}

const Node* Report::written(std::string_view field) const {
  const AnyField* found = schema_.find(field);
  CHECK(found != nullptr, "a rule names a setting its schema does not have");
  return schema_.written(node_, *found);
}

void Report::error(std::string_view field, std::string message, std::string remedy) {
  ++errors_;
  add(Severity::kError, field, std::move(message), std::move(remedy));
}

void Report::warning(std::string_view field, std::string message, std::string remedy) {
  add(Severity::kWarning, field, std::move(message), std::move(remedy));
}

void Report::add(Severity severity, std::string_view field, std::string message,
                 std::string remedy) {
  const Node* child = field.empty() ? nullptr : written(field);
  const Node& place = child == nullptr ? node_ : *child;
  std::string path = place.path();
  if (child == nullptr && !field.empty()) path = path_with_key(std::move(path), field);
  pass_.problems.add({.file = std::string(place.file()),
                      .line = place.mark().line,
                      .column = place.mark().column,
                      .path = std::move(path),
                      .message = std::move(message),
                      .remedy = std::move(remedy),
                      .severity = severity});
}

}  // namespace layotto::config
