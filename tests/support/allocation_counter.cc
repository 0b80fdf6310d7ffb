#include "tests/support/allocation_counter.h"

#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <new>

extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace layotto::tests {
namespace {

thread_local uint64_t count = 0;

[[maybe_unused]] void* counted(size_t size, size_t alignment) {
  ++count;
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

uint64_t allocations() { return count; }

size_t bytes_in_use() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) {
    return __sanitizer_get_current_allocated_bytes();
  }
  return mallinfo2().uordblks;
}

}  // namespace layotto::tests

// ThreadSanitizer brings an operator new that cannot be replaced; nothing is counted there.
#if !__has_feature(thread_sanitizer)
void* operator new(size_t size) { return layotto::tests::counted(size, 1); }
void* operator new[](size_t size) { return layotto::tests::counted(size, 1); }
void* operator new(size_t size, std::align_val_t alignment) {
  return layotto::tests::counted(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return layotto::tests::counted(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
#endif
