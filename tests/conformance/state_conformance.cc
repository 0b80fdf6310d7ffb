#include "tests/conformance/state_conformance.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

bool applies(const StateNeeds& needs, const StateStore::Features& features) {
  return (!needs.transactions || features.transactions) && (!needs.ttl || features.ttl) &&
         (!needs.survives_restart || features.survives_restart) &&
         (!needs.no_transactions || !features.transactions) && (!needs.no_ttl || !features.ttl);
}

class StateConformanceTest : public testing::Test {
 public:
  StateConformanceTest(StateTestbed& bed, const StateCaseSpec& spec) : bed_(bed), spec_(spec) {}

  void TestBody() override {
    Result<std::unique_ptr<StateBackend>> backend = bed_.open();
    if (!backend.ok()) {
      if (std::getenv("LAYOTTO_REQUIRE_SERVERS") != nullptr) {
        FAIL() << backend.error().to_string();
      }
      std::fprintf(stderr, "\n*** SKIPPED: %s: %s ***\n\n", std::string(bed_.name()).c_str(),
                   backend.error().to_string().c_str());
      GTEST_SKIP();
    }
    StateCase state(bed_, **backend);
    spec_.run(state);
  }

 private:
  StateTestbed& bed_;
  const StateCaseSpec& spec_;
};

}  // namespace

void register_state_conformance(const std::vector<std::unique_ptr<StateTestbed>>& beds) {
  for (const auto& bed : beds) {
    const std::string suite = "StateConformance/" + std::string(bed->name());
    for (const auto cases :
         {value_cases(), etag_cases(), expiry_cases(), bulk_cases(), transaction_cases(),
          race_cases(), life_cases(), regression_cases(), model_cases()}) {
      for (const StateCaseSpec& spec : cases) {
        if (!applies(spec.needs, bed->features()) || !bed->runs(spec.name)) continue;
        testing::RegisterTest(suite.c_str(), std::string(spec.name).c_str(), nullptr, nullptr,
                              __FILE__, __LINE__, [bed = bed.get(), &spec]() -> testing::Test* {
                                return new StateConformanceTest(*bed, spec);
                              });
      }
    }
  }
}

}  // namespace layotto::conformance
