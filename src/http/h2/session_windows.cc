// Session, DATA frames and the windows they count against (RFC 9113 §5.2, §6.1, §6.9).
#include <algorithm>
#include <utility>

#include "http/h2/session.h"

namespace layotto::http::h2 {

// ---- DATA, §6.1

void Session::begin_data() {
  const uint32_t id = frame_.stream;
  if (id == 0) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  const bool padded = frame_.has(kFlagPadded);
  if (padded && left_ == 0) {
    connection_error(ErrorCode::kFrameSizeError);
    return;
  }
  if (static_cast<int64_t>(left_) > receive_window_) {
    connection_error(ErrorCode::kFlowControlError);
    return;
  }
  if (is_idle(id)) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  // Frames that carry nothing make us work for nothing; so do those that carry next to nothing and
  // are dropped.
  constexpr size_t kDroppedBytesMin = 16;
  StreamState* stream = find(id);
  const bool dropped = side_ == Side::kServer && stream == nullptr;
  if ((left_ == 0 || padded) ? !frame_.has(kFlagEndStream) : dropped && left_ < kDroppedBytesMin) {
    if (!check_idle_frame()) return;
  } else if (!dropped) {
    guard_.worked();
  }
  receive_window_ -= static_cast<int64_t>(left_);
  data_stream_ = nullptr;  // the data are dropped, unless …
  if (stream == nullptr) {
    switch (ending_of(id)) {
      case Ending::kComplete:
        connection_error(ErrorCode::kStreamClosed);
        return;
      case Ending::kResetByPeer:
        stream_error(id, ErrorCode::kStreamClosed);
        break;
      case Ending::kResetByUs:
        break;  // on its way when we reset
    }
  } else if (stream->remote_closed) {
    stream_error(id, ErrorCode::kStreamClosed);
  } else if (!stream->head_received) {
    stream_error(id, ErrorCode::kProtocolError);  // client: content before the head
  } else if (static_cast<int64_t>(left_) > stream->receive_window) {
    stream_error(id, ErrorCode::kFlowControlError);
  } else {
    stream->receive_window -= static_cast<int32_t>(left_);
    data_stream_ = stream;
  }
  if (ended_) return;
  padding_left_ = 0;
  if (padded) {
    reading_ = Reading::kPadLength;
  } else if (left_ > 0) {
    reading_ = Reading::kData;
  } else {
    end_data();
  }
}

void Session::read_pad_length(uint8_t length) {
  if (length >= frame_.length) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  padding_left_ = length;
  left_ = frame_.length - 1 - padding_left_;
  if (left_ > 0) guard_.worked();
  // Padding counts against the windows and is consumed at once, its length too.
  consumed(data_stream_ != nullptr ? frame_.stream : 0, padding_left_ + 1);
  if (left_ > 0) {
    reading_ = Reading::kData;
  } else {
    end_data();
  }
}

// Every byte of a DATA frame is given back once: what is dropped at once, what is delivered when it
// was used.
void Session::deliver_data(ByteView piece) {
  if (data_stream_ == nullptr) {
    give_back_connection_window(piece.size());
    return;
  }
  StreamState& stream = *data_stream_;
  stream.content_received += static_cast<int64_t>(piece.size());
  if (stream.content_length >= 0 && stream.content_received > stream.content_length) {
    give_back_connection_window(piece.size());
    stream_error(stream.id, ErrorCode::kProtocolError);
    return;
  }
  stream.unconsumed += static_cast<int32_t>(piece.size());
  events_.push_back({.kind = EventKind::kData, .stream = stream.id, .ref = &stream, .data = piece});
}

void Session::end_data() {
  if (padding_left_ > 0) {
    left_ = std::exchange(padding_left_, 0);
    reading_ = Reading::kPadding;
    return;
  }
  end_frame_of_data();
}

void Session::end_frame_of_data() {
  reading_ = Reading::kHead;
  StreamState* stream = std::exchange(data_stream_, nullptr);
  if (stream == nullptr || !frame_.has(kFlagEndStream)) return;
  if (stream->content_length >= 0 && stream->content_received != stream->content_length) {
    stream_error(stream->id, ErrorCode::kProtocolError);
    return;
  }
  stream->remote_closed = true;
  if (!events_.empty() && events_.back().kind == EventKind::kData && events_.back().ref == stream) {
    events_.back().end_stream = true;
  } else {
    events_.push_back(
        {.kind = EventKind::kData, .end_stream = true, .stream = stream->id, .ref = stream});
  }
  if (stream->local_closed) close_stream(*stream, ErrorCode::kNoError, Ending::kComplete);
}

// ---- windows open when data were used

void Session::open_connection_window() {
  put_window_update(0, static_cast<uint32_t>(connection_consumed_));
  receive_window_ += connection_consumed_;
  connection_consumed_ = 0;
}

void Session::consumed(uint32_t id, size_t bytes) {
  if (ended_ || bytes == 0) return;
  give_back_connection_window(bytes);
  StreamState* stream = find(id);
  if (stream == nullptr) return;
  stream->unconsumed = std::max(0, stream->unconsumed - static_cast<int32_t>(bytes));
  stream->consumed += static_cast<int32_t>(bytes);
  if (stream->remote_closed || stream->consumed < stream->window_size / 2) return;
  // A reader that keeps up gets a larger window, so that a round trip does not hold it back.
  int32_t growth = 0;
  const auto size_max = static_cast<int32_t>(limits_.stream_window_bytes_max);
  if (stream->unconsumed == 0 && stream->window_size < size_max) {
    growth = std::min(stream->window_size, size_max - stream->window_size);
    stream->window_size += growth;
  }
  put_window_update(id, static_cast<uint32_t>(stream->consumed + growth));
  stream->receive_window += stream->consumed + growth;
  stream->consumed = 0;
}

}  // namespace layotto::http::h2
