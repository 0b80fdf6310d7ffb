// ByteChain: bytes on their way out, in order: what is appended is coalesced into slabs, what is
// already in a slab is linked, not copied. One chain per connection; empty it holds no memory.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "base/bytes.h"

namespace layotto::base {

class ByteChain {
 public:
  ByteChain() = default;
  ByteChain(const ByteChain&) = delete;
  ByteChain& operator=(const ByteChain&) = delete;
  ByteChain(ByteChain&& other) noexcept
      : head_(std::exchange(other.head_, nullptr)),
        tail_(std::exchange(other.tail_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  ~ByteChain() { clear(); }

  // Copies the bytes behind what is there.
  void append(ByteView view) {
    if (view.empty()) return;
    if (tail_ != nullptr && view.size() <= room()) {
      std::memcpy(tail_->fill, view.data(), view.size());
      commit(view.size());
      return;
    }
    append_slow(view);
  }
  // The same, in memory of about its own size: for a little that may stay for long.
  void append_compact(ByteView view);
  // Links the slice; small ones are copied, which is cheaper to send. Unowned slices are copied.
  void append(Bytes bytes);

  // Moves everything of `other` behind what is there, without copying; `other` is empty then.
  void append(ByteChain&& other);

  // Room for n contiguous bytes (n <= kSlabCapacity) to be written in place, then commit(used).
  char* reserve(size_t n) {
    if (n > room()) grow(n);
    return tail_->fill;
  }
  void commit(size_t n) {
    tail_->fill += n;
    size_ += n;
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // Fills up to into.size() vectors with the first bytes; returns how many were used.
  // NOLINTNEXTLINE(modernize-use-nodiscard): `into` says it too
  size_t gather(std::span<iovec> into) const;
  // Drops the first n bytes; n <= size().
  void consume(size_t n);
  void clear() {
    if (head_ != nullptr) clear_slow();
  }
  // Moves everything out as one contiguous slice (copies only if there are several pieces).
  Bytes take_all();
  // Moves the first piece out, at most `max` bytes, sharing its slab. Empty when the chain is.
  Bytes take_front(size_t max);

 private:
  struct Node {
    Node* next;
    Slab* slab;         // counted
    const char* begin;  // first byte not consumed
    char* fill;         // one past the last byte
    char* end;          // how far fill may grow: the end of the slab if it is ours alone
  };
  struct NodePool;
  [[nodiscard]] size_t room() const {
    return tail_ == nullptr ? 0 : static_cast<size_t>(tail_->end - tail_->fill);
  }
  void append_slow(ByteView view);
  void clear_slow();
  void grow(size_t n);
  void push(Node node);
  void pop();

  Node* head_ = nullptr;
  Node* tail_ = nullptr;
  size_t size_ = 0;
};

}  // namespace layotto::base

namespace layotto {
using base::ByteChain;
}  // namespace layotto
