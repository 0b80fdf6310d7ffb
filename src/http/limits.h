// The limits of the room `http`. Those a user may set are defaults of ServerLimits; each has a
// counter in HttpCounters and a test that reaches it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace layotto::http {

// The client's connection preface of HTTP/2, RFC 9113 §3.4.
inline constexpr size_t kPrefaceBytes = 24;
// What a peer may still send us after our last words before we close for good.
inline constexpr size_t kLingerBytesMax = 256 * 1024;
inline constexpr auto kLingerTime = std::chrono::seconds(2);

// Settings of one listener. Times of 0 mean "no limit".
struct ServerLimits {
  // Decoded size of a request's header block: names + values + 32 per field (RFC 9113 §6.5.2), and
  // the number of fields.
  uint32_t header_bytes_max = 64 * 1024;
  uint32_t header_fields_max = 200;
  // HTTP/2: SETTINGS_MAX_CONCURRENT_STREAMS.
  uint32_t concurrent_streams_max = 1000;
  // HTTP/2 receive windows. A stream's opens to stream_window_bytes and grows to the maximum while
  // its reader keeps up; the connection's is the cap on what one connection can make us hold.
  uint32_t stream_window_bytes = 64 * 1024;
  uint32_t stream_window_bytes_max = 1024 * 1024;
  uint32_t connection_window_bytes = 4 * 1024 * 1024;
  uint32_t frame_bytes_max = 16 * 1024;
  // Extended CONNECT (RFC 8441): WebSocket over HTTP/2.
  bool extended_connect = false;
  // HTTP/2: dynamic table for what we decode (SETTINGS_HEADER_TABLE_SIZE).
  uint32_t header_table_bytes = 4096;
  // HTTP/2 flood budget (see h2/flood_guard.h): frames that do no work a peer may send ahead of
  // frames that do, and how many come back per second.
  uint32_t idle_frames_burst = 1000;
  uint32_t idle_frames_per_second = 100;
  // Streams a peer may reset (or make us reset) ahead of streams that end well, refilled likewise.
  uint32_t resets_burst = 200;
  uint32_t resets_per_second = 50;
  // From accepting the connection to its first complete request head (or HTTP/2 preface), and from
  // the first byte of a later head to its last.
  std::chrono::milliseconds head_timeout{10'000};
  // No stream or request for this long: the connection is drained and closed.
  std::chrono::milliseconds idle_timeout{3'600'000};
  // HTTP/2: a PING after this much silence; no answer within keepalive_timeout closes.
  std::chrono::milliseconds keepalive_interval{7'200'000};
  std::chrono::milliseconds keepalive_timeout{20'000};
  // A peer that takes none of our bytes for this long while some wait is gone.
  std::chrono::milliseconds write_stall_timeout{300'000};
  // HTTP/2: answers of one connection that its client has not read; while there are more, further
  // requests wait.
  size_t unread_bytes_max = 4 * 1024 * 1024;
  // HTTP/1: requests on one connection, 0 = no limit.
  uint32_t requests_per_connection_max = 0;
  // Connections per listener; beyond, new ones are closed at once.
  uint32_t connections_max = 16'384;
};

}  // namespace layotto::http
