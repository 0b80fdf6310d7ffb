// `layotto stop`: asks a running sidecar to end (SIGTERM: it drains) and waits until it is gone.
#pragma once

#include <string>

#include "base/clock.h"
#include "cli/console.h"
#include "cli/target.h"

namespace layotto::cli {

struct StopOptions {
  Target target;              // its credentials are those for the admin listener
  std::string admin_address;  // where the sidecar says which process it is
  std::string pid_file;       // asked first; empty: there is none
  // How long to wait, unless the target's timeout says otherwise.
  Duration patience = std::chrono::seconds(40);
  Console console = {};
};

int stop(const StopOptions& options);

}  // namespace layotto::cli
