#include "app/site_door.h"

#include <utility>

namespace layotto::app {

Result<std::unique_ptr<SiteDoor>> SiteDoor::open(DoorEnv env, telemetry::Log log,
                                                 const settings::ListenerSettings& listener,
                                                 bool actions) {
  TRY(const net::Address address, net::Address::parse(listener.address));
  TRY(auto socket, net::ListeningSocket::open(address, {.mode = settings::mode_bits(listener.mode),
                                                        .group = listener.group}));
  TRY(auto files, DoorFiles::start(env.loop, log, listener));
  return std::unique_ptr<SiteDoor>(
      new SiteDoor(env, listener, actions, std::move(socket), std::move(files)));
}

SiteDoor::SiteDoor(DoorEnv env, const settings::ListenerSettings& listener, bool actions,
                   net::ListeningSocket socket, std::unique_ptr<DoorFiles> files)
    : address_(socket.address()),
      site_({.actions = actions, .metrics = &env.metrics}),
      files_(std::move(files)),
      door_(env, listener, site_, "page"),
      listener_(env.loop, std::move(socket), *this) {
  door_.set_tls(files_->tls());
  door_.set_token(files_->token());
  files_->on_change({.tls = [this](DoorFiles::TlsSnapshot tls) { door_.set_tls(std::move(tls)); },
                     .token = [this](const config::Secret& token) { door_.set_token(token); }});
}

SiteDoor::~SiteDoor() = default;

Status SiteDoor::start() { return listener_.start(); }

Task<void> SiteDoor::stop(TimePoint until) {
  listener_.close();
  door_.begin_drain();
  co_await door_.finish(until);
  co_await files_->stop();
}

}  // namespace layotto::app
