#include "app/door.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "app/process.h"
#include "async/deadline.h"
#include "http/access_log_filter.h"
#include "http/stats_filter.h"
#include "http/trace_filter.h"
#include "net/fd_connection.h"
#include "net/tls_connection.h"

namespace layotto::app {
namespace {

using telemetry::CounterFamily;
using telemetry::GaugeFamily;

constexpr CounterFamily kConnections("layotto_http_connections_total", "Connections accepted.",
                                     {"listener"});
constexpr GaugeFamily kConnectionsActive("layotto_http_connections_active", "Open connections.",
                                         {"listener"});
constexpr GaugeFamily kRequestsActive("layotto_http_requests_active", "Requests under way.",
                                      {"listener"});
constexpr CounterFamily kRequestsInline("layotto_http_requests_inline_total",
                                        "Requests answered without a coroutine.", {"listener"});
constexpr telemetry::CounterFamily kRequestsHeld(
    "layotto_http_requests_held_total",
    "Requests that waited until their client read earlier answers.", {"listener"});
constexpr CounterFamily kBytes("layotto_http_payload_bytes_total", "Payload bytes.",
                               {"listener", "direction"});
constexpr CounterFamily kRefusals("layotto_http_refusals_total",
                                  "Connections and requests ended because of a limit or an error, "
                                  "by reason.",
                                  {"listener", "reason"});

std::chrono::milliseconds whole(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

}  // namespace

http::ServerLimits limits_of(const settings::ListenerSettings& listener) {
  http::ServerLimits limits;
  limits.header_bytes_max = static_cast<uint32_t>(listener.header_bytes_max.bytes);
  limits.header_fields_max = listener.header_fields_max;
  limits.concurrent_streams_max = listener.concurrent_streams_max;
  limits.connections_max = listener.connections_max;
  limits.head_timeout = whole(listener.head_timeout);
  limits.idle_timeout = whole(listener.idle_timeout);
  limits.keepalive_interval = whole(listener.keepalive_interval);
  limits.keepalive_timeout = whole(listener.keepalive_timeout);
  limits.write_stall_timeout = whole(listener.write_stall_timeout);
  return limits;
}

Door::Door(DoorEnv env, const settings::ListenerSettings& listener, http::Handler& handler,
           std::string_view stage)
    : env_(env),
      name_(listener.name),
      drain_(env.loop),
      chain_(handler, stage),
      server_{.loop = env.loop,
              .read_buffer = env.read_buffer,
              .ticks = env.process.ticks,
              .chain = &chain_,
              .limits = limits_of(listener),
              .drain = drain_,
              .counters = counters_,
              .live = env.live,
              .server_name = "layotto"},
      wants_tls_(listener.tls.has_value()),
      tasks_(env.loop) {
  if (env.access_log != nullptr) {
    chain_.add("access_log",
               std::make_unique<http::AccessLogFilter>(*env.process.access_log_format,
                                                       *env.access_log, env.process.clock));
  }
  chain_.add("stats", std::make_unique<http::StatsFilter>(env.metrics));
  chain_.add("trace", std::make_unique<http::TraceFilter>(env.random));
  if (!listener.token_file.empty()) {
    auto filter = std::make_unique<filters::http::bearer_token::BearerTokenFilter>();
    token_filter_ = filter.get();
    chain_.add("bearer_token", std::move(filter));
  }
  expose_counters();
}

Door::~Door() {
  env_.metrics.withdraw(counters_);
  env_.metrics.withdraw(tls_failures_);
  if (token_filter_ != nullptr) env_.metrics.withdraw(token_filter_->refused());
}

void Door::expose_counters() {
  telemetry::Shard& shard = env_.metrics;
  shard.expose(counters_.connections, kConnections, name_);
  shard.expose(counters_.connections_active, kConnectionsActive, name_);
  shard.expose(counters_.requests_active, kRequestsActive, name_);
  shard.expose(counters_.requests_inline, kRequestsInline, name_);
  shard.expose(counters_.requests_held, kRequestsHeld, name_);
  shard.expose(counters_.request_bytes, kBytes, name_, "received");
  shard.expose(counters_.response_bytes, kBytes, name_, "sent");
  const auto refusal = [&](const base::Tally& tally, std::string_view reason) {
    shard.expose(tally, kRefusals, name_, reason);
  };
  refusal(counters_.connections_refused, "connections_max");
  refusal(counters_.requests_reset_by_peer, "reset_by_peer");
  refusal(counters_.requests_reset_by_us, "reset_by_us");
  refusal(counters_.local_replies, "local_reply");
  refusal(counters_.protocol_errors, "protocol_error");
  refusal(counters_.header_limit, "header_limit");
  refusal(counters_.stream_limit, "concurrent_streams_max");
  refusal(counters_.head_timeouts, "head_timeout");
  refusal(counters_.idle_timeouts, "idle_timeout");
  refusal(counters_.keepalive_timeouts, "keepalive_timeout");
  refusal(counters_.write_stalls, "write_stall_timeout");
  refusal(counters_.flood_idle_frames, "flood_idle_frames");
  refusal(counters_.flood_resets, "flood_resets");
  refusal(counters_.flood_continuation, "flood_continuation");
  refusal(counters_.flood_output, "flood_output");
  refusal(counters_.invalid_response_headers, "invalid_response_header");
  refusal(tls_failures_, "tls_handshake");
  if (token_filter_ != nullptr) refusal(token_filter_->refused(), "bearer_token");
}

void Door::set_token(const config::Secret& token) {
  if (token_filter_ != nullptr) token_filter_->set_token(token);
}

void Door::accepted(int fd) {
  if (tasks_.running() >= server_.limits.connections_max) {
    counters_.connections_refused.add();
    ::close(fd);
    return;
  }
  tasks_.spawn(&serve, this, fd);
}

Task<void> Door::serve(Door* self, int fd) { co_await self->serve_socket(fd); }

Task<void> Door::serve_socket(int fd) {
  auto socket = net::FdConnection::adopt(env_.loop, fd);
  if (!socket.ok()) co_return;
  std::unique_ptr<net::Connection> connection = *std::move(socket);
  if (wants_tls_) {
    if (tls_ == nullptr) co_return;
    auto secure = net::TlsConnection::server(std::move(connection), tls_);
    const auto limit = server_.limits.head_timeout;
    const Status done =
        co_await secure->handshake(limit.count() > 0 ? env_.loop.now() + limit : TimePoint::max());
    if (!done.ok()) {
      tls_failures_.add();
      co_return;
    }
    connection = std::move(secure);
  }
  co_await http::serve_connection(std::move(connection), server_);
}

Task<Status> Door::wait_until_empty() { co_return co_await tasks_.wait_until_empty(); }

Task<void> Door::finish(TimePoint until) {
  // What is left when the time is up is stopped.
  [[maybe_unused]] const Status emptied =
      co_await async::with_deadline(env_.loop, until, wait_until_empty());
  tasks_.stop(async::StopReason::kShutdown);
  co_await tasks_.join();
}

}  // namespace layotto::app
