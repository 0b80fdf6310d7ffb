// Sentinel: a primary that Sentinels watch over. It is asked for before every attempt to connect
// (any of the Sentinels may be down), has to say itself that it is the primary, and is left when a
// Sentinel announces another one (+switch-master), when it turns out to be a replica (READONLY), or
// when it does not answer.
//
// A failover of Redis loses the writes that had not reached the new primary: Lane::kPatient and
// WAIT are for those that must not be lost.
#pragma once

#include <string>
#include <vector>

#include "clients/redis/topology.h"

namespace layotto::clients::redis {

struct SentinelOptions {
  std::vector<net::Endpoint> sentinels;  // at least one
  std::string name;                      // of the primary, as in "sentinel monitor NAME"
  std::string username;                  // of the Sentinels themselves
  std::string password;
};

class SentinelLocator final : public Locator {
 public:
  // Everything outlives the locator.
  SentinelLocator(const TopologyEnv& env, const SentinelOptions& sentinels,
                  const ClientOptions& options)
      : env_(env), sentinels_(sentinels), options_(options) {}

  // Asks one Sentinel after the other, beginning with the one that answered last. kUnavailable
  // names each and why it was no good.
  Task<Result<net::Endpoint>> locate() override;

  // A new connection to a Sentinel, logged in.
  Task<Result<std::unique_ptr<net::Connection>>> open(size_t sentinel);
  // Asks on it; the answer.
  Task<Result<net::Endpoint>> ask(Conversation& talk, size_t sentinel);
  [[nodiscard]] size_t count() const { return sentinels_.sentinels.size(); }
  [[nodiscard]] const SentinelOptions& sentinels() const { return sentinels_; }

 private:
  Task<Result<net::Endpoint>> ask_one(size_t sentinel);

  const TopologyEnv& env_;
  const SentinelOptions& sentinels_;
  const ClientOptions& options_;
  size_t last_good_ = 0;
};

class Sentinel final : public Topology {
 public:
  Sentinel(const TopologyEnv& env, ClientOptions options, SentinelOptions sentinels);

  Task<Status> connect() override;
  Task<void> drain() override { return clients_.drain(); }
  Task<void> stop() override;
  [[nodiscard]] Health health() const override { return clients_.normal().health(); }
  Task<Status> ping() override { return clients_.normal().ping(); }

 private:
  Client* client_for(uint16_t, Lane lane) override { return &clients_.lane(lane); }
  [[nodiscard]] Error why_nobody(uint16_t) const override;

  static Task<void> watch(Sentinel* self);
  Task<Status> listen(size_t sentinel);
  void primary_is(const std::string& address);

  const SentinelOptions sentinels_;
  SentinelLocator locator_;
  ServerClients clients_;
  async::TaskGroup tasks_;
};

}  // namespace layotto::clients::redis
