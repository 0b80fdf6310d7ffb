#include "settings/process_references.h"

#include <cstdlib>

#include "config/limits.h"
#include "settings/file_reader.h"

namespace layotto::settings {

ProcessReferences::ProcessReferences()
    : lookup_([](const char* name) -> const char* { return std::getenv(name); }) {}

Result<std::optional<std::string>> ProcessReferences::env(std::string_view name) {
  const char* value = lookup_(std::string(name).c_str());
  if (value == nullptr) return std::optional<std::string>();
  return std::optional<std::string>(value);
}

Result<std::string> ProcessReferences::file(std::string_view path) {
  if (!path.starts_with('/')) return base::invalid_argument("its path is not absolute");
  return read_regular_file(path, config::kReferenceBytesMax);
}

}  // namespace layotto::settings
