// DoorFiles: what a listener reads from files that may change while it serves: its certificate and
// its token. Lives on the main loop; new content is handed to whoever has doors of that listener.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/task_group.h"
#include "config/secret.h"
#include "net/tls_watch.h"
#include "settings/runtime_config.h"
#include "telemetry/log.h"

namespace layotto::app {

class DoorFiles final : private async::Timer {
 public:
  using TlsSnapshot = std::shared_ptr<const net::TlsServerContext>;
  // Called on the main loop when something is new.
  struct Handlers {
    std::function<void(TlsSnapshot)> tls;
    std::function<void(config::Secret)> token;
  };

  // Reads everything once; an Error names the file. `handlers` are called for changes only.
  static Result<std::unique_ptr<DoorFiles>> start(async::Loop& loop, telemetry::Log log,
                                                  const settings::ListenerSettings& listener);
  ~DoorFiles() { cancel(); }

  void on_change(Handlers handlers) { handlers_ = std::move(handlers); }
  [[nodiscard]] TlsSnapshot tls() const { return tls_ != nullptr ? tls_->current() : nullptr; }
  [[nodiscard]] const config::Secret& token() const { return token_; }
  // Ends the watching; awaited before destruction.
  Task<void> stop();

 private:
  DoorFiles(async::Loop& loop, telemetry::Log log, const settings::ListenerSettings& listener)
      : loop_(loop), log_(log), listener_(listener), tasks_(loop) {}
  Status load();
  Status load_token();
  void on_timer() override;
  static Task<void> follow_tls(DoorFiles* self);

  async::Loop& loop_;
  telemetry::Log log_;
  const settings::ListenerSettings listener_;
  Handlers handlers_;
  std::unique_ptr<net::TlsCertificateWatch<net::TlsServerContext>> tls_;
  net::FileVersions token_versions_;
  config::Secret token_;
  async::TaskGroup tasks_;
};

}  // namespace layotto::app
