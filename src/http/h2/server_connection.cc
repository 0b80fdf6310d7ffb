#include "http/h2/server_connection.h"

#include <algorithm>

#include "http/local_reply.h"

namespace layotto::http::h2 {
namespace {

// Request data up to this size are copied into the exchange's arena, larger ones into a slab.
constexpr size_t kArenaBodyMax = 2048;

ServerStream* stream_of(const Event& event) { return static_cast<ServerStream*>(event.ref->user); }

// Errors we reset a stream with because of what the peer sent.
bool is_peers_fault(ErrorCode code) {
  switch (code) {
    case ErrorCode::kProtocolError:
    case ErrorCode::kFlowControlError:
    case ErrorCode::kStreamClosed:
    case ErrorCode::kFrameSizeError:
    case ErrorCode::kCompressionError:
      return true;
    default:
      return false;
  }
}

// No reset then: clients take the end of the connection for UNAVAILABLE, a reset for CANCELLED.
bool is_shutdown(const ServerStream& stream) {
  const async::StopSource& stop = stream.exchange.stop;
  return stop.fired() && stop.reason() == async::StopReason::kShutdown;
}

// RFC 9110 §6.4.1: answers that have no content whatever their fields say.
bool has_no_content(const ServerStream& stream, uint16_t status) {
  return stream.head->method() == Method::kHead || status == 204 || status == 304;
}

}  // namespace

ServerConnection::ServerConnection(std::unique_ptr<net::Connection> connection, ServerEnv& env)
    : connection_(std::move(connection)),
      env_(env),
      session_(Side::kServer, env.limits),
      tasks_(env.loop),
      opened_(env.loop.now()),
      last_read_(opened_),
      idle_since_(opened_),
      last_progress_(opened_) {
  connection_->set_output_source(this);
  connection_->schedule_flush();  // our SETTINGS
  env_.live.push_back(*this);
}

ServerConnection::~ServerConnection() {
  while (ServerStream* stream = arriving_.pop_front()) delete stream;
  while (ServerStream* stream = streams_.pop_front()) delete stream;
}

// ---- reading

Task<void> ServerConnection::run(ByteView already_read) {
  tasks_.stop_source().link_to(*co_await async::current_stop());
  arm_upkeep();
  env_.drain.listen(*this);
  process(already_read);
  size_t this_pass = 0;
  while (!closing_) {
    if (!connection_->readable().is_set()) {
      this_pass = 0;
      if (!(co_await connection_->readable().wait()).ok()) break;
      if (closing_) break;
    }
    const net::ReadResult got = connection_->read_some(env_.read_buffer);
    if (got.outcome == net::ReadOutcome::kWouldBlock) continue;
    if (got.outcome != net::ReadOutcome::kBytes) break;
    last_read_ = env_.loop.now();
    process({env_.read_buffer.data(), got.size});
    this_pass += got.size;
    if (this_pass >= net::kReadBytesPerPassMax) {
      this_pass = 0;
      if (!(co_await env_.loop.yield()).ok()) break;
    }
  }
  // Every request's own source hangs on this one.
  const async::StopSource* stopped = co_await async::current_stop();
  tasks_.stop(stopped != nullptr && stopped->fired() ? stopped->reason()
                                                     : async::StopReason::kCancelled);
  co_await tasks_.join();
  co_await say_goodbye();
  connection_->set_output_source(nullptr);
  cancel();
  for (Streams* left : {&arriving_, &streams_}) {
    while (ServerStream* stream = left->front()) {
      stream->close();
      release(*stream);
    }
  }
}

// Answers that are complete still leave, as far as the peer's windows let them.
Task<void> ServerConnection::say_goodbye() {
  session_.write_to(connection_->out());
  handle_events();
  count_failure();
  if (connection_->failure() != nullptr) co_return;
  if (session_.failure() == SessionFailure::kNone && !drain_final_ && !session_.finished()) {
    session_.terminate(ErrorCode::kNoError);
  }
  connection_->schedule_flush();
  co_await net::linger_and_close(*connection_, env_.loop.now() + kLingerTime, kLingerBytesMax);
}

void ServerConnection::process(ByteView bytes) {
  if (chain_ != env_.chain) [[unlikely]] {
    chain_ = env_.chain;
    session_.forget_heads();  // what another chain's filters noted on them
  }
  session_.feed(bytes, env_.loop.now());
  if (session_.failure() != SessionFailure::kNone) closing_ = true;
  handle_events();
  if (!closing_) dispatch_arriving();
  watch_heads();
  connection_->schedule_flush();
}

void ServerConnection::handle_all_events() {
  std::vector<Event>& events = session_.events();
  // Handling one may cause others (a reply inside dispatch): by index, not by iterator.
  for (size_t i = 0; i < events.size(); ++i) {
    // Of a connection that has failed only the ends of streams count: nobody gets the answers.
    const bool failed = session_.failure() != SessionFailure::kNone;
    if (failed && events[i].kind != EventKind::kClosed) continue;
    switch (events[i].kind) {
      case EventKind::kHead:
        on_head(events[i]);
        break;
      case EventKind::kData:
        on_data(events[i]);
        break;
      case EventKind::kTrailers:
        on_trailers(events[i]);
        break;
      case EventKind::kRoom:
        if (auto* stream = stream_of(events[i]); stream != nullptr) {
          stream->room.wake_all();
        }
        break;
      case EventKind::kClosed:
        on_closed(events[i]);
        break;
      case EventKind::kPong:
        ping_sent_ = {};
        if (drain_announced_ && !drain_final_) finish_drain();
        break;
      case EventKind::kGoaway:
      case EventKind::kSettings:
      case EventKind::kInterim:
        break;
    }
  }
  session_.clear_events();
}

void ServerConnection::on_head(Event& event) {
  ServerStream& stream = *env_.h2_streams().take(env_.loop);
  stream.owner = this;
  stream.id = event.stream;
  stream.ended = event.end_stream;
  stream.ref = event.ref;
  event.ref->user = &stream;

  Exchange& exchange = stream.exchange;
  exchange.head_block = std::move(event.block);
  stream.head.emplace(*exchange.head_block.get());
  exchange.request = &*stream.head;
  exchange.port = &stream;
  exchange.connection = connection_.get();
  exchange.drain = &env_.drain;
  exchange.start = env_.loop.now();
  exchange.start_ticks = env_.ticks.ticks();
  env_.counters.requests.add();
  env_.counters.requests_active.add();

  if (event.too_large) {
    refuse_large_head(stream);
  } else if (!stream.ended) {
    arriving_.push_back(stream);
  } else if (is_behind()) {
    exchange.request_bytes = event.data.size();
    if (!event.data.empty()) stream.take_data(event.data, true);
    hold(stream);
  } else {
    dispatch(stream, whole_body(exchange, event.data));
  }
}

Body ServerConnection::whole_body(Exchange& exchange, ByteView data) {
  if (data.empty()) return {};
  exchange.request_bytes = data.size();
  session_.consumed_whole(data.size());
  return Body::complete(data.size() <= kArenaBodyMax ? Bytes::unowned(exchange.arena.copy(data))
                                                     : Bytes::copy(data));
}

bool ServerConnection::is_behind() const {
  return session_.queued() + connection_->unsent() > env_.limits.unread_bytes_max;
}

void ServerConnection::hold(ServerStream& stream) {
  env_.counters.requests_held.add();
  arriving_.push_back(stream);
}

void ServerConnection::refuse_large_head(ServerStream& stream) {
  env_.counters.header_limit.add();
  streams_.push_back(stream);
  stream.abandoned = true;
  Response refused = local_reply(
      base::resource_exhausted("the request's header fields are larger than {} bytes or more than "
                               "{}",
                               env_.limits.header_bytes_max, env_.limits.header_fields_max)
          .downstream(),
      431, stream.exchange);
  send_response(stream, refused);
}

void ServerConnection::on_data(Event& event) {
  auto* stream = stream_of(event);
  const size_t size = event.data.size();
  if (stream == nullptr) {
    session_.consumed(event.stream, size);
    return;
  }
  Exchange& exchange = stream->exchange;
  exchange.request_bytes += size;
  const bool whole = event.end_stream && stream->chain == nullptr && stream->received.empty();
  if (!whole || stream->abandoned || is_behind()) {
    if (whole) env_.counters.requests_held.add();
    stream->take_data(event.data, event.end_stream);
    return;
  }
  // The usual unary request: head and all of the body in one read.
  stream->ended = true;
  session_.consumed(event.stream, size);
  static_cast<base::ListLink<ServerStream>*>(stream)->unlink();
  dispatch(*stream,
           Body::complete(size <= kArenaBodyMax ? Bytes::unowned(exchange.arena.copy(event.data))
                                                : Bytes::copy(event.data)));
}

void ServerConnection::on_trailers(Event& event) {
  auto* stream = stream_of(event);
  if (stream == nullptr) return;
  if (event.too_large) {
    env_.counters.header_limit.add();
    session_.reset(event.stream, ErrorCode::kEnhanceYourCalm);
    return;
  }
  stream->take_trailers(std::move(event.block));
}

void ServerConnection::on_closed(Event& event) {
  auto* stream = stream_of(event);
  if (!event.reset_by_peer && is_peers_fault(event.code)) env_.counters.protocol_errors.add();
  if (stream == nullptr) return;
  if (event.code != ErrorCode::kNoError || !stream->response_sent) {
    (event.reset_by_peer ? env_.counters.requests_reset_by_peer
                         : env_.counters.requests_reset_by_us)
        .add();
    stream->exchange.stop.fire(async::StopReason::kCancelled);
  }
  stream->close();
  if (!stream->running) release(*stream);
}

// ---- answering

void ServerConnection::dispatch_held() {
  while (!arriving_.empty() && !is_behind()) {
    ServerStream& stream = *arriving_.pop_front();
    dispatch(stream, Body::stream(stream));
  }
}

void ServerConnection::dispatch(ServerStream& stream, Body body) {
  streams_.push_back(stream);
  stream.chain = env_.chain;
  Task<Response> answer =
      stream.chain->handle(Request{.head = *stream.head, .body = std::move(body)}, stream.exchange);
  if (!answer.is_ready()) {
    start_task(stream);
    tasks_.spawn_under(stream.exchange.stop, &answer_later, this, &stream, std::move(answer));
    return;
  }
  Response& response = answer.value();
  if (send_response(stream, response)) {
    env_.counters.requests_inline.add();
    if (stream.exchange.tasks.running() == 0) {
      if (stream.closed) release(stream);
      return;
    }
  }
  start_task(stream);
  tasks_.spawn_under(stream.exchange.stop, &pump_later, this, &stream, std::move(response));
}

void ServerConnection::start_task(ServerStream& stream) {
  stream.running = true;
  stream.exchange.stop.link_to(tasks_.stop_source());
  stream.exchange.arm_deadline();
}

bool ServerConnection::send_response(ServerStream& stream, Response& response) {
  Exchange& exchange = stream.exchange;
  exchange.status = response.head.status;
  if (exchange.failure.has_value()) env_.counters.local_replies.add();
  if (has_no_content(stream, response.head.status)) response.body = Body();
  if (!response.body.is_complete()) {
    session_.submit_response(stream.id, response.head, false);
    connection_->schedule_flush();
    return false;
  }
  stream.response_sent = true;
  connection_->schedule_flush();
  const HeaderMap* const trailers = response.body.trailers();
  if (trailers != nullptr && !stream.closed &&
      session_.submit_whole(*stream.ref, response.head, response.body.bytes(), *trailers)) {
    exchange.response_bytes += response.body.bytes().size();
    if (stream.running) {
      stream.close();
    } else {
      stream.closed = true;  // nobody can be waiting
    }
    return true;
  }
  const bool head_only = response.body.empty() && trailers == nullptr;
  session_.submit_response(stream.id, response.head, head_only);
  if (!head_only) stream.send_complete(std::move(response.body), exchange.response_bytes);
  return true;
}

Task<void> ServerConnection::answer_later(ServerConnection* self, ServerStream* stream,
                                          Task<Response> answer) {
  Response response = co_await std::move(answer);
  if (!self->send_response(*stream, response)) {
    co_await self->pump(*stream, std::move(response.body));
  }
  co_await stream->exchange.tasks.join();
  self->finish(*stream);
}

Task<void> ServerConnection::pump_later(ServerConnection* self, ServerStream* stream,
                                        Response response) {
  if (!stream->response_sent) co_await self->pump(*stream, std::move(response.body));
  co_await stream->exchange.tasks.join();
  self->finish(*stream);
}

Task<void> ServerConnection::pump(ServerStream& stream, Body body) {
  Exchange& exchange = stream.exchange;
  Status sent = co_await stream.send(std::move(body), exchange.response_bytes);
  stream.response_sent = sent.ok();
  if (sent.ok()) co_return;
  // The head is out: all we can say is that the message is not complete.
  if (!stream.closed && !is_shutdown(stream)) {
    const bool stopped = exchange.stop.fired();
    session_.reset(stream.id, stopped ? ErrorCode::kCancel : ErrorCode::kInternalError);
    connection_->schedule_flush();
  }
  if (!exchange.failure.has_value()) exchange.failure.emplace(std::move(sent).error());
}

// The root task is done.
void ServerConnection::finish(ServerStream& stream) {
  stream.running = false;
  stream.exchange.disarm_deadline();
  if (!stream.closed && !stream.response_sent && !is_shutdown(stream)) {
    session_.reset(stream.id, ErrorCode::kCancel);
    connection_->schedule_flush();
  }
  if (stream.closed) release(stream);
}

void ServerConnection::release(ServerStream& stream) {
  if (!stream.received.empty()) stream.drop_received();
  idle_since_ = env_.loop.now();
  env_.counters.requests_active.subtract();
  env_.counters.request_bytes.add(stream.exchange.request_bytes);
  env_.counters.response_bytes.add(stream.exchange.response_bytes);
  Exchange& exchange = stream.exchange;
  exchange.duration = env_.ticks.elapsed(exchange.start_ticks, env_.ticks.ticks());
  if (stream.chain != nullptr) stream.chain->end(exchange);
  static_cast<base::ListLink<ServerStream>&>(stream).unlink();
  env_.h2_streams().give(&stream);
  if (drain_final_) connection_->schedule_flush();  // was it the last?
}

// ---- writing, ending

void ServerConnection::fill(ByteChain& out) {
  session_.write_to(out);
  handle_events();
  dispatch_arriving();  // those held back
  count_refusals();
  if (is_over()) end();
}

bool ServerConnection::is_over() const {
  if (session_.failure() != SessionFailure::kNone) return true;
  if (!streams_.empty() || !arriving_.empty()) return false;
  return session_.finished() || (drain_final_ && session_.open_streams() == 0);
}

void ServerConnection::end() {
  if (closing_) return;
  closing_ = true;
  connection_->readable().set();
}

void ServerConnection::count_refusals() {
  if (const uint64_t refused = session_.streams_refused(); refused != refusals_counted_) {
    if (!drain_final_) env_.counters.stream_limit.add(refused - refusals_counted_);
    refusals_counted_ = refused;
  }
  if (const uint64_t errors = session_.unannounced_errors(); errors != errors_counted_) {
    env_.counters.protocol_errors.add(errors - errors_counted_);
    errors_counted_ = errors;
  }
  if (const uint64_t dropped = session_.fields_dropped(); dropped != drops_counted_) {
    env_.counters.invalid_response_headers.add(dropped - drops_counted_);
    drops_counted_ = dropped;
  }
}

void ServerConnection::count_failure() {
  HttpCounters& counters = env_.counters;
  switch (session_.failure()) {
    case SessionFailure::kNone:
      break;
    case SessionFailure::kProtocol:
      counters.protocol_errors.add();
      break;
    case SessionFailure::kIdleFrameFlood:
      counters.flood_idle_frames.add();
      break;
    case SessionFailure::kResetFlood:
      counters.flood_resets.add();
      break;
    case SessionFailure::kContinuationFlood:
      counters.flood_continuation.add();
      break;
    case SessionFailure::kOutputFlood:
      counters.flood_output.add();
      break;
  }
}

ConnectionSnapshot ServerConnection::snapshot() const {
  const TimePoint now = env_.loop.now();
  ConnectionSnapshot shot{.peer = connection_->peer().to_string(),
                          .local = connection_->local().to_string(),
                          .protocol = "HTTP/2",
                          .age = now - opened_,
                          .requests = session_.streams_seen(),
                          .bytes_read = connection_->bytes_read(),
                          .bytes_written = connection_->bytes_written(),
                          .unsent = connection_->unsent(),
                          .draining = drain_announced_};
  for (const Streams* list : {&arriving_, &streams_}) {
    auto& streams = const_cast<Streams&>(*list);  // walking an intrusive list needs links, not us
    for (ServerStream* stream = streams.front(); stream != nullptr;
         stream = streams.after(*stream)) {
      shot.exchanges.push_back({.operation = std::string(stream->exchange.operation),
                                .stage = std::string(stream->exchange.stage),
                                .stream_id = stream->id,
                                .age = now - stream->exchange.start});
    }
  }
  return shot;
}

}  // namespace layotto::http::h2

namespace layotto::http {

Task<void> serve_h2(std::unique_ptr<net::Connection> connection, ByteView already_read,
                    ServerEnv& env) {
  h2::ServerConnection server(std::move(connection), env);
  co_await server.run(already_read);
}

}  // namespace layotto::http
