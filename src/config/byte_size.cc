#include "config/byte_size.h"

#include <array>

#include "config/scalar.h"

namespace layotto::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t bytes;
};
// Largest first; those to print before their other spellings.
constexpr std::array<Unit, 10> kUnits = {{{"TiB", uint64_t{1} << 40},
                                          {"TB", 1'000'000'000'000},
                                          {"GiB", uint64_t{1} << 30},
                                          {"GB", 1'000'000'000},
                                          {"MiB", uint64_t{1} << 20},
                                          {"MB", 1'000'000},
                                          {"KiB", uint64_t{1} << 10},
                                          {"kB", 1'000},
                                          {"KB", 1'000},
                                          {"B", 1}}};

}  // namespace

std::string ByteSize::to_string() const {
  for (const Unit& unit : kUnits) {
    if (bytes != 0 && unit.bytes > 1 && bytes % unit.bytes == 0) {
      return fmt::format("{}{}", bytes / unit.bytes, unit.name);
    }
  }
  return fmt::format("{}", bytes);
}

Result<ByteSize> parse_byte_size(std::string_view text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (end == 0) return base::invalid_argument("it does not begin with a digit");
  Int128 count = 0;
  if (!decimal_integer(text.substr(0, end), count)) {
    return base::invalid_argument("it is beyond 64 bits");
  }
  const std::string_view name = text.substr(end);
  uint64_t factor = 1;
  if (!name.empty()) {
    factor = 0;
    for (const Unit& unit : kUnits) {
      if (unit.name == name) factor = unit.bytes;
    }
    if (factor == 0) {
      return base::invalid_argument("its unit is none of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB");
    }
  }
  const Int128 bytes = count * Int128{factor};
  if (bytes > Int128{UINT64_MAX}) return base::invalid_argument("it is beyond 64 bits");
  return ByteSize{static_cast<uint64_t>(bytes)};
}

}  // namespace layotto::config
