#include "async/stop_token.h"

namespace layotto::async {

Error stop_error(StopReason reason) {
  switch (reason) {
    case StopReason::kDeadline:
      return Error::deadline_exceeded();
    case StopReason::kShutdown:
      return Error::shutting_down();
    case StopReason::kCancelled:
    case StopReason::kNone:
      break;
  }
  return Error::cancelled();
}

void StopSource::link_to(StopSource& parent) {
  if (parent.fired()) {
    fire(parent.reason());
    return;
  }
  parent.add(*this);
}

void StopSource::fire(StopReason reason) {
  CHECK(reason != StopReason::kNone);
  if (fired()) return;
  reason_ = reason;
  while (StopNode* node = nodes_.pop_front()) node->on_stop(reason);
}

void StopSource::reset() {
  CHECK(nodes_.empty(), "reset of a StopSource something waits under");
  unlink_from_parent();
  reason_ = StopReason::kNone;
}

}  // namespace layotto::async
