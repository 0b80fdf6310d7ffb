#include "components/state/redis/redis.h"

#include <memory>
#include <utility>

#include "components/state/redis/redis_state_store.h"

namespace layotto::components::state::redis {

inline constexpr config::EnumName<ServerKind> kServerKindNames[] = {
    {"node", ServerKind::kNode}, {"cluster", ServerKind::kCluster}};
constexpr std::span<const config::EnumName<ServerKind>> enum_names(ServerKind) {
  return kServerKindNames;
}

namespace {

Status check_addresses(std::string_view text) {
  TRY(RedisStateStore::parse_addresses(text));
  return {};
}

void check_together(const RedisSettings& s, config::Report& report) {
  const bool sentinels = !s.sentinel_master_name.empty();
  if (s.redis_type == ServerKind::kCluster && sentinels) {
    report.error("sentinel_master_name", "a cluster has no Sentinels",
                 "take it out, or say redis_type: node");
  }
  if (s.redis_type == ServerKind::kCluster && s.redis_db != 0) {
    report.error("redis_db", "a cluster has database 0 only", "take it out");
  }
  if (s.redis_type == ServerKind::kNode && !sentinels && s.redis_host.contains(',')) {
    report.error("redis_host", "several addresses are those of a cluster or of Sentinels",
                 "say redis_type: cluster, or sentinel_master_name, or write one address");
  }
  if (s.tls_certificate.empty() != s.tls_key.empty()) {
    report.error("tls_certificate", "a certificate and its key come together",
                 "write both tls_certificate and tls_key, or none");
  }
}

}  // namespace
}  // namespace layotto::components::state::redis

namespace layotto::net {

inline constexpr config::EnumName<TlsVerify> kTlsVerifyNames[] = {
    {"full", TlsVerify::kFull}, {"chain", TlsVerify::kChain}, {"none", TlsVerify::kNone}};
constexpr std::span<const config::EnumName<TlsVerify>> enum_names(TlsVerify) {
  return kTlsVerifyNames;
}

}  // namespace layotto::net

namespace layotto::components::state::redis {

const config::Schema<RedisSettings>& RedisSettings::schema() {
  using S = RedisSettings;
  static const auto& schema = config::Schema<S>::make(
      "state.redis", "State in Redis: one server, a primary behind Sentinels, or a cluster.",
      [](config::Schema<S>& s) {
        s.field(
             "redis_host", &S::redis_host,
             "host:port of the server; with a cluster or Sentinels, of some of them, with commas "
             "in between.")
            .required()
            .format("host:port or unix:/path, or several with commas", check_addresses)
            .alias("redisHost");
        s.field("redis_type", &S::redis_type, "One server (Sentinels too), or a cluster.")
            .alias("redisType");
        s.field("redis_username", &S::redis_username, "Empty: the default user.")
            .alias("redisUsername");
        s.field("redis_password", &S::redis_password, "Empty: none.").alias("redisPassword");
        s.field("redis_db", &S::redis_db, "Number of the database.").alias("redisDB");
        s.field("sentinel_master_name", &S::sentinel_master_name,
                "The primary's name among its Sentinels; redis_host are the Sentinels then.")
            .alias("sentinelMasterName");
        s.field("sentinel_username", &S::sentinel_username, "User of the Sentinels themselves.")
            .alias("sentinelUsername");
        s.field("sentinel_password", &S::sentinel_password, "Password of the Sentinels themselves.")
            .alias("sentinelPassword");
        s.field("enable_tls", &S::enable_tls, "Whether to speak TLS.").alias("enableTLS");
        s.field("tls_ca", &S::tls_ca,
                "PEM file with the CAs that sign the server's certificate; empty: the system's.");
        s.field("tls_certificate", &S::tls_certificate, "PEM file with a certificate of ours.");
        s.field("tls_key", &S::tls_key, "PEM file with its key.");
        s.field("tls_verify", &S::tls_verify,
                "full checks signature and name, chain the signature, none nothing.");
        s.field("tls_server_name", &S::tls_server_name,
                "The name in the server's certificate; empty: the host of its address.");
        s.field("dial_timeout", &S::dial_timeout, "For making a connection.")
            .min(std::chrono::milliseconds(1))
            .alias("dialTimeout")
            .unit_if_bare(std::chrono::nanoseconds(1));
        s.field("read_timeout", &S::read_timeout,
                "A connection that owes a reply for so long is dead.")
            .min(std::chrono::milliseconds(1))
            .alias("readTimeout")
            .unit_if_bare(std::chrono::nanoseconds(1));
        s.field("max_retries", &S::max_retries,
                "How often what the server has not executed is sent again.")
            .max(100)
            .alias("redisMaxRetries")
            .alias("maxRetries");
        s.field("replicas_min", &S::replicas_min,
                "Replicas that must have a strongly consistent write before it is answered.")
            .max(1000);
        s.field("replicas_timeout", &S::replicas_timeout, "How long replicas_min is waited for.")
            .min(std::chrono::milliseconds(1));
        s.ignored("failover", "sentinel_master_name says it");
        s.ignored("redisMinRetryInterval", "pauses are chosen by the client");
        s.ignored("redisMaxRetryInterval", "pauses are chosen by the client");
        s.ignored("maxRetryBackoff", "pauses are chosen by the client");
        s.ignored("writeTimeout", "operation_timeout bounds the whole operation");
        s.ignored("poolSize", "each worker has one pipelined connection");
        s.ignored("minIdleConns", "each worker has one pipelined connection");
        s.ignored("maxConnAge", "each worker has one pipelined connection");
        s.ignored("poolTimeout", "each worker has one pipelined connection");
        s.ignored("idleTimeout", "each worker has one pipelined connection");
        s.ignored("idleCheckFrequency", "each worker has one pipelined connection");
        s.check(check_together);
      });
  return schema;
}

blocks::ComponentSpec<blocks::StateStore> spec() {
  return blocks::component<blocks::StateStore, RedisSettings>(
      {.type = "redis",
       .summary = "Keeps keys and values in Redis: one server, Sentinels or a cluster.",
       .features = {.transactions = true, .ttl = true, .survives_restart = true},
       .make = [](const RedisSettings& settings, blocks::Shared*,
                  blocks::WorkerEnv& env) -> Result<std::unique_ptr<blocks::StateStore>> {
         TRY(auto store, RedisStateStore::make(settings, env));
         return std::unique_ptr<blocks::StateStore>(std::move(store));
       }});
}

}  // namespace layotto::components::state::redis
