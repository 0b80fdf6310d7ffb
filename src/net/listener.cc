#include "net/listener.h"

#include <sys/socket.h>

#include <cerrno>

#include "net/limits.h"

namespace layotto::net {
namespace {

// accept(2) also reports what happened to one connection before it was accepted: on to the next.
bool of_one_connection(int error_number) {
  switch (error_number) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENONET:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

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

void Listener::on_io(async::IoEvents) {
  if (!armed()) accept_some();  // while it pauses the timer comes back
}

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
    if (of_one_connection(errno)) continue;
    ++accept_errors_;
    loop_.arm(*this, loop_.now() + kAcceptPause);
    return;
  }
  if (!watching_) return;
  loop_.arm(*this, loop_.now());  // more may wait: edge-triggered, so come back by ourselves
}

}  // namespace layotto::net
