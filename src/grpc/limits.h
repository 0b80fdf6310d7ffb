// The limits of the room `grpc`.
#pragma once

#include <cstddef>

namespace layotto::grpc {

// One message, compressed or not, each way. Configurable per listener up to kMessageBytesCeiling.
inline constexpr size_t kMessageBytesMax = 4 * 1024 * 1024;
inline constexpr size_t kMessageBytesCeiling = 1024UL * 1024 * 1024;
// Bytes of messages a streaming handler may write ahead of what the client takes.
inline constexpr size_t kStreamQueuedMax = 64 * 1024;
// Message objects a method keeps for reuse, and how large the messages that went through them may
// have been.
inline constexpr size_t kCallsKeptMax = 64;
inline constexpr size_t kCallKeptBytesMax = 64 * 1024;
// Replies shorter than this are not worth compressing.
inline constexpr size_t kCompressBytesMin = 1024;
// Services one answer of Health/List names; the protocol says so.
inline constexpr size_t kHealthListMax = 100;

}  // namespace layotto::grpc
