// Every state store of the product, one line each.
#include "tests/conformance/embedded_testbed.h"
#include "tests/conformance/memory_testbed.h"
#include "tests/conformance/redis_testbed.h"
#include "tests/conformance/state_conformance.h"

namespace layotto::conformance {

std::vector<std::unique_ptr<StateTestbed>> state_testbeds() {
  std::vector<std::unique_ptr<StateTestbed>> beds;
  beds.push_back(memory_testbed());
  beds.push_back(embedded_testbed());
  beds.push_back(redis_testbed());
  beds.push_back(redis_cluster_testbed());
  beds.push_back(redis_cluster_tagged_testbed());
  beds.push_back(redis_sentinel_testbed());
  return beds;
}

}  // namespace layotto::conformance
