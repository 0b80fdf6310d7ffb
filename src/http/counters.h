// What a worker's HTTP servers count. Written by the worker, read by the scraper.
#pragma once

#include "base/tally.h"

namespace layotto::http {

struct HttpCounters {
  base::Tally connections;          // accepted
  base::Tally connections_active;   // level
  base::Tally connections_refused;  // over connections_max
  base::Tally requests;
  base::Tally requests_active;  // level
  base::Tally requests_inline;  // answered without a coroutine
  base::Tally requests_held;    // had to wait until their client read earlier answers
  base::Tally request_bytes;    // payload
  base::Tally response_bytes;
  base::Tally local_replies;
  base::Tally requests_reset_by_peer;
  base::Tally requests_reset_by_us;

  // Limits and refusals: why a connection or a stream was ended.
  base::Tally protocol_errors;  // malformed bytes; RFC 9112, 9113
  base::Tally header_limit;     // header_bytes_max or header_fields_max
  base::Tally stream_limit;     // concurrent_streams_max
  base::Tally head_timeouts;
  base::Tally idle_timeouts;
  base::Tally keepalive_timeouts;
  base::Tally write_stalls;
  base::Tally flood_idle_frames;   // PING, SETTINGS, PRIORITY, empty DATA, WINDOW_UPDATE floods
  base::Tally flood_resets;        // rapid reset, by the client or provoked
  base::Tally flood_continuation;  // header blocks beyond every limit
  base::Tally flood_output;        // a peer that makes us answer and does not read
  base::Tally invalid_response_headers;  // header fields of ours that were not sent
};

}  // namespace layotto::http
