#include "grpc/message_stream.h"

#include <utility>

#include "grpc/limits.h"

namespace layotto::grpc {
namespace {

// How much of a body is read at once.
constexpr size_t kReadBytes = 64 * 1024;

}  // namespace

// ---- reading

Result<bool> MessageReader::decode(const MessageSplitter::Message& message,
                                   MessageLite& into) const {
  into.Clear();
  TRY(decode_message(message.data.view(), message.compressed, encoding_, max_, into));
  return true;
}

Task<Result<bool>> MessageReader::read(MessageLite& into) {
  auto next = splitter_.next();
  if (!next.ok()) return async::failed<Result<bool>>(std::move(next).error());
  const std::optional<MessageSplitter::Message>& message = *next;
  if (message.has_value()) return async::ready(decode(*message, into));
  return read_more(into);
}

void MessageReader::take(http::Chunk chunk) {
  splitter_.add(std::move(chunk.data));
  if (chunk.end) {
    ended_ = true;
    body_.mark_ended();
  }
}

Task<Result<bool>> MessageReader::read_more(MessageLite& into) {
  while (!ended_) {
    CO_TRY(http::Chunk chunk, co_await body_.read(kReadBytes));
    take(std::move(chunk));
    CO_TRY(auto message, splitter_.next());
    if (message.has_value()) co_return decode(*message, into);
  }
  if (splitter_.pending() > 0) {
    co_return base::internal("the stream ended in the middle of a message");
  }
  co_return false;
}

Task<Status> MessageReader::expect_end() {
  while (!ended_ && splitter_.pending() == 0) {
    CO_TRY(http::Chunk chunk, co_await body_.read(kReadBytes));
    take(std::move(chunk));
  }
  if (splitter_.pending() > 0) {
    co_return base::internal("there is more than the one message of a unary call");
  }
  co_return Status{};
}

// ---- writing

Task<Status> MessageWriter::write(const MessageLite& message) {
  if (stop_.fired()) return async::failed<Status>(async::stop_error(stop_.reason()));
  if (abandoned_) return async::failed<Status>(Error::cancelled());
  Status appended = append_message(message, compress_, out_, max_);
  if (!appended.ok()) return async::ready(std::move(appended));
  wrote_ = true;
  has_output_.set();
  if (out_.size() > kStreamQueuedMax) return wait_for_room();
  return async::ready_ok();
}

Task<Status> MessageWriter::wait_for_room() {
  while (out_.size() > kStreamQueuedMax) {
    has_room_.reset();
    CO_TRY(co_await has_room_.wait());
    if (abandoned_) co_return Error::cancelled();
  }
  co_return Status{};
}

void MessageWriter::finish() {
  finished_ = true;
  has_output_.set();
}

Task<Result<http::Chunk>> MessageWriter::read(size_t max) {
  if (out_.empty() && !finished_) return wait_for_chunk(max);
  http::Chunk chunk{.data = out_.take_front(max), .end = false};
  chunk.end = finished_ && out_.empty();
  if (out_.size() <= kStreamQueuedMax) has_room_.set();
  if (out_.empty() && !finished_) has_output_.reset();
  return async::ready(Result<http::Chunk>(std::move(chunk)));
}

Task<Result<http::Chunk>> MessageWriter::wait_for_chunk(size_t max) {
  while (out_.empty() && !finished_) CO_TRY(co_await has_output_.wait());
  co_return co_await read(max);
}

void MessageWriter::abandon() {
  abandoned_ = true;
  out_.clear();
  has_room_.set();
}

}  // namespace layotto::grpc
