#include "components/state/redis/redis_state_store.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "clients/redis/cluster.h"
#include "clients/redis/command.h"
#include "clients/redis/sentinel.h"
#include "clients/redis/slot.h"
#include "components/state/redis/write_script.h"

namespace layotto::components::state::redis {
namespace {

using blocks::Precondition;
using blocks::StateWrite;
using clients::redis::Answer;
using clients::redis::Effect;
using clients::redis::Lane;
using clients::redis::NumberText;
using clients::redis::Reply;
using clients::redis::Request;

// HSET with several fields.
constexpr uint32_t kMajorVersionMin = 4;

constexpr telemetry::CounterFamily kCommands("layotto_redis_commands_total", "Commands sent.",
                                             {"component"});
constexpr telemetry::GaugeFamily kInFlight("layotto_redis_commands_active",
                                           "Commands whose replies have not come.", {"component"});
constexpr telemetry::GaugeFamily kWaiting("layotto_redis_commands_waiting",
                                          "Commands that wait for a connection.", {"component"});
constexpr telemetry::CounterFamily kConnects("layotto_redis_connections_total", "Connections made.",
                                             {"component"});
constexpr telemetry::CounterFamily kConnectFailures("layotto_redis_connection_failures_total",
                                                    "Attempts to connect that failed.",
                                                    {"component"});
constexpr telemetry::CounterFamily kDisconnects("layotto_redis_disconnections_total",
                                                "Connections lost.", {"component"});
constexpr telemetry::CounterFamily kRetries("layotto_redis_retries_total",
                                            "Commands sent again, by why.",
                                            {"component", "reason"});
constexpr telemetry::CounterFamily kRefused("layotto_redis_refused_total",
                                            "Commands refused because too many were under way.",
                                            {"component"});

Error not_started() { return base::unavailable("the store is not connected to Redis yet"); }

std::string_view word_of(Precondition::Kind kind) {
  switch (kind) {
    case Precondition::Kind::kAbsent:
      return "absent";
    case Precondition::Kind::kEtag:
      return "etag";
    case Precondition::Kind::kNone:
      break;
  }
  return "any";
}

// What a write needs to live until its command is answered.
struct WriteWords {
  explicit WriteWords(const StateWrite& write, blocks::EtagSource& etags)
      : etag(etags.next()),
        ttl(write.ttl.has_value()
                ? std::chrono::duration_cast<std::chrono::milliseconds>(*write.ttl).count()
                : 0) {}

  void put(const StateWrite& write, std::string_view* to) const {
    to[0] = write.kind == StateWrite::Kind::kPut ? "put" : "del";
    to[1] = word_of(write.precondition.kind);
    to[2] = write.precondition.etag;
    to[3] = write.value;
    to[4] = blocks::view_of(etag);
    to[5] = ttl.view();
  }

  blocks::EtagSource::Etag etag;
  NumberText ttl;
};

bool wants_replicas(std::span<const StateWrite> writes) {
  return std::ranges::any_of(writes, [](const StateWrite& write) {
    return write.consistency == blocks::Consistency::kStrong;
  });
}

}  // namespace

Result<std::vector<net::Endpoint>> RedisStateStore::parse_addresses(std::string_view text) {
  std::vector<net::Endpoint> all;
  while (true) {
    const size_t end = std::min(text.find(','), text.size());
    std::string_view one = text.substr(0, end);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    TRY(net::Endpoint endpoint, net::Endpoint::parse(one));
    all.push_back(std::move(endpoint));
    if (end == text.size()) return all;
    text.remove_prefix(end + 1);
  }
}

Result<std::unique_ptr<RedisStateStore>> RedisStateStore::make(const RedisSettings& settings,
                                                               const blocks::WorkerEnv& env) {
  std::unique_ptr<RedisStateStore> store(new RedisStateStore(settings, env));
  TRY(store->set_up(settings, env));
  store->expose(env);
  return store;
}

RedisStateStore::RedisStateStore(const RedisSettings& settings, const blocks::WorkerEnv& env)
    : loop_(env.loop),
      clock_(env.clock),
      metrics_(env.metrics),
      etags_(env.random),
      replicas_min_(settings.replicas_min),
      replicas_timeout_(settings.replicas_timeout) {}

Status RedisStateStore::set_up(const RedisSettings& settings, const blocks::WorkerEnv& env) {
  TRY(auto endpoints, parse_addresses(settings.redis_host));
  if (settings.enable_tls) {
    tls_ = std::make_unique<clients::redis::TlsFiles>(
        net::TlsClientSettings{.ca_file = settings.tls_ca,
                               .certificate_file = settings.tls_certificate,
                               .key_file = settings.tls_key,
                               .verify = settings.tls_verify});
  }
  const clients::redis::TopologyEnv topology{.loop = env.loop,
                                             .dialer = env.dial,
                                             .random = env.random,
                                             .counters = counters_,
                                             .retries_max = settings.max_retries};
  clients::redis::ClientOptions options{.username = settings.redis_username,
                                        .password = std::string(settings.redis_password.reveal()),
                                        .database = settings.redis_db,
                                        .client_name = "layotto",
                                        .tls = tls_.get(),
                                        .server_name = settings.tls_server_name,
                                        .scripts = {&write_script()},
                                        .major_version_min = kMajorVersionMin,
                                        .connect_timeout = settings.dial_timeout,
                                        .reply_timeout = settings.read_timeout,
                                        .log = env.log};
  if (settings.redis_type == ServerKind::kCluster) {
    topology_ = std::make_unique<clients::redis::Cluster>(topology, std::move(options),
                                                          std::move(endpoints));
  } else if (!settings.sentinel_master_name.empty()) {
    topology_ = std::make_unique<clients::redis::Sentinel>(
        topology, std::move(options),
        clients::redis::SentinelOptions{
            .sentinels = std::move(endpoints),
            .name = settings.sentinel_master_name,
            .username = settings.sentinel_username,
            .password = std::string(settings.sentinel_password.reveal())});
  } else {
    topology_ = std::make_unique<clients::redis::Standalone>(topology, std::move(options),
                                                             std::move(endpoints.front()));
  }
  return {};
}

void RedisStateStore::expose(const blocks::WorkerEnv& env) {
  env.metrics.expose(counters_.commands, kCommands, env.name);
  env.metrics.expose(counters_.in_flight, kInFlight, env.name);
  env.metrics.expose(counters_.waiting, kWaiting, env.name);
  env.metrics.expose(counters_.connects, kConnects, env.name);
  env.metrics.expose(counters_.connect_failures, kConnectFailures, env.name);
  env.metrics.expose(counters_.disconnects, kDisconnects, env.name);
  env.metrics.expose(counters_.refused, kRefused, env.name);
  env.metrics.expose(counters_.resent, kRetries, env.name, "connection");
  env.metrics.expose(counters_.redirected, kRetries, env.name, "redirection");
  env.metrics.expose(counters_.retried, kRetries, env.name, "server");
  env.metrics.expose(counters_.scripts_loaded, kRetries, env.name, "script");
}

// ---- life

Task<Status> RedisStateStore::connect(RedisStateStore* self) {
  CO_TRY(co_await self->topology_->connect());
  self->started_ = true;
  co_return Status{};
}

Task<Status> RedisStateStore::start() { return connect(this); }

Task<void> RedisStateStore::drain() { return topology_->drain(); }

Task<void> RedisStateStore::stop() {
  started_ = false;
  return topology_->stop();
}

Task<Status> RedisStateStore::probe() { return topology_->ping(); }

blocks::Health RedisStateStore::health() const {
  clients::redis::Health health = topology_->health();
  blocks::Health::State state = blocks::Health::State::kFailed;
  switch (health.state) {
    case clients::redis::Health::State::kConnecting:
      state = started_ ? blocks::Health::State::kFailed : blocks::Health::State::kStarting;
      break;
    case clients::redis::Health::State::kReady:
      state = started_ ? blocks::Health::State::kReady : blocks::Health::State::kStarting;
      break;
    case clients::redis::Health::State::kDegraded:
      state = blocks::Health::State::kDegraded;
      break;
    case clients::redis::Health::State::kDown:
      break;
  }
  if (state == blocks::Health::State::kReady) return {.state = state, .reason = {}};
  return {.state = state,
          .reason = health.reason.empty() ? "not connected yet" : std::move(health.reason)};
}

// ---- reading

Error RedisStateStore::reply_error(const Answer& answer) const {
  return clients::redis::to_error(answer.client->address(), answer.reply.text());
}

Task<Status> RedisStateStore::get(std::string_view key, blocks::Consistency,
                                  blocks::StateItem& out) {
  out.clear();
  if (!started_) return async::failed<Status>(not_started());
  if (Status status = blocks::check_state_key(key); !status.ok()) {
    return async::ready(std::move(status));
  }
  return read(this, key, &out);
}

Task<Status> RedisStateStore::read(RedisStateStore* self, std::string_view key,
                                   blocks::StateItem* out) {
  std::array<std::string_view, 7> words{"HMGET",        key,       "data",   "etag",
                                        "etag_version", "version", "expires"};
  Request request{
      .arguments = words, .slot = clients::redis::slot_of(key), .effect = Effect::kRead};
  CO_TRY(const Answer answer, co_await self->topology_->call(request));
  const Reply& reply = answer.reply;
  if (reply.is_error()) {
    if (clients::redis::reply_error_kind(reply.text()) == clients::redis::ReplyError::kWrongType) {
      co_return co_await self->read_plain(key, request.slot, *out);
    }
    co_return self->reply_error(answer);
  }
  if (reply.size() != 5) {
    co_return base::internal("redis {} answers HMGET with {}", answer.client->address(),
                             reply.to_string())
        .upstream();
  }
  const Reply value = reply[0];
  if (value.is_null()) co_return Status{};
  if (!value.is_text()) {
    co_return base::internal("the value in redis {} cannot be read: {}", answer.client->address(),
                             value.to_string())
        .upstream();
  }
  const Reply etag = reply[1];
  const Reply version = reply[3];
  const bool ours = !etag.is_null() && reply[2].text() == version.text();
  out->found = true;
  out->value.assign(value.text());
  out->etag.assign(ours ? etag.text() : version.text());
  // Somebody else may have set an expiry without saying so.
  if (ours && reply[4].is_null()) [[likely]]
    co_return Status{};
  co_return co_await self->read_expiry(key, request.slot, *out);
}

// A key that is no hash: somebody else's, without an etag.
Task<Status> RedisStateStore::read_plain(std::string_view key, uint16_t slot,
                                         blocks::StateItem& out) {
  std::array<std::string_view, 2> words{"GET", key};
  Request request{.arguments = words, .slot = slot, .effect = Effect::kRead};
  CO_TRY(const Answer answer, co_await topology_->call(request));
  if (answer.reply.is_error()) co_return reply_error(answer);
  if (answer.reply.is_null()) co_return Status{};
  if (!answer.reply.is_text()) {
    co_return base::internal("redis {} answers GET with {}", answer.client->address(),
                             answer.reply.to_string())
        .upstream();
  }
  out.found = true;
  out.value.assign(answer.reply.text());
  co_return co_await read_expiry(key, slot, out);
}

Task<Status> RedisStateStore::read_expiry(std::string_view key, uint16_t slot,
                                          blocks::StateItem& out) {
  std::array<std::string_view, 2> words{"PTTL", key};
  Request request{.arguments = words, .slot = slot, .effect = Effect::kRead};
  Result<Answer> answer = co_await topology_->call(request);
  if (!answer.ok()) {
    out.clear();
    co_return std::move(answer).error();
  }
  const int64_t left = answer->reply.integer();
  if (answer->reply.is_error() || left == -2) {
    out.clear();
    if (answer->reply.is_error()) co_return reply_error(*answer);
  } else if (left >= 0) {
    out.expires_at = clock_.wall_now() + std::chrono::milliseconds(left);
  }
  co_return Status{};
}

// ---- writing

Task<Status> RedisStateStore::write(StateWrite write) {
  if (!started_) return async::failed<Status>(not_started());
  if (Status status = blocks::check_state_write(write); !status.ok()) {
    return async::ready(std::move(status));
  }
  return write_one(this, write);
}

Task<Status> RedisStateStore::write_one(RedisStateStore* self, StateWrite write) {
  const WriteWords made(write, self->etags_);
  std::array<std::string_view, 4 + kArgumentsPerWrite> words{"", "", "1", write.key};
  made.put(write, words.data() + 4);
  co_return co_await self->run_script(words, clients::redis::slot_of(write.key), {&write, 1});
}

Task<Status> RedisStateStore::run_script(std::span<std::string_view> arguments, uint16_t slot,
                                         std::span<const StateWrite> writes) {
  const bool patient = replicas_min_ > 0 && wants_replicas(writes);
  Request request{.arguments = arguments,
                  .slot = slot,
                  .effect = Effect::kWrite,
                  .lane = patient ? Lane::kPatient : Lane::kNormal,
                  .script = &write_script()};
  CO_TRY(Answer answer, co_await topology_->call(request));
  if (answer.reply.is_error()) co_return reply_error(answer);
  const int64_t failed = answer.reply.integer();
  if (answer.reply.type() != clients::redis::RespType::kInteger || failed < 0 ||
      failed > static_cast<int64_t>(writes.size())) {
    co_return base::internal("redis {} answers a write with {}", answer.client->address(),
                             answer.reply.to_string())
        .upstream()
        .unknown_outcome();
  }
  if (failed > 0) {
    const StateWrite& write = writes[static_cast<size_t>(failed) - 1];
    co_return blocks::etag_mismatch(write.key, write.precondition);
  }
  if (!patient) [[likely]]
    co_return Status{};
  co_return co_await wait_for_replicas(answer);
}

// On the connection that wrote: WAIT is about the writes of its own connection.
Task<Status> RedisStateStore::wait_for_replicas(Answer& answer) {
  const clients::redis::Client::Pin pin(*answer.client);
  if (answer.session == 0) {
    co_return base::unavailable("redis {} was left before its replicas had the write",
                                answer.client->address())
        .upstream()
        .unknown_outcome();
  }
  const NumberText count(replicas_min_);
  const NumberText time(
      std::chrono::duration_cast<std::chrono::milliseconds>(replicas_timeout_).count());
  const std::array<std::string_view, 3> words{"WAIT", count.view(), time.view()};
  Result<Reply> reply = co_await answer.client->call(
      words, {.effect = Effect::kWrite, .only_session = answer.session});
  if (!reply.ok()) co_return std::move(reply).error().unknown_outcome();
  if (reply->is_error() || reply->integer() < static_cast<int64_t>(replicas_min_)) {
    co_return base::unavailable(
        "redis {} has the write, and {} of the {} replicas it must be on (replicas_min)",
        answer.client->address(), reply->is_error() ? 0 : reply->integer(), replicas_min_)
        .upstream()
        .unknown_outcome();
  }
  co_return Status{};
}

Task<Status> RedisStateStore::transact(std::span<const StateWrite> writes) {
  if (!started_) return async::failed<Status>(not_started());
  for (const StateWrite& write : writes) {
    if (Status status = blocks::check_state_write(write); !status.ok()) {
      return async::ready(std::move(status));
    }
  }
  if (writes.empty()) return async::ready_ok();
  if (topology_->has_slots()) {
    const uint16_t slot = clients::redis::slot_of(writes.front().key);
    for (const StateWrite& write : writes) {
      if (clients::redis::slot_of(write.key) == slot) continue;
      return async::failed<Status>(base::invalid_argument(
          "the keys of a transaction must share a hash slot of the Redis cluster: give them a "
          "common part in braces, as in {{order}}.total and {{order}}.items"));
    }
  }
  return write_all(this, writes);
}

Task<Status> RedisStateStore::write_all(RedisStateStore* self, std::span<const StateWrite> writes) {
  const NumberText count(static_cast<int64_t>(writes.size()));
  std::vector<WriteWords> made;
  made.reserve(writes.size());
  std::vector<std::string_view> words(3 + writes.size() * (1 + kArgumentsPerWrite));
  words[2] = count.view();
  for (size_t i = 0; i < writes.size(); ++i) {
    made.emplace_back(writes[i], self->etags_);
    words[3 + i] = writes[i].key;
    made[i].put(writes[i], words.data() + 3 + writes.size() + i * kArgumentsPerWrite);
  }
  co_return co_await self->run_script(words, clients::redis::slot_of(writes.front().key), writes);
}

// ---- bulk

// Items of different keys, sent one behind the other without waiting in between.
struct RedisStateStore::Bulk {
  RedisStateStore& store;
  std::span<const StateWrite> writes;
  std::span<Status> results;
  size_t next = 0;
};

Task<void> RedisStateStore::write_some(Bulk* bulk) {
  while (bulk->next < bulk->writes.size()) {
    const size_t i = bulk->next++;
    bulk->results[i] = co_await bulk->store.write(bulk->writes[i]);
  }
}

Task<Status> RedisStateStore::write_bulk(std::span<const StateWrite> writes,
                                         std::span<Status> results) {
  CHECK(writes.size() == results.size());
  std::vector<std::string_view> keys;
  keys.reserve(writes.size());
  for (const StateWrite& write : writes) keys.push_back(write.key);
  std::ranges::sort(keys);
  // Equal keys keep their order, whatever is sent again.
  if (writes.size() < 2 || std::ranges::adjacent_find(keys) != keys.end()) {
    return StateStore::write_bulk(writes, results);
  }
  return write_each(this, writes, results);
}

Task<Status> RedisStateStore::write_each(RedisStateStore* self, std::span<const StateWrite> writes,
                                         std::span<Status> results) {
  Bulk bulk{*self, writes, results};
  async::StopSource* stop = co_await async::current_stop();
  async::TaskGroup writers(self->loop_);
  if (stop != nullptr) writers.stop_source().link_to(*stop);
  const size_t count = std::min(writes.size(), kBulkParallelism);
  for (size_t i = 0; i < count; ++i) writers.spawn(&write_some, &bulk);
  co_await writers.join();
  if (stop != nullptr && stop->fired()) co_return async::stop_error(stop->reason());
  co_return Status{};
}

}  // namespace layotto::components::state::redis
