// Listening sockets are opened here and nowhere else, so that they can one day be adopted from an
// older process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "net/address.h"

namespace layotto::net {

struct ListenOptions {
  // Unix sockets: permission bits of the socket file; the group that owns it (name or number,
  // empty: the process's own).
  mode_t mode = 0600;
  std::string group;
  bool ipv6_only = false;
};

// An open listening socket. Closes it when destroyed; removes the file of a Unix socket that is
// still its own.
class ListeningSocket {
 public:
  // Binds and listens. A Unix path left behind by a process that is gone is replaced (checked by
  // connecting to it); one that answers is "already in use". A regular file there is never touched.
  // Missing parent folders are created with mode 0700.
  static Result<ListeningSocket> open(const Address& address, const ListenOptions& options);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  [[nodiscard]] int fd() const { return fd_; }
  // With the port the kernel chose when 0 was asked for.
  [[nodiscard]] const Address& address() const { return address_; }

 private:
  ListeningSocket(int fd, Address address) : fd_(fd), address_(address) {}

  int fd_;
  Address address_;
  // Identity of our socket file, so that we do not remove another one's.
  dev_t device_ = 0;
  ino_t inode_ = 0;
  int lock_fd_ = -1;
};

}  // namespace layotto::net
