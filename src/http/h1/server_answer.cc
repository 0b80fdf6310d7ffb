// ServerConnection, how a request is answered: dispatched, its response framed and sent, finished.
#include "http/h1/fields.h"
#include "http/h1/server_connection.h"
#include "http/local_reply.h"

namespace layotto::http::h1 {

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
  exchange_.duration = env_.ticks.elapsed(exchange_.start_ticks, env_.ticks.ticks());
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

}  // namespace layotto::http::h1
