// EtagSource: etags for stores that make their own. No etag is ever given twice: not by this
// source, not by another one in this or another process, not after a restart or after going back to
// a backup. Each source counts up from a random place among 2^88; 15 characters, so that a
// std::string holds one without allocating.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/random.h"

namespace layotto::blocks {

class EtagSource {
 public:
  static constexpr size_t kBytes = 15;
  using Etag = std::array<char, kBytes>;  // of A-Z, a-z, 0-9, '-' and '_'

  explicit EtagSource(Random& random);
  // Any thread.
  Etag next();

 private:
  static constexpr size_t kPrefixBytes = 4;  // 24 random bits, the same for all of a source

  std::array<char, kPrefixBytes> prefix_;
  std::atomic<uint64_t> count_;
};

inline std::string_view view_of(const EtagSource::Etag& etag) { return {etag.data(), etag.size()}; }

}  // namespace layotto::blocks
