#include "config/schema_print.h"

#include <algorithm>

#include "config/setting_text.h"

namespace layotto::config {
namespace {

constexpr size_t kTextColumns = 80;

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string meaning(const FieldDescription& field) {
  std::string text = field.doc;
  for (const std::string& alias : field.aliases) {
    text += fmt::format("{}`{}`", &alias == &field.aliases.front() ? " Also: " : ", ", alias);
  }
  return text + (field.aliases.empty() ? "" : ".");
}

void add_table(std::string& out, const AnySchema& schema, int level) {
  out += fmt::format("{} {}\n\n{}\n", std::string(static_cast<size_t>(level), '#'), schema.name(),
                     schema.summary());
  bool begun = false;
  for (const auto& field : schema.fields()) {
    const FieldDescription& description = field->description();
    if (description.hidden) continue;
    if (!begun) {
      out += "\n| Name | Type | Default | Limits | Meaning |\n| --- | --- | --- | --- | --- |\n";
      begun = true;
    }
    std::string standard = default_text(schema, *field);
    if (!standard.empty() && !description.required && standard != "unset") {
      standard = fmt::format("`{}`", standard);
    }
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", description.name,
                       cell(type_text(description.type)), cell(standard),
                       cell(limits_text(description)), cell(meaning(description)));
  }
  if (schema.ignored_names().empty()) return;
  out += "\nAccepted without a meaning:\n\n";
  for (const IgnoredName& ignored : schema.ignored_names()) {
    out += fmt::format("- `{}`: {}\n", ignored.name, ignored.reason);
  }
}

// `text` in words that fit, every line after the first indented.
std::string wrapped(std::string_view text, size_t indent) {
  std::string out;
  size_t column = indent;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (column > indent && column + 1 + end > kTextColumns) {
      out.append("\n").append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + '\n';
}

void add_text(std::string& out, const AnySchema& schema) {
  out += fmt::format("{}: {}\n", schema.name(), schema.summary());
  size_t width = 0;
  for (const auto& field : schema.fields()) {
    if (!field->description().hidden) width = std::max(width, field->description().name.size());
  }
  for (const auto& field : schema.fields()) {
    const FieldDescription& description = field->description();
    if (description.hidden) continue;
    std::string line = type_text(description.type);
    if (const std::string limits = limits_text(description); !limits.empty()) {
      line += ", " + limits;
    }
    if (description.required) {
      line += ", required";
    } else if (const std::string standard = default_text(schema, *field); !standard.empty()) {
      line += ", default " + standard;
    }
    const size_t indent = width + 4;
    out += fmt::format("\n  {:<{}}", description.name, width + 2) + wrapped(line, indent);
    out += std::string(indent, ' ') + wrapped(meaning(description), indent);
  }
}

}  // namespace

std::string to_markdown(const AnySchema& schema, int level) {
  CHECK(level >= 1 && level <= 5, "a heading of level 1 to 5");
  std::string out;
  for (const AnySchema* each : schemas_below(schema)) {
    if (!out.empty()) out += '\n';
    add_table(out, *each, each == &schema ? level : level + 1);
  }
  return out;
}

std::string to_text(const AnySchema& schema) {
  std::string out;
  for (const AnySchema* each : schemas_below(schema)) {
    if (!out.empty()) out += '\n';
    add_text(out, *each);
  }
  return out;
}

}  // namespace layotto::config
