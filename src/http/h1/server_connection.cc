#include "http/h1/server_connection.h"

#include <algorithm>

#include "http/h1/fields.h"
#include "http/local_reply.h"

namespace layotto::http::h1 {
namespace {

HeadLimits head_limits(const ServerLimits& limits) {
  return {.bytes_max = limits.header_bytes_max, .fields_max = limits.header_fields_max};
}

}  // namespace

ServerConnection::ServerConnection(std::unique_ptr<net::Connection> connection, ServerEnv& env)
    : connection_(std::move(connection)),
      env_(env),
      tasks_(env.loop),
      progress_(env.loop),
      parser_(head_limits(env.limits)),
      exchange_(env.loop),
      body_(env.loop, *this, head_limits(env.limits)),
      opened_(env.loop.now()),
      idle_since_(opened_),
      last_progress_(opened_) {
  connection_->set_output_source(this);
  env_.live.push_back(*this);
}

// ---- reading

Task<void> ServerConnection::run(ByteView already_read) {
  tasks_.stop_source().link_to(*co_await async::current_stop());
  arm_upkeep();
  draining_ = env_.drain.draining();
  take_in(already_read);
  env_.drain.listen(*this);
  size_t this_pass = 0;
  while (!closing_) {
    if (!unread_.empty() && may_process()) {
      const size_t used = process(unread_.view());
      unread_.remove_prefix(used);
      watch_head();
      continue;
    }
    if (peer_ended_ && !active_ && unread_.empty()) break;
    if (!may_read()) {
      if (!(co_await progress_.wait()).ok()) break;
      continue;
    }
    if (!connection_->readable().is_set()) {
      this_pass = 0;
      if (!(co_await connection_->readable().wait()).ok()) break;
      continue;
    }
    const net::ReadResult got = connection_->read_some(env_.read_buffer);
    if (got.outcome == net::ReadOutcome::kWouldBlock) continue;
    if (got.outcome == net::ReadOutcome::kEnd) {
      on_peer_end();
      continue;
    }
    if (got.outcome != net::ReadOutcome::kBytes) break;
    take_in({env_.read_buffer.data(), got.size});
    this_pass += got.size;
    if (this_pass >= net::kReadBytesPerPassMax) {
      this_pass = 0;
      if (!(co_await env_.loop.yield()).ok()) break;
    }
  }
  // The request's own source hangs on this one.
  const async::StopSource* stopped = co_await async::current_stop();
  tasks_.stop(stopped != nullptr && stopped->fired() ? stopped->reason()
                                                     : async::StopReason::kCancelled);
  co_await tasks_.join();
  co_await say_goodbye();
  connection_->set_output_source(nullptr);
  cancel();
}

// Answers that are complete still leave.
Task<void> ServerConnection::say_goodbye() {
  if (connection_->failure() != nullptr) co_return;
  if (broken_off_ && content_ == Content::kUntilClose) {
    connection_->close(net::Connection::Close::kReset);  // an end would look like the content's
    co_return;
  }
  connection_->schedule_flush();
  co_await net::linger_and_close(*connection_, env_.loop.now() + kLingerTime, kLingerBytesMax);
}

void ServerConnection::take_in(ByteView bytes) {
  const size_t used = process(bytes);
  if (used < bytes.size() && !closing_) unread_ = Bytes::copy(bytes.substr(used));
  watch_head();
}

size_t ServerConnection::process(ByteView bytes) {
  size_t used = 0;
  while (used < bytes.size() && !closing_ && may_process()) {
    const ByteView rest = bytes.substr(used);
    used += body_.ended() ? take_head(rest) : take_body(rest);
  }
  return used;
}

bool ServerConnection::may_process() const {
  if (!body_.ended()) return !body_.full() && body_.fault() == Fault::kNone;
  return !active_ && !is_behind();
}

// One piece at a time: what is read goes to the request under way, or waits for the next.
bool ServerConnection::may_read() const {
  if (peer_ended_ || !unread_.empty() || body_.fault() != Fault::kNone) return false;
  return active_ ? !body_.full() : !is_behind();
}

// The client takes fewer answers than it asks for.
bool ServerConnection::is_behind() const { return connection_->unsent() > net::kUnsentFillMax; }

size_t ServerConnection::take_head(ByteView bytes) {
  size_t used = parser_.feed(bytes);
  if (parser_.fault() != Fault::kNone) {
    refuse(parser_.fault());
  } else if (parser_.complete()) {
    begin_exchange();
    if (head_->method() == Method::kConnect) {
      refuse(Fault::kConnect);
      return used;
    }
    if (!body_.ended()) used += take_body(bytes.substr(used));
    dispatch();
  }
  return used;
}

size_t ServerConnection::take_body(ByteView bytes) {
  const size_t used = body_.take(bytes);
  if (used > 0) body_since_ = env_.loop.now();
  if (body_.fault() != Fault::kNone) {
    env_.counters.protocol_errors.add();
    keep_alive_ = false;
  }
  if (active_) {
    exchange_.request_bytes = body_.payload_bytes();
  } else if (body_.fault() != Fault::kNone || body_.discarded_bytes() > kBodyDiscardMax) {
    end();
  } else if (body_.ended()) {
    idle_since_ = env_.loop.now();
  }
  return used;
}

// A client that will send no more may still wait for its answers.
void ServerConnection::on_peer_end() {
  peer_ended_ = true;
  if (body_.ended()) return;
  keep_alive_ = false;
  if (!active_) {
    end();
    return;
  }
  body_.fail(base::invalid_argument("the client ended within the request's body").downstream());
}

void ServerConnection::body_wanted() {
  body_since_ = env_.loop.now();
  if (!framing_.expects_continue || continue_sent_ || body_.payload_bytes() > 0) return;
  send_interim(ResponseHead(100));
}

// ---- refusing, ending

void ServerConnection::refuse(Fault fault) {
  (is_limit(fault) ? env_.counters.header_limit : env_.counters.protocol_errors).add();
  reply_and_end(base::invalid_argument("the request has {}", fault_text(fault)).downstream(),
                fault_status(fault));
}

// For what never became a request: no filter sees it.
void ServerConnection::reply_and_end(Error error, uint16_t status) {
  Response response = local_reply(std::move(error), status, exchange_);
  env_.counters.local_replies.add();
  keep_alive_ = false;
  content_ = Content::kLength;
  content_left_ = response.body.bytes().size();
  send_head(response.head);
  connection_->out().append(response.body.take_bytes());
  if (active_) {
    exchange_.status = status;
    finish();
  }
  exchange_.reset();
  end();
}

void ServerConnection::flushed() {
  if (connection_->failure() != nullptr) end();
  if (!is_behind()) progress_.wake_all();
}

void ServerConnection::end() {
  if (closing_) return;
  closing_ = true;
  connection_->readable().set();
  progress_.wake_all();
}

ConnectionSnapshot ServerConnection::snapshot() const {
  const TimePoint now = env_.loop.now();
  ConnectionSnapshot shot{.peer = connection_->peer().to_string(),
                          .local = connection_->local().to_string(),
                          .protocol = "HTTP/1.1",
                          .age = now - opened_,
                          .requests = requests_,
                          .bytes_read = connection_->bytes_read(),
                          .bytes_written = connection_->bytes_written(),
                          .unsent = connection_->unsent(),
                          .draining = draining_};
  if (active_) {
    shot.exchanges.push_back({.operation = std::string(exchange_.operation),
                              .stage = std::string(exchange_.stage),
                              .age = now - exchange_.start});
  }
  return shot;
}

}  // namespace layotto::http::h1

namespace layotto::http {

Task<void> serve_h1(std::unique_ptr<net::Connection> connection, ByteView already_read,
                    ServerEnv& env) {
  h1::ServerConnection server(std::move(connection), env);
  co_await server.run(already_read);
}

}  // namespace layotto::http
