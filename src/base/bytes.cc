#include "base/bytes.h"

#include <cstdlib>
#include <new>

#include "base/per_thread.h"

namespace layotto::base {
namespace {

struct FreeList {
  Slab* head = nullptr;
  size_t count = 0;
  ~FreeList() { trim(); }
  void trim() {
    while (head != nullptr) {
      Slab* next = head->next_free;
      std::free(head);
      head = next;
    }
    count = 0;
  }
};

FreeList& free_list() { return per_thread<FreeList>(); }

}  // namespace

Slab* Slab::allocate(size_t capacity) {
  CHECK(capacity <= kBytesMax, "slab larger than 4 GiB");
  FreeList& list = free_list();
  const bool usual = capacity <= kSlabCapacity && capacity > kSlabCapacity / 4;
  if (usual && list.head != nullptr) {
    Slab* slab = list.head;
    list.head = slab->next_free;
    --list.count;
    slab->references = 1;
    return slab;
  }
  const size_t actual = usual ? kSlabCapacity : capacity;
  void* memory = std::malloc(sizeof(Slab) + actual);
  CHECK(memory != nullptr, "out of memory");
  return new (memory) Slab{1, static_cast<uint32_t>(actual), nullptr};
}

void Slab::recycle() {
  FreeList& list = free_list();
  if (capacity == kSlabCapacity && list.count < kSlabsKeptMax) {
    next_free = list.head;
    list.head = this;
    ++list.count;
    return;
  }
  std::free(this);
}

size_t slab_bytes_kept() { return free_list().count * kSlabBytes; }

void trim_slabs() { free_list().trim(); }

}  // namespace layotto::base
