// SmallBlocks: memory for what lives and dies with a frame or a stream (nghttp2 allocates several
// times for each), from free lists by size, one set per thread. What is larger than 1 KiB goes to
// malloc. Under ASan everything does, so that a use after free is seen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace layotto::http::h2 {

class SmallBlocks {
 public:
  static SmallBlocks& of_this_thread();

  SmallBlocks() = default;
  SmallBlocks(const SmallBlocks&) = delete;
  SmallBlocks& operator=(const SmallBlocks&) = delete;
  ~SmallBlocks();

  // nullptr when memory runs out. Aligned to 16 bytes.
  void* allocate(size_t size);
  void release(void* memory);
  void* resize(void* memory, size_t size);

 private:
  static constexpr size_t kGranule = 32;
  static constexpr size_t kClasses = 33;  // up to 1 KiB
  static constexpr uint32_t kKeptMax = 256;
  union alignas(16) Block {
    size_t size_class;
    Block* next;
  };
  std::array<Block*, kClasses> free_{};
  std::array<uint32_t, kClasses> kept_{};
};

}  // namespace layotto::http::h2
