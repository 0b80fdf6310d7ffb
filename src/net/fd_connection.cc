#include "net/fd_connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "net/socket_io.h"

namespace layotto::net {
namespace {

Address name_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_un storage{};  // as large as any family we use
  socklen_t length = sizeof(storage);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  if (ask(fd, generic, &length) != 0) return {};
  return Address::from_sockaddr(generic, length);
}

int get_name(int fd, sockaddr* a, socklen_t* l) { return getsockname(fd, a, l); }
int get_peer(int fd, sockaddr* a, socklen_t* l) { return getpeername(fd, a, l); }

// The peer of an accepted Unix socket has no name of its own: say where it connected to.
Error io_error(const char* what, const Address& peer, const Address& local, int error_number) {
  const bool nameless = !peer.is_ip() && peer.path().empty();
  return base::unavailable("{} {}{}: {}", what, nameless ? "a peer of " : "",
                           (nameless ? local : peer).to_string(), base::errno_text(error_number))
      .retryable_if_reused();
}

}  // namespace

Result<std::unique_ptr<FdConnection>> FdConnection::adopt(async::Loop& loop, int fd) {
  std::unique_ptr<FdConnection> connection(new FdConnection(loop, fd));
  TRY(loop.watch(fd, *connection));
  return connection;
}

FdConnection::FdConnection(async::Loop& loop, int fd)
    : Connection(loop), fd_(fd), readable_(loop), writable_(loop) {
  local_ = name_of(fd, get_name);
  peer_ = name_of(fd, get_peer);
  if (local_.is_ip()) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  }
}

FdConnection::~FdConnection() { close(Close::kOrderly); }

void FdConnection::on_io(async::IoEvents events) {
  if (events.hangup) hangup_ = true;
  // Every event says "writable" too; only a socket that was full has something to catch up on.
  if (events.writable && !writable_.is_set()) {
    writable_.set();
    if (!out_.empty() || source_ != nullptr || finish_requested_) schedule_flush();
  }
  if (events.readable) readable_.set();
}

ReadResult FdConnection::read_some(std::span<char> into) {
  DCHECK(!into.empty());
  if (fd_ < 0) return {ReadOutcome::kError};
  while (true) {
    const ssize_t n = receive(fd_, into);
    if (n > 0) {
      const auto size = static_cast<size_t>(n);
      bytes_read_ += size;
      if (size < into.size() && !hangup_) readable_.clear();
      return {ReadOutcome::kBytes, size};
    }
    if (n < 0 && errno == EINTR) continue;
    // The kernel reports a broken connection once. If a send was told, this is not a clean end.
    if (failure_.has_value()) return {ReadOutcome::kError};
    if (n == 0) return {ReadOutcome::kEnd};
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      readable_.clear();
      return {ReadOutcome::kWouldBlock};
    }
    fail(io_error("reading from", peer_, local_, errno));
    return {ReadOutcome::kError};
  }
}

void FdConnection::at_pass_end() {
  if (fd_ < 0 || failure_.has_value()) return;
  send_out();
  announce_room();
}

void FdConnection::send_out() {
  while (true) {
    fill_from_source();
    if (out_.empty()) break;
    if (!writable_.is_set()) return;  // EPOLLOUT will bring us back
    const bool source_exhausted = out_.size() < kUnsentFillMax;
    std::array<iovec, kSendVectorsMax> vectors;
    const std::span<iovec> gathered(vectors.data(), out_.gather(vectors));
    size_t offered = 0;
    for (const iovec& each : gathered) offered += each.iov_len;
    const ssize_t n = send_vectors(fd_, gathered);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        writable_.clear();
        return;
      }
      fail(io_error("writing to", peer_, local_, errno));
      readable_.set();  // the reader finds out
      return;
    }
    const auto sent = static_cast<size_t>(n);
    bytes_written_ += sent;
    out_.consume(sent);
    // Less than offered: the socket buffer is full, the next edge tells when it is not.
    if (sent < offered) {
      writable_.clear();
      return;
    }
    if (out_.empty() && source_exhausted) break;
  }
  if (finish_requested_ && !finished_) {
    finished_ = true;
    shutdown(fd_, SHUT_WR);
  }
}

void FdConnection::finish_writing() {
  finish_requested_ = true;
  schedule_flush();
}

void FdConnection::close(Close how) {
  if (fd_ < 0) return;
  if (how == Close::kReset && local_.is_ip()) {
    const linger abort_now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
  }
  loop_.unwatch(fd_, *this);
  ::close(fd_);
  fd_ = -1;
  fail(Error::cancelled());
  readable_.set();
}

Task<Status> FdConnection::wait_connected() {
  CO_TRY(co_await writable_.wait());
  int error_number = 0;
  socklen_t length = sizeof(error_number);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_number, &length);
  if (error_number != 0) {
    co_return base::unavailable("{}", base::errno_text(error_number)).upstream().retryable();
  }
  peer_ = name_of(fd_, get_peer);
  peer_text_.clear();
  local_ = name_of(fd_, get_name);
  co_return Status{};
}

}  // namespace layotto::net
