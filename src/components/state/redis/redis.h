// state.redis: keys and values in Redis, as one server, behind Sentinels, or as a cluster.
//
// A key is a hash: `data` and `version` as Layotto writes them, `etag` and `etag_version` of ours.
// An etag of ours counts while `etag_version` equals `version`; where another writer has been, the
// version is the etag. Every write is one script (write_script.h).
//
// What Redis does not promise: a failover loses the writes that had not reached the new primary;
// replicas_min with strong consistency narrows that.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "blocks/spec.h"
#include "blocks/state.h"
#include "config/schema.h"
#include "config/secret.h"
#include "net/tls.h"

namespace layotto::components::state::redis {

enum class ServerKind : uint8_t { kNode, kCluster };

struct RedisSettings {
  std::string redis_host;  // several: with commas between them
  ServerKind redis_type = ServerKind::kNode;
  std::string redis_username;
  config::Secret redis_password;
  uint32_t redis_db = 0;
  std::string sentinel_master_name;
  std::string sentinel_username;
  config::Secret sentinel_password;
  bool enable_tls = false;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  net::TlsVerify tls_verify = net::TlsVerify::kFull;
  std::string tls_server_name;
  Duration dial_timeout = std::chrono::seconds(5);
  Duration read_timeout = std::chrono::seconds(10);
  uint32_t max_retries = 3;
  uint32_t replicas_min = 0;
  Duration replicas_timeout = std::chrono::seconds(1);

  static const config::Schema<RedisSettings>& schema();
};

blocks::ComponentSpec<blocks::StateStore> spec();

}  // namespace layotto::components::state::redis
