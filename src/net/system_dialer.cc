#include "net/system_dialer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "async/deadline.h"
#include "net/tls_connection.h"

namespace layotto::net {
namespace {

using std::chrono::milliseconds;

std::string in_milliseconds(Duration time) {
  return fmt::format("{} ms", std::chrono::duration_cast<milliseconds>(time).count());
}

Error cannot_connect(const Endpoint& endpoint, std::string_view why) {
  return base::unavailable("cannot connect to {}: {}", endpoint.to_string(), why)
      .upstream()
      .retryable()
      .flag("UF");
}

// True when it was the caller who was stopped, not our own deadline that passed.
bool stopped_from_outside(const async::StopSource* stop) {
  return stop != nullptr && stop->fired();
}

}  // namespace

Task<Result<std::unique_ptr<Connection>>> SystemDialer::dial(const Endpoint& endpoint,
                                                             const DialOptions& options) {
  const TimePoint until = loop_.now() + options.connect_timeout;
  CO_TRY(const std::vector<Address> addresses, co_await addresses_of(endpoint, until));
  CO_TRY(std::unique_ptr<Connection> connection, co_await connect_any(endpoint, addresses, until));
  if (options.tls == nullptr) co_return connection;
  co_return co_await secure(std::move(connection), endpoint, options, until);
}

Task<Result<std::vector<Address>>> SystemDialer::addresses_of(const Endpoint& endpoint,
                                                              TimePoint until) {
  if (endpoint.is_unix()) {
    CO_TRY(Address address, Address::unix_path(endpoint.unix_path));
    co_return std::vector<Address>{address};
  }
  if (auto numeric = Address::ip(endpoint.host, endpoint.port); numeric.ok()) {
    co_return std::vector<Address>{*numeric};
  }
  auto found =
      co_await async::with_deadline(loop_, until, resolver_.resolve(endpoint.host, endpoint.port));
  if (found.ok() || stopped_from_outside(co_await async::current_stop())) co_return found;
  if (found.error().code() == Code::kDeadlineExceeded) {
    co_return cannot_connect(endpoint, "looking up its name took too long").flag("DF");
  }
  co_return found;
}

Task<SystemDialer::Dialled> SystemDialer::connect_any(const Endpoint& endpoint,
                                                      const std::vector<Address>& addresses,
                                                      TimePoint until) {
  std::string why;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const Duration left = std::max(until - loop_.now(), Duration(0));
    const auto share =
        std::max<Duration>(left / static_cast<int64_t>(addresses.size() - i), kConnectAttemptMin);
    const Duration time = std::min(share, left);
    Dialled dialled =
        co_await async::with_deadline(loop_, loop_.now() + time, connect_one(addresses[i]));
    if (dialled.ok() || stopped_from_outside(co_await async::current_stop())) co_return dialled;
    const bool late = dialled.error().code() == Code::kDeadlineExceeded;
    if (!why.empty()) why += "; ";
    // A numeric endpoint has said its address already.
    if (addresses[i].to_string() != endpoint.to_string()) why += addresses[i].to_string() + ": ";
    why += late ? "no answer within " + in_milliseconds(time) : dialled.error().message();
    if (loop_.now() >= until && i + 1 < addresses.size()) {
      why += fmt::format("; no time left for {} more", addresses.size() - i - 1);
      break;
    }
  }
  co_return cannot_connect(endpoint, why);
}

// The Error says why in the words of the system, no more.
Task<SystemDialer::Dialled> SystemDialer::connect_one(const Address& address) {
  while (true) {
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) co_return base::unavailable("{}", base::errno_text(errno));
    int result = 0;
    do {
      result = connect(fd, address.data(), address.length());
    } while (result != 0 && errno == EINTR);
    const int error_number = result == 0 ? 0 : errno;
    if (error_number == 0 || error_number == EINPROGRESS) {
      CO_TRY(auto connection, FdConnection::adopt(loop_, fd));
      CO_TRY(co_await connection->wait_connected());
      // Where nobody listens the kernel may give our end the very port we call, and connect it to
      // itself.
      if (address.is_ip() && connection->local() == connection->peer()) {
        co_return base::unavailable("{}", base::errno_text(ECONNREFUSED));
      }
      co_return connection;
    }
    close(fd);
    if (error_number != EAGAIN || !address.is_unix()) {
      co_return base::unavailable("{}", base::errno_text(error_number));
    }
    // The backlog of a Unix socket is full, and the kernel will not tell when there is room.
    CO_TRY(co_await loop_.sleep(kUnixConnectPause));
  }
}

Task<Result<std::unique_ptr<Connection>>> SystemDialer::secure(std::unique_ptr<Connection> plain,
                                                               const Endpoint& endpoint,
                                                               const DialOptions& options,
                                                               TimePoint until) {
  std::string name = options.server_name.empty() ? endpoint.host : options.server_name;
  if (name.ends_with('.')) name.pop_back();  // an absolute name; certificates have none
  CO_TRY(std::unique_ptr<TlsConnection> tls,
         TlsConnection::client(std::move(plain), options.tls,
                               {.server_name = std::move(name), .alpn = options.alpn}));
  Status shaken = co_await tls->handshake(until);
  if (!shaken.ok()) {
    if (stopped_from_outside(co_await async::current_stop())) co_return std::move(shaken).error();
    co_return std::move(shaken).error().flag("UF");
  }
  co_return std::unique_ptr<Connection>(std::move(tls));
}

}  // namespace layotto::net
