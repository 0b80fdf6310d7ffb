#include "async/frame_pool.h"

#include <array>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "base/per_thread.h"

namespace layotto::async {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif
#else
constexpr bool kPooled = true;
#endif

constexpr size_t kGranule = 64;
constexpr size_t kClasses = kFrameBytesMax / kGranule + 1;

struct FreeFrame {
  FreeFrame* next;
};

struct Pool {
  std::array<FreeFrame*, kClasses> free{};
  size_t kept = 0;
  uint64_t allocated = 0;
  ~Pool() {
    for (FreeFrame*& head : free) {
      while (head != nullptr) std::free(std::exchange(head, head->next));
    }
  }
};

Pool& pool() { return base::per_thread<Pool>(); }

constexpr size_t class_of(size_t size) { return (size + kGranule - 1) / kGranule; }

}  // namespace

void* allocate_frame(size_t size) {
  Pool& p = pool();
  ++p.allocated;
  const size_t size_class = class_of(size);
  if (kPooled && size_class < kClasses) {
    if (FreeFrame* frame = p.free[size_class]; frame != nullptr) {
      p.free[size_class] = frame->next;
      p.kept -= size_class * kGranule;
      return frame;
    }
  }
  void* frame = std::malloc(size_class * kGranule);
  CHECK(frame != nullptr, "out of memory");
  return frame;
}

void free_frame(void* frame, size_t size) {
  Pool& p = pool();
  const size_t size_class = class_of(size);
  const size_t bytes = size_class * kGranule;
  if (kPooled && size_class < kClasses && p.kept + bytes <= kFrameBytesKeptMax) {
    auto* free_frame = static_cast<FreeFrame*>(frame);
    free_frame->next = p.free[size_class];
    p.free[size_class] = free_frame;
    p.kept += bytes;
    return;
  }
  std::free(frame);
}

uint64_t frames_allocated() { return pool().allocated; }

}  // namespace layotto::async
