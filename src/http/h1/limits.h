// The limits of HTTP/1 that no one sets; the others are in ServerLimits.
#pragma once

#include <chrono>
#include <cstddef>

namespace layotto::http::h1 {

// The line of one chunk, and the extensions of all chunks of a body: they carry no payload.
inline constexpr size_t kChunkLineBytesMax = 1024;
inline constexpr size_t kChunkExtensionBytesMax = 16 * 1024;
// Request payload nobody has read yet: with more, the socket is not read.
inline constexpr size_t kBodyBufferedMax = 64 * 1024;
// What is read and dropped of a body the handler did not want, to keep the connection.
inline constexpr size_t kBodyDiscardMax = 256 * 1024;
// A client that sends nothing of a body somebody waits for.
inline constexpr auto kBodyStallTime = std::chrono::seconds(60);
// How much of a response is read from its body at once.
inline constexpr size_t kSendChunkBytes = 64 * 1024;

}  // namespace layotto::http::h1
