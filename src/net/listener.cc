#include "net/listener.h"

#include <sys/socket.h>

#include <cerrno>

#include "net/limits.h"

namespace layotto::net {

Status Listener::start() {
  TRY(loop_.watch(socket_.fd(), *this));
  watching_ = true;
  return {};
}

void Listener::close() {
  if (!watching_) return;
  watching_ = false;
  cancel();
  loop_.unwatch(socket_.fd(), *this);
  const ListeningSocket closing(std::move(socket_));
}

void Listener::on_io(async::IoEvents) { accept_some(); }

void Listener::accept_some() {
  for (int i = 0; i < kAcceptsPerPassMax; ++i) {
    if (!watching_) return;  // the acceptor closed us
    const int fd = accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      ++accepted_;
      acceptor_.accepted(fd);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    ++accept_errors_;
    loop_.arm(*this, loop_.now() + kAcceptPause);
    return;
  }
  loop_.arm(*this, loop_.now());  // more may wait: edge-triggered, so come back by ourselves
}

}  // namespace layotto::net
