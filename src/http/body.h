// Body: the payload of a message. Empty; complete (bytes at hand, the unary case, no virtual call);
// or a stream that is pulled. Not reading is the backpressure: no window is opened, no socket read.
//
// A Body never owns tasks. The stream behind it belongs to the exchange (its codec or its arena)
// and outlives the Body; dropping a Body before its end abandons the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "async/task.h"
#include "base/bytes.h"
#include "base/error.h"
#include "http/header_map.h"

namespace layotto::http {

struct Chunk {
  Bytes data;
  // True for the last chunk (its data may be empty). After it trailers() is valid.
  bool end = false;
};

// One reader at a time.
class BodyStream {
 public:
  // At least one byte, or the end, or an Error (reset, deadline, stop). At most `max` bytes.
  virtual Task<Result<Chunk>> read(size_t max) = 0;
  // After the end; nullptr when there are none. Lives as long as the exchange.
  [[nodiscard]] virtual const HeaderMap* trailers() const { return nullptr; }
  // Nobody will read the rest.
  virtual void abandon() {}

 protected:
  ~BodyStream() = default;
};

class Body {
 public:
  Body() = default;
  // The whole payload; `trailers` (may be null) lives as long as the exchange.
  static Body complete(Bytes bytes, const HeaderMap* trailers = nullptr) {
    Body body;
    body.size_ = static_cast<uint32_t>(bytes.size());
    body.data_ = bytes.data();
    body.slab_ = bytes.release_slab();
    body.kind_ = Kind::kComplete;
    body.trailers_ = trailers;
    return body;
  }
  // `stream` outlives the body.
  static Body stream(BodyStream& stream) {
    Body body;
    body.stream_ = &stream;
    body.kind_ = Kind::kStream;
    return body;
  }

  Body(Body&& other) noexcept
      : slab_(std::exchange(other.slab_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        kind_(std::exchange(other.kind_, Kind::kComplete)),
        trailers_(std::exchange(other.trailers_, nullptr)) {}
  Body& operator=(Body&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Body() {
    if (kind_ == Kind::kStream) {
      stream_->abandon();
    } else if (slab_ != nullptr) {
      slab_->release();
    }
  }

  // Everything is at hand (an empty body too).
  [[nodiscard]] bool is_complete() const { return kind_ == Kind::kComplete; }
  [[nodiscard]] bool empty() const { return is_complete() && size_ == 0; }
  // The payload of a complete body, as long as the body.
  [[nodiscard]] ByteView bytes() const {
    return is_complete() ? ByteView(data_, size_) : ByteView();
  }
  // The payload of a complete body, which is then empty (trailers stay).
  Bytes take_bytes() {
    DCHECK(is_complete());
    return {std::exchange(slab_, nullptr), std::exchange(data_, nullptr), std::exchange(size_, 0)};
  }
  Task<Result<Chunk>> read(size_t max) {
    if (kind_ == Kind::kStream) return stream_->read(max);
    return read_complete(max);
  }
  [[nodiscard]] const HeaderMap* trailers() const {
    return kind_ == Kind::kStream ? stream_->trailers() : trailers_;
  }
  // The end was read (or there is nothing to abandon): the destructor does nothing then.
  void mark_ended() {
    if (kind_ != Kind::kStream) return;
    trailers_ = stream_->trailers();
    kind_ = Kind::kComplete;
    slab_ = nullptr;
    data_ = nullptr;
    size_ = 0;
  }

 private:
  enum class Kind : uint8_t { kComplete, kStream };

  Task<Result<Chunk>> read_complete(size_t max) {
    Bytes all = take_bytes();
    if (all.size() <= max) return async::ready(Result<Chunk>(Chunk{std::move(all), true}));
    Bytes front = all.split_prefix(max);
    size_ = static_cast<uint32_t>(all.size());
    data_ = all.data();
    slab_ = all.release_slab();
    return async::ready(Result<Chunk>(Chunk{std::move(front), false}));
  }
  void swap(Body& other) noexcept {
    std::swap(slab_, other.slab_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(kind_, other.kind_);
    std::swap(trailers_, other.trailers_);
  }

  union {
    base::Slab* slab_ = nullptr;
    BodyStream* stream_;
  };
  const char* data_ = nullptr;
  uint32_t size_ = 0;
  Kind kind_ = Kind::kComplete;
  const HeaderMap* trailers_ = nullptr;
};
static_assert(sizeof(Body) <= 32);

// Reads to the end; kResourceExhausted beyond `max` bytes. Ready at once for a complete body.
Task<Result<Bytes>> read_all(Body& body, size_t max);

}  // namespace layotto::http
