// ServerConnection: an HTTP/2 connection whose requests are answered by a Chain.
//
// One coroutine reads (run()); requests that can be answered at once are answered inside it, without
// a coroutine of their own; the others get one root task each. Everything a pass produced leaves in
// one send at its end: this object is the connection's OutputSource.
#pragma once

#include <memory>

#include "async/drain.h"
#include "async/task_group.h"
#include "base/intrusive_list.h"
#include "http/h2/server_stream.h"
#include "http/h2/session.h"
#include "http/server.h"
#include "net/connection.h"

namespace layotto::http::h2 {

class ServerConnection final : private net::OutputSource,
                               private async::DrainListener,
                               private async::Timer,
                               private LiveConnection {
 public:
  ServerConnection(std::unique_ptr<net::Connection> connection, ServerEnv& env);
  ~ServerConnection();

  // Serves until the connection is over and no task of it is left.
  Task<void> run(ByteView already_read);

  // ---- for its streams
  void consumed(ServerStream& stream, size_t n);
  void send_interim(ServerStream& stream, const ResponseHead& head);

  [[nodiscard]] ConnectionSnapshot snapshot() const override;

 private:
  static Task<void> answer_later(ServerConnection* self, ServerStream* stream,
                                 Task<Response> answer);
  static Task<void> pump_later(ServerConnection* self, ServerStream* stream, Response response);

  void process(ByteView bytes);
  void handle_events();
  void on_head(Event& event);
  void on_data(Event& event);
  void on_trailers(Event& event);
  void on_closed(Event& event);
  // Starts the chain; `body` is complete or the stream itself.
  void dispatch(ServerStream& stream, Body body);
  void dispatch_pending();
  // Submits head and, when at hand, everything; false when a body has to be pumped.
  bool send_response(ServerStream& stream, Response& response);
  Task<void> pump(ServerStream& stream, Body body);
  void finish(ServerStream& stream);
  void release(ServerStream& stream);
  void start_task(ServerStream& stream);

  void fill(ByteChain& out) override;
  void on_drain() override;
  void on_timer() override;
  void arm_housekeeping();
  void count_failure();

  std::unique_ptr<net::Connection> connection_;
  ServerEnv& env_;
  Session session_;
  async::TaskGroup tasks_;
  base::IntrusiveList<ServerStream, ServerStream> streams_;
  size_t pending_ = 0;  // streams with a head and no dispatch yet
  TimePoint opened_;
  TimePoint last_read_;
  TimePoint last_progress_;  // of writing
  uint64_t written_before_ = 0;
  bool ping_outstanding_ = false;
  bool drain_announced_ = false;
  bool drain_final_ = false;
  bool closing_ = false;
};

}  // namespace layotto::http::h2
