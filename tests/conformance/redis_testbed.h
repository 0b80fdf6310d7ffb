// state.redis over a real server for the conformance suite.
#pragma once

#include <memory>

#include "tests/conformance/state_testbed.h"

namespace layotto::conformance {

std::unique_ptr<StateTestbed> redis_testbed();

}  // namespace layotto::conformance
