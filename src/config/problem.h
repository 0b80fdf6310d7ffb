// Problem: one thing that is wrong in a configuration file, with the place, what is wrong and what
// to do about it. Problems collects all of a file, so that people fix it in one go.
//
//   layotto.yaml:7:9: servers[0].port: wants an integer, found a string "abc"; write a number
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace layotto::config {

class Node;

// A place in a file. Both count from 1, columns in characters; 0: unknown.
struct Mark {
  uint32_t line = 0;
  uint32_t column = 0;
  friend bool operator==(const Mark&, const Mark&) = default;
};

enum class Severity : uint8_t { kError, kWarning };

struct Problem {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;
  std::string path;     // `servers[0].port`; empty: the document itself
  std::string message;  // what is wrong; never shows a secret or the value of a reference
  std::string remedy;   // what to do; may be empty
  Severity severity = Severity::kError;

  // One line without its end: `file:line:column: path: message; remedy`, warnings with `warning: `
  // before the path. Parts that are unknown are left out.
  [[nodiscard]] std::string to_string() const;
};

// Keeps the first kProblemsMax errors and as many warnings, counts the rest.
class Problems {
 public:
  void add(Problem problem);
  // At the node's place.
  void error(const Node& node, std::string message, std::string remedy = {});
  void warning(const Node& node, std::string message, std::string remedy = {});

  [[nodiscard]] bool has_errors() const { return errors_ != 0; }
  [[nodiscard]] size_t errors() const { return errors_; }
  [[nodiscard]] size_t warnings() const { return warnings_; }
  // True when further problems of this severity are only counted.
  [[nodiscard]] bool full(Severity severity) const;

  // In the order they were found.
  [[nodiscard]] std::span<const Problem> kept() const { return kept_; }

  // One line each, every line ended; then `and n more errors` and `and n more warnings`.
  [[nodiscard]] std::string to_string() const;

  // INVALID_ARGUMENT with the text of the errors (not of the warnings). Needs has_errors().
  [[nodiscard]] Error to_error() const;

 private:
  std::vector<Problem> kept_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
};

// `text` in double quotes for a message: cut at kQuotedBytesMax, control characters escaped.
std::string quote(std::string_view text);

}  // namespace layotto::config
