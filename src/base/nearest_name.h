// For "did you mean": the known name that is closest to one that is not known.
#pragma once

#include <span>
#include <string_view>

namespace layotto::base {

// Empty when none is close: equal but for case, `_` and `-`, or one edit in three characters away.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

// Equal but for the case of ASCII letters.
bool equal_but_case(std::string_view a, std::string_view b);

}  // namespace layotto::base
