// Dialer: connections to others, by name, address or path. Passed in wherever something calls out,
// so that tests connect to what they like; the one of the product is SystemDialer
// (system_dialer.h).
//
//   CO_TRY(const Endpoint redis, Endpoint::parse("redis.default.svc:6379"));
//   CO_TRY(auto connection, co_await dialer.dial(redis, {.connect_timeout = seconds(2)}));
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/error.h"
#include "net/connection.h"
#include "net/limits.h"
#include "net/tls.h"

namespace layotto::net {

// Where to connect to. A value.
struct Endpoint {
  std::string host;  // a name or a numeric address without brackets; empty for a Unix socket
  uint16_t port = 0;
  std::string unix_path;  // "@name" when abstract; empty for TCP

  // "host:port", "10.0.0.1:80", "[::1]:80", "unix:/path", "unix:///path", "unix-abstract:name".
  static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] bool is_unix() const { return !unix_path.empty(); }
  // In the form parse() takes.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Endpoint&) const = default;
};

struct DialOptions {
  // With TLS when set; the connection returned has done its handshake. Whether the server accepts a
  // certificate of ours may show at the first read only (TLS 1.3).
  std::shared_ptr<const TlsClientContext> tls = nullptr;
  // For SNI and the check of the certificate; empty: the endpoint's host.
  std::string server_name = {};
  std::vector<std::string> alpn = {};  // instead of those of `tls`, unless empty
  // For everything: the name, every address tried, the handshake. More than 0.
  std::chrono::milliseconds connect_timeout = kConnectTimeout;
};

class Dialer {
 public:
  virtual ~Dialer() = default;
  // Ends at the timeout, or when the caller is stopped (then with the reason of that). `endpoint`
  // and `options` must live until the task is done. Errors: kUnavailable, response flag UF (DF when
  // the name could not be looked up), naming every address tried and why it was no good; those of
  // the TLS handshake are its own.
  virtual Task<Result<std::unique_ptr<Connection>>> dial(const Endpoint& endpoint,
                                                         const DialOptions& options) = 0;
};

}  // namespace layotto::net
