// ByteSize: a number of bytes as people write it: `64KiB`, `4MiB`, `1GB`, or plain `65536`.
// kB, MB, GB, TB count in thousands, KiB, MiB, GiB, TiB in 1024s.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace layotto::config {

struct ByteSize {
  uint64_t bytes = 0;

  static constexpr ByteSize kib(uint64_t count) { return {count << 10}; }
  static constexpr ByteSize mib(uint64_t count) { return {count << 20}; }
  static constexpr ByteSize gib(uint64_t count) { return {count << 30}; }
  friend auto operator<=>(const ByteSize&, const ByteSize&) = default;

  // In the largest unit that divides it: "64KiB", "1GB", "1500".
  [[nodiscard]] std::string to_string() const;
};

// Digits and at most one unit, no spaces, no fractions, up to 2^64 - 1. "KB" is taken for kB.
// INVALID_ARGUMENT says what is wrong, without the text.
Result<ByteSize> parse_byte_size(std::string_view text);

}  // namespace layotto::config
