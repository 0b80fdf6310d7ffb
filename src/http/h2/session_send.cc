// Session, the sending half: submissions → frames. What no window holds back is framed at once,
// into control_; data that have to wait stay with their stream until write_to().
#include <algorithm>
#include <utility>

#include "http/h2/outgoing_fields.h"
#include "http/h2/session.h"

namespace layotto::http::h2 {
namespace {

// kRoom is announced when a stream's queue falls to this.
constexpr size_t kRoomBytes = 32 * 1024;
// Data are framed at once only while less than this waits; a peer that does not read makes them
// stay with their streams.
constexpr size_t kControlBytesMax = 64 * 1024;
// Data that are copied behind their head, to leave in one piece with it.
constexpr size_t kWholeBytesMax = 4 * 1024;
// Data of one stream before the next one has its turn.
constexpr size_t kTurnBytes = 16 * 1024;

}  // namespace

// ---- frames

void Session::put_frame(FrameType type, uint8_t flags, uint32_t stream, ByteView payload) {
  char* to = control_.reserve(kFrameHeadBytes + payload.size());
  write_frame_head(to, {.length = static_cast<uint32_t>(payload.size()),
                        .type = type,
                        .flags = flags,
                        .stream = stream});
  std::copy(payload.begin(), payload.end(), to + kFrameHeadBytes);
  control_.commit(kFrameHeadBytes + payload.size());
}

void Session::put_settings() {
  std::array<char, 7 * kSettingBytes> payload;
  size_t size = 0;
  const auto add = [&](Setting setting, uint32_t value) {
    char* to = payload.data() + size;
    to[0] = 0;
    to[1] = static_cast<char>(setting);
    write_u32(to + 2, value);
    size += kSettingBytes;
  };
  add(Setting::kInitialWindowSize, limits_.stream_window_bytes);
  add(Setting::kMaxFrameSize, limits_.frame_bytes_max);
  add(Setting::kHeaderTableSize,
      std::min<uint32_t>(limits_.header_table_bytes, hpack::DynamicTable::kSizeCeiling));
  add(Setting::kMaxHeaderListSize, limits_.header_bytes_max);
  if (side_ == Side::kServer) {
    add(Setting::kMaxConcurrentStreams, limits_.concurrent_streams_max);
    add(Setting::kNoRfc7540Priorities, 1);
    if (limits_.extended_connect) add(Setting::kEnableConnectProtocol, 1);
  } else {
    add(Setting::kEnablePush, 0);
  }
  put_frame(FrameType::kSettings, 0, 0, {payload.data(), size});
}

void Session::put_window_update(uint32_t stream, uint32_t increment) {
  std::array<char, 4> payload;
  write_u32(payload.data(), increment);
  put_frame(FrameType::kWindowUpdate, 0, stream, {payload.data(), payload.size()});
}

void Session::put_rst_stream(uint32_t stream, ErrorCode code) {
  std::array<char, 4> payload;
  write_u32(payload.data(), static_cast<uint32_t>(code));
  put_frame(FrameType::kRstStream, 0, stream, {payload.data(), payload.size()});
}

void Session::put_goaway(uint32_t last_stream, ErrorCode code) {
  std::array<char, 8> payload;
  write_u32(payload.data(), last_stream);
  write_u32(payload.data() + 4, static_cast<uint32_t>(code));
  put_frame(FrameType::kGoaway, 0, 0, {payload.data(), payload.size()});
  last_goaway_sent_ = last_stream;
}

// ---- header blocks

void Session::put_headers(ByteChain& out, uint32_t stream, ByteView block, bool end_stream) {
  FrameType type = FrameType::kHeaders;
  uint8_t flags = end_stream ? kFlagEndStream : 0;
  do {
    const size_t n = std::min<size_t>(block.size(), peer_frame_bytes_);
    if (n == block.size()) flags |= kFlagEndHeaders;
    char* to = out.reserve(kFrameHeadBytes);
    write_frame_head(
        to, {.length = static_cast<uint32_t>(n), .type = type, .flags = flags, .stream = stream});
    out.commit(kFrameHeadBytes);
    out.append(block.substr(0, n));
    block.remove_prefix(n);
    type = FrameType::kContinuation;
    flags = 0;
  } while (!block.empty());
}

// Behind what is in encoded_.
ByteView Session::encode_fields(const HeaderMap& headers, bool without_host) {
  for (const HeaderField& field : headers.fields()) {
    if (without_host && field.id == HeaderId::kHost) continue;
    switch (use_of(field)) {
      case FieldUse::kSend:
        encoder_.field(field.name, field.value, encoded_);
        break;
      case FieldUse::kInvalid:
        ++fields_dropped_;
        break;
      case FieldUse::kLeaveOut:
        break;
    }
  }
  return encoded_;
}

// A head or trailers that every answer has are a block for the whole process: encoded once, they
// are a byte or two as long as the table stays as it is.
const Session::EncodedBlock* Session::known_block(const HeaderMap& headers, uint16_t status) const {
  const HeaderBlock* block = headers.permanent_block();
  const EncodedBlock& known = status != 0 ? encoded_head_ : encoded_trailers_;
  const bool is_known = block != nullptr && known.block == block && known.status == status &&
                        known.generation == encoder_.generation() && !encoder_.update_due();
  return is_known ? &known : nullptr;
}

bool Session::put_cached(ByteChain& out, StreamState& stream, const HeaderMap& headers,
                         uint16_t status, bool end_stream) {
  const EncodedBlock* known = known_block(headers, status);
  if (known == nullptr) return false;
  char* to = out.reserve(kFrameHeadBytes + known->bytes.size());
  out.commit(static_cast<size_t>(known->write(to, stream.id, end_stream) - to));
  return true;
}

void Session::remember_block(const HeaderMap& headers, uint16_t status) {
  const HeaderBlock* block = headers.permanent_block();
  EncodedBlock& known = status != 0 ? encoded_head_ : encoded_trailers_;
  if (block == nullptr || !encoder_.repeatable() || encoded_.size() > known.bytes.size()) return;
  known.block = block;
  known.status = status;
  known.generation = encoder_.generation();
  known.size = static_cast<uint8_t>(encoded_.size());
  std::copy(encoded_.begin(), encoded_.end(), known.bytes.begin());
}

void Session::put_response_head(StreamState& stream, const ResponseHead& head, bool end_stream) {
  const uint16_t status = head.status < 100 || head.status > 599 ? 500 : head.status;
  if (put_cached(control_, stream, head.headers, status, end_stream)) return;
  encoded_.clear();
  encoder_.begin(encoded_);
  encoder_.field(":status", status_text(status), encoded_);
  put_headers(control_, stream.id, encode_fields(head.headers), end_stream);
  remember_block(head.headers, status);
}

void Session::put_trailers(ByteChain& out, StreamState& stream) {
  if (put_cached(out, stream, stream.trailers, 0, true)) return;
  encoded_.clear();
  encoder_.begin(encoded_);
  put_headers(out, stream.id, encode_fields(stream.trailers), true);
  remember_block(stream.trailers, 0);
}

// ---- submissions

void Session::submit_response(uint32_t id, const ResponseHead& head, bool end_stream) {
  StreamState* stream = find(id);
  if (stream == nullptr || stream->head_sent || ended_) return;
  stream->head_sent = true;
  put_response_head(*stream, head, end_stream);
  if (end_stream) {
    stream->ended = true;
    end_local(*stream);
  } else {
    want_to_send(*stream);
  }
}

void Session::submit_interim(uint32_t id, const ResponseHead& head) {
  StreamState* stream = find(id);
  if (stream == nullptr || stream->head_sent || ended_) return;
  if (head.status < 100 || head.status > 199 || head.status == 101) return;  // RFC 9113 §8.6
  put_response_head(*stream, head, false);
}

Result<uint32_t> Session::submit_request(const RequestHead& head, bool end_stream, void* user) {
  if (failure_ != SessionFailure::kNone || streams_available() == 0) {
    return base::unavailable("the HTTP/2 connection takes no more streams").retryable();
  }
  const uint32_t id = next_stream_;
  next_stream_ += 2;
  unwritten_from_ = std::min(unwritten_from_, id);
  StreamState& stream = open_stream(id);
  stream.user = user;
  stream.head_sent = true;
  stream.head_request = head.method() == Method::kHead;
  encoded_.clear();
  encoder_.begin(encoded_);
  encoder_.field(":method", head.method_text(), encoded_);
  if (head.method() != Method::kConnect) {  // RFC 9113 §8.5
    encoder_.field(":scheme", head.scheme(), encoded_);
    encoder_.field(":path", head.path(), encoded_);
  }
  // :authority says it; a Host field could say something else (RFC 9113 §8.3.1).
  const bool has_authority = !head.authority().empty();
  if (has_authority) encoder_.field(":authority", head.authority(), encoded_);
  put_headers(control_, id, encode_fields(head.headers, has_authority), end_stream);
  if (end_stream) {
    stream.ended = true;
    end_local(stream);
  }
  return id;
}

void Session::submit_data(uint32_t id, Bytes data, bool end_stream) {
  StreamState* stream = find(id);
  if (stream == nullptr || stream->ended || ended_) return;
  stream->ended = end_stream;
  const size_t size = data.size();
  if (size == 0) {
    if (end_stream) want_to_send(*stream);
    return;
  }
  stream->queued += size;
  queued_ += size;
  if (stream->queued == size) {
    stream->first = std::move(data);
  } else {
    stream->rest.append(std::move(data));
  }
  want_to_send(*stream);
}

void Session::submit_trailers(uint32_t id, const HeaderMap& trailers) {
  StreamState* stream = find(id);
  if (stream == nullptr || stream->ended || ended_) return;
  stream->trailers = trailers;
  stream->has_trailers = true;
  stream->ended = true;
  want_to_send(*stream);
}

bool Session::submit_whole(StreamRef& ref, const ResponseHead& head, ByteView data,
                           const HeaderMap& trailers) {
  auto& stream = static_cast<StreamState&>(ref);
  const auto size = static_cast<int64_t>(data.size());
  if (stream.closed || stream.head_sent || !stream.remote_closed || ended_ || !sending_.empty() ||
      data.empty() || data.size() > kWholeBytesMax || control_.size() >= kControlBytesMax ||
      size > std::min<int64_t>(send_window_, stream.send_window)) {
    return false;
  }
  const EncodedBlock* const first = known_block(head.headers, head.status);
  const EncodedBlock* const last = known_block(trailers, 0);
  if (first == nullptr || last == nullptr) return false;

  char* const begin = control_.reserve(3 * kFrameHeadBytes + 2 * first->bytes.size() + data.size());
  char* to = first->write(begin, stream.id, /*end_stream=*/false);
  write_frame_head(to, {.length = static_cast<uint32_t>(data.size()),
                        .type = FrameType::kData,
                        .stream = stream.id});
  to += kFrameHeadBytes;
  std::memcpy(to, data.data(), data.size());
  to = last->write(to + data.size(), stream.id, /*end_stream=*/true);
  control_.commit(static_cast<size_t>(to - begin));
  send_window_ -= size;
  guard_.worked();
  guard_.stream_ended_well();

  closed_[closed_count_++ % kClosedKept] = {.id = stream.id, .ending = Ending::kComplete};
  streams_.remove(stream.id);
  if (recent_ == &stream) recent_ = nullptr;
  StreamState::give_clean(stream);
  return true;
}

size_t Session::queued(uint32_t id) const {
  const StreamState* stream = streams_.find(id);
  return stream == nullptr ? 0 : stream->queued;
}

void Session::reset(uint32_t id, ErrorCode code) {
  StreamState* stream = find(id);
  if (stream == nullptr || ended_) return;
  put_rst_stream(id, code);
  close_stream(*stream, code, Ending::kResetByUs);
}

// ---- data under the windows

// The stream may have something to send that its window allows: in its turn, or at once when nobody
// waits and nothing holds it back, which is what happens to every small answer.
void Session::want_to_send(StreamState& stream) {
  if (!stream.head_sent || stream.local_closed || stream.linked()) return;
  if (stream.queued == 0 ? !stream.ended : stream.send_window <= 0) return;
  const bool at_once = sending_.empty() && control_.size() < kControlBytesMax &&
                       stream.queued <= kTurnBytes &&
                       static_cast<int64_t>(stream.queued) <= send_window_ &&
                       static_cast<int64_t>(stream.queued) <= stream.send_window;
  if (at_once) {
    write_stream(control_, stream);
  } else {
    sending_.push_back(stream);
  }
}

void Session::put_data(ByteChain& out, StreamState& stream, size_t size, bool end_stream) {
  char* head = out.reserve(kFrameHeadBytes);
  write_frame_head(head, {.length = static_cast<uint32_t>(size),
                          .type = FrameType::kData,
                          .flags = end_stream ? kFlagEndStream : uint8_t{0},
                          .stream = stream.id});
  out.commit(kFrameHeadBytes);
  size_t left = size;
  if (!stream.first.empty()) {
    const size_t n = std::min(left, stream.first.size());
    out.append(stream.first.split_prefix(n));
    left -= n;
    if (stream.first.empty()) stream.first = Bytes();
  }
  while (left > 0) {
    Bytes piece = stream.rest.take_front(left);
    left -= piece.size();
    out.append(std::move(piece));
  }
  stream.queued -= size;
  queued_ -= size;
  stream.send_window -= static_cast<int32_t>(size);
  send_window_ -= static_cast<int64_t>(size);
  if (size > 0) guard_.worked();
}

// One turn: as much as windows and fairness allow, and the end when the data are all out.
void Session::write_stream(ByteChain& out, StreamState& stream) {
  const size_t before = stream.queued;
  if (before > 0) {
    const auto window = static_cast<size_t>(
        std::clamp<int64_t>(std::min<int64_t>(stream.send_window, send_window_), 0, kTurnBytes));
    const size_t size = std::min({before, window, size_t{peer_frame_bytes_}});
    if (size == 0) return;
    put_data(out, stream, size, stream.ended && !stream.has_trailers && size == before);
    if (before > kRoomBytes && stream.queued <= kRoomBytes) {
      events_.push_back({.kind = EventKind::kRoom, .stream = stream.id, .ref = &stream});
    }
  }
  if (stream.queued > 0 || !stream.ended) return;
  if (stream.has_trailers) {
    put_trailers(out, stream);
  } else if (before == 0) {
    put_data(out, stream, 0, true);
  }
  end_local(stream);
}

// END_STREAM is on its way.
void Session::end_local(StreamState& stream) {
  stream.local_closed = true;
  if (stream.remote_closed) {
    close_stream(stream, ErrorCode::kNoError, Ending::kComplete);
    return;
  }
  if (side_ == Side::kClient) return;
  // Answered before the request ended: tell the client to stop, RFC 9113 §8.1.
  put_rst_stream(stream.id, ErrorCode::kNoError);
  close_stream(stream, ErrorCode::kNoError, Ending::kResetByUs);
}

void Session::write_to(ByteChain& out, size_t out_max) {
  do {
    out.append(std::move(control_));
    unwritten_from_ = UINT32_MAX;
    answers_unsent_ = 0;
    while (out.size() < out_max && send_window_ > 0) {
      StreamState* stream = sending_.pop_front();
      if (stream == nullptr) break;
      write_stream(out, *stream);
      if (!stream->local_closed && stream->queued > 0 && stream->send_window > 0) {
        sending_.push_back(*stream);
      }
    }
    // RST_STREAM frames of early answers were put behind what has just been written.
  } while (!control_.empty());
}

}  // namespace layotto::http::h2
