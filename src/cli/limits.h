// The limits of the room `cli`.
#pragma once

#include <chrono>
#include <cstddef>

namespace layotto::cli {

// How long a verb waits when nobody said: connecting and one answer together.
inline constexpr auto kTimeoutDefault = std::chrono::seconds(10);
// A request or a value read from stdin, and one line of a stream.
inline constexpr size_t kInputBytesMax = 256UL * 1024 * 1024;
// A file with a token, a pid file.
inline constexpr size_t kSmallFileBytesMax = 64UL * 1024;
// An answer of an admin page.
inline constexpr size_t kPageBytesMax = 4UL * 1024 * 1024;
// A backup copies as long as it takes, within reason.
inline constexpr auto kBackupTime = std::chrono::hours(12);
// Names suggested for one that is not known.
inline constexpr size_t kSuggestionsMax = 3;

}  // namespace layotto::cli
