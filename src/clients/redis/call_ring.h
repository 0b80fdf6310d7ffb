// CallRing: the commands of a connection whose replies have not come, first sent first. Grows by
// doubling, does not shrink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace layotto::clients::redis {

class Call;

class CallRing {
 public:
  enum class Kind : uint8_t {
    kCall,
    kAbandoned,  // nobody waits for the reply any more
    kUnasked,    // of a command nobody waited for: ASKING
  };
  struct Slot {
    Call* call = nullptr;
    Kind kind = Kind::kCall;
  };

  [[nodiscard]] bool empty() const { return first_ == end_; }
  [[nodiscard]] size_t size() const { return end_ - first_; }

  // Returns the slot's number, for at().
  uint64_t push(Slot slot) {
    if (size() == slots_.size()) grow();
    slots_[end_ & (slots_.size() - 1)] = slot;
    return end_++;
  }
  Slot pop() {
    DCHECK(!empty());
    return slots_[first_++ & (slots_.size() - 1)];
  }
  [[nodiscard]] Slot& at(uint64_t number) {
    DCHECK(number >= first_ && number < end_);
    return slots_[number & (slots_.size() - 1)];
  }

 private:
  void grow() {
    std::vector<Slot> larger(slots_.empty() ? 64 : slots_.size() * 2);
    for (uint64_t i = first_; i != end_; ++i) {
      larger[i & (larger.size() - 1)] = slots_[i & (slots_.size() - 1)];
    }
    slots_.swap(larger);
  }

  std::vector<Slot> slots_;  // a power of two of them
  uint64_t first_ = 0;
  uint64_t end_ = 0;
};

}  // namespace layotto::clients::redis
