// Arena: bump allocation for one request. Everything in it dies together; destructors of what was
// made with make() run in reverse order. The first chunk comes from a per-thread free list when
// something is first asked for, so a stream that needs nothing costs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace layotto::base {

// Size of the chunks kept for reuse, and how many of them a thread keeps.
inline constexpr size_t kArenaChunkBytes = 4096;
inline constexpr size_t kArenaChunksKeptMax = 256;

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { reset(); }

  // Aligned, uninitialised memory, valid until reset().
  void* allocate(size_t size, size_t alignment = alignof(std::max_align_t)) {
    const auto at = (reinterpret_cast<uintptr_t>(next_) + alignment - 1) & ~(alignment - 1);
    if (at + size <= reinterpret_cast<uintptr_t>(end_) && next_ != nullptr) [[likely]] {
      next_ = reinterpret_cast<char*>(at + size);
      return reinterpret_cast<void*>(at);
    }
    return allocate_slow(size, alignment);
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    if constexpr (std::is_trivially_destructible_v<T>) {
      return new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
    } else {
      auto* cleanup = static_cast<Cleanup*>(allocate(sizeof(Cleanup), alignof(Cleanup)));
      T* object = new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
      *cleanup = {cleanups_, object, [](void* p) { static_cast<T*>(p)->~T(); }};
      cleanups_ = cleanup;
      return object;
    }
  }

  // Uninitialised array of a trivial type.
  template <class T>
  std::span<T> array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return {static_cast<T*>(allocate(sizeof(T) * count, alignof(T))), count};
  }

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* to = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  // Runs destructors, gives all memory back.
  void reset() {
    if (chunk_ != nullptr) reset_slow();
  }

  // The same, but a single chunk of the usual size stays for the next use.
  void recycle() {
    if (chunk_ == nullptr) return;
    if (chunk_->previous == nullptr && cleanups_ == nullptr && chunk_->size == kArenaChunkBytes) {
      next_ = reinterpret_cast<char*>(chunk_ + 1);
    } else {
      reset_slow();
    }
  }

  // Bytes of chunks held now.
  [[nodiscard]] size_t bytes_held() const { return held_; }

 private:
  struct Chunk {
    Chunk* previous;
    size_t size;
  };
  struct Cleanup {
    Cleanup* previous;
    void* object;
    void (*destroy)(void*);
  };
  void* allocate_slow(size_t size, size_t alignment);
  void reset_slow();

  char* next_ = nullptr;
  char* end_ = nullptr;
  Chunk* chunk_ = nullptr;
  Cleanup* cleanups_ = nullptr;
  size_t held_ = 0;
};

}  // namespace layotto::base

namespace layotto {
using base::Arena;
}  // namespace layotto
