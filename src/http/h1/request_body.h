// RequestBody: the content of the request under way, as it arrives, for its one reader. The
// connection puts bytes in; what nobody has read yet is bounded by the connection reading no more.
#pragma once

#include <optional>

#include "async/event.h"
#include "base/arena.h"
#include "base/byte_chain.h"
#include "http/body.h"
#include "http/h1/chunked_decoder.h"
#include "http/h1/head_parser.h"
#include "http/h1/limits.h"

namespace layotto::http::h1 {

// The connection, as the body of its request sees it.
class BodyOwner {
 public:
  // Somebody waits for bytes that have not come.
  virtual void body_wanted() = 0;
  // Something was taken, or nobody will read any more.
  virtual void body_taken() = 0;

 protected:
  ~BodyOwner() = default;
};

class RequestBody final : public BodyStream {
 public:
  RequestBody(async::Loop& loop, BodyOwner& owner, HeadLimits trailer_limits)
      : owner_(owner), chunked_(trailer_limits), arrived_(loop) {}
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

  // ---- for the reader
  Task<Result<Chunk>> read(size_t max) override;
  [[nodiscard]] const HeaderMap* trailers() const override {
    return trailers_block_ ? &trailers_ : nullptr;
  }
  void abandon() override;

  // ---- for the connection
  void begin(const Framing& framing);
  // Takes what belongs to the body; returns how much that was.
  size_t take(ByteView bytes);
  // The whole of it as a complete body, if all has arrived before anybody read.
  Body take_complete(Arena& arena);
  // No more will come: reads end with this once what is here was read.
  void fail(Error why);
  // The request is over: what the body held is given back.
  void reset();

  // All has arrived, or there is none.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] Fault fault() const { return chunked_fault_; }
  [[nodiscard]] bool full() const { return !abandoned_ && received_.size() >= kBodyBufferedMax; }
  [[nodiscard]] bool awaited() const { return arrived_.has_waiters(); }
  [[nodiscard]] bool abandoned() const { return abandoned_; }
  // Payload that came, and of it what nobody wanted; what is known to be still to come.
  [[nodiscard]] uint64_t payload_bytes() const { return payload_bytes_; }
  [[nodiscard]] uint64_t discarded_bytes() const { return discarded_bytes_; }
  [[nodiscard]] uint64_t length_left() const { return length_left_; }

 private:
  Task<Result<Chunk>> wait_and_read(size_t max);
  Chunk take_received(size_t max);
  void keep(ByteView payload);

  BodyOwner& owner_;
  Framing::Kind kind_ = Framing::Kind::kNone;
  ChunkedDecoder chunked_;
  async::Event arrived_;  // something came, or nothing will any more
  ByteChain received_;
  HeaderBlockRef trailers_block_;
  HeaderMap trailers_;
  std::optional<Error> failure_;
  Fault chunked_fault_ = Fault::kNone;
  uint64_t length_left_ = 0;
  uint64_t payload_bytes_ = 0;
  uint64_t discarded_bytes_ = 0;
  bool ended_ = true;
  bool abandoned_ = false;
};

}  // namespace layotto::http::h1
