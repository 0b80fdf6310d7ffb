// Cluster: primaries that share 16384 hash slots. Which has which is learnt from the servers
// (CLUSTER SLOTS): at the start, when one says MOVED, and when one cannot be reached. One Client
// per primary and lane.
//
// Replicas are never asked. All keys of a command must be of one slot: callers see to it (slot.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/event.h"
#include "clients/redis/topology.h"

namespace layotto::clients::redis {

class Cluster final : public Topology {
 public:
  // `seeds`: some of the servers, at least one.
  Cluster(const TopologyEnv& env, ClientOptions options, std::vector<net::Endpoint> seeds);
  ~Cluster() override;

  // Ok when the slots are known and a server that has some can be reached.
  Task<Status> connect() override;
  Task<void> drain() override;
  Task<void> stop() override;
  // Degraded while a server or a slot is missing.
  [[nodiscard]] Health health() const override;
  Task<Status> ping() override;
  [[nodiscard]] bool has_slots() const override { return true; }

  // For tests and pages: servers that have slots now.
  [[nodiscard]] size_t server_count() const;

 private:
  struct Node;
  struct Range;
  struct Asked;

  Client* client_for(uint16_t slot, Lane lane) override;
  [[nodiscard]] Error why_nobody(uint16_t slot) const override;
  Client* redirected(const Redirection& to, bool for_good, Client& from, Lane lane) override;
  void looks_wrong(Client& client, ReplyError kind) override;

  static Task<void> keep_map(Cluster* self);
  static Task<void> connect_node(Node* node);
  static Task<void> connect_one(Node* node, Asked* asked);
  static Task<void> ping_one(Node* node, Asked* asked);
  static Task<void> drain_one(Node* node, Asked* asked);
  Task<Asked> ask_all(Task<void> (*ask)(Node*, Asked*));
  static Task<void> retire(Cluster* self, Node* node);
  Task<void> run();
  Task<Status> load_map();
  Task<Status> ask_for_map(Node& node);
  Task<Status> load_map_from(Node& node);
  Status read_map(Reply reply, Node& asked, std::vector<Range>& ranges) const;
  void apply(const std::vector<Range>& ranges);
  void forget_retired();
  Node* node_at(const net::Endpoint& endpoint);
  [[nodiscard]] Node* find(std::string_view address) const;

  const std::vector<net::Endpoint> seeds_;
  std::vector<Node*> slots_;                  // by slot; nullptr: nobody has it
  std::vector<std::unique_ptr<Node>> nodes_;  // those retired included, until nobody uses them
  std::optional<Error> map_error_;            // why the last attempt to load the map failed
  bool map_known_ = false;
  bool stopping_ = false;
  uint64_t loads_ = 0;   // ended
  async::Event wanted_;  // set: the map is to be loaded
  async::Event loaded_;  // woken after every attempt
  async::TaskGroup tasks_;
};

}  // namespace layotto::clients::redis
