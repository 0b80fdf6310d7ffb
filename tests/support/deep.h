// Long runs: `./dev test --deep` sets LAYOTTO_DEEP=1, and what costs minutes then does all of it.
#pragma once

#include <cstdlib>
#include <string_view>

namespace layotto::tests {

inline bool deep() {
  const char* value = std::getenv("LAYOTTO_DEEP");
  return value != nullptr && std::string_view(value) == "1";
}
// How often: `usual` times, or `deep_times` in a deep run.
inline int rounds(int usual, int deep_times) { return deep() ? deep_times : usual; }

}  // namespace layotto::tests
