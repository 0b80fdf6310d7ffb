// state.embedded for the conformance suite.
#pragma once

#include <memory>

#include "tests/conformance/state_testbed.h"

namespace layotto::conformance {

std::unique_ptr<StateTestbed> embedded_testbed();

}  // namespace layotto::conformance
