// Unbuilt: what a file asks for and this release does not have. Each is one error that names it and
// says how to start without it, or, when the caller wants to, a line of LoadedConfig::unbuilt.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/node.h"
#include "config/problem.h"

namespace layotto::settings {

class Unbuilt {
 public:
  // Both outlive this object.
  Unbuilt(bool skip, config::Problems& problems, std::vector<std::string>& skipped)
      : skip_(skip), problems_(problems), skipped_(skipped) {}

  // True when what is not built is left out.
  [[nodiscard]] bool skips() const { return skip_; }
  // `what` in words that begin a sentence: `lock "jobs" of type "redis"`. At the node's value.
  void add(const config::Node& node, std::string what) {
    if (skip_) {
      skipped_.push_back(std::move(what));
    } else {
      problems_.error(node, what + " is not built yet", "--skip-unbuilt starts without it");
    }
  }

 private:
  bool skip_;
  config::Problems& problems_;
  std::vector<std::string>& skipped_;
};

}  // namespace layotto::settings
