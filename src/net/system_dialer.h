// SystemDialer: connects by the sockets of the system.
//
// The addresses of a name are tried one after the other, in the resolver's order (families taking
// turns). Each gets an equal share of the time that is left, at least kConnectAttemptMin, so that
// one that swallows packets does not eat the time of the others; the last one gets all of it.
// Attempts do not overlap. The first connection decides: when its TLS handshake fails no other
// address is tried, for they all belong to the same server.
#pragma once

#include <memory>

#include "net/dialer.h"
#include "net/fd_connection.h"
#include "net/resolver.h"

namespace layotto::net {

class SystemDialer final : public Dialer {
 public:
  SystemDialer(async::Loop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}

  Task<Result<std::unique_ptr<Connection>>> dial(const Endpoint& endpoint,
                                                 const DialOptions& options) override;

 private:
  using Dialled = Result<std::unique_ptr<FdConnection>>;

  Task<Result<std::vector<Address>>> addresses_of(const Endpoint& endpoint, TimePoint until);
  Task<Dialled> connect_any(const Endpoint& endpoint, const std::vector<Address>& addresses,
                            TimePoint until);
  Task<Dialled> connect_one(const Address& address);
  Task<Result<std::unique_ptr<Connection>>> secure(std::unique_ptr<Connection> plain,
                                                   const Endpoint& endpoint,
                                                   const DialOptions& options, TimePoint until);

  async::Loop& loop_;
  Resolver& resolver_;
};

}  // namespace layotto::net
