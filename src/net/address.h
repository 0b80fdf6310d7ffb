// Address: where a socket is bound or a peer lives: IPv4, IPv6 or a Unix path. A value.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace layotto::net {

class Address {
 public:
  Address() = default;  // "unknown": family AF_UNSPEC

  // "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:///path", "unix:relative",
  // "unix-abstract:name". Host names are not looked up here (resolver.h): they are an
  // invalid_argument.
  static Result<Address> parse(std::string_view text);
  static Result<Address> unix_path(std::string_view path);
  // A numeric IPv4 or IPv6 host without brackets.
  static Result<Address> ip(std::string_view host, uint16_t port);
  static Address from_sockaddr(const sockaddr* address, socklen_t length);

  [[nodiscard]] bool is_unix() const { return family() == AF_UNIX; }
  [[nodiscard]] bool is_ip() const { return family() == AF_INET || family() == AF_INET6; }
  // 127.0.0.0/8, ::1 or a Unix socket: only processes of this machine can reach it.
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] sa_family_t family() const { return any_.sa_family; }
  [[nodiscard]] uint16_t port() const;  // 0 for Unix
  [[nodiscard]] Address with_port(uint16_t port) const;
  // The path of a Unix address ("@name" when abstract), else empty.
  [[nodiscard]] std::string path() const;

  [[nodiscard]] const sockaddr* data() const { return &any_; }
  [[nodiscard]] socklen_t length() const { return length_; }

  // In the form parse() takes; the IP without port by host().
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::string host() const;

  bool operator==(const Address& other) const;

 private:
  union {
    sockaddr any_ = {};
    sockaddr_in v4_;
    sockaddr_in6 v6_;
    sockaddr_un un_;
  };
  socklen_t length_ = 0;
};

// "host:port" taken apart; the host may be a name. Errors name the remedy.
struct HostPort {
  std::string host;
  uint16_t port = 0;

  static Result<HostPort> parse(std::string_view text);
};

}  // namespace layotto::net
