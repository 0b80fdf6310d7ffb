#include "http/h2/server_connection.h"

#include <algorithm>

#include "http/local_reply.h"

namespace layotto::http::h2 {
namespace {

// Pumping a response body: how much is read at once, and how much may wait in the session.
constexpr size_t kPumpChunkBytes = 64 * 1024;
constexpr size_t kPumpQueuedMax = 64 * 1024;
// Request data up to this size are copied into the exchange's arena, larger ones into a slab.
constexpr size_t kArenaBodyMax = 2048;
// After the first GOAWAY the peer has this long to stop opening streams; a PING answer ends it
// sooner.
constexpr auto kDrainNotice = std::chrono::seconds(1);
constexpr auto kHousekeepingMax = std::chrono::seconds(60);

ServerStream* stream_of(const Event& event) {
  return static_cast<ServerStream*>(event.ref->user);
}

}  // namespace

ServerConnection::ServerConnection(std::unique_ptr<net::Connection> connection, ServerEnv& env)
    : connection_(std::move(connection)),
      env_(env),
      session_(Side::kServer, env.limits),
      tasks_(env.loop),
      opened_(env.loop.now()),
      last_read_(opened_),
      last_progress_(opened_) {
  connection_->set_output_source(this);
  connection_->schedule_flush();  // our SETTINGS
  env_.live.push_back(*this);
}

ServerConnection::~ServerConnection() {
  while (ServerStream* stream = streams_.pop_front()) delete stream;
}

// ---- reading

Task<void> ServerConnection::run(ByteView already_read) {
  tasks_.stop_source().link_to(*co_await async::current_stop());
  env_.drain.listen(*this);
  arm_housekeeping();
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
  // Requests under way are stopped; those whose answer is complete still get it sent below.
  for (ServerStream* stream = streams_.front(); stream != nullptr;
       stream = streams_.after(*stream)) {
    stream->exchange.stop.fire(async::StopReason::kCancelled);
  }
  tasks_.stop(async::StopReason::kCancelled);
  co_await tasks_.join();
  count_failure();
  const bool lost = connection_->failure() != nullptr;
  if (!lost) {
    if (session_.failure() == SessionFailure::kNone && !session_.finished()) {
      session_.terminate(ErrorCode::kNoError);
    }
    connection_->schedule_flush();
    co_await net::linger_and_close(*connection_, env_.loop.now() + kLingerTime, kLingerBytesMax);
  }
  connection_->set_output_source(nullptr);
  cancel();
  while (ServerStream* stream = streams_.front()) {
    stream->closed = true;
    release(*stream);
  }
}

void ServerConnection::process(ByteView bytes) {
  session_.feed(bytes, env_.loop.now());
  handle_events();
  dispatch_pending();
  if (session_.failure() != SessionFailure::kNone) closing_ = true;
  connection_->schedule_flush();
}

void ServerConnection::handle_events() {
  std::vector<Event>& events = session_.events();
  // Handling one may cause others (a reply inside dispatch): by index, not by iterator.
  for (size_t i = 0; i < events.size(); ++i) {
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
        ping_outstanding_ = false;
        if (drain_announced_ && !drain_final_) on_timer();
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
  streams_.push_back(stream);
  stream.connection = this;
  stream.id = event.stream;
  stream.request_ended = event.end_stream;
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
  exchange.stop.link_to(tasks_.stop_source());
  env_.counters.requests.add();
  env_.counters.requests_active.add();

  if (event.too_large) {
    env_.counters.header_limit.add();
    stream.dispatched = true;
    Response refused = local_reply(
        base::resource_exhausted("the request's header fields are larger than {} bytes or more "
                                 "than {}",
                                 env_.limits.header_bytes_max, env_.limits.header_fields_max)
            .downstream(),
        431, exchange);
    stream.abandoned = true;
    send_response(stream, refused);
    return;
  }
  if (stream.request_ended) {
    dispatch(stream, Body());
  } else {
    ++pending_;
  }
}

void ServerConnection::on_data(Event& event) {
  auto* stream = stream_of(event);
  const size_t size = event.data.size();
  if (stream == nullptr || stream->abandoned) {
    if (size > 0) session_.consumed(event.stream, size);
    if (stream != nullptr) stream->request_ended = event.end_stream;
    return;
  }
  stream->exchange.request_bytes += size;
  if (event.end_stream && !stream->dispatched && stream->received.empty()) {
    // The usual unary request: head and all of the body in one read.
    stream->request_ended = true;
    if (size > 0) session_.consumed(event.stream, size);
    --pending_;
    dispatch(*stream, Body::complete(size <= kArenaBodyMax
                                         ? Bytes::unowned(stream->exchange.arena.copy(event.data))
                                         : Bytes::copy(event.data)));
    return;
  }
  stream->received.append(event.data);
  stream->request_ended = event.end_stream;
  stream->data_arrived.set();
}

void ServerConnection::on_trailers(Event& event) {
  auto* stream = stream_of(event);
  if (stream == nullptr) return;
  stream->trailers_block = std::move(event.block);
  stream->request_trailers = HeaderMap(*stream->trailers_block.get());
  stream->request_ended = true;
  stream->data_arrived.set();
}

void ServerConnection::on_closed(Event& event) {
  auto* stream = stream_of(event);
  if (stream == nullptr) return;
  stream->closed = true;
  if (!stream->dispatched) --pending_;
  if (event.code != ErrorCode::kNoError || !stream->response_sent) {
    (event.reset_by_peer ? env_.counters.requests_reset_by_peer
                         : env_.counters.requests_reset_by_us)
        .add();
    stream->exchange.stop.fire(async::StopReason::kCancelled);
    stream->data_arrived.set();
    stream->room.wake_all();
  }
  if (!stream->running) release(*stream);
}

// ---- answering

void ServerConnection::dispatch_pending() {
  if (pending_ == 0) return;
  for (ServerStream* stream = streams_.front(); stream != nullptr && pending_ > 0;) {
    ServerStream* next = streams_.after(*stream);
    if (!stream->dispatched) {
      --pending_;
      dispatch(*stream, Body::stream(*stream));
    }
    stream = next;
  }
}

void ServerConnection::dispatch(ServerStream& stream, Body body) {
  stream.dispatched = true;
  Task<Response> answer = env_.chain->handle(
      Request{.head = *stream.head, .body = std::move(body)}, stream.exchange);
  if (!answer.is_ready()) {
    start_task(stream);
    tasks_.spawn_under(stream.exchange.stop, &answer_later, this, &stream, std::move(answer));
    return;
  }
  Response response = std::move(answer).take();
  if (send_response(stream, response)) {
    env_.counters.requests_inline.add();
    if (stream.exchange.tasks.running() == 0) return;
  }
  start_task(stream);
  tasks_.spawn_under(stream.exchange.stop, &pump_later, this, &stream, std::move(response));
}

void ServerConnection::start_task(ServerStream& stream) {
  stream.running = true;
  stream.exchange.arm_deadline();
}

bool ServerConnection::send_response(ServerStream& stream, Response& response) {
  Exchange& exchange = stream.exchange;
  exchange.status = response.head.status;
  if (exchange.failure.has_value()) env_.counters.local_replies.add();
  if (!response.body.is_complete()) {
    session_.submit_response(stream.id, response.head, false);
    connection_->schedule_flush();
    return false;
  }
  const HeaderMap* trailers = response.body.trailers();
  const bool head_only = response.body.empty() && trailers == nullptr;
  session_.submit_response(stream.id, response.head, head_only);
  if (!head_only) {
    exchange.response_bytes += response.body.bytes().size();
    session_.submit_data(stream.id, response.body.take_bytes(), trailers == nullptr);
    if (trailers != nullptr) session_.submit_trailers(stream.id, *trailers);
  }
  stream.response_sent = true;
  connection_->schedule_flush();
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
  while (!stream.closed) {
    Result<Chunk> chunk = co_await body.read(kPumpChunkBytes);
    if (!chunk.ok()) {
      // The head is out: all we can say is that the message is not complete.
      if (!stream.closed) session_.reset(stream.id, ErrorCode::kInternalError);
      if (!stream.exchange.failure.has_value()) {
        stream.exchange.failure.emplace(std::move(chunk).error());
      }
      connection_->schedule_flush();
      co_return;
    }
    if (stream.closed) break;
    stream.exchange.response_bytes += chunk->data.size();
    const HeaderMap* trailers = chunk->end ? body.trailers() : nullptr;
    session_.submit_data(stream.id, std::move(chunk->data), chunk->end && trailers == nullptr);
    if (trailers != nullptr) session_.submit_trailers(stream.id, *trailers);
    connection_->schedule_flush();
    if (chunk->end) {
      body.mark_ended();
      stream.response_sent = true;
      co_return;
    }
    while (!stream.closed && session_.queued(stream.id) > kPumpQueuedMax) {
      if (!(co_await stream.room.wait()).ok()) co_return;  // stopped: the body is abandoned
    }
  }
}

// The root task is done.
void ServerConnection::finish(ServerStream& stream) {
  stream.running = false;
  stream.exchange.disarm_deadline();
  if (!stream.closed && !stream.response_sent && !closing_) {
    session_.reset(stream.id, ErrorCode::kCancel);
    connection_->schedule_flush();
  }
  if (stream.closed) release(stream);
}

void ServerConnection::release(ServerStream& stream) {
  env_.counters.requests_active.subtract();
  env_.counters.request_bytes.add(stream.exchange.request_bytes);
  env_.counters.response_bytes.add(stream.exchange.response_bytes);
  env_.chain->end(stream.exchange);
  static_cast<base::ListLink<ServerStream>&>(stream).unlink();
  env_.h2_streams().give(&stream);
}

void ServerConnection::consumed(ServerStream& stream, size_t n) {
  if (stream.closed) {
    // The stream's window is gone with it; the connection's share is still ours to give back.
    session_.consumed(stream.id, n);
    connection_->schedule_flush();
    return;
  }
  session_.consumed(stream.id, n);
  connection_->schedule_flush();
}

void ServerConnection::send_interim(ServerStream& stream, const ResponseHead& head) {
  session_.submit_interim(stream.id, head);
  connection_->schedule_flush();
}

// ---- writing, draining, time

void ServerConnection::fill(ByteChain& out) {
  session_.write_to(out);
  handle_events();
  if (session_.failure() != SessionFailure::kNone ||
      (drain_final_ && session_.open_streams() == 0) || session_.finished()) {
    if (!closing_) {
      closing_ = true;
      connection_->readable().set();  // run() goes on and ends
    }
  }
}

void ServerConnection::on_drain() {
  if (drain_announced_) return;
  drain_announced_ = true;
  session_.announce_drain();
  session_.ping();
  ping_outstanding_ = true;
  connection_->schedule_flush();
  env_.loop.arm(*this, env_.loop.now() + kDrainNotice);
}

void ServerConnection::on_timer() {
  const TimePoint now = env_.loop.now();
  if (drain_announced_ && !drain_final_) {
    drain_final_ = true;
    session_.refuse_new_streams();
    connection_->schedule_flush();
    arm_housekeeping();
    return;
  }
  const auto& limits = env_.limits;
  base::Tally* reason = nullptr;
  ErrorCode code = ErrorCode::kNoError;
  const auto over = [now](TimePoint since, std::chrono::milliseconds limit) {
    return limit.count() > 0 && now - since >= limit;
  };
  const uint64_t written = connection_->bytes_written();
  if (written != written_before_ || (connection_->unsent() == 0 && !session_.wants_write())) {
    written_before_ = written;
    last_progress_ = now;
  }
  if (!session_.settings_received() && over(opened_, limits.head_timeout)) {
    reason = &env_.counters.head_timeouts;
    code = ErrorCode::kSettingsTimeout;
  } else if (over(last_progress_, limits.write_stall_timeout)) {
    reason = &env_.counters.write_stalls;
  } else if (session_.open_streams() == 0 && over(last_read_, limits.idle_timeout)) {
    reason = &env_.counters.idle_timeouts;
  } else if (over(last_read_, limits.keepalive_interval)) {
    if (!ping_outstanding_) {
      ping_outstanding_ = true;
      session_.ping();
      connection_->schedule_flush();
    } else if (over(last_read_, limits.keepalive_interval + limits.keepalive_timeout)) {
      reason = &env_.counters.keepalive_timeouts;
    }
  }
  if (reason != nullptr) {
    reason->add();
    session_.terminate(code);
    closing_ = true;
    connection_->schedule_flush();
    connection_->readable().set();
    return;
  }
  arm_housekeeping();
}

// Coarse: one timer per connection, looked at again when the next limit could be reached.
void ServerConnection::arm_housekeeping() {
  Duration next = kHousekeepingMax;
  const auto consider = [&next](std::chrono::milliseconds limit) {
    if (limit.count() > 0) next = std::min<Duration>(next, limit / 2 + std::chrono::milliseconds(1));
  };
  const auto& limits = env_.limits;
  if (!session_.settings_received()) consider(limits.head_timeout);
  consider(limits.idle_timeout);
  consider(limits.write_stall_timeout);
  consider(ping_outstanding_ ? limits.keepalive_timeout : limits.keepalive_interval);
  env_.loop.arm(*this, env_.loop.now() + next);
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
  auto& streams = const_cast<base::IntrusiveList<ServerStream, ServerStream>&>(streams_);
  for (ServerStream* stream = streams.front(); stream != nullptr;
       stream = streams.after(*stream)) {
    shot.exchanges.push_back({.operation = std::string(stream->exchange.operation),
                              .stage = std::string(stream->exchange.stage),
                              .stream_id = stream->id,
                              .age = now - stream->exchange.start});
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
