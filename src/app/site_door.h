// SiteDoor: a listener that serves pages, on the main loop: the admin listener and the one for
// metrics alone.
#pragma once

#include <memory>

#include "admin/site.h"
#include "app/door.h"
#include "app/door_files.h"
#include "net/listener.h"
#include "net/listening.h"

namespace layotto::app {

class SiteDoor final : private net::Acceptor {
 public:
  // Binds and reads the listener's files; an Error names the address or the file. The site is
  // empty.
  static Result<std::unique_ptr<SiteDoor>> open(DoorEnv env, telemetry::Log log,
                                                const settings::ListenerSettings& listener,
                                                bool actions);
  ~SiteDoor();

  // Filled before start().
  [[nodiscard]] admin::Site& site() { return site_; }
  // Accepts from now on.
  Status start();
  // As bound.
  [[nodiscard]] const net::Address& address() const { return address_; }
  [[nodiscard]] Door& door() { return door_; }
  // Accepts no more; what is open ends by `until`.
  Task<void> stop(TimePoint until);

 private:
  SiteDoor(DoorEnv env, const settings::ListenerSettings& listener, bool actions,
           net::ListeningSocket socket, std::unique_ptr<DoorFiles> files);
  void accepted(int fd) override { door_.accepted(fd); }

  net::Address address_;
  admin::Site site_;
  std::unique_ptr<DoorFiles> files_;
  Door door_;
  net::Listener listener_;
};

}  // namespace layotto::app
