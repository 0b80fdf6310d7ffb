// The cases of the state suite, by subject; each list is in the file named after it.
#pragma once

#include <span>

#include "tests/conformance/state_case.h"

namespace layotto::conformance {

std::span<const StateCaseSpec> value_cases();        // state_values.cc
std::span<const StateCaseSpec> etag_cases();         // state_etags.cc
std::span<const StateCaseSpec> expiry_cases();       // state_expiry.cc
std::span<const StateCaseSpec> bulk_cases();         // state_bulk.cc
std::span<const StateCaseSpec> transaction_cases();  // state_transactions.cc
std::span<const StateCaseSpec> race_cases();         // state_races.cc
std::span<const StateCaseSpec> life_cases();         // state_life.cc
std::span<const StateCaseSpec> regression_cases();   // state_regressions.cc
std::span<const StateCaseSpec> model_cases();        // state_model.cc

}  // namespace layotto::conformance
