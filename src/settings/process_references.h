// ProcessReferences: what `${NAME}` and `${file:/path}` in our own YAML stand for: the environment
// of this process and files of this machine. Files are regular ones with an absolute path, up to
// config::kReferenceBytesMax bytes, read anew each time (a reload sees a rotated secret).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/references.h"

namespace layotto::settings {

class ProcessReferences final : public config::ReferenceSource {
 public:
  // What getenv() is: null when the variable is not set.
  using Lookup = const char* (*)(const char* name);

  // The environment of this process. Nobody may change it while a file is loaded.
  ProcessReferences();
  explicit ProcessReferences(Lookup lookup) : lookup_(lookup) {}

  [[nodiscard]] Result<std::optional<std::string>> env(std::string_view name) override;
  [[nodiscard]] Result<std::string> file(std::string_view path) override;

 private:
  Lookup lookup_;
};

}  // namespace layotto::settings
