// ClientConnection: requests answered by the peer of one HTTP/2 connection. An http::Handler: any
// number of requests at once, bodies streamed both ways with backpressure, 1xx heads passed on to
// the exchange.
//
// A request is under its exchange: when exchange.stop fires (deadline, cancellation) the stream is
// reset. What is still open when the exchange ends is reset too. Errors say whether trying again is
// safe: Error::retry() is kYes when the peer surely has not looked at the request (refused, behind
// its GOAWAY, never written), kIfReusedConnection when the connection broke.
//
//   auto client = std::make_unique<ClientConnection>(std::move(connection), read_buffer, limits);
//   client->start();
//   Result<Response> response = co_await client->handle(std::move(request), exchange);
//   co_await client->stop();
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "async/task_group.h"
#include "base/intrusive_list.h"
#include "http/h2/session.h"
#include "http/h2/stream.h"
#include "http/handler.h"
#include "net/connection.h"

namespace layotto::http::h2 {

class ClientConnection final : public Handler,
                               private StreamOwner,
                               private net::OutputSource,
                               private async::Timer {
 public:
  // `read_buffer` is the worker's, shared by all its connections. Of `limits` those count that are
  // not about requests from strangers: header sizes, windows, keepalive.
  ClientConnection(std::unique_ptr<net::Connection> connection, std::span<char> read_buffer,
                   const ServerLimits& limits);
  // Must have been stopped, if started.
  ~ClientConnection() override;

  // Begins to read.
  void start();
  Task<Result<Response>> handle(Request request, Exchange& exchange) override;

  // How many requests it takes now; 0 when it is broken, drained or busy.
  [[nodiscard]] size_t streams_available() const;
  // False: it will never take another request.
  [[nodiscard]] bool usable() const;
  [[nodiscard]] size_t open_streams() const { return session_.open_streams(); }
  // No new requests; ends when those under way have ended.
  void drain();
  // Ends now: requests under way fail. Returns when nothing of it runs any more.
  Task<void> stop();

 private:
  class ClientStream;
  class Lease;

  static Task<void> run(ClientConnection* self);
  static Task<void> send_body(ClientStream* stream, Body body);
  static Task<Result<Response>> await_head(ClientStream* stream);

  Session& session() override { return session_; }
  void flush_soon() override { connection_->schedule_flush(); }
  void fill(ByteChain& out) override;
  void on_timer() override;

  void handle_events();
  void pass_on_interim(ClientStream& stream, Event& event);
  void on_closed(ClientStream& stream, const Event& event);
  void release(ClientStream& stream);
  void lose_streams();
  [[nodiscard]] Error loss_of(const ClientStream& stream) const;
  [[nodiscard]] bool is_over() const;
  void end();
  void arm_upkeep();

  std::unique_ptr<net::Connection> connection_;
  std::span<char> read_buffer_;
  ServerLimits limits_;
  Session session_;
  async::TaskGroup tasks_;
  base::IntrusiveList<ClientStream, ClientStream> streams_;
  TimePoint last_read_;
  TimePoint ping_sent_{};  // not answered yet
  bool drained_ = false;
  bool closing_ = false;
  bool stopped_ = false;
  bool lost_ = false;  // no event reaches a stream any more
  bool keepalive_failed_ = false;
};

}  // namespace layotto::http::h2
