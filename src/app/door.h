// Door: one listener as one loop serves it: its chain, its limits, its connections. A worker has
// one per API listener, the main thread one per admin listener.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/drain.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "filters/http/bearer_token/bearer_token.h"
#include "http/chain.h"
#include "http/server.h"
#include "net/listener.h"
#include "net/tls.h"
#include "settings/runtime_config.h"
#include "telemetry/line_writer.h"
#include "telemetry/shard.h"

namespace layotto::app {

struct Process;

// What the doors of one loop share. Everything outlives them.
struct DoorEnv {
  async::Loop& loop;
  std::span<char> read_buffer;
  Process& process;
  telemetry::Shard& metrics;
  Random& random;
  telemetry::LineWriter* access_log;  // null: no access log
  http::LiveConnections& live;
};

http::ServerLimits limits_of(const settings::ListenerSettings& listener);

class Door final : public net::Acceptor {
 public:
  // `handler` outlives the door; `stage` is static text.
  Door(DoorEnv env, const settings::ListenerSettings& listener, http::Handler& handler,
       std::string_view stage);
  ~Door();

  // On the loop's thread; takes over the socket. Beyond connections_max it is closed at once.
  void accepted(int fd) override;

  // ---- on the loop's thread, when something was changed outside
  void set_limits(const http::ServerLimits& limits) { server_.limits = limits; }
  void set_tls(std::shared_ptr<const net::TlsServerContext> tls) { tls_ = std::move(tls); }
  void set_token(const config::Secret& token);

  // Soft: connections are told, requests under way go on.
  void begin_drain() { drain_.begin(); }
  // Waits until no connection is left; at `until` what is left is stopped.
  Task<void> finish(TimePoint until);

  [[nodiscard]] size_t connections() const { return tasks_.running(); }

 private:
  static Task<void> serve(Door* self, int fd);
  Task<void> serve_socket(int fd);
  Task<Status> wait_until_empty();
  void expose_counters();

  DoorEnv env_;
  std::string name_;
  async::DrainSource drain_;
  http::HttpCounters counters_;
  http::Chain chain_;
  http::ServerEnv server_;
  filters::http::bearer_token::BearerTokenFilter* token_filter_ = nullptr;  // owned by the chain
  std::shared_ptr<const net::TlsServerContext> tls_;
  bool wants_tls_;
  base::Tally tls_failures_;
  async::TaskGroup tasks_;
};

}  // namespace layotto::app
