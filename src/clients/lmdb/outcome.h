// Outcome: what a call of LMDB gave. Cheaper than an Error, because "not found" and "full" are
// nothing unusual to most callers; error() makes one, with the remedy.
#pragma once

#include <string_view>

#include "base/error.h"

namespace layotto::clients::lmdb {

class [[nodiscard]] Outcome {
 public:
  Outcome() = default;
  explicit Outcome(int code) : code_(code) {}

  [[nodiscard]] bool ok() const { return code_ == 0; }
  [[nodiscard]] bool not_found() const;
  // The map has no room left: make it larger and do the transaction again.
  [[nodiscard]] bool map_full() const;
  // The environment has seen a failed write of its root and serves nothing until it is opened anew.
  [[nodiscard]] bool broken() const;
  [[nodiscard]] int code() const { return code_; }

  // `doing` is what was tried, as in "cannot <doing>"; `folder` is named for people.
  //   no room in the map, on the disk      kResourceExhausted
  //   damaged, not a file of LMDB          kDataLoss
  //   of another version of LMDB           kFailedPrecondition
  //   no right to read or write            kPermissionDenied
  //   the disk fails, must be opened anew  kUnavailable
  //   else                                 kInternal
  [[nodiscard]] Error error(std::string_view doing, std::string_view folder) const;

 private:
  int code_ = 0;
};

}  // namespace layotto::clients::lmdb
