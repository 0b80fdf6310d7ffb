// Pending: writes on their way from a worker to the writer's thread and back. It owns copies of
// what it needs, since who asked may be stopped in between.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "async/loop.h"
#include "blocks/state.h"

namespace layotto::components::state::embedded {

class Pending;

class PendingOwner {
 public:
  // On the owner's loop; `pending` is gone afterwards.
  virtual void on_answer(Pending& pending) = 0;

 protected:
  ~PendingOwner() = default;
};

class Pending final : public async::Posted {
 public:
  // Each for itself, all or nothing, or no writes at all: a commit to see whether that works.
  enum class Kind : uint8_t { kEach, kAll, kProbe };

  // `owner` and `loop` live until it is answered.
  Pending(Kind kind, std::span<const blocks::StateWrite> writes, PendingOwner& owner,
          async::Loop& loop)
      : kind_(kind), owner_(owner), loop_(loop), writes_(writes.begin(), writes.end()) {
    size_t size = 0;
    for (const blocks::StateWrite& write : writes_) {
      size += write.key.size() + write.value.size() + write.precondition.etag.size();
    }
    bytes_.reserve(size);
    for (blocks::StateWrite& write : writes_) {
      write.key = keep(write.key);
      write.value = keep(write.value);
      write.precondition.etag = keep(write.precondition.etag);
    }
    results_.resize(kind == Kind::kEach ? writes_.size() : 1);
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::span<const blocks::StateWrite> writes() const { return writes_; }
  // One for each write of kEach, else one for all.
  [[nodiscard]] std::span<Status> results() { return results_; }
  [[nodiscard]] size_t cost_bytes() const {
    return sizeof(Pending) + bytes_.size() + writes_.size() * sizeof(blocks::StateWrite);
  }

  // The writer begins with it: false when it was withdrawn. The owner takes it back: false when the
  // writer has begun.
  bool begin() { return leave_queue(State::kBegun); }
  bool withdraw() { return leave_queue(State::kWithdrawn); }

  // Writer: sends it home.
  void answer() { loop_.post(static_cast<async::Posted&>(*this)); }
  // Home: who waits for it, null when nobody does any more.
  void* waiter = nullptr;

 private:
  enum class State : uint8_t { kQueued, kBegun, kWithdrawn };

  std::string_view keep(std::string_view text) {
    const size_t at = bytes_.size();
    bytes_.append(text);  // within what was reserved: nothing moves
    return std::string_view(bytes_).substr(at);
  }
  bool leave_queue(State to) {
    State queued = State::kQueued;
    return state_.compare_exchange_strong(queued, to);
  }
  void run() override {
    owner_.on_answer(*this);
    delete this;
  }
  void discard() override { delete this; }

  const Kind kind_;
  PendingOwner& owner_;
  async::Loop& loop_;
  std::string bytes_;
  std::vector<blocks::StateWrite> writes_;
  std::vector<Status> results_;
  std::atomic<State> state_ = State::kQueued;
};

}  // namespace layotto::components::state::embedded
