// References: `${NAME}`, `${NAME:-default}` and `${file:/path}` inside the values of our own YAML.
// `$${` is a literal `${`. The default is taken when the variable is unset or empty, and is plain
// text: references do not nest, and what a reference brought in is never expanded again. Of a file,
// one line end at its end is dropped. Texts must be UTF-8, up to kReferenceBytesMax.
//
// A value with text of the environment or of a file in it keeps a flag (Node::from_reference) and
// is never printed, like a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/scalar.h"

namespace layotto::config {

// Where references look. The process's own source reads the environment and files; tests have maps.
class ReferenceSource {
 public:
  virtual ~ReferenceSource() = default;
  // nullopt: not set.
  [[nodiscard]] virtual Result<std::optional<std::string>> env(std::string_view name) = 0;
  // The whole content; the error says why not ("no such file", "may not be read").
  [[nodiscard]] virtual Result<std::string> file(std::string_view path) = 0;
};

// What is wrong with the references of one value.
struct ReferenceProblem {
  std::string message;
  std::string remedy;
};

// Puts the references of a scalar in. `plain`: written without quotes, so that a scalar that is one
// whole reference gets the kind its text has (`port: ${PORT}` is an integer); one that becomes
// empty is an empty string, not null. On a problem the result is broken.
Scalar expand_references(std::string_view text, bool plain, ReferenceSource& source,
                         std::optional<ReferenceProblem>& problem);

// True when there is anything to expand: a reference or an escape.
bool has_references(std::string_view text);

}  // namespace layotto::config
