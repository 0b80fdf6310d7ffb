// The contract of blocks/state.h as a suite: registers every case for every testbed as
// StateConformance/<testbed>.<case>.
#pragma once

#include <memory>
#include <vector>

#include "tests/conformance/state_testbed.h"

namespace layotto::conformance {

// The testbeds live as long as the process.
void register_state_conformance(const std::vector<std::unique_ptr<StateTestbed>>& beds);

// Every store there is: state_testbeds.cc.
std::vector<std::unique_ptr<StateTestbed>> state_testbeds();

}  // namespace layotto::conformance
