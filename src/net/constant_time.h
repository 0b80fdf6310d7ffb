// Comparing secrets (tokens, passwords, signatures) so that the time taken tells nothing about how
// much of a guess was right, or how long the secret is.
#pragma once

#include <string_view>

namespace layotto::net {

[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace layotto::net
