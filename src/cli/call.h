// `layotto call`: any rpc of the services that are linked in, JSON in, JSON out.
//
// Without streams: one JSON value as argument or on stdin, one on stdout. A stream is a JSON value
// a line, each way; lines are sent as they come. The exit code is the gRPC status.
#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/target.h"

namespace layotto::cli {

struct CallOptions {
  Target target;
  bool verbose = false;                    // what the server says besides messages, on stderr
  std::vector<std::string> metadata = {};  // "name:value"
  Console console = {};
};

// `words`: SERVICE/METHOD, then the JSON, unless it is read from stdin ("-" or nothing).
int call(const std::vector<std::string>& words, const CallOptions& options);

}  // namespace layotto::cli
