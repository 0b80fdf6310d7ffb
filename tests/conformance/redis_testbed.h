// state.redis over real servers for the conformance suite: everything over one, the rest of what
// differs over a cluster and behind Sentinels.
#pragma once

#include <memory>

#include "tests/conformance/state_testbed.h"

namespace layotto::conformance {

std::unique_ptr<StateTestbed> redis_testbed();
std::unique_ptr<StateTestbed> redis_cluster_testbed();
// Transactions: all keys have one hash tag.
std::unique_ptr<StateTestbed> redis_cluster_tagged_testbed();
std::unique_ptr<StateTestbed> redis_sentinel_testbed();

}  // namespace layotto::conformance
