#include "http/h2/server_stream.h"

namespace layotto::http::h2 {

void ServerStream::send_interim(const ResponseHead& interim) {
  if (closed) return;
  owner->session().submit_interim(id, interim);
  owner->flush_soon();
}

void ServerStream::recycle() {
  exchange.recycle();  // may abandon our body
  Stream::reset();
  chain = nullptr;
  head.reset();
  running = response_sent = false;
  sent_seen = 0;
  sent_at = {};
}

}  // namespace layotto::http::h2
