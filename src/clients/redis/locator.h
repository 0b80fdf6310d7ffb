// Locator: where a client finds its server. Asked before every attempt to connect, so that the
// answer may change: a Sentinel knows the primary of the moment.
#pragma once

#include <utility>

#include "async/task.h"
#include "net/dialer.h"

namespace layotto::clients::redis {

class Locator {
 public:
  virtual ~Locator() = default;
  // Waits under the caller's StopSource, which has the deadline of the attempt.
  virtual Task<Result<net::Endpoint>> locate() = 0;
};

// Always the same place.
class FixedLocator final : public Locator {
 public:
  explicit FixedLocator(net::Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  Task<Result<net::Endpoint>> locate() override {
    return async::ready(Result<net::Endpoint>(endpoint_));
  }

 private:
  const net::Endpoint endpoint_;
};

}  // namespace layotto::clients::redis
