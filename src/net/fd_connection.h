// FdConnection: a Connection over a stream socket.
#pragma once

#include <memory>

#include "async/loop.h"
#include "net/connection.h"

namespace layotto::net {

class FdConnection final : public Connection, private async::IoHandler {
 public:
  // Takes over `fd`, a connected non-blocking stream socket (or one still connecting: then
  // wait_connected() must succeed first). Fails when it cannot be watched; `fd` is closed then.
  static Result<std::unique_ptr<FdConnection>> adopt(async::Loop& loop, int fd);
  ~FdConnection() override;

  ReadResult read_some(std::span<char> into) override;
  async::Readiness& readable() override { return readable_; }
  void finish_writing() override;
  void close(Close how) override;
  [[nodiscard]] const Address& peer() const override { return peer_; }
  [[nodiscard]] const Address& local() const override { return local_; }

  // For a socket on which connect(2) answered EINPROGRESS: waits for the outcome. The Error has the
  // system's words and no more: the caller knows whom it called.
  Task<Status> wait_connected();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  FdConnection(async::Loop& loop, int fd);
  void on_io(async::IoEvents events) override;
  void at_pass_end() override;
  void send_out();

  int fd_;
  Address peer_;
  Address local_;
  async::Readiness readable_;
  async::Readiness writable_;
  bool hangup_ = false;            // a short read does not mean "empty" any more
  bool finish_requested_ = false;  // shutdown(SHUT_WR) once out() is empty
  bool finished_ = false;
};

}  // namespace layotto::net
