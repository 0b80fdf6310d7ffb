#include "clients/redis/client.h"

#include <algorithm>
#include <array>

#include "async/deadline.h"
#include "base/per_thread.h"
#include "clients/redis/error_reply.h"
#include "net/limits.h"

namespace layotto::clients::redis {
namespace {

// One per thread: what is read is used up before anyone else reads, because callers are resumed
// while the reader runs and only readers, which the loop resumes, read.
std::span<char> read_buffer() {
  auto& owned = base::per_thread<std::unique_ptr<std::array<char, net::kReadBufferBytes>>>();
  if (owned == nullptr) owned = std::make_unique<std::array<char, net::kReadBufferBytes>>();
  return *owned;
}

std::chrono::milliseconds in_milliseconds(Duration duration) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(duration),
                  std::chrono::milliseconds(1));
}

}  // namespace

// ---- calls

bool Call::submit() { return client_.submit(*this); }

void Call::answer(Reply reply) {
  state_ = State::kAnswered;
  if (stopped() != async::StopReason::kNone) {  // on its way to be resumed with that
    client_.counters_.skipped.add();
    return;
  }
  reply_ = reply;
  leave_stop();
  self_.resume();
}

void Call::fail(Error error) {
  state_ = State::kFailed;
  error_.emplace(std::move(error));
  if (stopped() == async::StopReason::kNone) wake();
}

Result<Reply> Call::await_resume() {
  if (state_ == State::kFailed) return *std::move(error_);
  if (stopped() == async::StopReason::kNone) return reply_;
  Error error = client_.stopped_error(*this);
  if (state_ == State::kWaiting) {
    --client_.waiting_count_;
    client_.counters_.waiting.subtract();
    client_.wake_if_quiet();
  } else if (state_ == State::kSent) {
    client_.abandon(*this);
  }
  return error;
}

// ---- life

Client::Client(async::Loop& loop, net::Dialer& dialer, Random& random, Locator& locator,
               const ClientOptions& options, ClientCounters& counters)
    : loop_(loop),
      dialer_(dialer),
      random_(random),
      locator_(locator),
      options_(options),
      counters_(counters),
      attempted_(loop),
      kick_(loop),
      quiet_(loop),
      tasks_(loop) {
  CHECK(options.waiting_max <= options.in_flight_max, "whoever waits is sent at once later");
}

Client::~Client() {
  CHECK(ring_.empty() && waiting_count_ == 0, "a redis client is stopped first");
}

Task<Status> Client::connect() {
  if (stopping_) co_return Error::shutting_down();
  const uint64_t seen = attempts_;
  if (tasks_.running() == 0) {
    tasks_.spawn(&supervise, this);
  } else {
    kick_.wake_all();
  }
  while (state_ != State::kReady && attempts_ == seen && !stopping_) {
    CO_TRY(co_await attempted_.wait());
  }
  if (stopping_) co_return Error::shutting_down();
  if (state_ == State::kReady) co_return Status{};
  co_return last_error_->clone();
}

Task<void> Client::drain() {
  draining_ = true;
  while (!ring_.empty() || waiting_count_ > 0) {
    if (!(co_await quiet_.wait()).ok()) break;
  }
}

Task<void> Client::stop() {
  draining_ = stopping_ = true;
  refuse_waiting();
  attempted_.wake_all();
  tasks_.stop(async::StopReason::kShutdown);
  co_await tasks_.join();
  cancel();
  connection_.reset();
  state_ = State::kStopped;
}

Task<void> Client::supervise(Client* self) { co_await self->run(); }

Task<void> Client::run() {
  while (!stopping_) {
    state_ = State::kConnecting;
    Status up =
        co_await async::with_deadline(loop_, loop_.now() + options_.connect_timeout, attempt());
    if (stopping_) break;
    if (attempt_.reason() == async::StopReason::kCancelled) {  // by reconnect()
      connection_.reset();
      continue;
    }
    if (up.ok()) {
      came_up();
      Status ended = co_await read_replies();
      lost(broken_.has_value() ? *std::move(broken_) : std::move(ended).error());
    } else {
      attempt_failed(std::move(up).error());
    }
    const Duration wait = next_pause();
    if (wait <= Duration(0)) continue;
    // Whichever comes first; neither is an error.
    (void)co_await async::with_deadline(loop_, loop_.now() + wait, wait_for_kick());
  }
}

Task<Status> Client::wait_for_kick() { co_return co_await kick_.wait(); }

Task<Status> Client::attempt() {
  async::StopSource* outer = co_await async::current_stop();
  attempt_.reset();
  attempt_.link_to(*outer);
  Status up = co_await async::under(attempt_, establish());
  attempt_.unlink_from_parent();
  co_return up;
}

Task<Status> Client::establish() {
  CO_TRY(const net::Endpoint endpoint, co_await locator_.locate());
  address_ = endpoint.to_string();
  net::DialOptions dial{.server_name = options_.server_name,
                        .connect_timeout = in_milliseconds(options_.connect_timeout)};
  if (options_.tls != nullptr) {
    CO_TRY(dial.tls, options_.tls->current());
  }
  auto dialled = co_await dialer_.dial(endpoint, dial);
  if (!dialled.ok()) co_return named(dialled.error());
  std::unique_ptr<net::Connection> connection = *std::move(dialled);

  const Protocol protocol = resp2_only_ ? Protocol::kResp2 : options_.protocol;
  Conversation talk(*connection, address_);
  auto greeting = co_await shake_hands(talk, options_, protocol, address_);
  if (!greeting.ok()) {
    // Some proxies hang up on HELLO: the next attempt does without, the one after that with again.
    resp2_only_ = protocol == Protocol::kNegotiate && talk.silent() &&
                  greeting.error().code() == Code::kUnavailable;
    co_return std::move(greeting).error();
  }
  greeting_ = *std::move(greeting);
  connection_ = std::move(connection);
  co_return Status{};
}

Duration Client::next_pause() {
  if (failures_ == 0 || stopping_) return Duration(0);
  Duration pause = options_.reconnect_pause_first;
  for (uint32_t i = 1; i < failures_ && pause < options_.reconnect_pause_max; ++i) pause *= 2;
  pause = std::min(pause, options_.reconnect_pause_max);
  return Duration(
      static_cast<int64_t>(static_cast<double>(pause.count()) * (0.5 + 0.5 * random_.unit())));
}

void Client::came_up() {
  state_ = State::kReady;
  leaving_ = down_too_long_ = answered_ = false;
  broken_.reset();
  silence_.reset();
  parser_.reset();
  ++session_;
  ++attempts_;
  up_since_ = heard_at_ = loop_.now();
  cancel();
  counters_.connects.add();
  options_.log.info("redis_connected", {{"address", address_},
                                        {"version", greeting_.version},
                                        {"protocol", greeting_.resp3 ? "RESP3" : "RESP2"}});
  while (async::Waiter* waiter = waiting_.pop_front()) {
    --waiting_count_;
    counters_.waiting.subtract();
    Call& call = static_cast<Call&>(*waiter);
    if (has_room_to_send()) {
      send(call);
    } else {
      counters_.refused.add();
      call.fail(too_many_bytes());
    }
  }
  attempted_.wake_all();
}

void Client::attempt_failed(Error why) {
  if (why.code() == Code::kDeadlineExceeded || why.code() == Code::kCancelled) {
    why = base::unavailable("redis {}: no connection within {} ms", address_,
                            in_milliseconds(options_.connect_timeout).count())
              .upstream()
              .retryable();
  }
  state_ = State::kDown;
  attempt_failed_ = true;
  ++failures_;
  ++attempts_;
  counters_.connect_failures.add();
  options_.log.warn("redis_connect_failed", {{"address", address_}, {"reason", why.message()}});
  // A wrong password does not become right within the grace.
  if (session_ == 0 || why.code() != Code::kUnavailable ||
      loop_.now() - down_since_ >= options_.reconnect_grace) {
    down_too_long_ = true;
  }
  last_error_.emplace(std::move(why));
  if (down_too_long_) refuse_waiting();
  attempted_.wake_all();
}

void Client::lost(Error why) {
  state_ = State::kDown;
  leaving_ = false;
  cancel();
  const uint64_t bytes_written = connection_->bytes_written();
  connection_.reset();
  broken_.reset();
  parser_.reset();
  // One that was of use is followed by the next at once; a server that does nothing but hang up is
  // left alone for a while.
  failures_ = answered_ || loop_.now() - up_since_ >= kStableAfter ? 0 : failures_ + 1;
  counters_.disconnects.add();
  if (!stopping_) {
    options_.log.warn("redis_connection_lost", {{"address", address_}, {"reason", why.message()}});
  }
  last_error_.emplace(named(why));
  begin_grace();
  end_sent_calls(bytes_written, *last_error_);
  if (down_too_long_) refuse_waiting();
  wake_if_quiet();
}

// From now on calls wait for the next attempt.
void Client::begin_grace() {
  attempt_failed_ = false;
  down_since_ = loop_.now();
  down_too_long_ = stopping_ || options_.reconnect_grace <= Duration(0);
  if (!down_too_long_) loop_.arm(*this, down_since_ + options_.reconnect_grace);
}

// ---- reading

Task<Status> Client::read_replies() {
  size_t read_in_a_row = 0;
  while (!broken_.has_value()) {
    CO_TRY(co_await connection_->readable().wait());
    if (broken_.has_value()) break;
    const std::span<char> buffer = read_buffer();
    const net::ReadResult got = connection_->read_some(buffer);
    if (got.outcome == net::ReadOutcome::kWouldBlock) continue;
    if (got.outcome == net::ReadOutcome::kEnd) {
      co_return base::unavailable("the server closed the connection").upstream();
    }
    if (got.outcome == net::ReadOutcome::kError) {
      co_return connection_->failure() != nullptr
          ? connection_->failure()->clone()
          : base::unavailable("the connection broke").upstream();
    }
    heard_at_ = loop_.now();
    silence_.reset();
    parser_.feed({buffer.data(), got.size});
    RespParser::Outcome outcome = parser_.next();
    while (outcome == RespParser::Outcome::kReply) {
      deliver(parser_.reply());
      if (broken_.has_value()) co_return Status{};
      outcome = parser_.next();
    }
    if (outcome == RespParser::Outcome::kBroken) {
      co_return base::internal("the server does not speak RESP: {}", parser_.problem()).upstream();
    }
    read_in_a_row = got.size < buffer.size() ? 0 : read_in_a_row + got.size;
    if (read_in_a_row >= net::kReadBytesPerPassMax) {
      read_in_a_row = 0;
      CO_TRY(co_await loop_.yield());
    }
  }
  co_return Status{};
}

void Client::deliver(Reply reply) {
  if (reply.type() == RespType::kPush) return;  // nobody here asked for any
  if (ring_.empty()) {
    // A last word before hanging up, or nonsense.
    break_off(reply.is_error()
                  ? base::unavailable("{}", reply.text().substr(0, kErrorTextMax)).upstream()
                  : base::internal("the server answers what it was not asked").upstream());
    return;
  }
  const CallRing::Slot slot = ring_.pop();
  if (slot.kind == CallRing::Kind::kUnasked) return;
  counters_.in_flight.subtract();
  if (slot.kind == CallRing::Kind::kAbandoned) {
    --abandoned_;
    counters_.skipped.add();
  } else {
    if (reply.is_error()) [[unlikely]] {
      on_error_reply(reply.text());
    } else {
      answered_ = true;
    }
    slot.call->answer(reply);  // runs its task: the call may be gone now
  }
  if (ring_.empty() && leaving_) break_off(base::unavailable("{}", leave_why_).upstream());
  if (draining_) [[unlikely]]
    wake_if_quiet();
}

void Client::on_error_reply(std::string_view text) {
  switch (reply_error_kind(text)) {
    case ReplyError::kReadOnly:
      if (options_.primary_only) reconnect("the server has become a replica");
      return;
    case ReplyError::kNoAuth:
      reconnect("the server wants to know again who we are");
      return;
    default:
      return;
  }
}

// ---- sending

bool Client::submit(Call& call) {
  const uint64_t only_session = call.options_.only_session;
  if (draining_) return refuse(call, Error::shutting_down());
  if (only_session != 0 && session() != only_session) {
    return refuse(call,
                  base::unavailable("redis {}: the connection was replaced", address_).upstream());
  }
  if (is_up()) [[likely]] {
    if (ring_.size() >= options_.in_flight_max) {
      counters_.refused.add();
      return refuse(call, base::resource_exhausted("redis {}: {} commands wait for replies",
                                                   address_, ring_.size()));
    }
    if (!has_room_to_send()) {
      counters_.refused.add();
      return refuse(call, too_many_bytes());
    }
    send(call);
    return true;
  }
  if (state_ == State::kIdle || down_too_long_) return refuse(call, not_connected());
  if (waiting_count_ >= options_.waiting_max) {
    counters_.refused.add();
    return refuse(call, base::resource_exhausted("redis {}: {} commands wait for a connection",
                                                 address_, waiting_count_));
  }
  call.state_ = Call::State::kWaiting;
  waiting_.push_back(call);
  ++waiting_count_;
  counters_.waiting.add();
  return true;
}

bool Client::refuse(Call& call, Error error) {
  call.state_ = Call::State::kFailed;
  call.error_.emplace(std::move(error));
  return false;
}

void Client::send(Call& call) {
  ByteChain& out = connection_->out();
  if (ring_.empty()) {
    heard_at_ = loop_.now();
    if (!armed()) loop_.arm(*this, heard_at_ + options_.reply_timeout);
  }
  if (call.options_.asking) {
    static constexpr std::string_view kAsking[] = {"ASKING"};
    append_command(out, kAsking);
    ring_.push({nullptr, CallRing::Kind::kUnasked});
  }
  append_command(out, call.arguments_);
  call.bytes_until_ = connection_->bytes_written() + out.size();
  call.number_ = ring_.push({&call, CallRing::Kind::kCall});
  call.state_ = Call::State::kSent;
  counters_.commands.add();
  counters_.in_flight.add();
  connection_->schedule_flush();
}

// ---- when it goes wrong

void Client::abandon(Call& call) {
  ring_.at(call.number_) = {nullptr, CallRing::Kind::kAbandoned};
  if (++abandoned_ <= options_.abandoned_max) return;
  break_off(base::unavailable("{} replies are awaited that nobody waits for any more", abandoned_)
                .upstream());
}

void Client::reconnect(std::string_view why) {
  if (leaving_ || stopping_) return;
  if (state_ != State::kReady) {
    if (state_ == State::kConnecting) attempt_.fire(async::StopReason::kCancelled);
    begin_grace();
    kick_.wake_all();
    return;
  }
  leaving_ = true;
  leave_why_ = why;
  if (ring_.empty()) {
    break_off(base::unavailable("{}", why).upstream());
  } else {
    loop_.arm(*this, loop_.now() + kLeaveTimeout);
  }
}

// The reader finds out; the first reason counts.
void Client::break_off(Error why) {
  if (connection_ == nullptr) return;
  if (!broken_.has_value()) broken_.emplace(std::move(why));
  connection_->close(net::Connection::Close::kReset);
}

// One timer for what can only be one at a time: a connection that must answer, one that we leave,
// the grace while there is none.
void Client::on_timer() {
  if (state_ != State::kReady) {
    // The first attempt since then may yet succeed: attempt_failed() has the last word.
    if (state_ == State::kConnecting && !attempt_failed_) return;
    down_too_long_ = true;
    refuse_waiting();
    return;
  }
  if (leaving_) {
    break_off(base::unavailable("{}", leave_why_).upstream());
    return;
  }
  if (ring_.empty()) return;
  const TimePoint due = heard_at_ + options_.reply_timeout;
  if (loop_.now() < due) {
    loop_.arm(*this, due);
    return;
  }
  break_off(base::unavailable("no reply for {} ms, {} commands wait for one",
                              in_milliseconds(options_.reply_timeout).count(), ring_.size())
                .upstream());
}

// Those that may be sent on the next connection go back to the head of the queue.
void Client::end_sent_calls(uint64_t bytes_written, const Error& why) {
  async::WaitList again;
  while (!ring_.empty()) {
    const CallRing::Slot slot = ring_.pop();
    if (slot.kind == CallRing::Kind::kUnasked) continue;
    counters_.in_flight.subtract();
    if (slot.kind == CallRing::Kind::kAbandoned) continue;
    Call& call = *slot.call;
    if (call.stopped() != async::StopReason::kNone) {
      call.fail(stopped_error(call));
      continue;
    }
    const bool sent = call.bytes_until_ <= bytes_written;
    if (wait_again(call, sent)) {
      again.push_back(call);
    } else if (sent && call.options_.effect == Effect::kWrite) {
      call.fail(why.clone()
                    .reworded(fmt::format("{}; the command may have been executed", why.message()))
                    .unknown_outcome());
    } else {
      call.fail(why.clone().retryable());
    }
  }
  abandoned_ = 0;
  again.splice_back(waiting_);
  waiting_.splice_back(again);
}

bool Client::wait_again(Call& call, bool sent) {
  const bool may_repeat = !sent || (call.options_.effect == Effect::kRead && !call.resent_);
  if (!may_repeat || down_too_long_ || call.options_.only_session != 0) return false;
  if (waiting_count_ >= options_.waiting_max) {
    counters_.refused.add();
    return false;
  }
  if (sent) call.resent_ = true;
  counters_.resent.add();
  call.state_ = Call::State::kWaiting;
  ++waiting_count_;
  counters_.waiting.add();
  return true;
}

void Client::refuse_waiting() {
  while (async::Waiter* waiter = waiting_.pop_front()) {
    --waiting_count_;
    counters_.waiting.subtract();
    static_cast<Call&>(*waiter).fail(stopping_ ? Error::shutting_down() : not_connected());
  }
  wake_if_quiet();
}

void Client::wake_if_quiet() {
  if (ring_.empty() && waiting_count_ == 0) quiet_.wake_all();
}

// The failure of a connection, seen as ours: not the peer's peer, not worth a retry by itself.
Error Client::named(const Error& error) const {
  Error renamed = error.clone().upstream();
  if (renamed.code() == Code::kCancelled) renamed = std::move(renamed).recoded(Code::kUnavailable);
  return std::move(renamed).reworded(fmt::format("redis {}: {}", address_, error.message()));
}

Error Client::not_connected() const {
  if (!last_error_.has_value()) return base::unavailable("redis: not connected yet").upstream();
  return base::unavailable("{}; not connected", last_error_->message()).upstream().retryable();
}

Error Client::too_many_bytes() const {
  return base::resource_exhausted("redis {}: {} bytes wait to be sent", address_,
                                  connection_->unsent());
}

Error Client::stopped_error(const Call& call) const {
  using async::StopReason;
  const StopReason reason = call.stopped();
  if (call.state_ == Call::State::kNew) return async::stop_error(reason);
  if (call.state_ == Call::State::kWaiting) {
    return reason == StopReason::kDeadline ? not_connected() : async::stop_error(reason);
  }
  Error error = async::stop_error(reason);
  if (reason == StopReason::kDeadline) {
    error =
        std::move(error).reworded(fmt::format("redis {}: no reply in time", address_)).upstream();
  }
  if (call.options_.effect == Effect::kRead) return error;
  return std::move(error).unknown_outcome();
}

// ---- asked from outside

Task<Status> Client::ping() {
  static constexpr std::string_view kPing[] = {"PING"};
  const Result<Reply> reply = co_await call(kPing, {.effect = Effect::kRead});
  if (!reply.ok()) {
    if (reply.error().code() == Code::kDeadlineExceeded) silence_.emplace(reply.error().clone());
    co_return reply.error().clone();
  }
  if (reply->is_error()) co_return to_error(address_, reply->text());
  co_return Status{};
}

Health Client::health() const {
  if (state_ == State::kReady && !leaving_) {
    if (!silence_.has_value()) return {.state = Health::State::kReady, .reason = {}};
    return {.state = Health::State::kDown, .reason = std::string(silence_->message())};
  }
  if (!last_error_.has_value()) {
    return {.state = Health::State::kConnecting, .reason = "redis: not connected yet"};
  }
  return {.state = Health::State::kDown, .reason = std::string(last_error_->message())};
}

}  // namespace layotto::clients::redis
