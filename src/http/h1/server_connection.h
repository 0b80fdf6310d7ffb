// ServerConnection: an HTTP/1 connection whose requests are answered by a Chain, one after the
// other, in the order they came.
//
// One coroutine reads (run()). A request that can be answered at once is answered inside it; any
// other gets a root task, and meanwhile run() takes in the request's body, as far as the handler
// keeps up, and watches whether the client stays. Bytes of further requests wait unread.
#pragma once

#include <memory>
#include <optional>

#include "async/drain.h"
#include "async/task_group.h"
#include "http/chain.h"
#include "http/exchange.h"
#include "http/h1/head_parser.h"
#include "http/h1/request_body.h"
#include "http/h1/response_writer.h"
#include "http/server.h"
#include "net/connection.h"

namespace layotto::http::h1 {

class ServerConnection final : private net::OutputSource,
                               private async::DrainListener,
                               private async::Timer,
                               private LiveConnection,
                               private ExchangePort,
                               private BodyOwner {
 public:
  ServerConnection(std::unique_ptr<net::Connection> connection, ServerEnv& env);
  ~ServerConnection() = default;

  // Serves until the connection is over and no task of it is left.
  Task<void> run(ByteView already_read);

  [[nodiscard]] ConnectionSnapshot snapshot() const override;

 private:
  static Task<void> answer_later(ServerConnection* self, Task<Response> answer);
  static Task<void> pump_later(ServerConnection* self, Response response);

  // ---- reading
  void take_in(ByteView bytes);
  // Returns how much was used: the rest waits for the request under way.
  size_t process(ByteView bytes);
  size_t take_head(ByteView bytes);
  size_t take_body(ByteView bytes);
  [[nodiscard]] bool may_process() const;
  [[nodiscard]] bool may_read() const;
  [[nodiscard]] bool is_behind() const;
  void on_peer_end();
  void body_wanted() override;
  void body_taken() override { progress_.wake_all(); }

  // ---- server_answer.cc: how a request is answered
  void begin_exchange();
  void dispatch();
  // Head and, when at hand, everything; false when a body has to be pumped.
  bool send_response(Response& response);
  void plan_content(const Response& response);
  void decide_keep_alive(const HeaderMap& headers);
  [[nodiscard]] bool has_no_content(uint16_t status) const;
  void send_head(const ResponseHead& head);
  [[nodiscard]] bool send_piece(Bytes data);
  [[nodiscard]] bool send_end(const HeaderMap* trailers);
  Task<void> pump(Body body);
  Task<Status> pump_all(Body& body);
  void finish();
  void send_interim(const ResponseHead& head) override;

  // ---- refusing, ending
  void refuse(Fault fault);
  void reply_and_end(Error error, uint16_t status);
  void fill(ByteChain&) override {}
  void flushed() override;
  void end();  // run() goes on and ends
  Task<void> say_goodbye();

  // ---- server_upkeep.cc: what happens because time passes
  void on_drain() override;
  void on_timer() override;
  void watch_head();
  bool end_overdue(TimePoint now);
  void end_stalled_body(TimePoint now);
  void arm_upkeep();
  [[nodiscard]] bool is_idle() const { return !active_ && body_.ended() && !parser_.started(); }
  [[nodiscard]] TimePoint body_due() const;

  std::unique_ptr<net::Connection> connection_;
  ServerEnv& env_;
  async::TaskGroup tasks_;
  async::Event progress_;  // what run() waits for when it must not read
  HeadParser parser_;
  Bytes unread_;
  DateText date_;

  // The request under way.
  Exchange exchange_;
  std::optional<RequestHead> head_;  // as received
  const Chain* chain_ = nullptr;
  Framing framing_;
  RequestBody body_;
  Content content_ = Content::kNone;
  uint64_t content_left_ = 0;  // kLength
  bool active_ = false;
  bool head_sent_ = false;
  bool continue_sent_ = false;
  bool body_stalled_ = false;

  uint64_t requests_ = 0;
  bool keep_alive_ = true;
  bool draining_ = false;
  bool peer_ended_ = false;
  bool broken_off_ = false;  // a response did not come to its end
  bool closing_ = false;

  TimePoint opened_;
  TimePoint idle_since_;     // the last request ended
  TimePoint head_since_{};   // a head is under way …
  bool head_begun_ = false;  // … if one is
  TimePoint body_since_{};   // the body was waited for, or the last of it came
  TimePoint last_progress_;  // of writing
  TimePoint written_at_{};   // seen
  uint64_t written_before_ = 0;
};

}  // namespace layotto::http::h1
