#include "net/dialer.h"

namespace layotto::net {

Result<Endpoint> Endpoint::parse(std::string_view text) {
  Endpoint endpoint;
  if (text.starts_with("unix:") || text.starts_with("unix-abstract:")) {
    TRY(const Address address, Address::parse(text));
    endpoint.unix_path = address.path();
    return endpoint;
  }
  TRY(HostPort parts, HostPort::parse(text));
  if (parts.host.empty()) {
    return base::invalid_argument("'{}' names no host to connect to: write host:port", text);
  }
  if (parts.port == 0) {
    return base::invalid_argument("'{}' names port 0: nobody can be reached there", text);
  }
  endpoint.host = std::move(parts.host);
  endpoint.port = parts.port;
  return endpoint;
}

std::string Endpoint::to_string() const {
  if (is_unix()) {
    return unix_path.starts_with('@') ? "unix-abstract:" + unix_path.substr(1)
                                      : "unix:" + unix_path;
  }
  const bool brackets = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

}  // namespace layotto::net
