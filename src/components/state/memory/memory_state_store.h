// MemoryStateStore: one worker's front of a SharedMap. Every operation is answered at once: no
// frame, and a warm get allocates nothing.
#pragma once

#include "async/loop.h"
#include "blocks/spec.h"
#include "blocks/state.h"
#include "components/state/memory/shared_map.h"
#include "telemetry/counter.h"

namespace layotto::components::state::memory {

class MemoryStateStore final : public blocks::StateStore, private async::Timer {
 public:
  // How often expired entries are freed, and how many at most in one pass of the loop.
  static constexpr auto kCollectInterval = std::chrono::seconds(1);
  static constexpr size_t kCollectedPerPass = 512;

  // `map` and the parts of `env` outlive the front.
  MemoryStateStore(SharedMap& map, const blocks::WorkerEnv& env);

  Task<Status> start() override;
  Task<void> stop() override;
  [[nodiscard]] blocks::Health health() const override;

  Task<Status> get(std::string_view key, blocks::Consistency consistency,
                   blocks::StateItem& out) override;
  Task<Status> write(blocks::StateWrite write) override;
  Task<Status> write_bulk(std::span<const blocks::StateWrite> writes,
                          std::span<Status> results) override;
  Task<Status> transact(std::span<const blocks::StateWrite> writes) override;

 private:
  void on_timer() override;
  Status write_now(const blocks::StateWrite& write);
  [[nodiscard]] WallTime wall_if_expiring(const blocks::StateWrite& write) const;
  // Counts what was refused for want of room, and sees to it that what expires is freed.
  Status written(Status status, bool expires);

  SharedMap& map_;
  async::Loop& loop_;
  const Clock& clock_;
  telemetry::Counter& full_;
  bool started_ = false;
};

}  // namespace layotto::components::state::memory
