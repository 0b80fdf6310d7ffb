#include "http/h1/request_body.h"

namespace layotto::http::h1 {
namespace {

// Complete bodies up to this size are copied into the exchange's arena.
constexpr size_t kArenaBodyMax = 2048;

}  // namespace

// ---- for the reader

Chunk RequestBody::take_received(size_t max) {
  Bytes data = received_.take_front(max);
  owner_.body_taken();
  return {.data = std::move(data), .end = ended_ && received_.empty()};
}

Task<Result<Chunk>> RequestBody::read(size_t max) {
  if (!received_.empty() || ended_) return async::ready(Result<Chunk>(take_received(max)));
  return wait_and_read(max);
}

Task<Result<Chunk>> RequestBody::wait_and_read(size_t max) {
  while (received_.empty() && !ended_) {
    if (failure_.has_value()) co_return failure_->clone();
    owner_.body_wanted();
    arrived_.reset();
    CO_TRY(co_await arrived_.wait());
  }
  co_return take_received(max);
}

void RequestBody::abandon() {
  abandoned_ = true;
  discarded_bytes_ += received_.size();
  received_.clear();
  owner_.body_taken();
}

// ---- for the connection

void RequestBody::begin(const Framing& framing) {
  reset();
  kind_ = framing.kind;
  ended_ = kind_ == Framing::Kind::kNone;
  length_left_ = framing.length;
  if (kind_ == Framing::Kind::kChunked) chunked_.begin();
}

void RequestBody::keep(ByteView payload) {
  if (payload.empty()) return;
  payload_bytes_ += payload.size();
  if (abandoned_) {
    discarded_bytes_ += payload.size();
  } else {
    received_.append(payload);
  }
}

size_t RequestBody::take(ByteView bytes) {
  size_t used = 0;
  if (kind_ == Framing::Kind::kLength) {
    const ByteView payload = bytes.substr(0, length_left_);
    keep(payload);
    used = payload.size();
    length_left_ -= used;
    ended_ = length_left_ == 0;
  } else {
    while (used < bytes.size() && !ended_ && chunked_fault_ == Fault::kNone) {
      const ChunkedDecoder::Step step = chunked_.feed(bytes.substr(used));
      used += step.used;
      keep(step.data);
      ended_ = chunked_.ended();
      chunked_fault_ = chunked_.fault();
    }
    if (ended_) {
      trailers_block_ = chunked_.take_trailers();
      if (trailers_block_) trailers_ = HeaderMap(*trailers_block_.get());
    }
    if (chunked_fault_ != Fault::kNone) {
      fail(base::invalid_argument("the request's body has {}", fault_text(chunked_fault_))
               .downstream());
    }
  }
  arrived_.set();
  return used;
}

Body RequestBody::take_complete(Arena& arena) {
  if (received_.size() > kArenaBodyMax) return Body::complete(received_.take_all(), trailers());
  const Bytes all = received_.take_all();
  return Body::complete(Bytes::unowned(arena.copy(all.view())), trailers());
}

void RequestBody::fail(Error why) {
  if (!failure_.has_value()) failure_.emplace(std::move(why));
  arrived_.set();
}

void RequestBody::reset() {
  kind_ = Framing::Kind::kNone;
  received_.clear();
  trailers_block_.reset();
  trailers_ = {};
  failure_.reset();
  chunked_fault_ = Fault::kNone;
  arrived_.reset();
  length_left_ = payload_bytes_ = discarded_bytes_ = 0;
  ended_ = true;
  abandoned_ = false;
}

}  // namespace layotto::http::h1
