#include "http/h2/stream.h"

namespace layotto::http::h2 {
namespace {

// How much of a body is read at once, and how much may wait in the session.
constexpr size_t kSendChunkBytes = 64 * 1024;
constexpr size_t kSendQueuedMax = 64 * 1024;
// The first data of a body, up to this size, get memory of their own size.
constexpr size_t kCompactBytesMax = 1024;

}  // namespace

// ---- the body that arrives

void Stream::give_back(size_t n) {
  if (n == 0 || owner == nullptr) return;
  owner->session().consumed(id, n);
  owner->flush_soon();
}

Chunk Stream::take(size_t max) {
  Bytes data = received.take_front(max);
  give_back(data.size());
  return {.data = std::move(data), .end = ended && received.empty()};
}

Task<Result<Chunk>> Stream::read(size_t max) {
  if (!received.empty() || ended) return async::ready(Result<Chunk>(take(max)));
  return wait_and_read(max);
}

Task<Result<Chunk>> Stream::wait_and_read(size_t max) {
  while (received.empty() && !ended) {
    if (closed) co_return broken();
    CO_TRY(co_await arrived.wait());
    arrived.reset();
  }
  co_return take(max);
}

void Stream::abandon() {
  abandoned = true;
  drop_received();
}

// Of a closed stream too: what it took of the connection's window is still to be given back.
void Stream::drop_received() {
  give_back(received.size());
  received.clear();
}

Bytes Stream::take_received() {
  give_back(received.size());
  return received.take_all();
}

void Stream::take_data(ByteView data, bool end) {
  ended = end;
  if (abandoned) {
    give_back(data.size());
  } else if (received.empty() && data.size() <= kCompactBytesMax) {
    received.append_compact(data);  // ten thousand streams may have begun and say no more
  } else {
    received.append(data);
  }
  arrived.set();
}

void Stream::take_trailers(HeaderBlockRef block) {
  trailers_block = std::move(block);
  arrived_trailers = HeaderMap(*trailers_block.get());
  ended = true;
  arrived.set();
}

void Stream::close() {
  closed = true;
  arrived.set();
  room.wake_all();
}

// ---- the body that leaves

void Stream::send_complete(Body body, uint64_t& bytes) {
  bytes += body.bytes().size();
  const HeaderMap* trailers_to_send = body.trailers();
  owner->session().submit_data(id, body.take_bytes(), trailers_to_send == nullptr);
  if (trailers_to_send != nullptr) owner->session().submit_trailers(id, *trailers_to_send);
  owner->flush_soon();
}

Task<Status> Stream::send(Body body, uint64_t& bytes) {
  while (!closed) {
    CO_TRY(Chunk chunk, co_await body.read(kSendChunkBytes));
    if (closed) break;
    bytes += chunk.data.size();
    const HeaderMap* trailers_to_send = chunk.end ? body.trailers() : nullptr;
    Session& session = owner->session();
    session.submit_data(id, std::move(chunk.data), chunk.end && trailers_to_send == nullptr);
    if (trailers_to_send != nullptr) session.submit_trailers(id, *trailers_to_send);
    owner->flush_soon();
    if (chunk.end) {
      body.mark_ended();
      co_return Status{};
    }
    while (!closed && owner->session().queued(id) > kSendQueuedMax) CO_TRY(co_await room.wait());
  }
  co_return Error::cancelled();
}

void Stream::reset() {
  owner = nullptr;
  id = 0;
  received.clear();
  trailers_block.reset();
  arrived_trailers = {};
  arrived.reset();
  ended = abandoned = closed = false;
}

}  // namespace layotto::http::h2
