// ServerStream: one request on an HTTP/2 server connection: its exchange, the request body as it
// arrives, and what is known of the response. Recycled through a StreamPool per worker.
#pragma once

#include <memory>
#include <optional>

#include "base/intrusive_list.h"
#include "http/chain.h"
#include "http/exchange.h"
#include "http/h2/stream.h"
#include "http/message.h"

namespace layotto::http::h2 {

class ServerStream final : public Stream, public ExchangePort, public base::ListLink<ServerStream> {
 public:
  explicit ServerStream(async::Loop& loop) : Stream(loop), exchange(loop) {}
  ~ServerStream() = default;

  void send_interim(const ResponseHead& interim) override;

  // Makes it ready for the next request.
  void recycle();

  Exchange exchange;
  // What it went through, whatever the listener serves by now; set when dispatched.
  const Chain* chain = nullptr;
  std::optional<RequestHead> head;  // as received
  StreamRef* ref = nullptr;         // the session's side of it, until closed
  bool running = false;             // a root task owns the answer
  bool response_sent = false;       // the last byte was submitted
  uint64_t sent_seen = 0;           // payload the peer's windows had let through …
  TimePoint sent_at{};              // … when this was noticed; for stalls
};

// Streams kept for reuse by one worker.
class StreamPool {
 public:
  static constexpr size_t kKeptMax = 256;

  StreamPool() = default;
  ~StreamPool() {
    while (ServerStream* stream = kept_.pop_front()) delete stream;
  }
  ServerStream* take(async::Loop& loop) {
    ServerStream* stream = kept_.pop_front();
    if (stream == nullptr) return new ServerStream(loop);
    --count_;
    return stream;
  }
  void give(ServerStream* stream) {
    stream->recycle();
    if (count_ == kKeptMax) {
      delete stream;
      return;
    }
    kept_.push_front(*stream);
    ++count_;
  }

 private:
  base::IntrusiveList<ServerStream, ServerStream> kept_;
  size_t count_ = 0;
};

}  // namespace layotto::http::h2
