#include "base/byte_chain.h"

#include <algorithm>

#include "base/per_thread.h"

namespace layotto::base {
namespace {

// Slices at least this long are linked; shorter ones are copied into the tail slab.
constexpr size_t kLinkBytesMin = 2048;
constexpr size_t kNodesKeptMax = 1024;

}  // namespace

// Nodes come from a per-thread free list: a reply must not cost a heap allocation.
struct ByteChain::NodePool {
  Node* head = nullptr;
  size_t count = 0;
  ~NodePool() {
    while (head != nullptr) delete std::exchange(head, head->next);
  }
  Node* take() {
    if (head == nullptr) return new Node;
    --count;
    return std::exchange(head, head->next);
  }
  void give(Node* node) {
    if (count == kNodesKeptMax) {
      delete node;
      return;
    }
    node->next = head;
    head = node;
    ++count;
  }
  static NodePool& of_this_thread() { return per_thread<NodePool>(); }
};

void ByteChain::push(Node node) {
  Node* added = NodePool::of_this_thread().take();
  *added = node;
  added->next = nullptr;
  if (tail_ == nullptr) {
    head_ = added;
  } else {
    tail_->next = added;
  }
  tail_ = added;
}

void ByteChain::pop() {
  Node* first = head_;
  head_ = first->next;
  if (head_ == nullptr) tail_ = nullptr;
  first->slab->release();
  NodePool::of_this_thread().give(first);
}

void ByteChain::grow(size_t n) {
  Slab* slab = Slab::allocate(std::max(n, kSlabCapacity));
  push({.next = nullptr,
        .slab = slab,
        .begin = slab->data(),
        .fill = slab->data(),
        .end = slab->data() + slab->capacity});
}

void ByteChain::append_slow(ByteView view) {
  while (!view.empty()) {
    if (room() == 0) grow(std::min(view.size(), kSlabCapacity));
    const size_t n = std::min(view.size(), room());
    std::memcpy(tail_->fill, view.data(), n);
    commit(n);
    view.remove_prefix(n);
  }
}

void ByteChain::append_compact(ByteView view) {
  if (view.size() > room()) {
    Slab* slab = Slab::allocate(view.size());
    push({.next = nullptr,
          .slab = slab,
          .begin = slab->data(),
          .fill = slab->data(),
          .end = slab->data() + slab->capacity});
  }
  append(view);
}

void ByteChain::append(ByteChain&& other) {
  if (other.empty()) {
    other.clear();
    return;
  }
  if (tail_ == nullptr) {
    head_ = other.head_;
  } else {
    tail_->next = other.head_;
  }
  tail_ = other.tail_;
  size_ += std::exchange(other.size_, 0);
  other.head_ = other.tail_ = nullptr;
}

void ByteChain::append(Bytes bytes) {
  if (bytes.empty()) return;
  if (bytes.size() < kLinkBytesMin || !bytes.owned()) {
    append(bytes.view());
    return;
  }
  const char* data = bytes.data();
  const size_t size = bytes.size();
  // The slab may be shared, so nothing is ever appended to it: fill == end.
  char* end = const_cast<char*>(data) + size;
  push({.next = nullptr, .slab = bytes.release_slab(), .begin = data, .fill = end, .end = end});
  size_ += size;
}

size_t ByteChain::gather(std::span<iovec> into) const {
  size_t used = 0;
  for (const Node* node = head_; node != nullptr && used < into.size(); node = node->next) {
    const auto length = static_cast<size_t>(node->fill - node->begin);
    if (length == 0) continue;
    into[used++] = {.iov_base = const_cast<char*>(node->begin), .iov_len = length};
  }
  return used;
}

void ByteChain::consume(size_t n) {
  DCHECK(n <= size_);
  size_ -= n;
  while (head_ != nullptr) {
    const auto length = static_cast<size_t>(head_->fill - head_->begin);
    if (n < length) {
      head_->begin += n;
      return;
    }
    n -= length;
    pop();
  }
}

void ByteChain::clear_slow() {
  while (head_ != nullptr) pop();
  size_ = 0;
}

Bytes ByteChain::take_front(size_t max) {
  while (head_ != nullptr && head_->begin == head_->fill && head_ != tail_) pop();
  if (size_ == 0 || max == 0) return {};
  const size_t n = std::min(max, static_cast<size_t>(head_->fill - head_->begin));
  head_->slab->acquire();
  Bytes front(head_->slab, head_->begin, n);
  consume(n);
  return front;
}

Bytes ByteChain::take_all() {
  if (size_ == 0) {
    clear();
    return {};
  }
  if (head_ == tail_) {
    head_->slab->acquire();
    Bytes all(head_->slab, head_->begin, size_);
    clear();
    return all;
  }
  Slab* slab = Slab::allocate(size_);
  char* out = slab->data();
  for (const Node* node = head_; node != nullptr; node = node->next) {
    const auto length = static_cast<size_t>(node->fill - node->begin);
    std::memcpy(out, node->begin, length);
    out += length;
  }
  const size_t size = size_;
  clear();
  return {slab, slab->data(), size};
}

}  // namespace layotto::base
