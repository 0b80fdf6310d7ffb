#include "net/resolver.h"

#include <algorithm>
#include <utility>

namespace layotto::net {

std::vector<Address> interleave_families(std::vector<Address> addresses) {
  if (addresses.empty()) return addresses;
  const sa_family_t first = addresses.front().family();
  // `turn` walks the first family, `other` the rest; both only move forward.
  std::vector<Address> ordered;
  ordered.reserve(addresses.size());
  size_t turn = 0;
  size_t other = 0;
  const auto take = [&](size_t& at, bool of_first) {
    while (at < addresses.size() && (addresses[at].family() == first) != of_first) ++at;
    if (at < addresses.size()) ordered.push_back(addresses[at++]);
  };
  while (ordered.size() < addresses.size()) {
    take(turn, true);
    take(other, false);
  }
  return ordered;
}

}  // namespace layotto::net
