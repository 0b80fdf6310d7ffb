// StopSource and StopToken: cooperative cancellation within one thread.
//
// Every coroutine tree runs under one StopSource (the request's, the connection's, the group's);
// each Task inherits it from the one that awaits it. fire() resumes every pending wait of the tree
// with the reason; later waits return it at once. Nothing is destroyed by stopping: a task sees a
// failed wait, cleans up and returns. Sources form a tree too: a parent fires its children.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/intrusive_list.h"

namespace layotto::async {

enum class StopReason : uint8_t { kNone, kCancelled, kDeadline, kShutdown };

// The static Error of a reason other than kNone: no allocation.
Error stop_error(StopReason reason);

// Something that wants to know: a suspended wait, or a child source.
class StopNode : public base::ListLink<StopNode> {
 public:
  virtual void on_stop(StopReason reason) = 0;

 protected:
  StopNode() = default;
  ~StopNode() = default;
};

class StopSource final : private StopNode {
 public:
  StopSource() = default;

  // Fires when `parent` does, until unlinked or destroyed. Fires at once if `parent` has fired.
  void link_to(StopSource& parent);
  void unlink_from_parent() { static_cast<base::ListLink<StopNode>*>(this)->unlink(); }

  // The first reason wins; later calls do nothing. Waits are made ready, not resumed here.
  void fire(StopReason reason);
  [[nodiscard]] bool fired() const { return reason_ != StopReason::kNone; }
  [[nodiscard]] StopReason reason() const { return reason_; }
  // Makes a source that has fired usable again; nothing may be waiting under it.
  void reset();

  void add(StopNode& node) { nodes_.push_back(node); }

 private:
  void on_stop(StopReason reason) override { fire(reason); }

  base::IntrusiveList<StopNode, StopNode> nodes_;
  StopReason reason_ = StopReason::kNone;
};

}  // namespace layotto::async
