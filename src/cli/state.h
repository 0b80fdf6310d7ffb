// `layotto state`: read and write a state store by hand.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/target.h"

namespace layotto::cli {

struct StateOptions {
  Target target;
  std::string store;
  std::optional<std::string> etag = std::nullopt;  // save, delete: only this version
  bool first_write = false;                        // save: only a key that does not exist
  std::optional<std::string> ttl = std::nullopt;   // save: seconds
  Console console = {};
};

// `words`: get KEY, save KEY VALUE (or "-": stdin), delete KEY. A value is printed as it is; a key
// that does not exist is NOT_FOUND.
int state(const std::vector<std::string>& words, const StateOptions& options);

}  // namespace layotto::cli
