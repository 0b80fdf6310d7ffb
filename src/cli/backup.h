// `layotto backup`: a copy of what an embedded component keeps, made by the sidecar while it
// serves.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/target.h"

namespace layotto::cli {

struct BackupOptions {
  Target target;              // its credentials are those for the admin listener
  std::string admin_address;  // who is asked
  std::string data_folder;    // where the data are when no sidecar runs
  // Copies them when no sidecar runs; fails when somebody holds them. Empty: cannot be done here.
  std::function<Status(const std::string& data_folder, const std::string& component,
                       const std::string& folder)>
      copy_unheld = {};
  Console console = {};
};

// `words`: COMPONENT ("state.demo"), then a folder that does not exist yet.
int backup(const std::vector<std::string>& words, const BackupOptions& options);

}  // namespace layotto::cli
