#include <gtest/gtest.h>

#include "tests/conformance/state_conformance.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const auto beds = layotto::conformance::state_testbeds();
  layotto::conformance::register_state_conformance(beds);
  return RUN_ALL_TESTS();
}
