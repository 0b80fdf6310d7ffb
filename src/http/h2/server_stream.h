// ServerStream: one request on an HTTP/2 server connection: its exchange, the request body as it
// arrives, and what is known of the response. Recycled through a StreamPool per worker.
#pragma once

#include <memory>
#include <optional>

#include "async/event.h"
#include "base/byte_chain.h"
#include "base/intrusive_list.h"
#include "http/body.h"
#include "http/exchange.h"
#include "http/message.h"

namespace layotto::http::h2 {

class ServerConnection;

class ServerStream final : public BodyStream,
                           public ExchangePort,
                           public base::ListLink<ServerStream> {
 public:
  explicit ServerStream(async::Loop& loop) : exchange(loop), data_arrived(loop), room(loop) {}
  ~ServerStream() = default;

  // ---- the request body, for whoever handles the request
  Task<Result<Chunk>> read(size_t max) override;
  [[nodiscard]] const HeaderMap* trailers() const override {
    return trailers_block ? &request_trailers : nullptr;
  }
  void abandon() override;
  // Gives the window of what nobody will read back to the peer.
  void drop_received();

  void send_interim(const ResponseHead& head) override;

  // Makes it ready for the next request.
  void reset();

  Exchange exchange;
  ServerConnection* connection = nullptr;
  // What it went through, whatever the listener serves by now; set when dispatched.
  const Chain* chain = nullptr;
  std::optional<RequestHead> head;  // as received
  uint32_t id = 0;

  // Request body.
  ByteChain received;
  HeaderBlockRef trailers_block;
  HeaderMap request_trailers;
  async::Event data_arrived;
  bool request_ended = false;  // END_STREAM seen
  bool abandoned = false;      // nobody reads: consume and drop

  // Life.
  bool running = false;        // a root task owns the answer
  bool closed = false;         // the session has forgotten the stream
  bool response_sent = false;  // the last byte was submitted
  async::Event room;           // wakes the pump of the response body
  uint64_t sent_seen = 0;      // payload the peer's windows had let through …
  TimePoint sent_at{};         // … when this was noticed; for stalls

 private:
  Task<Result<Chunk>> wait_and_read(size_t max);
  Chunk take(size_t max);
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
    stream->reset();
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
