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
  tasks_.stop(async::StopReason::kCancelled);  // the request's own source hangs on this one
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

// ---- answering

void ServerConnection::begin_exchange() {
  active_ = true;
  head_begun_ = false;
  head_sent_ = continue_sent_ = body_stalled_ = false;
  ++requests_;
  framing_ = parser_.framing();
  keep_alive_ = framing_.keep_alive;
  content_ = Content::kNone;
  exchange_.head_block = parser_.take_block();
  exchange_.head_block->line().scheme = connection_->tls() != nullptr ? "https" : "http";
  parser_.begin();
  body_.begin(framing_);

  head_.emplace(*exchange_.head_block.get());
  exchange_.request = &*head_;
  exchange_.port = this;
  exchange_.connection = connection_.get();
  exchange_.drain = &env_.drain;
  exchange_.start = env_.loop.now();
  exchange_.start_ticks = env_.ticks.ticks();
  exchange_.stop.link_to(tasks_.stop_source());
  env_.counters.requests.add();
  env_.counters.requests_active.add();
}

void ServerConnection::dispatch() {
  Body body;
  if (framing_.kind != Framing::Kind::kNone) {
    body = body_.ended() ? body_.take_complete(exchange_.arena) : Body::stream(body_);
  }
  chain_ = env_.chain;
  Task<Response> answer =
      chain_->handle(Request{.head = *head_, .body = std::move(body)}, exchange_);
  if (!answer.is_ready()) {
    exchange_.arm_deadline();
    tasks_.spawn_under(exchange_.stop, &answer_later, this, std::move(answer));
    return;
  }
  Response response = std::move(answer).take();
  if (send_response(response)) {
    env_.counters.requests_inline.add();
    if (exchange_.tasks.running() == 0) {
      finish();
      return;
    }
  }
  exchange_.arm_deadline();
  tasks_.spawn_under(exchange_.stop, &pump_later, this, std::move(response));
}

Task<void> ServerConnection::answer_later(ServerConnection* self, Task<Response> answer) {
  Response response = co_await std::move(answer);
  if (!self->send_response(response)) co_await self->pump(std::move(response.body));
  co_await self->exchange_.tasks.join();
  self->finish();
}

Task<void> ServerConnection::pump_later(ServerConnection* self, Response response) {
  if (!response.body.is_complete()) co_await self->pump(std::move(response.body));
  co_await self->exchange_.tasks.join();
  self->finish();
}

bool ServerConnection::send_response(Response& response) {
  if (response.head.status < 200) {
    response = local_reply(base::internal("a final response with status {}", response.head.status),
                           exchange_);
  }
  if (exchange_.failure.has_value()) {
    env_.counters.local_replies.add();
    if (body_stalled_) response.head.status = 408;
  }
  exchange_.status = response.head.status;
  plan_content(response);
  decide_keep_alive(response.head.headers);
  send_head(response.head);
  if (has_no_content(response.head.status)) {
    content_ = Content::kNone;
    response.body = Body();
  }
  if (!response.body.is_complete()) return false;
  const HeaderMap* trailers = response.body.trailers();
  const bool whole = send_piece(response.body.take_bytes()) && send_end(trailers);
  CHECK(whole, "a complete body has its own length");
  return true;
}

// RFC 9110 §6.4.1: answers that have no content whatever their fields say.
bool ServerConnection::has_no_content(uint16_t status) const {
  return head_->method() == Method::kHead || status == 204 || status == 304;
}

void ServerConnection::plan_content(const Response& response) {
  const uint16_t status = response.head.status;
  const bool complete = response.body.is_complete();
  const bool http11 = head_->protocol() == Protocol::kHttp11;
  content_left_ = 0;
  if (status == 204) {
    content_ = Content::kNone;
  } else if (has_no_content(status)) {
    content_ = Content::kAsStated;
    if (complete && !response.body.empty()) {
      content_ = Content::kLength;
      content_left_ = response.body.bytes().size();
    }
  } else if (complete && (response.body.trailers() == nullptr || !http11)) {
    content_ = Content::kLength;
    content_left_ = response.body.bytes().size();
  } else if (const auto length = stated_length(response.head.headers);
             !complete && length.has_value()) {
    content_ = Content::kLength;
    content_left_ = *length;
  } else {
    content_ = http11 ? Content::kChunked : Content::kUntilClose;
  }
}

// Told in the head, so that the client knows what becomes of its next request.
void ServerConnection::decide_keep_alive(const HeaderMap& headers) {
  const uint32_t max = env_.limits.requests_per_connection_max;
  const bool unasked = framing_.expects_continue && !continue_sent_ && !body_.ended() &&
                       body_.payload_bytes() == 0;  // it may send the body or not
  const bool too_much = body_.abandoned() && body_.length_left() > kBodyDiscardMax;
  const bool enough = max > 0 && requests_ >= max;
  if (draining_ || content_ == Content::kUntilClose || unasked || too_much || enough) {
    keep_alive_ = false;
  }
  if (const auto option = headers.get(HeaderId::kConnection); option.has_value()) {
    for_each_element(*option, [this](std::string_view element) {
      if (equals_ignoring_case(element, "close")) keep_alive_ = false;
    });
  }
}

void ServerConnection::send_head(const ResponseHead& head) {
  head_sent_ = true;
  const bool http10 = head_.has_value() && head_->protocol() == Protocol::kHttp10;
  HeadFrame frame{.content = content_,
                  .length = content_left_,
                  .server = env_.server_name,
                  .date = date_.at(env_.loop.now(), env_.loop.clock())};
  if (!keep_alive_) {
    frame.connection = ConnectionOption::kClose;
  } else if (http10) {
    frame.connection = ConnectionOption::kKeepAlive;
  }
  env_.counters.invalid_response_headers.add(append_head(head, frame, connection_->out()));
  connection_->schedule_flush();
}

bool ServerConnection::send_piece(Bytes data) {
  ByteChain& out = connection_->out();
  exchange_.response_bytes += data.size();
  connection_->schedule_flush();
  switch (content_) {
    case Content::kNone:
    case Content::kAsStated:
      break;
    case Content::kLength:
      if (data.size() > content_left_) return false;
      content_left_ -= data.size();
      [[fallthrough]];
    case Content::kUntilClose:
      out.append(std::move(data));
      break;
    case Content::kChunked:
      append_chunk(std::move(data), out);
      break;
  }
  return true;
}

bool ServerConnection::send_end(const HeaderMap* trailers) {
  if (content_ == Content::kLength) return content_left_ == 0;
  if (content_ == Content::kChunked) {
    env_.counters.invalid_response_headers.add(append_last_chunk(trailers, connection_->out()));
    connection_->schedule_flush();
  }
  return true;
}

Task<void> ServerConnection::pump(Body body) {
  Status sent = co_await pump_all(body);
  if (sent.ok()) co_return;
  // The head is out: all we can say is that the message is not complete.
  broken_off_ = true;
  keep_alive_ = false;
  if (connection_->failure() == nullptr) env_.counters.requests_reset_by_us.add();
  if (!exchange_.failure.has_value()) exchange_.failure.emplace(std::move(sent).error());
}

Task<Status> ServerConnection::pump_all(Body& body) {
  while (true) {
    CO_TRY(Chunk chunk, co_await body.read(kSendChunkBytes));
    if (connection_->failure() != nullptr) co_return connection_->failure()->clone();
    const bool last = chunk.end;
    if (!send_piece(std::move(chunk.data)) || (last && !send_end(body.trailers()))) {
      co_return base::internal("the response's body has not the length its head states");
    }
    if (last) {
      body.mark_ended();
      co_return Status{};
    }
    CO_TRY(co_await net::wait_for_room(*connection_));
  }
}

// The answer is complete, or will never be.
void ServerConnection::finish() {
  exchange_.disarm_deadline();
  if (connection_->failure() != nullptr || (peer_ended_ && !body_.ended())) {
    env_.counters.requests_reset_by_peer.add();
  }
  env_.counters.requests_active.subtract();
  env_.counters.request_bytes.add(exchange_.request_bytes);
  env_.counters.response_bytes.add(exchange_.response_bytes);
  if (chain_ != nullptr) chain_->end(exchange_);
  chain_ = nullptr;
  exchange_.reset();
  head_.reset();
  active_ = false;
  idle_since_ = env_.loop.now();
  if (body_.ended()) {
    body_.reset();
  } else {
    body_.abandon();
  }
  if (!keep_alive_ || draining_) end();
  progress_.wake_all();
}

void ServerConnection::send_interim(const ResponseHead& head) {
  if (!active_ || head_sent_ || head_->protocol() != Protocol::kHttp11) return;
  if (head.status < 100 || head.status > 199 || head.status == 101) return;
  if (head.status == 100) continue_sent_ = true;
  env_.counters.invalid_response_headers.add(append_interim(head, connection_->out()));
  connection_->schedule_flush();
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
