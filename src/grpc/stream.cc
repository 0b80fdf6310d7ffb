#include "grpc/stream.h"

#include <utility>

#include "grpc/server.h"

namespace layotto::grpc {
namespace {

// How much of the request is read at once.
constexpr size_t kReadBytes = 64 * 1024;

}  // namespace

StreamCore::StreamCore(const Server& server, http::Body request, Encoding request_encoding,
                       bool compress, http::Exchange& exchange)
    : server_(server),
      exchange_(exchange),
      request_(std::move(request)),
      splitter_(server.options().message_bytes_max),
      encoding_(request_encoding),
      compress_(compress),
      has_output_(exchange.loop()),
      has_room_(exchange.loop()) {
  has_room_.set();
}

// ---- requests

Result<bool> StreamCore::decode(MessageSplitter::Message message, MessageLite& into) const {
  into.Clear();
  TRY(decode_message(message.data.view(), message.compressed, encoding_,
                     server_.options().message_bytes_max, into));
  return true;
}

Task<Result<bool>> StreamCore::read(MessageLite& into) {
  auto next = splitter_.next();
  if (!next.ok()) return async::failed<Result<bool>>(std::move(next).error());
  if (next->has_value()) return async::ready(decode(std::move(**next), into));
  return read_more(into);
}

Task<Result<bool>> StreamCore::read_more(MessageLite& into) {
  while (!request_ended_) {
    CO_TRY(http::Chunk chunk, co_await request_.read(kReadBytes));
    splitter_.add(std::move(chunk.data));
    if (chunk.end) {
      request_ended_ = true;
      request_.mark_ended();
    }
    CO_TRY(auto message, splitter_.next());
    if (message.has_value()) co_return decode(std::move(*message), into);
  }
  if (splitter_.pending() > 0) {
    co_return base::internal("the stream ended in the middle of a message");
  }
  co_return false;
}

// ---- replies

Task<Status> StreamCore::write(const MessageLite& message) {
  if (exchange_.stop.fired()) {
    return async::failed<Status>(async::stop_error(exchange_.stop.reason()));
  }
  if (abandoned_) return async::failed<Status>(Error::cancelled());
  Status appended = append_message(message, compress_, out_, server_.options().message_bytes_max);
  if (!appended.ok()) return async::ready(std::move(appended));
  wrote_ = true;
  has_output_.set();
  if (out_.size() > kStreamQueuedMax) return wait_for_room();
  return async::ready_ok();
}

Task<Status> StreamCore::wait_for_room() {
  while (out_.size() > kStreamQueuedMax) {
    has_room_.reset();
    CO_TRY(co_await has_room_.wait());
    if (abandoned_) co_return Error::cancelled();
  }
  co_return Status{};
}

void StreamCore::finish(Status status) {
  finished_ = true;
  status_ = std::move(status);
  request_ = http::Body();  // nobody reads on
  has_output_.set();
}

Result<http::Body> StreamCore::take_all() {
  if (!wrote_ && !status_.ok()) return std::move(status_).error();
  trailers_ = status_trailers(std::move(status_), exchange_);
  return http::Body::complete(out_.take_all(), &trailers_);
}

http::Chunk StreamCore::last_chunk() {
  trailers_ = status_trailers(std::move(status_), exchange_);
  return {.data = {}, .end = true};
}

Task<Result<http::Chunk>> StreamCore::read(size_t max) {
  if (!out_.empty()) {
    http::Chunk chunk{.data = out_.take_front(max), .end = false};
    if (out_.size() <= kStreamQueuedMax) has_room_.set();
    if (out_.empty() && !finished_) has_output_.reset();
    return async::ready(Result<http::Chunk>(std::move(chunk)));
  }
  if (finished_) return async::ready(Result<http::Chunk>(last_chunk()));
  return wait_for_chunk(max);
}

Task<Result<http::Chunk>> StreamCore::wait_for_chunk(size_t max) {
  while (out_.empty() && !finished_) {
    Status waited = co_await has_output_.wait();
    if (waited.ok()) continue;
    // Stopped. After a deadline the client is still there and wants to hear it.
    if (exchange_.stop.reason() != async::StopReason::kDeadline) {
      co_return std::move(waited).error();
    }
    status_ = Error::deadline_exceeded();
    co_return last_chunk();
  }
  co_return co_await read(max);
}

void StreamCore::abandon() {
  abandoned_ = true;
  out_.clear();
  has_room_.set();
}

// ---- the method

Task<void> StreamMethod::run(StreamMethod* self, StreamCore* core, http::Exchange* exchange) {
  core->finish(co_await self->invoke(*core, *exchange));
}

Task<Result<http::Response>> StreamMethod::serve(const Server& server, http::Request request,
                                                 http::Exchange& exchange) {
  using Answer = Result<http::Response>;
  if (exchange.deadline <= exchange.loop().now()) {
    return async::failed<Answer>(Error::deadline_exceeded());
  }
  Result<CallEncoding> encoding = call_encoding(request.head, exchange);
  if (!encoding.ok()) return async::failed<Answer>(std::move(encoding).error());
  exchange.arm_deadline();
  auto* core = exchange.arena.make<StreamCore>(server, std::move(request.body), encoding->request,
                                               encoding->compress_reply, exchange);
  exchange.tasks.spawn_under(exchange.stop, &run, this, core, &exchange);
  http::Body body;
  if (core->finished()) {
    Result<http::Body> all = core->take_all();
    if (!all.ok()) return async::failed<Answer>(std::move(all).error());
    body = *std::move(all);
  } else {
    body = http::Body::stream(*core);
  }
  return async::ready(Answer(http::Response{.head = reply_head(exchange, encoding->compress_reply),
                                            .body = std::move(body)}));
}

}  // namespace layotto::grpc
