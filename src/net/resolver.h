// Resolver: names of hosts to addresses. Passed in wherever something dials, so that tests answer
// from a list; the one of the product is AresResolver (ares_resolver.h).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/error.h"
#include "net/address.h"

namespace layotto::net {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // The addresses to try, best first, at least one, each with `port`. A numeric host is its own
  // address. Waits under the caller's StopSource: give it a deadline there. Errors:
  // kInvalidArgument for what cannot be a host name, kUnavailable (response flag DF) when there is
  // no such name or no answer.
  virtual Task<Result<std::vector<Address>>> resolve(std::string_view host, uint16_t port) = 0;
};

// The same addresses, families taking turns (RFC 8305 §4); the first stays first and within a
// family the order stays. One broken family then costs one failed attempt, not all of them.
std::vector<Address> interleave_families(std::vector<Address> addresses);

}  // namespace layotto::net
