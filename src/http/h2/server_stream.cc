#include "http/h2/server_stream.h"

#include "http/h2/server_connection.h"

namespace layotto::http::h2 {

Chunk ServerStream::take(size_t max) {
  Bytes data = received.take_front(max);
  if (!data.empty()) connection->consumed(*this, data.size());
  return {.data = std::move(data), .end = request_ended && received.empty()};
}

Task<Result<Chunk>> ServerStream::read(size_t max) {
  if (!received.empty() || request_ended) return async::ready(Result<Chunk>(take(max)));
  return wait_and_read(max);
}

Task<Result<Chunk>> ServerStream::wait_and_read(size_t max) {
  while (received.empty() && !request_ended) {
    if (closed) co_return Error::cancelled();
    CO_TRY(co_await data_arrived.wait());
    data_arrived.reset();
  }
  co_return take(max);
}

void ServerStream::abandon() {
  abandoned = true;
  drop_received();
}

// Of a closed stream too: what it took of the connection's window is still to be given back.
void ServerStream::drop_received() {
  if (received.empty()) return;
  connection->consumed(*this, received.size());
  received.clear();
}

void ServerStream::send_interim(const ResponseHead& interim) {
  if (!closed) connection->send_interim(*this, interim);
}

void ServerStream::reset() {
  exchange.reset();
  connection = nullptr;
  chain = nullptr;
  head.reset();
  id = 0;
  received.clear();
  trailers_block.reset();
  request_trailers = {};
  data_arrived.reset();
  request_ended = abandoned = running = closed = response_sent = false;
  sent_seen = 0;
  sent_at = {};
}

}  // namespace layotto::http::h2
