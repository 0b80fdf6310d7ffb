// Listener: accepts connections on one listening socket and hands each to an Acceptor.
#pragma once

#include <cstdint>

#include "async/loop.h"
#include "net/listening.h"

namespace layotto::net {

// Takes accepted sockets: non-blocking, close-on-exec, owned by the callee. It may close the
// listener, not destroy it.
class Acceptor {
 public:
  virtual void accepted(int fd) = 0;

 protected:
  ~Acceptor() = default;
};

// Lives on the loop that accepts. When the process runs out of descriptors (or memory) accepting
// pauses for kAcceptPause instead of spinning; `accept_errors` counts it. Errors of a single
// connection that broke before it was accepted are skipped.
class Listener final : private async::IoHandler, private async::Timer {
 public:
  Listener(async::Loop& loop, ListeningSocket socket, Acceptor& acceptor)
      : loop_(loop), socket_(std::move(socket)), acceptor_(acceptor) {}
  ~Listener() { close(); }

  Status start();
  // No more connections; the socket is closed, a Unix file removed.
  void close();

  [[nodiscard]] const Address& address() const { return socket_.address(); }
  [[nodiscard]] uint64_t accepted() const { return accepted_; }
  [[nodiscard]] uint64_t accept_errors() const { return accept_errors_; }

 private:
  void on_io(async::IoEvents events) override;
  void on_timer() override { accept_some(); }
  void accept_some();

  async::Loop& loop_;
  ListeningSocket socket_;
  Acceptor& acceptor_;
  bool watching_ = false;
  uint64_t accepted_ = 0;
  uint64_t accept_errors_ = 0;
};

}  // namespace layotto::net
