#include "config/yaml_sink.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "config/show_node.h"
#include "config/utf8.h"

namespace layotto::config {
namespace {

// YAML wants longer keys to be marked with a question mark (the limit is 1024 characters).
constexpr size_t kSimpleKeyBytesMax = 1000;

bool is_safe_plain(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto safe = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/' || c == '+' ||
           c == '-';
  };
  if (text.empty() || (!letter(text.front()) && text.front() != '/' && text.front() != '_')) {
    return false;
  }
  if (!std::all_of(text.begin(), text.end(), safe)) return false;
  // Booleans of YAML 1.1.
  static constexpr std::array<std::string_view, 6> kWords = {"y", "n", "yes", "no", "on", "off"};
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return false;
  return plain_scalar(text).kind == Kind::kString;
}

// What a double-quoted scalar may hold as it is: printable, no line break, no byte-order mark.
bool is_printable(uint32_t point) {
  if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
  if (point == 0x2028 || point == 0x2029 || point == 0xFEFF) return false;
  return point < 0xFFFE || point > 0xFFFF;
}

}  // namespace

std::string yaml_string(std::string_view text) {
  if (is_safe_plain(text)) return std::string(text);
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const uint32_t point = length == 0 ? 0xFFFD : utf8_decode(text, length);
    if (point == '"' || point == '\\') {
      out += '\\';
      out += static_cast<char>(point);
    } else if (point == '\n') {
      out += "\\n";
    } else if (point == '\t') {
      out += "\\t";
    } else if (!is_printable(point)) {
      out += point > 0xFF ? fmt::format("\\u{:04x}", point) : fmt::format("\\x{:02x}", point);
    } else {
      utf8_append(out, point);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out + '"';
}

void YamlSink::begin(bool list) {
  const bool on_line = open_.empty() || open_.back().list;
  const size_t indent = open_.empty() ? 0 : open_.back().indent + 2;
  if (!open_.empty() && open_.back().list) {
    lead();
    out_ += "- ";
  }
  open_.push_back({.list = list, .indent = indent, .on_line = on_line});
}

// Moves the cursor to where the next item or key of the innermost list or mapping begins.
void YamlSink::lead() {
  Open& top = open_.back();
  if (top.empty && !top.on_line) out_ += '\n';
  if (!top.empty || !top.on_line) out_.append(top.indent, ' ');
  top.empty = false;
}

void YamlSink::before_value() {
  if (open_.empty()) return;
  if (open_.back().list) {
    lead();
    out_ += "- ";
  } else {
    out_ += ' ';
  }
}

void YamlSink::put(std::string_view text) {
  before_value();
  out_.append(text).append("\n");
}

void YamlSink::key(std::string_view name) {
  lead();
  const std::string text = yaml_string(name);
  if (text.size() > kSimpleKeyBytesMax) {
    out_.append("? ").append(text).append("\n").append(open_.back().indent, ' ').append(":");
  } else {
    out_.append(text).append(":");
  }
}

void YamlSink::end() {
  CHECK(!open_.empty(), "an end without its begin");
  const Open top = open_.back();
  open_.pop_back();
  if (!top.empty) return;
  if (!top.on_line) out_ += ' ';
  out_ += top.list ? "[]\n" : "{}\n";
}

void YamlSink::number(double value) {
  if (std::isnan(value)) return put(".nan");
  if (std::isinf(value)) return put(value < 0 ? "-.inf" : ".inf");
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  put(text);
}

void YamlSink::string(std::string_view value) { put(yaml_string(value)); }

void YamlSink::node(const Node& node) { show_node(node, nullptr, *this); }

}  // namespace layotto::config
