// MemoryPipe: two Connections joined in memory, for tests that want no sockets and no time. What
// one end sends at the end of a pass the other can read in the next. `capacity` bytes may be on the
// way in each direction; a sender finds the rest unsent, as with a full socket buffer.
#pragma once

#include <memory>
#include <utility>

#include "net/connection.h"

namespace layotto::net {

class MemoryConnection final : public Connection {
 public:
  MemoryConnection(async::Loop& loop, size_t capacity)
      : Connection(loop), readable_(loop), capacity_(capacity) {}
  ~MemoryConnection() override { close(Close::kOrderly); }

  ReadResult read_some(std::span<char> into) override;
  async::Readiness& readable() override { return readable_; }
  void finish_writing() override;
  void close(Close how) override;
  [[nodiscard]] const Address& peer() const override { return address_; }
  [[nodiscard]] const Address& local() const override { return address_; }

  // For tests: 0 stops taking bytes from the other end, as a slow reader does.
  void set_capacity(size_t capacity);
  // Bytes waiting to be read here.
  [[nodiscard]] size_t buffered() const { return in_.size(); }

 private:
  friend class MemoryPipe;
  void at_pass_end() override;
  void give_way();  // this end has read or grown: the other may send on

  async::Readiness readable_;
  size_t capacity_;
  ByteChain in_;
  MemoryConnection* other_ = nullptr;
  bool ended_ = false;   // the other end will send no more
  bool broken_ = false;  // the other end was reset
  bool finish_requested_ = false;
  bool closed_ = false;
  Address address_;
};

class MemoryPipe {
 public:
  static constexpr size_t kCapacity = 64 * 1024;

  static std::pair<std::unique_ptr<MemoryConnection>, std::unique_ptr<MemoryConnection>> make(
      async::Loop& loop, size_t capacity = kCapacity) {
    auto a = std::make_unique<MemoryConnection>(loop, capacity);
    auto b = std::make_unique<MemoryConnection>(loop, capacity);
    a->other_ = b.get();
    b->other_ = a.get();
    return {std::move(a), std::move(b)};
  }
};

}  // namespace layotto::net
