#include "http/server.h"

#include <array>

#include "async/deadline.h"
#include "http/h2/server_stream.h"

namespace layotto::http {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static_assert(kPreface.size() == kPrefaceBytes);
// After this many bytes of the preface no HTTP/1 request can follow: "PRI * HTTP/2.0".
constexpr size_t kDecisiveBytes = 14;

struct Beginning {
  std::array<char, kPrefaceBytes> bytes;
  size_t size = 0;
  bool is_h2 = false;
};

// Reads just enough to know. An Error: the peer left or said nothing in time.
Task<Result<Beginning>> detect(net::Connection& connection) {
  Beginning seen;
  while (true) {
    if (!connection.readable().is_set()) CO_TRY(co_await connection.readable().wait());
    const net::ReadResult got =
        connection.read_some(std::span(seen.bytes).subspan(seen.size, kDecisiveBytes - seen.size));
    if (got.outcome == net::ReadOutcome::kWouldBlock) continue;
    if (got.outcome != net::ReadOutcome::kBytes) co_return Error::cancelled();
    seen.size += got.size;
    const ByteView text(seen.bytes.data(), seen.size);
    if (!kPreface.starts_with(text)) co_return seen;
    if (seen.size >= kDecisiveBytes) {
      seen.is_h2 = true;
      co_return seen;
    }
  }
}

}  // namespace

H2StreamPool make_h2_stream_pool() {
  return {new h2::StreamPool, [](h2::StreamPool* pool) { delete pool; }};
}

Task<void> serve_connection(std::unique_ptr<net::Connection> connection, ServerEnv& env) {
  env.counters.connections.add();
  env.counters.connections_active.add();
  Beginning seen;
  bool known = true;
  if (const net::TlsIdentity* tls = connection->tls(); tls != nullptr && !tls->alpn.empty()) {
    seen.is_h2 = tls->alpn == "h2";
  } else {
    const TimePoint until = env.limits.head_timeout.count() > 0
                                ? env.loop.now() + env.limits.head_timeout
                                : TimePoint::max();
    auto detected = co_await async::with_deadline(env.loop, until, detect(*connection));
    known = detected.ok();
    if (known) {
      seen = *detected;
    } else if (detected.error().code() == Code::kDeadlineExceeded) {
      env.counters.head_timeouts.add();
    }
  }
  if (!known) {
    connection->close(net::Connection::Close::kOrderly);
  } else if (seen.is_h2) {  // NOLINT(bugprone-branch-clone) it does not see what is awaited
    co_await serve_h2(std::move(connection), {seen.bytes.data(), seen.size}, env);
  } else {
    co_await serve_h1(std::move(connection), {seen.bytes.data(), seen.size}, env);
  }
  env.counters.connections_active.subtract();
}

std::vector<ConnectionSnapshot> snapshots_of(LiveConnections& live) {
  std::vector<ConnectionSnapshot> all;
  for (LiveConnection* each = live.front(); each != nullptr; each = live.after(*each)) {
    all.push_back(each->snapshot());
  }
  return all;
}

}  // namespace layotto::http
