// H1ScriptedServer: an H1Harness with the handler of h2_scripted_server.h, which answers by path.
#pragma once

#include "tests/support/h1_server_harness.h"
#include "tests/support/h2_scripted_server.h"

namespace layotto::tests {

struct H1ScriptedServer : LoopAndHandler, H1Harness {
  explicit H1ScriptedServer(const http::ServerLimits& limits = {})
      : H1Harness(test_loop, handler, limits) {}
};

}  // namespace layotto::tests
