#include "config/problem.h"

#include <algorithm>

#include "config/limits.h"
#include "config/node.h"

namespace layotto::config {
namespace {

Problem at_node(const Node& node, std::string message, std::string remedy, Severity severity) {
  return {.file = std::string(node.file()),
          .line = node.mark().line,
          .column = node.mark().column,
          .path = node.path(),
          .message = std::move(message),
          .remedy = std::move(remedy),
          .severity = severity};
}

}  // namespace

std::string Problem::to_string() const {
  std::string text = file;
  if (line != 0) {
    if (!text.empty()) text += ':';
    text += fmt::format("{}:{}", line, column);
  }
  if (!text.empty()) text += ": ";
  if (severity == Severity::kWarning) text += "warning: ";
  if (!path.empty()) text += path + ": ";
  text += message;
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}

bool Problems::full(Severity severity) const {
  return (severity == Severity::kError ? errors_ : warnings_) >= kProblemsMax;
}

void Problems::add(Problem problem) {
  const bool keep = !full(problem.severity);
  ++(problem.severity == Severity::kError ? errors_ : warnings_);
  if (keep) kept_.push_back(std::move(problem));
}

void Problems::error(const Node& node, std::string message, std::string remedy) {
  add(at_node(node, std::move(message), std::move(remedy), Severity::kError));
}

void Problems::warning(const Node& node, std::string message, std::string remedy) {
  add(at_node(node, std::move(message), std::move(remedy), Severity::kWarning));
}

std::string Problems::to_string() const {
  std::string text;
  for (const Problem& problem : kept_) text += problem.to_string() + '\n';
  if (errors_ > kProblemsMax) text += fmt::format("and {} more errors\n", errors_ - kProblemsMax);
  if (warnings_ > kProblemsMax) {
    text += fmt::format("and {} more warnings\n", warnings_ - kProblemsMax);
  }
  return text;
}

Error Problems::to_error() const {
  CHECK(has_errors(), "Problems::to_error without an error");
  std::string text;
  for (const Problem& problem : kept_) {
    if (problem.severity != Severity::kError) continue;
    if (!text.empty()) text += '\n';
    text += problem.to_string();
  }
  if (errors_ > kProblemsMax) text += fmt::format("\nand {} more errors", errors_ - kProblemsMax);
  return {Code::kInvalidArgument, std::move(text)};
}

std::string quote(std::string_view text) {
  std::string_view shown = text;
  if (shown.size() > kQuotedBytesMax) {
    size_t end = kQuotedBytesMax;
    // Not in the middle of a character.
    while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xC0) == 0x80) --end;
    shown = shown.substr(0, end);
  }
  std::string out = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  if (shown.size() < text.size()) out += "…";
  out += '"';
  return out;
}

}  // namespace layotto::config
