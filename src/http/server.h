// Serving HTTP on a connection: protocol detection, then HTTP/1 or HTTP/2, both through one Chain.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/drain.h"
#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/intrusive_list.h"
#include "http/chain.h"
#include "http/counters.h"
#include "http/limits.h"
#include "net/connection.h"

namespace layotto::http {

// For the admin page: one request that has not ended.
struct ExchangeSnapshot {
  std::string operation;
  std::string stage;
  uint32_t stream_id = 0;
  Duration age{};
};
struct ConnectionSnapshot {
  std::string peer;
  std::string local;
  std::string protocol;
  Duration age{};
  uint64_t requests = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
  uint64_t unsent = 0;
  bool draining = false;
  std::vector<ExchangeSnapshot> exchanges;
};

// A connection while it is served, linked into its worker's list.
class LiveConnection : public base::ListLink<LiveConnection> {
 public:
  [[nodiscard]] virtual ConnectionSnapshot snapshot() const = 0;

 protected:
  ~LiveConnection() = default;
};
using LiveConnections = base::IntrusiveList<LiveConnection, LiveConnection>;

std::vector<ConnectionSnapshot> snapshots_of(LiveConnections& live);

namespace h2 {
class StreamPool;
}
using H2StreamPool = std::unique_ptr<h2::StreamPool, void (*)(h2::StreamPool*)>;
H2StreamPool make_h2_stream_pool();

// What the connections of one listener on one worker share. Everything outlives them.
struct ServerEnv {
  async::Loop& loop;
  // The worker's read buffer: its content is valid until the reader suspends.
  std::span<char> read_buffer;
  const base::TickClock& ticks;
  // Serves new requests; exchanged on the worker's own thread when the configuration changes.
  const Chain* chain;
  ServerLimits limits;
  async::DrainSource& drain;
  HttpCounters& counters;
  LiveConnections& live;
  // Value of the `server` response header of HTTP/1 replies; empty: none.
  std::string_view server_name;
  // Recycled streams of HTTP/2 connections.
  H2StreamPool h2_stream_pool = make_h2_stream_pool();

  [[nodiscard]] h2::StreamPool& h2_streams() { return *h2_stream_pool; }
};

// Serves the connection to its end: finds out by the HTTP/2 preface (or TLS ALPN) which protocol is
// spoken. Runs under the caller's StopSource; returns when the connection is closed and no request
// of it is left.
Task<void> serve_connection(std::unique_ptr<net::Connection> connection, ServerEnv& env);

// The same once it is known. `already_read` is copied at once.
Task<void> serve_h1(std::unique_ptr<net::Connection> connection, ByteView already_read,
                    ServerEnv& env);
Task<void> serve_h2(std::unique_ptr<net::Connection> connection, ByteView already_read,
                    ServerEnv& env);

}  // namespace layotto::http
