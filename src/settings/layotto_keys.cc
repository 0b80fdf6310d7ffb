#include "settings/layotto_keys.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "settings/layotto_json.h"

namespace layotto::settings {
namespace {

using config::Node;
using config::Problem;
using config::Severity;

std::string did_you_mean(std::string_view name, const KeyTable& table) {
  std::vector<std::string_view> known;
  for (const KeyRule& rule : table.rules) {
    if (rule.fate != Fate::kNoMeaning) known.push_back(rule.key);
  }
  const std::string_view nearest = base::nearest_name(name, known);
  return nearest.empty() ? std::string("remove it") : fmt::format("did you mean {}?", nearest);
}

std::string escape_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string_view fate_in_words(Fate fate) {
  switch (fate) {
    case Fate::kTranslated:
      return "";
    case Fate::kNoMeaning:
      return "no meaning here: ";
    case Fate::kUnbuilt:
      return "not built yet: ";
  }
  return "";
}

void print_tables(std::span<const KeyTable> tables, std::string& out) {
  for (const KeyTable& table : tables) {
    for (const KeyRule& rule : table.rules) {
      out += fmt::format("| `{}{}` | {}{} |\n", escape_cell(table.where), rule.key,
                         fate_in_words(rule.fate), escape_cell(rule.text));
    }
  }
}

}  // namespace

void warn_at_key(const Node& child, std::string message, std::string remedy, Translation& t) {
  t.pass.problems.add({.file = std::string(child.file()),
                       .line = child.key_mark().line,
                       .column = child.key_mark().column,
                       .path = child.path(),
                       .message = std::move(message),
                       .remedy = std::move(remedy),
                       .severity = Severity::kWarning});
}

bool is_empty_value(const Node& node) {
  switch (node.kind()) {
    case config::Kind::kNull:
      return true;
    case config::Kind::kBool:
      return !node.boolean();
    case config::Kind::kInteger:
      return node.integer() == 0;
    case config::Kind::kFloat:
      return node.number() == 0;
    case config::Kind::kString:
      return node.text().empty();
    case config::Kind::kSequence:
    case config::Kind::kMapping:
      return node.children().empty();
  }
  return true;
}

const KeyRule* find_rule(const KeyTable& table, std::string_view key) {
  const auto by = [&](auto same) {
    const auto found = std::find_if(table.rules.begin(), table.rules.end(),
                                    [&](const KeyRule& rule) { return same(rule.key); });
    return found == table.rules.end() ? nullptr : &*found;
  };
  const KeyRule* exact = by([key](std::string_view other) { return other == key; });
  if (exact != nullptr) return exact;
  return by([key](std::string_view other) { return base::equal_but_case(other, key); });
}

std::span<const Node* const> list_items(const Node& node, Translation& t) {
  if (node.is_sequence() || node.is_null() || node.broken()) return node.children();
  t.pass.problems.error(node, fmt::format("wants a list, found {}", node.describe()),
                        "write it in [ ]");
  return {};
}

std::span<const Node* const> mapping_items(const Node& node, Translation& t) {
  if (node.is_mapping() || node.is_null() || node.broken()) return node.children();
  t.pass.problems.error(node, fmt::format("wants a mapping, found {}", node.describe()),
                        "write it in { }");
  return {};
}

void translate_key(const KeyRule& rule, const Node& child, Translation& t) {
  if (rule.key != child.key()) {
    warn_at_key(child, "the name is spelt otherwise", fmt::format("write {}", rule.key), t);
  }
  if (child.is_null() || child.broken()) return;
  if (rule.translate != nullptr) return rule.translate(t, child);
  if (rule.fate == Fate::kTranslated || is_empty_value(child)) return;
  if (rule.fate == Fate::kUnbuilt) return t.unbuilt.add(child, std::string(rule.text));
  warn_at_key(child, fmt::format("this setting has no meaning here: {}", rule.text),
              std::string(rule.remedy), t);
}

void translate_keys(const Node& mapping, const KeyTable& table, Translation& t) {
  for (const Node* child : mapping_items(mapping, t)) {
    const KeyRule* rule = find_rule(table, child->key());
    if (rule == nullptr) {
      const bool wanted = !t.pass.problems.full(Severity::kWarning);
      warn_at_key(*child, "unknown setting, not used",
                  wanted ? did_you_mean(child->key(), table) : std::string(), t);
      continue;
    }
    translate_key(*rule, *child, t);
  }
}

void translate_filters(const Node& list, const KeyTable& table, Translation& t) {
  for (const Node* filter : list_items(list, t)) {
    if (mapping_items(*filter, t).empty()) continue;
    const Node* type = find_any_case(*filter, "type");
    if (type == nullptr || type->kind() != config::Kind::kString) {
      t.pass.problems.error(type == nullptr ? *filter : *type, "a filter has no type",
                            "add \"type\"");
      continue;
    }
    const KeyRule* rule = find_rule(table, type->text());
    if (rule == nullptr) {
      t.pass.problems.error(*type, fmt::format("there is no filter of type {}", shown(*type)),
                            t.pass.problems.full(Severity::kError)
                                ? std::string()
                                : did_you_mean(type->text(), table));
      continue;
    }
    if (rule->translate != nullptr) {
      rule->translate(t, *filter);
    } else if (rule->fate == Fate::kUnbuilt) {
      t.unbuilt.add(*type, fmt::format("{} ({})", rule->text, rule->key));
    }
  }
}

std::string layotto_key_table() {
  std::string out = "| key | what becomes of it |\n| --- | --- |\n";
  print_tables(server_tables(), out);
  print_tables(listener_tables(), out);
  print_tables(component_tables(), out);
  return out;
}

}  // namespace layotto::settings
