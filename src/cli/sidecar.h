// Sidecar: a connection to a running sidecar, for calls and for pages.
//
//   return with_sidecar(target, [&](Sidecar& sidecar) { return get(sidecar, key); });
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/task.h"
#include "base/error.h"
#include "cli/runner.h"
#include "cli/target.h"
#include "grpc/channel.h"
#include "http/h2/client_connection.h"
#include "http/header_map.h"
#include "net/dialer.h"

namespace layotto::cli {

class Sidecar {
 public:
  // Both outlive the sidecar.
  static Task<Result<std::unique_ptr<Sidecar>>> connect(Runner& runner, const Target& target);
  Sidecar(const Sidecar&) = delete;
  Sidecar& operator=(const Sidecar&) = delete;
  // Must have been stopped.
  ~Sidecar() = default;

  Task<void> stop();

  // The target's timeout, counted from connect().
  [[nodiscard]] TimePoint deadline() const { return deadline_; }
  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] async::Loop& loop() { return runner_.loop(); }
  [[nodiscard]] grpc::Channel& channel() { return channel_; }
  // What every call carries: the bearer token, if there is one.
  [[nodiscard]] const grpc::Metadata& credentials() const { return credentials_; }
  // The body of an admin page. `method` is GET or POST, `path` may have a query. An answer other
  // than 200 is an Error with the page's words.
  Task<Result<std::string>> page(http::Method method, std::string path, TimePoint until);

 private:
  Sidecar(Runner& runner, const Target& target, const net::Endpoint& endpoint,
          std::unique_ptr<net::Connection> connection);
  Task<Result<std::string>> fetch(http::Exchange* exchange, const http::RequestLine* line);

  Runner& runner_;
  const Target& target_;
  TimePoint deadline_{};
  std::string authority_;
  grpc::Metadata credentials_;
  http::h2::ClientConnection connection_;
  grpc::Channel channel_;
};

// Connects, does the work and hangs up.
Status with_sidecar(const Target& target, const std::function<Task<Status>(Sidecar&)>& work);

}  // namespace layotto::cli
