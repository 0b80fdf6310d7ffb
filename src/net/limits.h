// The limits of the room `net`. Each has a counter in NetCounters or is reported as an Error.
#pragma once

#include <chrono>
#include <cstddef>

namespace layotto::net {

// Bytes one connection may read before the others get their turn.
inline constexpr size_t kReadBytesPerPassMax = 256 * 1024;
// One read buffer per worker; a connection owns none.
inline constexpr size_t kReadBufferBytes = 64 * 1024;
// An output source is asked for more only while fewer bytes than this wait to be sent.
inline constexpr size_t kUnsentFillMax = 256 * 1024;
// Vectors per sendmsg.
inline constexpr size_t kSendVectorsMax = 64;
// Connections waiting in the kernel to be accepted.
inline constexpr int kListenBacklog = 4096;
// Connections accepted per listener and pass.
inline constexpr int kAcceptsPerPassMax = 64;
// How long accepting pauses when the process is out of descriptors.
inline constexpr auto kAcceptPause = std::chrono::milliseconds(100);

}  // namespace layotto::net
