#include "clients/redis/cluster.h"

#include <algorithm>
#include <utility>

#include "async/deadline.h"

namespace layotto::clients::redis {

struct Cluster::Node {
  Node(const TopologyEnv& env, const ClientOptions& options, net::Endpoint where)
      : endpoint(where), locator(std::move(where)), clients(env, locator, options) {}

  const net::Endpoint endpoint;
  FixedLocator locator;
  ServerClients clients;
  bool in_map = false;
  bool retiring = false;
  bool stopped = false;
  std::string address = endpoint.to_string();
};

// What several servers said.
struct Cluster::Asked {
  void add(Status status) {
    if (status.ok()) {
      ++ok;
    } else if (!failure.has_value()) {
      failure.emplace(std::move(status).error());
    }
  }
  size_t ok = 0;
  std::optional<Error> failure;
};

struct Cluster::Range {
  uint16_t first = 0;
  uint16_t last = 0;
  net::Endpoint primary;
};

namespace {

// One question for the map: connecting included.
constexpr auto kMapTimeout = std::chrono::seconds(2);
constexpr auto kMapPauseMax = std::chrono::seconds(2);
// How long a server that has left the cluster may still answer.
constexpr auto kRetireTimeout = std::chrono::seconds(1);

bool is_slot(Reply reply) {
  return reply.type() == RespType::kInteger && reply.integer() >= 0 &&
         reply.integer() < static_cast<int64_t>(kSlotCount);
}

ClientOptions cluster_options(ClientOptions options) {
  options.database = 0;  // a cluster has no others
  return options;
}

}  // namespace

Cluster::Cluster(const TopologyEnv& env, ClientOptions options, std::vector<net::Endpoint> seeds)
    : Topology(env, cluster_options(std::move(options))),
      seeds_(std::move(seeds)),
      slots_(kSlotCount),
      wanted_(env.loop),
      loaded_(env.loop),
      tasks_(env.loop) {
  CHECK(!seeds_.empty());
}

Cluster::~Cluster() = default;

// ---- life

Task<Status> Cluster::connect() {
  if (stopping_) co_return Error::shutting_down();
  if (tasks_.running() == 0) tasks_.spawn(&keep_map, this);
  const uint64_t seen = loads_;
  wanted_.set();
  while (loads_ == seen && !stopping_) CO_TRY(co_await loaded_.wait());
  if (stopping_) co_return Error::shutting_down();
  if (map_error_.has_value()) co_return map_error_->clone();
  Asked asked = co_await ask_all(&connect_one);
  if (asked.ok > 0) co_return Status{};
  if (asked.failure.has_value()) co_return *std::move(asked.failure);
  co_return base::unavailable("redis cluster: no server has any slot").upstream().retryable();
}

Task<void> Cluster::drain() { co_await ask_all(&drain_one); }

// Every server that has slots, all at once.
Task<Cluster::Asked> Cluster::ask_all(Task<void> (*ask)(Node*, Asked*)) {
  Asked asked;
  async::StopSource* stop = co_await async::current_stop();
  async::TaskGroup tasks(env().loop);
  if (stop != nullptr) tasks.stop_source().link_to(*stop);
  for (const auto& node : nodes_) {
    if (node->in_map) tasks.spawn(ask, node.get(), &asked);
  }
  co_await tasks.join();
  co_return asked;
}

Task<void> Cluster::connect_one(Node* node, Asked* asked) {
  const Client::Pin pin(node->clients.normal());
  asked->add(co_await node->clients.normal().connect());
}

Task<void> Cluster::ping_one(Node* node, Asked* asked) {
  const Client::Pin pin(node->clients.normal());
  asked->add(co_await node->clients.normal().ping());
}

Task<void> Cluster::drain_one(Node* node, Asked*) {
  const Client::Pin pin(node->clients.normal());
  co_await node->clients.drain();
}

Task<void> Cluster::stop() {
  stopping_ = true;
  loaded_.wake_all();
  tasks_.stop(async::StopReason::kShutdown);
  co_await tasks_.join();
  for (const auto& node : nodes_) co_await node->clients.stop();
}

Health Cluster::health() const {
  if (!map_known_) {
    if (!map_error_.has_value()) {
      return {.state = Health::State::kConnecting, .reason = "redis cluster: not connected yet"};
    }
    return {.state = Health::State::kDown, .reason = std::string(map_error_->message())};
  }
  size_t servers = 0;
  size_t missing = 0;
  std::string reason;
  for (const auto& node : nodes_) {
    if (!node->in_map) continue;
    ++servers;
    Health one = node->clients.normal().health();
    if (one.state == Health::State::kReady) continue;
    ++missing;
    if (reason.empty()) reason = std::move(one.reason);
  }
  const auto without = std::count(slots_.begin(), slots_.end(), nullptr);
  if (missing == 0 && without == 0) return {.state = Health::State::kReady, .reason = {}};
  if (missing == servers) {
    return {.state = Health::State::kDown,
            .reason = reason.empty() ? "redis cluster: no server has any slot" : reason};
  }
  if (missing == 0) reason = fmt::format("redis cluster: nobody has {} slots", without);
  return {.state = Health::State::kDegraded,
          .reason = missing == 0 ? reason
                                 : fmt::format("{} of {} servers: {}", missing, servers, reason)};
}

Task<Status> Cluster::ping() {
  Asked asked = co_await ask_all(&ping_one);
  if (!asked.failure.has_value()) co_return Status{};
  wanted_.set();
  co_return *std::move(asked.failure);
}

size_t Cluster::server_count() const {
  return static_cast<size_t>(
      std::count_if(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->in_map; }));
}

// ---- where commands go

Client* Cluster::client_for(uint16_t slot, Lane lane) {
  Node* node = slots_[slot];
  // Whoever has to wait may be served by another one meanwhile.
  if (node == nullptr || node->clients.normal().state() != Client::State::kReady) wanted_.set();
  return node == nullptr ? nullptr : &node->clients.lane(lane);
}

Error Cluster::why_nobody(uint16_t slot) const {
  if (!map_known_ && map_error_.has_value()) return map_error_->clone();
  return base::unavailable("redis cluster: no server has slot {}", slot).upstream().retryable();
}

Client* Cluster::redirected(const Redirection& to, bool for_good, Client& from, Lane lane) {
  net::Endpoint endpoint{.host = std::string(to.host), .port = to.port, .unix_path = {}};
  if (endpoint.host.empty()) {
    const Node* asked = find(from.address());
    if (asked == nullptr) return nullptr;
    endpoint.host = asked->endpoint.host;
  }
  if (for_good) wanted_.set();
  Node* node = node_at(endpoint);
  if (node == nullptr) return nullptr;
  if (for_good) {
    slots_[to.slot] = node;
    node->in_map = true;
  }
  return &node->clients.lane(lane);
}

void Cluster::looks_wrong(Client&, ReplyError) { wanted_.set(); }

Cluster::Node* Cluster::find(std::string_view address) const {
  for (const auto& node : nodes_) {
    if (node->address == address && !node->retiring) return node.get();
  }
  return nullptr;
}

// Makes it when it is new; nullptr beyond the limit.
Cluster::Node* Cluster::node_at(const net::Endpoint& endpoint) {
  if (Node* known = find(endpoint.to_string()); known != nullptr) return known;
  if (nodes_.size() >= kClusterNodesMax || stopping_) return nullptr;
  nodes_.push_back(std::make_unique<Node>(env(), options(), endpoint));
  Node* node = nodes_.back().get();
  tasks_.spawn(&connect_node, node);
  return node;
}

Task<void> Cluster::connect_node(Node* node) {
  const Client::Pin pin(node->clients.normal());
  (void)co_await node->clients.normal().connect();  // it goes on trying
}

// ---- the map

Task<void> Cluster::keep_map(Cluster* self) { co_await self->run(); }

Task<void> Cluster::run() {
  Duration pause = kSlotsPauseMin;
  while (!stopping_) {
    if (!(co_await wanted_.wait()).ok()) co_return;
    wanted_.reset();
    Status loaded = co_await load_map();
    if (stopping_) co_return;
    if (loaded.ok()) {
      map_error_.reset();
      pause = kSlotsPauseMin;
    } else {
      options().log.warn("redis_cluster_map_failed", {{"reason", loaded.error().message()}});
      map_error_.emplace(std::move(loaded).error());
      pause = std::min<Duration>(pause * 2, kMapPauseMax);
      wanted_.set();
    }
    ++loads_;
    loaded_.wake_all();
    forget_retired();
    if (!(co_await env().loop.sleep(pause)).ok()) co_return;
  }
}

// Those we are connected to first, then the others, then the seeds, which may be names of many.
Task<Status> Cluster::load_map() {
  std::vector<Node*> known;
  for (const bool connected : {true, false}) {
    for (const auto& node : nodes_) {
      const bool ready = node->clients.normal().state() == Client::State::kReady;
      if (!node->retiring && ready == connected) known.push_back(node.get());
    }
  }
  Status last = base::unavailable("redis cluster: nobody to ask").upstream();
  for (Node* node : known) {
    last = co_await ask_for_map(*node);
    if (last.ok() || stopping_) co_return last;
  }
  for (const net::Endpoint& seed : seeds_) {
    Node* node = node_at(seed);
    if (node == nullptr || std::find(known.begin(), known.end(), node) != known.end()) continue;
    last = co_await ask_for_map(*node);
    if (last.ok() || stopping_) break;
  }
  co_return last;
}

Task<Status> Cluster::ask_for_map(Node& node) {
  co_return co_await async::with_deadline(env().loop, env().loop.now() + kMapTimeout,
                                          load_map_from(node));
}

Task<Status> Cluster::load_map_from(Node& node) {
  Client& client = node.clients.normal();
  if (client.state() != Client::State::kReady) CO_TRY(co_await client.connect());
  static constexpr std::string_view kSlots[] = {"CLUSTER", "SLOTS"};
  CO_TRY(const Reply reply, co_await client.call(kSlots, {.effect = Effect::kRead}));
  std::vector<Range> ranges;
  CO_TRY(read_map(reply, node, ranges));
  apply(ranges);
  co_return Status{};
}

// {{first, last, {host, port, …}, replicas…}, …}
Status Cluster::read_map(Reply reply, Node& asked, std::vector<Range>& ranges) const {
  if (reply.is_error()) {
    if (reply.text().find("cluster support disabled") != std::string_view::npos) {
      return base::failed_precondition("redis {} is not part of a cluster", asked.address)
          .upstream();
    }
    return to_error(asked.address, reply.text());
  }
  const auto nonsense = [&] {
    return base::internal("redis {} answers CLUSTER SLOTS with {}", asked.address,
                          reply.to_string().substr(0, kErrorTextMax))
        .upstream();
  };
  if (!reply.is_collection()) return nonsense();
  for (const Reply row : reply) {
    if (!row.is_collection() || row.size() < 3 || !is_slot(row[0]) || !is_slot(row[1])) {
      return nonsense();
    }
    const Reply primary = row[2];
    if (!primary.is_collection() || primary.size() < 2 ||
        !(primary[0].is_text() || primary[0].is_null()) ||
        primary[1].type() != RespType::kInteger || primary[1].integer() <= 0 ||
        primary[1].integer() > UINT16_MAX) {
      return nonsense();
    }
    Range range{.first = static_cast<uint16_t>(row[0].integer()),
                .last = static_cast<uint16_t>(row[1].integer()),
                .primary = {}};
    if (range.first > range.last) return nonsense();
    // A server that does not know its own address says nothing: it is where we found it.
    const std::string_view host = primary[0].is_text() ? primary[0].text() : std::string_view();
    if (host == "?") continue;
    range.primary.host = host.empty() ? asked.endpoint.host : std::string(host);
    range.primary.port = static_cast<uint16_t>(primary[1].integer());
    ranges.push_back(std::move(range));
  }
  return {};
}

void Cluster::apply(const std::vector<Range>& ranges) {
  std::fill(slots_.begin(), slots_.end(), nullptr);
  for (const auto& node : nodes_) node->in_map = false;
  for (const Range& range : ranges) {
    Node* node = node_at(range.primary);
    if (node == nullptr) continue;
    node->in_map = true;
    std::fill(slots_.begin() + range.first, slots_.begin() + range.last + 1, node);
  }
  map_known_ = true;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Node* node = nodes_[i].get();
    if (node->in_map || node->retiring) continue;
    node->retiring = true;
    tasks_.spawn(&retire, this, node);
  }
}

Task<void> Cluster::retire(Cluster* self, Node* node) {
  async::Loop& loop = self->env().loop;
  co_await async::with_deadline(loop, loop.now() + kRetireTimeout, node->clients.drain());
  co_await node->clients.stop();
  node->stopped = true;
}

void Cluster::forget_retired() {
  std::erase_if(nodes_, [](const std::unique_ptr<Node>& node) {
    return node->stopped && !node->clients.pinned();
  });
}

}  // namespace layotto::clients::redis
