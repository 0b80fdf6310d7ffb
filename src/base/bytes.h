// Bytes: a slice of a reference-counted slab, the unit in which bodies, frames and replies travel.
//
// A ByteView is borrowed: it is valid until the task that got it suspends. Bytes own their memory.
// The count is not atomic: Bytes belong to one thread, and crossing threads means copying. Slabs
// of the usual size come from a per-thread free list of at most kSlabsKeptMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace layotto::base {

using ByteView = std::string_view;

// Header of one allocation; the data follow. Not used directly outside base.
struct Slab {
  uint32_t references;
  uint32_t capacity;
  Slab* next_free;

  char* data() { return reinterpret_cast<char*>(this + 1); }

  // At least `capacity` bytes, one reference. Fails only by running out of memory (aborts).
  static Slab* allocate(size_t capacity);
  void acquire() { ++references; }
  void release() {
    if (--references == 0) recycle();
  }

 private:
  void recycle();
};

// Size of the slabs that are kept for reuse, header included.
inline constexpr size_t kSlabBytes = 16 * 1024;
inline constexpr size_t kSlabCapacity = kSlabBytes - sizeof(Slab);
inline constexpr size_t kSlabsKeptMax = 64;
// Largest slice: lengths are 32 bit.
inline constexpr size_t kBytesMax = UINT32_MAX;

class Bytes {
 public:
  Bytes() = default;
  // Takes over one reference of `slab`.
  Bytes(Slab* slab, const char* data, size_t size)
      : slab_(slab), data_(data), size_(static_cast<uint32_t>(size)) {
    DCHECK(size <= kBytesMax);
  }
  Bytes(Bytes&& other) noexcept
      : slab_(std::exchange(other.slab_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Bytes& operator=(Bytes&& other) noexcept {
    std::swap(slab_, other.slab_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Bytes(const Bytes& other) : slab_(other.slab_), data_(other.data_), size_(other.size_) {
    if (slab_ != nullptr) slab_->acquire();
  }
  Bytes& operator=(const Bytes& other) {
    Bytes copy(other);
    return *this = std::move(copy);
  }
  ~Bytes() {
    if (slab_ != nullptr) slab_->release();
  }

  static Bytes copy(ByteView view) {
    if (view.empty()) return {};
    Slab* slab = Slab::allocate(view.size());
    std::memcpy(slab->data(), view.data(), view.size());
    return {slab, slab->data(), view.size()};
  }
  // Points to memory that outlives every copy of the result (static text, an arena whose owner
  // outlives the bytes). Never counted, never freed.
  static Bytes unowned(ByteView view) { return {nullptr, view.data(), view.size()}; }

  [[nodiscard]] ByteView view() const { return {data_, size_}; }
  [[nodiscard]] const char* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool owned() const { return slab_ != nullptr; }

  // Drops the first n bytes of the slice; n <= size().
  void remove_prefix(size_t n) {
    DCHECK(n <= size_);
    data_ += n;
    size_ -= static_cast<uint32_t>(n);
  }
  // The first n bytes as a slice of their own, sharing the slab; the rest stays here.
  Bytes split_prefix(size_t n) {
    DCHECK(n <= size_);
    if (slab_ != nullptr) slab_->acquire();
    Bytes front(slab_, data_, n);
    remove_prefix(n);
    return front;
  }

  // Gives the parts away (the caller now owns the reference). For containers in base.
  Slab* release_slab() {
    data_ = nullptr;
    size_ = 0;
    return std::exchange(slab_, nullptr);
  }

 private:
  Slab* slab_ = nullptr;
  const char* data_ = nullptr;
  uint32_t size_ = 0;
};

// Bytes held by the free list of this thread; for tests and the memory page.
size_t slab_bytes_kept();
// Frees this thread's free list (called when a burst is over and at thread exit).
void trim_slabs();

}  // namespace layotto::base

namespace layotto {
using base::Bytes;
using base::ByteView;
}  // namespace layotto
