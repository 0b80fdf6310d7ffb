#include "base/arena.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "base/per_thread.h"

namespace layotto::base {
namespace {

struct FreeChunks {
  void* head = nullptr;
  size_t count = 0;
  ~FreeChunks() {
    while (head != nullptr) {
      void* next = *static_cast<void**>(head);
      std::free(head);
      head = next;
    }
  }
};

FreeChunks& free_chunks() { return per_thread<FreeChunks>(); }

void* take_chunk(size_t size) {
  FreeChunks& chunks = free_chunks();
  if (size == kArenaChunkBytes && chunks.head != nullptr) {
    void* chunk = chunks.head;
    chunks.head = *static_cast<void**>(chunk);
    --chunks.count;
    return chunk;
  }
  void* chunk = std::malloc(size);
  CHECK(chunk != nullptr, "out of memory");
  return chunk;
}

void give_chunk(void* chunk, size_t size) {
  FreeChunks& chunks = free_chunks();
  if (size == kArenaChunkBytes && chunks.count < kArenaChunksKeptMax) {
    *static_cast<void**>(chunk) = chunks.head;
    chunks.head = chunk;
    ++chunks.count;
    return;
  }
  std::free(chunk);
}

}  // namespace

void* Arena::allocate_slow(size_t size, size_t alignment) {
  const size_t needed = sizeof(Chunk) + size + alignment;
  const size_t total = std::max(needed, kArenaChunkBytes);
  auto* chunk = static_cast<Chunk*>(take_chunk(total));
  chunk->previous = chunk_;
  chunk->size = total;
  chunk_ = chunk;
  held_ += total;
  char* data = reinterpret_cast<char*>(chunk + 1);
  if (total > kArenaChunkBytes && next_ != nullptr) {
    // A large single allocation: keep bumping in the chunk we had.
    const auto at = (reinterpret_cast<uintptr_t>(data) + alignment - 1) & ~(alignment - 1);
    return reinterpret_cast<void*>(at);
  }
  next_ = data;
  end_ = reinterpret_cast<char*>(chunk) + total;
  return allocate(size, alignment);
}

void Arena::reset_slow() {
  for (Cleanup* cleanup = cleanups_; cleanup != nullptr; cleanup = cleanup->previous) {
    cleanup->destroy(cleanup->object);
  }
  cleanups_ = nullptr;
  while (chunk_ != nullptr) {
    Chunk* previous = chunk_->previous;
    give_chunk(chunk_, chunk_->size);
    chunk_ = previous;
  }
  next_ = end_ = nullptr;
  held_ = 0;
}

}  // namespace layotto::base
