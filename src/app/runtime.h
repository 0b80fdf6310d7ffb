// Runtime: the process from its configuration to its exit code. Runs on the main thread: it opens
// the doors, makes the workers, serves the admin pages, listens to signals, and ends everything in
// the order of shutdown.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/health_board.h"
#include "app/pages.h"
#include "app/process.h"
#include "app/shutdown.h"
#include "app/signals.h"
#include "app/site_door.h"
#include "app/worker.h"
#include "async/task_group.h"
#include "blocks/catalog.h"
#include "net/listening.h"
#include "settings/load.h"

namespace layotto::app {

struct RuntimeOptions {
  settings::LoadedConfig config;
  // Reads the configuration again (SIGHUP); null when there is no file.
  std::function<std::optional<settings::LoadedConfig>(config::Problems& problems)> reload;
  Environment env = nullptr;
  std::string program;  // argv[0], for the commands the banner proposes
  bool strict = false;  // refuse what is only warned about
  bool quiet = false;   // no banner
};

// Returns the exit code: 0 after a clean stop, 1 when it could not start (said on stderr).
int run_runtime(RuntimeOptions options, const blocks::Catalog& catalog);

class Runtime final : private ShutdownActions {
 public:
  Runtime(RuntimeOptions options, const blocks::Catalog& catalog,
          std::unique_ptr<telemetry::LogFile> log_file);
  ~Runtime();

  int run();

 private:
  // One listening socket of the API until a worker (or the accepter) has it.
  struct OpenDoor {
    size_t index;
    net::ListeningSocket socket;
  };
  // With several workers: accepts here and hands on.
  struct Accepter final : net::Acceptor {
    Accepter(Runtime& runtime_in, size_t door_in) : runtime(runtime_in), door(door_in) {}
    void accepted(int fd) override { runtime.hand_on(door, fd); }
    Runtime& runtime;
    size_t door;
  };
  Status set_up();
  Status set_up_logs();
  Status set_log_levels(const settings::LogSettings& log);
  Status open_doors();
  Status make_workers();
  Status make_site_doors();
  Result<std::unique_ptr<SiteDoor>> open_site(const settings::ListenerSettings& listener,
                                              bool actions);
  Status check_openness();
  void on_worker_tried(Status result);
  Status begin_serving();
  void print_banner() const;

  void on_signal(int number);
  void reload();
  void apply_live();
  void fail(Error error);
  void begin_shutdown(std::string_view why);
  static Task<void> run_shutdown(Runtime* self);
  Task<void> shutdown_step(ShutdownStep step) override;
  void shutdown_progress(std::string_view step) override;
  void begin_drain();

  void hand_on(size_t door, int fd);

  // Runs `task` on every worker's thread and waits for all.
  using WorkerTask = std::function<Task<void>(Worker&)>;
  Task<void> on_every_worker(WorkerTask task);
  Task<Result<std::vector<http::ConnectionSnapshot>>> connections(async::Loop& here);
  Task<Status> backup(async::Loop& here, std::string component, std::string folder);
  void fill_page_sources();
  void publish_config_pages();

  RuntimeOptions options_;
  const blocks::Catalog& catalog_;
  // As started; workers read it while they are made.
  const settings::LoadedConfig config_;
  // The same with what reloads have changed.
  settings::LoadedConfig in_force_;
  Process process_;
  telemetry::Log log_;
  async::Loop loop_;
  std::unique_ptr<SignalWatch> signals_;
  HealthBoard board_;
  std::optional<SharedComponents> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<OpenDoor> open_doors_;
  std::vector<net::Address> addresses_;  // as bound
  std::vector<std::unique_ptr<Accepter>> accepters_;
  std::vector<std::unique_ptr<net::Listener>> accepter_listeners_;
  PidFile pid_file_;

  std::vector<std::unique_ptr<DoorFiles>> door_files_;  // of the API listeners

  // Of the pages that the main loop serves.
  std::unique_ptr<telemetry::Shard> metrics_;
  Random random_;
  std::vector<char> read_buffer_;
  http::LiveConnections live_;
  std::unique_ptr<PageSources> sources_;
  std::unique_ptr<SiteDoor> admin_;
  std::unique_ptr<SiteDoor> metrics_door_;  // null: /metrics of the admin listener only

  async::TaskGroup tasks_;
  TimePoint drain_until_{};
  size_t worker_count_ = 0;
  size_t untried_workers_ = 0;
  bool serving_ = false;
  bool shutting_down_ = false;
  int exit_code_ = 0;
};

}  // namespace layotto::app
