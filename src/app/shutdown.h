// The order in which the process ends, as one table (shutdown.cc): nothing is taken away from
// somebody who still needs it.
#pragma once

#include <cstdint>
#include <string_view>

#include "async/task.h"

namespace layotto::app {

enum class ShutdownStep : uint8_t {
  kNotReady,      // readiness says DOWN, grpc.health NOT_SERVING
  kApiListeners,  // no new connections; requests under way finish, up to drain_timeout
  kComponents,    // drained, then stopped: what they accepted is safe
  kAdmin,         // the pages go last, so that one can watch
};

// Does one step for the whole process.
class ShutdownActions {
 public:
  virtual Task<void> shutdown_step(ShutdownStep step) = 0;
  virtual void shutdown_progress(std::string_view step) = 0;

 protected:
  ~ShutdownActions() = default;
};

// All steps in order.
Task<void> shut_down(ShutdownActions& actions);

}  // namespace layotto::app
