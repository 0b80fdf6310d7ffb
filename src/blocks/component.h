// Component: one configured implementation of a building block, with its life: made, started,
// healthy or not, drained, stopped.
//
// What serves all workers (files, library threads, a shared map) is its Shared: made once, thread
// safe. What a worker talks to is a front, made per worker when first needed: cheap, one thread, no
// identity of its own. Worker 0 makes and probes every component at start; the owner calls start()
// again with back-off until it succeeds. How components are made: blocks/spec.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/error.h"

namespace layotto::blocks {

struct Health {
  enum class State : uint8_t { kStarting, kReady, kDegraded, kFailed };
  State state = State::kStarting;
  // For people; empty when ready. Names the address and what went wrong.
  std::string reason;
};

class Component {
 public:
  virtual ~Component() = default;
  // Connects, opens, migrates. Called again after a failure. Returns when the component can serve.
  virtual Task<Status> start() = 0;
  // Finishes what is under way; takes no new work. Bounded by the caller's stop.
  virtual Task<void> drain() { return async::ready(); }
  // Closes everything. After it the object is only destroyed.
  virtual Task<void> stop() { return async::ready(); }
  // Cheap: reports what is known, does not probe.
  [[nodiscard]] virtual Health health() const = 0;
  // Copies the component's data into a new folder, consistently, while it serves.
  virtual Task<Status> backup(std::string_view) {
    return async::failed<Status>(base::unimplemented("this component cannot be backed up"));
  }
  // Asks the back end now (a PING) and updates health(). Called periodically on worker 0.
  virtual Task<Status> probe() { return async::ready_ok(); }
};

// The thread-safe half of a component. Queues, atomics, or a mutex held for bounded CPU, never
// across a wait. Destroyed when no front is left; its destructor may block briefly (joins threads).
class Shared {
 public:
  virtual ~Shared() = default;
};

}  // namespace layotto::blocks
