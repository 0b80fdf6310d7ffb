// The limits of the Redis client. Reaching one is an Error or ends the connection, and is counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace layotto::clients::redis {

// ---- replies (resp.h)

// A line: a simple string, an error, a number, a length.
inline constexpr size_t kLineBytesMax = 64 * 1024;
// Collections within collections.
inline constexpr size_t kDepthMax = 16;
// Elements of one collection, and values of one reply altogether.
inline constexpr size_t kElementsMax = 1024 * 1024;
// A bulk string, and a whole reply that does not lie in one read. A longer bulk string is read and
// dropped: the reply says so in its place, the connection goes on.
inline constexpr size_t kReplyBytesMax = 64 * 1024 * 1024;
// What a parser keeps of its memory between replies.
inline constexpr size_t kReplyBytesKeptMax = 64 * 1024;
inline constexpr size_t kTokensKeptMax = 4096;

// ---- one connection (client.h)

// Commands sent whose replies have not come.
inline constexpr size_t kInFlightMax = 16 * 1024;
// Commands that wait for a connection: as many, so that there is room for what may be sent again.
inline constexpr size_t kWaitingMax = kInFlightMax;
// Bytes encoded and not yet taken by the kernel.
inline constexpr size_t kUnsentBytesMax = 64 * 1024 * 1024;
// Replies to come that nobody waits for any more: beyond, the server is too slow to be of use.
inline constexpr size_t kAbandonedMax = 1024;
// Dialling, handshake and everything asked before the first command, together.
inline constexpr auto kConnectTimeout = std::chrono::seconds(5);
// A connection that owes replies and says nothing for so long is dead.
inline constexpr auto kReplyTimeout = std::chrono::seconds(10);
// How long a connection that we leave may still answer what it was asked.
inline constexpr auto kLeaveTimeout = std::chrono::seconds(1);
// A connection that lived shorter and answered no call counts as a failed attempt.
inline constexpr auto kStableAfter = std::chrono::seconds(1);
// How long commands wait for a lost connection before they are refused; for the first attempt to
// make another one they wait to its end.
inline constexpr auto kReconnectGrace = std::chrono::seconds(1);
// Pauses between attempts to connect: doubled each time, then varied by half.
inline constexpr auto kReconnectPauseFirst = std::chrono::milliseconds(20);
inline constexpr auto kReconnectPauseMax = std::chrono::seconds(3);
// How much of an error reply is repeated in messages.
inline constexpr size_t kErrorTextMax = 512;

// ---- several servers (sentinel.h, cluster.h)

// Hash slots of a cluster; given by the protocol.
inline constexpr size_t kSlotCount = 16384;
// Primaries of a cluster that are remembered.
inline constexpr size_t kClusterNodesMax = 1024;
// How often a command may be sent again after a reply that says it was not executed.
inline constexpr unsigned kRetriesMax = 3;
// Pauses before it is: doubled each time, then varied by half.
inline constexpr auto kRetryPauseFirst = std::chrono::milliseconds(8);
inline constexpr auto kRetryPauseMax = std::chrono::milliseconds(512);
// Redirections are followed at once, but not for ever.
inline constexpr unsigned kRedirectsMax = 5;
// The map of slots is not asked for more often than this.
inline constexpr auto kSlotsPauseMin = std::chrono::milliseconds(100);
// How often Sentinels are asked for the primary while nothing seems wrong.
inline constexpr auto kSentinelInterval = std::chrono::seconds(10);
// One question to one Sentinel.
inline constexpr auto kSentinelTimeout = std::chrono::seconds(1);

}  // namespace layotto::clients::redis
