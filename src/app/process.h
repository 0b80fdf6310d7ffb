// Process: what there is once per process, and the small dealings with the operating system:
// limits, folders, the pid file, the service manager.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "async/blocking_pool.h"
#include "base/clock.h"
#include "base/error.h"
#include "telemetry/access_log.h"
#include "telemetry/log.h"
#include "telemetry/log_file.h"
#include "telemetry/metrics.h"

namespace layotto::app {

// Made first, destroyed last; everything else borrows from it.
struct Process {
  explicit Process(std::unique_ptr<telemetry::LogFile> file)
      : log_file(std::move(file)), logger(*log_file, clock) {}

  base::SystemClock clock;
  base::TickClock ticks;
  telemetry::Metrics metrics;
  std::unique_ptr<telemetry::LogFile> log_file;
  telemetry::Logger logger;
  async::BlockingPool blocking{{.threads_max = 4, .queue_max = 1024}};
  std::string data_folder;
  std::string app_id;
  std::string instance_id;
  const WallTime started = clock.wall_now();
  // Null: no access log.
  std::unique_ptr<telemetry::LogFile> access_log_file;
  std::unique_ptr<telemetry::AccessLogFormat> access_log_format;
};

// What the environment says about where files go. Pure: `env` answers like getenv.
using Environment = const char* (*)(const char* name);
// $XDG_DATA_HOME/layotto, else $HOME/.local/share/layotto, else /var/lib/layotto.
std::string default_data_folder(Environment env);
// $XDG_RUNTIME_DIR/layotto/layotto.sock; without it /run/user/UID if that exists, else
// /run/layotto/layotto.sock for root and /tmp/layotto-UID/layotto.sock for others.
std::string default_socket_path(Environment env);

// Makes the folder and its parents with mode 0700 where they are missing. An existing folder that
// others may write to is refused.
Status make_private_folder(const std::string& path);

// Raises the soft limit of open files to the hard one; returns the limit in force.
uint64_t raise_file_limit();
// Processors this process may use: the cgroup's quota (rounded up), else the affinity mask.
unsigned usable_processors();

// Writes the process's number at start, removes the file when destroyed, if it is still ours.
class PidFile {
 public:
  PidFile() = default;
  static Result<PidFile> write(std::string path);
  PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PidFile& operator=(PidFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~PidFile();

 private:
  std::string path_;
};

// Tells the service manager ($NOTIFY_SOCKET), as systemd's sd_notify(3): "READY=1", "STOPPING=1",
// "RELOADING=1". Without a manager nothing happens.
void notify_service_manager(std::string_view state, Environment env);

// Hexadecimal, 16 digits: who this process is among its like.
std::string make_instance_id();

}  // namespace layotto::app
