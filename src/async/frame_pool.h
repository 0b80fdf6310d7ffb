// Coroutine frames come from per-thread free lists, one per size class, so that a warm wait costs
// no malloc. Frames above kFrameBytesMax go to malloc. Under ASan every frame does, so that a use
// after free is seen.
#pragma once

#include <cstddef>
#include <cstdint>

namespace layotto::async {

inline constexpr size_t kFrameBytesMax = 2048;
// Bytes a thread keeps for reuse; what is freed beyond goes back to malloc.
inline constexpr size_t kFrameBytesKeptMax = 4 * 1024 * 1024;

void* allocate_frame(size_t size);
void free_frame(void* frame, size_t size);

// Frames made by this thread since it started: tests and benchmarks take differences.
uint64_t frames_allocated();

}  // namespace layotto::async
