// ServerConnection: an HTTP/2 connection whose requests are answered by a Chain.
//
// One coroutine reads (run()); requests that can be answered at once are answered inside it,
// without a coroutine of their own; the others get one root task each. Everything a pass produced
// leaves in one send at its end: this object is the connection's OutputSource.
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

class ServerConnection final : private StreamOwner,
                               private net::OutputSource,
                               private async::DrainListener,
                               private async::Timer,
                               private LiveConnection {
 public:
  ServerConnection(std::unique_ptr<net::Connection> connection, ServerEnv& env);
  ~ServerConnection();

  // Serves until the connection is over and no task of it is left.
  Task<void> run(ByteView already_read);

  [[nodiscard]] ConnectionSnapshot snapshot() const override;

 private:
  using Streams = base::IntrusiveList<ServerStream, ServerStream>;

  static Task<void> answer_later(ServerConnection* self, ServerStream* stream,
                                 Task<Response> answer);
  static Task<void> pump_later(ServerConnection* self, ServerStream* stream, Response response);

  Session& session() override { return session_; }
  void flush_soon() override { connection_->schedule_flush(); }

  void process(ByteView bytes);
  void handle_events() {
    if (!session_.events().empty()) handle_all_events();
  }
  void handle_all_events();
  void on_head(Event& event);
  void on_data(Event& event);
  void on_trailers(Event& event);
  void on_closed(Event& event);
  void refuse_large_head(ServerStream& stream);
  // Of a request that came at once; `data` are copied.
  Body whole_body(Exchange& exchange, ByteView data);
  // Starts the chain; `body` is complete or the stream itself.
  void dispatch(ServerStream& stream, Body body);
  void dispatch_arriving() {
    if (!arriving_.empty()) dispatch_held();
  }
  void dispatch_held();
  // The client does not read what it asked for: no more of it.
  [[nodiscard]] bool is_behind() const;
  void hold(ServerStream& stream);
  // Submits head and, when at hand, everything; false when a body has to be pumped. The stream may
  // be over then (closed).
  bool send_response(ServerStream& stream, Response& response);
  Task<void> pump(ServerStream& stream, Body body);
  void finish(ServerStream& stream);
  void release(ServerStream& stream);
  void start_task(ServerStream& stream);

  void fill(ByteChain& out) override;
  [[nodiscard]] bool is_over() const;
  void end();  // run() goes on and ends
  Task<void> say_goodbye();
  void count_refusals();
  void count_failure();

  // ---- server_upkeep.cc: what happens because time passes
  void on_drain() override;
  void finish_drain();
  void on_timer() override;
  void watch_heads();
  bool end_overdue(TimePoint now);
  void keep_alive(TimePoint now);
  void reset_stalled_streams(TimePoint now);
  void arm_upkeep();

  std::unique_ptr<net::Connection> connection_;
  ServerEnv& env_;
  Session session_;
  const Chain* chain_ = nullptr;  // that the heads in the session's cache went through
  async::TaskGroup tasks_;
  Streams arriving_;  // have a head; the rest is not here yet, or they are held back
  Streams streams_;   // dispatched
  uint64_t refusals_counted_ = 0;
  uint64_t errors_counted_ = 0;
  uint64_t drops_counted_ = 0;

  TimePoint opened_;
  TimePoint last_read_;
  TimePoint idle_since_;     // the last stream ended
  TimePoint last_progress_;  // of writing
  uint64_t written_before_ = 0;
  uint32_t head_stream_ = 0;  // whose header block is under way …
  TimePoint head_since_{};    // … since when
  TimePoint ping_sent_{};     // not answered yet
  bool drain_announced_ = false;
  bool drain_final_ = false;
  bool closing_ = false;
};

}  // namespace layotto::http::h2
