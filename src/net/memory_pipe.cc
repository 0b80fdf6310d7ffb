#include "net/memory_pipe.h"

#include <algorithm>
#include <array>

namespace layotto::net {

ReadResult MemoryConnection::read_some(std::span<char> into) {
  DCHECK(!into.empty());
  if (broken_ || closed_) {
    if (!failure_.has_value()) fail(base::unavailable("the memory pipe was reset"));
    return {ReadOutcome::kError};
  }
  if (in_.empty()) {
    if (ended_) return {ReadOutcome::kEnd};
    readable_.clear();
    return {ReadOutcome::kWouldBlock};
  }
  size_t copied = 0;
  while (copied < into.size() && !in_.empty()) {
    std::array<iovec, 1> first;
    in_.gather(first);
    const size_t n = std::min(into.size() - copied, first[0].iov_len);
    std::memcpy(into.data() + copied, first[0].iov_base, n);
    in_.consume(n);
    copied += n;
  }
  bytes_read_ += copied;
  give_way();
  return {ReadOutcome::kBytes, copied};
}

void MemoryConnection::give_way() {
  if (other_ != nullptr && (other_->unsent() > 0 || other_->source_ != nullptr)) {
    other_->schedule_flush();
  }
}

void MemoryConnection::set_capacity(size_t capacity) {
  capacity_ = capacity;
  give_way();
}

void MemoryConnection::at_pass_end() {
  if (failure_.has_value()) return;
  while (true) {
    fill_from_source();
    if (out_.empty()) break;
    if (other_ == nullptr) {
      fail(base::unavailable("writing to a memory pipe whose other end is gone"));
      readable_.set();
      return;
    }
    if (other_->in_.size() >= other_->capacity_) break;
    std::array<iovec, 1> first;
    out_.gather(first);
    const size_t n = std::min(first[0].iov_len, other_->capacity_ - other_->in_.size());
    other_->in_.append(ByteView(static_cast<const char*>(first[0].iov_base), n));
    bytes_written_ += n;
    out_.consume(n);
    other_->readable_.set();
  }
  if (finish_requested_ && out_.empty() && other_ != nullptr && !other_->ended_) {
    other_->ended_ = true;
    other_->readable_.set();
  }
  announce_room();
}

void MemoryConnection::finish_writing() {
  finish_requested_ = true;
  schedule_flush();
}

void MemoryConnection::close(Close how) {
  if (closed_) return;
  closed_ = true;
  if (other_ != nullptr) {
    other_->other_ = nullptr;
    other_->ended_ = true;
    if (how == Close::kReset) other_->broken_ = true;
    other_->readable_.set();
    if (other_->unsent() > 0) other_->schedule_flush();  // finds out that nobody will take it
    other_ = nullptr;
  }
  fail(Error::cancelled());
  readable_.set();
}

}  // namespace layotto::net
