#include "http/h2/small_blocks.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/per_thread.h"

namespace layotto::http::h2 {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif
#else
constexpr bool kPooled = true;
#endif

}  // namespace

SmallBlocks& SmallBlocks::of_this_thread() { return base::per_thread<SmallBlocks>(); }

SmallBlocks::~SmallBlocks() {
  for (Block*& head : free_) {
    while (head != nullptr) std::free(std::exchange(head, head->next));
  }
}

void* SmallBlocks::allocate(size_t size) {
  const size_t size_class = (size + kGranule - 1) / kGranule;
  auto* block = static_cast<Block*>(nullptr);
  if (size_class < kClasses && free_[size_class] != nullptr) {
    block = std::exchange(free_[size_class], free_[size_class]->next);
    --kept_[size_class];
  } else {
    block = static_cast<Block*>(std::malloc(sizeof(Block) + size_class * kGranule));
    if (block == nullptr) return nullptr;
  }
  block->size_class = size_class;
  return block + 1;
}

void SmallBlocks::release(void* memory) {
  if (memory == nullptr) return;
  Block* block = static_cast<Block*>(memory) - 1;
  const size_t size_class = block->size_class;
  if (!kPooled || size_class >= kClasses || kept_[size_class] == kKeptMax) {
    std::free(block);
    return;
  }
  block->next = free_[size_class];
  free_[size_class] = block;
  ++kept_[size_class];
}

void* SmallBlocks::resize(void* memory, size_t size) {
  if (memory == nullptr) return allocate(size);
  const size_t old = (static_cast<Block*>(memory) - 1)->size_class * kGranule;
  if (size <= old) return memory;
  void* larger = allocate(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, old);
  release(memory);
  return larger;
}

}  // namespace layotto::http::h2
