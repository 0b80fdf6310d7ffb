// RedisStateStore: one worker's front: its pipelined connection to each server, and the commands
// each operation is.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "async/task_group.h"
#include "blocks/etag.h"
#include "blocks/spec.h"
#include "blocks/state.h"
#include "clients/redis/tls_files.h"
#include "clients/redis/topology.h"
#include "components/state/redis/redis.h"
#include "telemetry/log.h"

namespace layotto::components::state::redis {

class RedisStateStore final : public blocks::StateStore {
 public:
  // Writes of one bulk call that are on their way at once.
  static constexpr size_t kBulkParallelism = 64;

  // "a:6379, b:6379": at least one.
  static Result<std::vector<net::Endpoint>> parse_addresses(std::string_view text);

  // The parts of `env` outlive the front. Does not connect.
  static Result<std::unique_ptr<RedisStateStore>> make(const RedisSettings& settings,
                                                       const blocks::WorkerEnv& env);

  ~RedisStateStore() override { metrics_.withdraw(counters_); }

  Task<Status> start() override;
  Task<void> drain() override;
  Task<void> stop() override;
  [[nodiscard]] blocks::Health health() const override;
  Task<Status> probe() override;

  Task<Status> get(std::string_view key, blocks::Consistency consistency,
                   blocks::StateItem& out) override;
  Task<Status> write(blocks::StateWrite write) override;
  Task<Status> write_bulk(std::span<const blocks::StateWrite> writes,
                          std::span<Status> results) override;
  Task<Status> transact(std::span<const blocks::StateWrite> writes) override;

 private:
  RedisStateStore(const RedisSettings& settings, const blocks::WorkerEnv& env);

  Status set_up(const RedisSettings& settings, const blocks::WorkerEnv& env);
  void expose(const blocks::WorkerEnv& env);
  static Task<Status> connect(RedisStateStore* self);
  static Task<Status> read(RedisStateStore* self, std::string_view key, blocks::StateItem* out);
  Task<Status> read_plain(std::string_view key, uint16_t slot, blocks::StateItem& out);
  Task<Status> read_expiry(std::string_view key, uint16_t slot, blocks::StateItem& out);
  static Task<Status> write_one(RedisStateStore* self, blocks::StateWrite write);
  static Task<Status> write_all(RedisStateStore* self, std::span<const blocks::StateWrite> writes);
  static Task<Status> write_each(RedisStateStore* self, std::span<const blocks::StateWrite> writes,
                                 std::span<Status> results);
  struct Bulk;
  static Task<void> write_some(Bulk* bulk);
  Task<Status> run_script(std::span<std::string_view> arguments, uint16_t slot,
                          std::span<const blocks::StateWrite> writes);
  Task<Status> wait_for_replicas(clients::redis::Answer& answer);
  Error reply_error(const clients::redis::Answer& answer) const;

  async::Loop& loop_;
  const Clock& clock_;
  telemetry::Shard& metrics_;
  clients::redis::ClientCounters counters_;
  std::unique_ptr<clients::redis::TlsFiles> tls_;
  std::unique_ptr<clients::redis::Topology> topology_;
  blocks::EtagSource etags_;
  const uint32_t replicas_min_;
  const Duration replicas_timeout_;
  bool started_ = false;
};

}  // namespace layotto::components::state::redis
