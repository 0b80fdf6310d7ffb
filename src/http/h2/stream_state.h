// What a Session keeps of one stream, and the table that finds it by id.
#pragma once

#include <cstdint>
#include <memory>

#include "base/byte_chain.h"
#include "base/intrusive_list.h"
#include "base/per_thread.h"
#include "http/header_map.h"

namespace layotto::http::h2 {

// What the user of a session keeps of a stream. Valid until the events that hold its kClosed are
// cleared.
struct StreamRef {
  void* user = nullptr;
};

struct StreamState : StreamRef, base::ListLink<StreamState> {
  // From this thread's free list, and back into it.
  static StreamState& take();
  static void give(StreamState& stream);
  // The same for one that has nothing queued and is not linked.
  static void give_clean(StreamState& stream);

  uint32_t id = 0;

  // ---- sending
  int32_t send_window = 0;  // may become negative, RFC 9113 §6.9.2
  bool head_sent = false;
  bool ended = false;         // no more data will be submitted
  bool has_trailers = false;  // to be sent behind the data
  bool local_closed = false;  // END_STREAM is on its way
  // Data not framed yet: `first` spares the chain for the usual single piece.
  Bytes first;
  ByteChain rest;
  size_t queued = 0;
  HeaderMap trailers;

  // ---- receiving
  int32_t receive_window = 0;  // what the peer may still send
  int32_t window_size = 0;     // what it is opened to; grows while the reader keeps up
  int32_t consumed = 0;        // and not announced yet
  int32_t unconsumed = 0;      // delivered and not consumed
  int64_t content_length = -1;
  int64_t content_received = 0;
  bool head_received = false;  // the final one
  bool remote_closed = false;
  bool head_request = false;  // client: of HEAD, whose answer has no content

  bool closed = false;  // not in the session's table any more
};

namespace stream_pool {

constexpr size_t kKeptMax = 256;

struct FreeStreams {
  base::IntrusiveList<StreamState, StreamState> list;
  size_t count = 0;
  ~FreeStreams() {
    while (StreamState* stream = list.pop_front()) delete stream;
  }
};

}  // namespace stream_pool

inline StreamState& StreamState::take() {
  auto& pool = base::per_thread<stream_pool::FreeStreams>();
  StreamState* stream = pool.list.pop_front();
  if (stream == nullptr) return *new StreamState;
  --pool.count;
  return *stream;
}

inline void StreamState::give_clean(StreamState& stream) {
  auto& pool = base::per_thread<stream_pool::FreeStreams>();
  if (pool.count == stream_pool::kKeptMax) [[unlikely]] {
    delete &stream;
    return;
  }
  stream.user = nullptr;
  stream.head_sent = stream.ended = stream.has_trailers = stream.local_closed = false;
  stream.head_received = stream.remote_closed = stream.head_request = stream.closed = false;
  stream.consumed = stream.unconsumed = 0;
  stream.content_length = -1;
  stream.content_received = 0;
  pool.list.push_front(stream);
  ++pool.count;
}

inline void StreamState::give(StreamState& stream) {
  stream.unlink();
  stream.first = Bytes();
  stream.rest.clear();
  stream.queued = 0;
  stream.trailers = {};
  give_clean(stream);
}

// Open addressing over ids that grow by two: a stream is nearly always at its own place. Empty it
// holds no memory.
class StreamTable {
 public:
  [[nodiscard]] StreamState* find(uint32_t id) const {
    if (capacity_ == 0) return nullptr;
    for (size_t i = place_of(id);; i = (i + 1) & (capacity_ - 1)) {
      StreamState* stream = places_[i];
      if (stream == nullptr || stream->id == id) return stream;
    }
  }
  void add(StreamState& stream) {
    if ((count_ + 1) * 2 > capacity_) grow();
    size_t i = place_of(stream.id);
    if (places_[i] != nullptr) [[unlikely]] {
      moved_ = true;
      while (places_[i] != nullptr) i = (i + 1) & (capacity_ - 1);
    }
    places_[i] = &stream;
    ++count_;
  }
  void remove(uint32_t id) {
    size_t i = place_of(id);
    while (places_[i]->id != id) i = (i + 1) & (capacity_ - 1);
    places_[i] = nullptr;
    if (--count_ == 0) moved_ = false;
    if (!moved_) [[likely]]
      return;
    // Those behind it that could not be at their place move up.
    for (size_t next = (i + 1) & (capacity_ - 1); places_[next] != nullptr;
         next = (next + 1) & (capacity_ - 1)) {
      const size_t home = place_of(places_[next]->id);
      if (((next - home) & (capacity_ - 1)) >= ((next - i) & (capacity_ - 1))) {
        places_[i] = places_[next];
        i = next;
      }
    }
    places_[i] = nullptr;
  }
  [[nodiscard]] size_t count() const { return count_; }
  // Gives memory back that a burst needed.
  void trim() {
    if (count_ == 0) {
      places_.reset();
      capacity_ = 0;
    }
  }
  template <class F>
  void for_each(F function) const {
    for (size_t i = 0; i < capacity_; ++i) {
      if (places_[i] != nullptr) function(*places_[i]);
    }
  }

 private:
  [[nodiscard]] size_t place_of(uint32_t id) const { return (id >> 1) & (capacity_ - 1); }
  void grow() {
    const size_t old_capacity = capacity_;
    auto old = std::move(places_);
    capacity_ = old_capacity == 0 ? 8 : old_capacity * 2;
    places_ = std::make_unique<StreamState*[]>(capacity_);
    count_ = 0;
    moved_ = false;
    for (size_t i = 0; i < old_capacity; ++i) {
      if (old[i] != nullptr) add(*old[i]);
    }
  }

  std::unique_ptr<StreamState*[]> places_;
  size_t capacity_ = 0;
  size_t count_ = 0;
  bool moved_ = false;  // some stream may not be at its own place
};

}  // namespace layotto::http::h2
