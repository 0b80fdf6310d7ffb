// Stream: the two bodies of one HTTP/2 stream, whichever side we are: the one that arrives, as its
// reader sees it, and the one that leaves. ServerStream and ClientStream add what their side needs.
#pragma once

#include "async/event.h"
#include "base/byte_chain.h"
#include "http/body.h"
#include "http/h2/session.h"

namespace layotto::http::h2 {

// The connection, as its streams see it.
class StreamOwner {
 public:
  [[nodiscard]] virtual Session& session() = 0;
  // Something was submitted: send it at the end of the pass.
  virtual void flush_soon() = 0;

 protected:
  ~StreamOwner() = default;
};

class Stream : public BodyStream {
 public:
  explicit Stream(async::Loop& loop) : arrived(loop), room(loop) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // ---- the body that arrives, for its one reader
  Task<Result<Chunk>> read(size_t max) override;
  [[nodiscard]] const HeaderMap* trailers() const override {
    return trailers_block ? &arrived_trailers : nullptr;
  }
  void abandon() override;

  // ---- the body that leaves
  // Submits it piece by piece, never far ahead of the peer's windows, and counts what was
  // submitted. Ok: everything was. An Error: of the body, or because the stream was closed or
  // stopped.
  Task<Status> send(Body body, uint64_t& bytes);
  // The same at once; for a complete body.
  void send_complete(Body body, uint64_t& bytes);

  // ---- for its connection
  void take_data(ByteView data, bool end);
  void take_trailers(HeaderBlockRef block);
  // The session has forgotten the stream, or the connection is gone.
  void close();
  // All that is here, which counts as read.
  Bytes take_received();
  // Gives the window of what nobody will read back to the peer.
  void drop_received();
  // Why the body cannot be read to its end.
  [[nodiscard]] virtual Error broken() const { return Error::cancelled(); }
  void reset();

  StreamOwner* owner = nullptr;  // null once the connection is gone
  uint32_t id = 0;
  ByteChain received;
  HeaderBlockRef trailers_block;
  HeaderMap arrived_trailers;
  async::Event arrived;    // something came, or nothing will any more
  async::Event room;       // little waits to be sent, or nothing will be any more
  bool ended = false;      // the peer has sent everything
  bool abandoned = false;  // nobody reads: consume and drop
  bool closed = false;

 protected:
  ~Stream() = default;

 private:
  Task<Result<Chunk>> wait_and_read(size_t max);
  Chunk take(size_t max);
  void give_back(size_t n);
};

}  // namespace layotto::http::h2
