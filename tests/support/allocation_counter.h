// Counts what this thread asks operator new for. A test binary that calls allocations() gets a
// counting operator new; frames, slabs and other pools of ours come from malloc and have counters
// of their own. Under ThreadSanitizer nothing is counted: it stays at 0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace layotto::tests {

// Calls of operator new by this thread since it started.
uint64_t allocations();
// Bytes the process has from malloc now.
size_t bytes_in_use();

}  // namespace layotto::tests
