#include "net/address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace layotto::net {
namespace {

using base::invalid_argument;

constexpr size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

Result<uint16_t> parse_port(std::string_view text, std::string_view whole) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return invalid_argument("'{}' has no port between 0 and 65535 after the last ':'", whole);
  }
  return port;
}

}  // namespace

Result<HostPort> HostPort::parse(std::string_view text) {
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || close + 1 >= text.size() || text[close + 1] != ':') {
      return invalid_argument("'{}' is not an address: write [IPv6]:port", text);
    }
    host = text.substr(1, close - 1);
    port = text.substr(close + 2);
  } else {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
      return invalid_argument("'{}' is not an address: write host:port", text);
    }
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) {
      return invalid_argument("'{}' is not an address: write IPv6 as [IPv6]:port", text);
    }
  }
  TRY(const uint16_t number, parse_port(port, text));
  return HostPort{std::string(host), number};
}

Result<Address> Address::ip(std::string_view host, uint16_t port) {
  Address address;
  // inet_pton stops at a NUL: what stands behind one must not be ignored.
  const std::string text(host.find('\0') == std::string_view::npos ? host : std::string_view());
  if (inet_pton(AF_INET, text.c_str(), &address.v4_.sin_addr) == 1) {
    address.v4_.sin_family = AF_INET;
    address.v4_.sin_port = htons(port);
    address.length_ = sizeof(sockaddr_in);
    return address;
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    address.v6_ = {};
    address.v6_.sin6_family = AF_INET6;
    address.v6_.sin6_addr = v6;
    address.v6_.sin6_port = htons(port);
    address.length_ = sizeof(sockaddr_in6);
    return address;
  }
  return invalid_argument("'{}' is not an IP address", host);
}

Result<Address> Address::unix_path(std::string_view path) {
  if (path.empty()) return invalid_argument("the path of a Unix socket is empty");
  if (path.size() > kUnixPathMax) {
    return invalid_argument("the Unix socket path '{}' has {} bytes, the system allows {}", path,
                            path.size(), kUnixPathMax);
  }
  if (path.find('\0') != std::string_view::npos) {
    return invalid_argument("the path of a Unix socket contains a NUL byte");
  }
  Address address;
  address.un_ = {};
  address.un_.sun_family = AF_UNIX;
  std::memcpy(address.un_.sun_path, path.data(), path.size());
  if (path[0] == '@') {
    address.un_.sun_path[0] = '\0';
    address.length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  } else {
    address.length_ = sizeof(sockaddr_un);
  }
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  constexpr std::string_view kAbstract = "unix-abstract:";
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kAbstract)) {
    return unix_path("@" + std::string(text.substr(kAbstract.size())));
  }
  if (text.starts_with(kUnix)) {
    std::string_view path = text.substr(kUnix.size());
    if (path.starts_with("//")) path.remove_prefix(2);
    return unix_path(path);
  }
  TRY(const HostPort parts, HostPort::parse(text));
  return ip(parts.host, parts.port);
}

Address Address::from_sockaddr(const sockaddr* from, socklen_t length) {
  Address address;
  if (from == nullptr || length < sizeof(sa_family_t) || length > sizeof(sockaddr_un)) {
    return address;
  }
  std::memcpy(static_cast<void*>(&address.un_), from, length);
  address.length_ = length;
  return address;
}

bool Address::is_loopback() const {
  switch (family()) {
    case AF_UNIX:
      return true;
    case AF_INET:
      return (ntohl(v4_.sin_addr.s_addr) >> 24) == 127;
    case AF_INET6:
      return IN6_IS_ADDR_LOOPBACK(&v6_.sin6_addr) != 0;
    default:
      return false;
  }
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(v4_.sin_port);
  if (family() == AF_INET6) return ntohs(v6_.sin6_port);
  return 0;
}

Address Address::with_port(uint16_t port) const {
  Address copy = *this;
  if (family() == AF_INET) copy.v4_.sin_port = htons(port);
  if (family() == AF_INET6) copy.v6_.sin6_port = htons(port);
  return copy;
}

std::string Address::path() const {
  if (!is_unix() || length_ <= offsetof(sockaddr_un, sun_path)) return {};
  const size_t room = length_ - offsetof(sockaddr_un, sun_path);
  if (un_.sun_path[0] == '\0') return "@" + std::string(un_.sun_path + 1, room - 1);
  return std::string(un_.sun_path, strnlen(un_.sun_path, room));
}

std::string Address::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &v4_.sin_addr, text.data(), text.size());
  } else if (family() == AF_INET6) {
    inet_ntop(AF_INET6, &v6_.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

std::string Address::to_string() const {
  switch (family()) {
    case AF_INET:
      return fmt::format("{}:{}", host(), port());
    case AF_INET6:
      return fmt::format("[{}]:{}", host(), port());
    case AF_UNIX: {
      const std::string where = path();
      if (where.starts_with('@')) return "unix-abstract:" + where.substr(1);
      return "unix:" + where;
    }
    default:
      return "unknown";
  }
}

bool Address::operator==(const Address& other) const {
  if (family() != other.family()) return false;
  switch (family()) {
    case AF_INET:
      return v4_.sin_port == other.v4_.sin_port && v4_.sin_addr.s_addr == other.v4_.sin_addr.s_addr;
    case AF_INET6:
      return v6_.sin6_port == other.v6_.sin6_port &&
             std::memcmp(&v6_.sin6_addr, &other.v6_.sin6_addr, sizeof(in6_addr)) == 0;
    case AF_UNIX:
      return path() == other.path();
    default:
      return true;
  }
}

}  // namespace layotto::net
