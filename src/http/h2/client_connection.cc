#include "http/h2/client_connection.h"

#include <algorithm>
#include <utility>

#include "async/deadline.h"

namespace layotto::http::h2 {
namespace {

// How long our last words may take.
constexpr auto kGoodbye = std::chrono::seconds(1);
// Looked at this often at least while requests wait.
constexpr auto kUpkeep = std::chrono::seconds(60);

// What a reset means to whoever called, as gRPC over HTTP/2 has it.
Error reset_error(ErrorCode code, bool by_peer) {
  const auto words = [&](std::string_view who) {
    return fmt::format("{} reset the stream: {}", who, error_code_name(code));
  };
  if (!by_peer && code != ErrorCode::kRefusedStream) {
    return Error(Code::kInternal, words("a broken answer made us")).upstream().unknown_outcome();
  }
  switch (code) {
    case ErrorCode::kRefusedStream:
      return base::unavailable("the peer did not look at the request").upstream().retryable();
    case ErrorCode::kCancel:
      return Error(Code::kCancelled, words("the peer")).upstream().unknown_outcome();
    case ErrorCode::kEnhanceYourCalm:
      return Error(Code::kResourceExhausted, words("the peer")).upstream().unknown_outcome();
    case ErrorCode::kInadequateSecurity:
      return Error(Code::kPermissionDenied, words("the peer")).upstream().unknown_outcome();
    default:
      return Error(Code::kInternal, words("the peer")).upstream().unknown_outcome();
  }
}

Error no_more_requests() {
  return base::unavailable("the HTTP/2 connection takes no more requests").upstream().retryable();
}

}  // namespace

// Lives until the session has forgotten it and the exchange has let it go.
class ClientConnection::ClientStream final : public Stream, public base::ListLink<ClientStream> {
 public:
  ClientStream(async::Loop& loop, Exchange& exchange_in) : Stream(loop), exchange(&exchange_in) {}
  ~ClientStream() = default;

  // Whoever drops the body before its end wants no more of it.
  void abandon() override {
    Stream::abandon();
    cancel();
  }
  [[nodiscard]] Error broken() const override {
    return failure.has_value() ? failure->clone() : Error::cancelled();
  }
  void cancel() {
    if (closed || (ended && sent)) return;
    if (!failure.has_value()) failure.emplace(Error::cancelled());
    owner->session().reset(id, ErrorCode::kCancel);
    owner->flush_soon();
  }

  // Ends with the stream or the exchange, whichever is first: sending the request's body is under
  // it.
  async::StopSource sending;
  Exchange* exchange;   // null when it has ended
  HeaderBlockRef head;  // of the response
  bool head_too_large = false;
  bool sent = false;  // the request was submitted to its end
  std::optional<Error> failure;
};

// Lives in the exchange's arena: lets the stream go when the exchange ends.
class ClientConnection::Lease {
 public:
  explicit Lease(ClientStream& stream) : stream_(stream) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    stream_.exchange = nullptr;
    stream_.drop_received();
    if (stream_.closed) {
      delete &stream_;  // leaves its list
    } else {
      stream_.abandon();
    }
  }

 private:
  ClientStream& stream_;
};

ClientConnection::ClientConnection(std::unique_ptr<net::Connection> connection,
                                   std::span<char> read_buffer, const ServerLimits& limits)
    : connection_(std::move(connection)),
      read_buffer_(read_buffer),
      limits_(limits),
      session_(Side::kClient, limits),
      tasks_(connection_->loop()),
      last_read_(connection_->loop().now()) {
  connection_->set_output_source(this);
  connection_->schedule_flush();  // preface and SETTINGS
}

ClientConnection::~ClientConnection() {
  lose_streams();
  connection_->set_output_source(nullptr);
}

// ---- requests

size_t ClientConnection::streams_available() const {
  return usable() ? session_.streams_available() : 0;
}

bool ClientConnection::usable() const {
  return !closing_ && !drained_ && connection_->failure() == nullptr &&
         session_.failure() == SessionFailure::kNone && session_.takes_requests();
}

Task<Result<Response>> ClientConnection::handle(Request request, Exchange& exchange) {
  using Answer = Result<Response>;
  if (streams_available() == 0) return async::failed<Answer>(no_more_requests());
  if (exchange.stop.fired()) {
    return async::failed<Answer>(async::stop_error(exchange.stop.reason()));
  }
  RequestLine line = request.head.line();
  if (line.scheme.empty()) line.scheme = connection_->tls() != nullptr ? "https" : "http";
  if (line.path.empty()) line.path = "/";
  request.head.set_line(line);
  auto* stream = new ClientStream(connection_->loop(), exchange);
  const bool head_only = request.body.empty() && request.body.trailers() == nullptr;
  Result<uint32_t> id = session_.submit_request(request.head, head_only, stream);
  if (!id.ok()) {
    stream->closed = true;
    delete stream;
    return async::failed<Answer>(std::move(id).error());
  }
  stream->owner = this;
  stream->id = *id;
  stream->sent = head_only;
  streams_.push_back(*stream);
  exchange.arena.make<Lease>(*stream);
  exchange.arm_deadline();
  uint64_t bytes = 0;
  if (!request.body.is_complete()) {
    stream->sending.link_to(exchange.stop);
    exchange.tasks.spawn_under(stream->sending, &send_body, stream, std::move(request.body));
  } else if (!head_only) {
    stream->send_complete(std::move(request.body), bytes);
    stream->sent = true;
  }
  connection_->schedule_flush();
  return await_head(stream);
}

Task<void> ClientConnection::send_body(ClientStream* stream, Body body) {
  uint64_t bytes = 0;
  Status sent = co_await stream->send(std::move(body), bytes);
  stream->sent = sent.ok();
  if (sent.ok() || stream->closed) co_return;
  // What we have of the request cannot become whole: the answer would be to something else.
  if (!stream->failure.has_value()) stream->failure.emplace(std::move(sent).error());
  stream->cancel();
}

Task<Result<Response>> ClientConnection::await_head(ClientStream* stream) {
  while (!stream->head) {
    if (stream->closed) co_return stream->broken();
    Status waited = co_await stream->arrived.wait();
    if (!waited.ok()) {
      stream->cancel();
      co_return std::move(waited).error();
    }
    stream->arrived.reset();
  }
  if (stream->head_too_large) {
    stream->cancel();
    co_return base::resource_exhausted("the answer's header fields are too large").upstream();
  }
  Response response{.head = ResponseHead(stream->head->status(), *stream->head.get()),
                    .body = Body()};
  if (!stream->ended) {
    response.body = Body::stream(*stream);
  } else if (!stream->received.empty() || stream->trailers() != nullptr) {
    response.body = Body::complete(stream->take_received(), stream->trailers());
  }
  co_return response;
}

// ---- events

void ClientConnection::handle_events() {
  std::vector<Event>& events = session_.events();
  for (size_t i = 0; i < events.size() && !lost_; ++i) {
    Event& event = events[i];
    auto* stream = event.ref == nullptr ? nullptr : static_cast<ClientStream*>(event.ref->user);
    switch (event.kind) {
      case EventKind::kHead:
        stream->head = std::move(event.block);
        stream->head_too_large = event.too_large;
        stream->ended = event.end_stream;
        stream->arrived.set();
        break;
      case EventKind::kInterim:
        pass_on_interim(*stream, event);
        break;
      case EventKind::kData:
        stream->take_data(event.data, event.end_stream);
        break;
      case EventKind::kTrailers:
        if (event.too_large) {
          stream->failure.emplace(
              base::resource_exhausted("the answer's trailers are too large").upstream());
          session_.reset(stream->id, ErrorCode::kEnhanceYourCalm);
        } else {
          stream->take_trailers(std::move(event.block));
        }
        break;
      case EventKind::kRoom:
        stream->room.wake_all();
        break;
      case EventKind::kClosed:
        on_closed(*stream, event);
        break;
      case EventKind::kPong:
        ping_sent_ = {};
        break;
      case EventKind::kGoaway:
      case EventKind::kSettings:
        break;
    }
  }
  session_.clear_events();
}

void ClientConnection::pass_on_interim(ClientStream& stream, Event& event) {
  if (stream.exchange == nullptr || stream.exchange->port == nullptr || event.too_large) return;
  Exchange& exchange = *stream.exchange;
  const auto* block = exchange.arena.make<HeaderBlockRef>(std::move(event.block));
  exchange.port->send_interim(ResponseHead((*block)->status(), *block->get()));
}

void ClientConnection::on_closed(ClientStream& stream, const Event& event) {
  if (!stream.ended && !stream.failure.has_value()) {
    stream.failure.emplace(reset_error(event.code, event.reset_by_peer));
  }
  release(stream);
}

// The session has forgotten the stream; the exchange may have, or its lease will.
void ClientConnection::release(ClientStream& stream) {
  stream.close();
  stream.sending.fire(async::StopReason::kCancelled);
  static_cast<base::ListLink<ClientStream>&>(stream).unlink();
  if (stream.exchange == nullptr) delete &stream;
}

// The connection is over: whoever waits for an answer gets to know.
void ClientConnection::lose_streams() {
  lost_ = true;
  while (ClientStream* stream = streams_.front()) {
    if (!stream->ended && !stream->failure.has_value()) {
      stream->failure.emplace(loss_of(*stream));
    }
    stream->owner = nullptr;
    release(*stream);
  }
}

Error ClientConnection::loss_of(const ClientStream& stream) const {
  const std::string peer = connection_->peer().to_string();
  if (!session_.request_written(stream.id)) {
    return base::unavailable("the connection to {} ended before the request was sent", peer)
        .upstream()
        .retryable();
  }
  if (stopped_) return Error::shutting_down();
  const char* how = keepalive_failed_                             ? "does not answer"
                    : session_.failure() != SessionFailure::kNone ? "breaks the HTTP/2 protocol"
                                                                  : "ended the connection";
  Error error =
      base::unavailable("{} {}", peer, how).upstream().retryable_if_reused().unknown_outcome();
  if (const Error* cause = connection_->failure(); cause != nullptr) {
    return std::move(error).because(cause->clone());
  }
  return error;
}

// ---- the connection

void ClientConnection::start() {
  arm_upkeep();
  tasks_.spawn(&run, this);
}

Task<void> ClientConnection::run(ClientConnection* self) {
  net::Connection& connection = *self->connection_;
  async::Loop& loop = connection.loop();
  size_t this_pass = 0;
  while (!self->closing_) {
    if (!connection.readable().is_set()) {
      this_pass = 0;
      if (!(co_await connection.readable().wait()).ok()) break;
      if (self->closing_) break;
    }
    const net::ReadResult got = connection.read_some(self->read_buffer_);
    if (got.outcome == net::ReadOutcome::kWouldBlock) continue;
    if (got.outcome != net::ReadOutcome::kBytes) break;
    self->last_read_ = loop.now();
    self->session_.feed({self->read_buffer_.data(), got.size}, loop.now());
    self->handle_events();
    if (self->is_over()) self->closing_ = true;
    connection.schedule_flush();
    this_pass += got.size;
    if (this_pass >= net::kReadBytesPerPassMax) {
      this_pass = 0;
      if (!(co_await loop.yield()).ok()) break;
    }
  }
  self->closing_ = true;
  self->cancel();
  self->lose_streams();
  if (connection.failure() != nullptr) co_return;
  if (self->session_.failure() == SessionFailure::kNone) {
    self->session_.terminate(ErrorCode::kNoError);
  }
  self->session_.write_to(connection.out());
  self->handle_events();
  connection.schedule_flush();
  (void)co_await async::shielded(loop, loop.now() + kGoodbye, net::wait_for_room(connection, 0));
  connection.close(net::Connection::Close::kOrderly);
}

void ClientConnection::fill(ByteChain& out) {
  session_.write_to(out);
  handle_events();
  if (is_over()) end();
}

bool ClientConnection::is_over() const {
  if (session_.failure() != SessionFailure::kNone || session_.finished()) return true;
  return drained_ && streams_.empty() && session_.open_streams() == 0;
}

void ClientConnection::end() {
  if (closing_) return;
  closing_ = true;
  connection_->readable().set();
}

void ClientConnection::drain() {
  drained_ = true;
  connection_->schedule_flush();
}

Task<void> ClientConnection::stop() {
  stopped_ = true;
  end();
  co_await tasks_.join();
}

// Keepalive: a peer that is silent for long is asked whether it is still there.
void ClientConnection::on_timer() {
  const TimePoint now = connection_->loop().now();
  if (last_read_ > ping_sent_) ping_sent_ = {};
  if (ping_sent_ != TimePoint{} && now >= ping_sent_ + limits_.keepalive_timeout) {
    keepalive_failed_ = true;
    end();
    return;
  }
  const auto interval = limits_.keepalive_interval;
  if (ping_sent_ == TimePoint{} && interval.count() > 0 && now >= last_read_ + interval) {
    ping_sent_ = now;
    session_.ping();
    connection_->schedule_flush();
  }
  arm_upkeep();
}

void ClientConnection::arm_upkeep() {
  const TimePoint now = connection_->loop().now();
  TimePoint next = now + kUpkeep;
  if (ping_sent_ != TimePoint{}) {
    next = std::min<TimePoint>(next, ping_sent_ + limits_.keepalive_timeout);
  } else if (limits_.keepalive_interval.count() > 0) {
    next = std::min<TimePoint>(next, last_read_ + limits_.keepalive_interval);
  }
  connection_->loop().arm(*this, std::max<TimePoint>(next, now + std::chrono::milliseconds(1)));
}

}  // namespace layotto::http::h2
