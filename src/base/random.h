// Random: numbers nobody can guess from outside (seeded from the kernel) but cheap to draw: jitter,
// ids, etags, picks. Not for keys. One per worker; tests seed it and get the same numbers again.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace layotto::base {

class Random {
 public:
  Random();                        // seeded by getrandom(2)
  explicit Random(uint64_t seed);  // repeatable

  uint64_t next();
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [0, 1).
  double unit();
  void fill(std::span<char> bytes);

 private:
  std::array<uint64_t, 4> state_;  // xoshiro256++
};

}  // namespace layotto::base

namespace layotto {
using base::Random;
}  // namespace layotto
