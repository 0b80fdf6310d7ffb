#include "grpc/stream.h"

#include <utility>

#include "grpc/server.h"

namespace layotto::grpc {
// ---- replies

void StreamCore::finish(Status status) {
  finished_ = true;
  status_ = std::move(status);
  reader_.drop();
  writer_.finish();
}

Result<http::Body> StreamCore::take_all() {
  if (!writer_.wrote() && !status_.ok()) return std::move(status_).error();
  trailers_ = status_trailers(std::move(status_), exchange_);
  return http::Body::complete(writer_.take_all(), &trailers_);
}

Result<http::Chunk> StreamCore::with_trailers(Result<http::Chunk> chunk) {
  if (chunk.ok()) {
    if (chunk->end) trailers_ = status_trailers(std::move(status_), exchange_);
    return chunk;
  }
  // Stopped. After a deadline the client is still there and wants to hear it.
  if (exchange_.stop.reason() != async::StopReason::kDeadline) return chunk;
  trailers_ = status_trailers(Error::deadline_exceeded(), exchange_);
  return http::Chunk{.data = {}, .end = true};
}

Task<Result<http::Chunk>> StreamCore::read(size_t max) {
  Task<Result<http::Chunk>> chunk = writer_.read(max);
  if (!chunk.is_ready()) return wait_for_chunk(std::move(chunk));
  return async::ready(with_trailers(std::move(chunk).take()));
}

Task<Result<http::Chunk>> StreamCore::wait_for_chunk(Task<Result<http::Chunk>> chunk) {
  co_return with_trailers(co_await std::move(chunk));
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
  auto* core = exchange.arena.make<StreamCore>(std::move(request.body), encoding->request,
                                               encoding->compress_reply,
                                               server.options().message_bytes_max, exchange);
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
