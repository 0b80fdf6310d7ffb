// EmbeddedStateStore: one worker's front of an Engine. A read is answered at once, from the map,
// and allocates nothing when warm; a write waits for its commit.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>

#include "async/event.h"
#include "async/loop.h"
#include "blocks/spec.h"
#include "blocks/state.h"
#include "components/state/embedded/engine.h"
#include "components/state/embedded/pending.h"
#include "telemetry/counter.h"

namespace layotto::components::state::embedded {

class EmbeddedStateStore final : public blocks::StateStore,
                                 private PendingOwner,
                                 private async::Timer {
 public:
  static constexpr auto kSweepInterval = std::chrono::seconds(1);

  // `engine` and the parts of `env` outlive the front.
  EmbeddedStateStore(Engine& engine, const blocks::WorkerEnv& env);
  ~EmbeddedStateStore() override;

  Task<Status> start() override;
  Task<void> drain() override;
  Task<void> stop() override;
  [[nodiscard]] blocks::Health health() const override;
  Task<Status> probe() override;
  Task<Status> backup(std::string_view folder) override;

  Task<Status> get(std::string_view key, blocks::Consistency consistency,
                   blocks::StateItem& out) override;
  Task<Status> write(blocks::StateWrite write) override;
  Task<Status> write_bulk(std::span<const blocks::StateWrite> writes,
                          std::span<Status> results) override;
  Task<Status> transact(std::span<const blocks::StateWrite> writes) override;

 private:
  class Commit;

  void on_answer(Pending& pending) override;
  void on_timer() override;
  void watch_expiry();

  static Task<Status> open(EmbeddedStateStore* self);
  static Task<Status> until_idle(EmbeddedStateStore* self);
  static Task<void> close(EmbeddedStateStore* self);
  static Task<Status> ask(EmbeddedStateStore* self);
  static Task<Status> copy(EmbeddedStateStore* self, std::string to);
  static Task<Status> write_one(EmbeddedStateStore* self, blocks::StateWrite write);
  static Task<Status> write_each(EmbeddedStateStore* self,
                                 std::span<const blocks::StateWrite> writes,
                                 std::span<Status> results);
  static Task<Status> write_all(EmbeddedStateStore* self,
                                std::span<const blocks::StateWrite> writes);
  Status counted(Status status);

  const std::shared_ptr<Engine> engine_;
  async::Loop& loop_;
  telemetry::Counter& full_;
  std::unique_ptr<Storage::Reader> reader_;
  std::string failure_;  // of start() and probe()
  bool started_ = false;
  size_t in_flight_ = 0;
  async::Event idle_;  // set while nothing is in flight
};

}  // namespace layotto::components::state::embedded
