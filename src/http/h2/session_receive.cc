// Session, the receiving half: bytes → frames → events.
#include <algorithm>
#include <utility>

#include "http/h2/message_rules.h"
#include "http/h2/session.h"

namespace layotto::http::h2 {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Acknowledgements that may wait for a peer to read before it is taken for an attacker.
constexpr size_t kAnswersUnsentMax = 1000;

}  // namespace

// ---- bytes → frames

void Session::feed(ByteView bytes, TimePoint now) {
  now_ = now;
  while (!bytes.empty() && !ended_) {
    switch (reading_) {
      case Reading::kPreface: {
        const size_t n = std::min(kPreface.size() - preface_have_, bytes.size());
        if (kPreface.substr(preface_have_, n) != bytes.substr(0, n)) {
          connection_error(ErrorCode::kProtocolError);
          return;
        }
        preface_have_ += n;
        bytes.remove_prefix(n);
        if (preface_have_ == kPreface.size()) reading_ = Reading::kHead;
        break;
      }
      case Reading::kHead: {
        if (head_have_ == 0 && bytes.size() >= kFrameHeadBytes) {
          frame_ = read_frame_head(bytes.data());
          bytes.remove_prefix(kFrameHeadBytes);
          if (frame_.type == FrameType::kHeaders && take_known_request(bytes)) break;
        } else {
          const size_t n = std::min(kFrameHeadBytes - head_have_, bytes.size());
          std::copy_n(bytes.data(), n, head_bytes_.data() + head_have_);
          head_have_ = static_cast<uint8_t>(head_have_ + n);
          bytes.remove_prefix(n);
          if (head_have_ < kFrameHeadBytes) return;
          head_have_ = 0;
          frame_ = read_frame_head(head_bytes_.data());
        }
        begin_frame();
        break;
      }
      case Reading::kPayload: {
        if (payload_.empty() && bytes.size() >= left_) {
          const ByteView payload = bytes.substr(0, left_);
          bytes.remove_prefix(left_);
          reading_ = Reading::kHead;
          on_frame(payload);
          break;
        }
        const size_t n = std::min(left_ - payload_.size(), bytes.size());
        payload_.append(bytes.data(), n);
        bytes.remove_prefix(n);
        if (payload_.size() < left_) return;
        reading_ = Reading::kHead;
        const std::string whole = std::exchange(payload_, {});
        on_frame(whole);
        break;
      }
      case Reading::kPadLength:
        read_pad_length(static_cast<uint8_t>(bytes[0]));
        bytes.remove_prefix(1);
        break;
      case Reading::kData: {
        const size_t n = std::min(left_, bytes.size());
        left_ -= n;
        deliver_data(bytes.substr(0, n));
        bytes.remove_prefix(n);
        if (left_ == 0) end_data();
        break;
      }
      case Reading::kPadding:
      case Reading::kSkip: {
        const size_t n = std::min(left_, bytes.size());
        bytes.remove_prefix(n);
        left_ -= n;
        if (left_ > 0) break;
        if (reading_ == Reading::kPadding) {
          end_frame_of_data();
        } else {
          reading_ = Reading::kHead;
        }
        break;
      }
    }
  }
}

// The usual request of a client that repeats itself: HEADERS with bytes we know, mostly with all of
// its DATA behind it. False: nothing was taken, it goes the long way.
bool Session::take_known_request(ByteView& bytes) {
  constexpr uint8_t kShape = kFlagEndHeaders | kFlagPadded | kFlagPriority;
  const uint32_t id = frame_.stream;
  if (side_ != Side::kServer || (frame_.flags & kShape) != kFlagEndHeaders ||
      frame_.length > bytes.size() || in_block_ || !settings_received_ || (id & 1) == 0 ||
      id <= last_peer_stream_ || id > last_stream_allowed_ ||
      streams_.count() >= limits_.concurrent_streams_max) {
    return false;
  }
  const HeaderCache::Entry* const known =
      header_cache_.find(bytes.substr(0, frame_.length), decoder_.generation());
  if (known == nullptr) return false;
  bool ended = frame_.has(kFlagEndStream);
  if (ended && known->content_length > 0) return false;
  bytes.remove_prefix(frame_.length);
  guard_.worked();
  last_peer_stream_ = id;

  ByteView data;
  if (!ended && bytes.size() >= kFrameHeadBytes) {
    const FrameHead next = read_frame_head(bytes.data());
    const int64_t length = next.length;
    ended = next.type == FrameType::kData && next.flags == kFlagEndStream && next.stream == id &&
            length > 0 && length <= static_cast<int64_t>(bytes.size() - kFrameHeadBytes) &&
            length <= std::min<int64_t>(receive_window_, limits_.stream_window_bytes) &&
            length <= limits_.frame_bytes_max &&
            (known->content_length < 0 || known->content_length == length);
    if (ended) {
      data = bytes.substr(kFrameHeadBytes, next.length);
      bytes.remove_prefix(kFrameHeadBytes + next.length);
      receive_window_ -= length;
    }
  }
  StreamState& stream = open_stream(id);
  stream.head_received = true;
  stream.content_length = known->content_length;
  stream.remote_closed = ended;
  known->block->acquire();
  events_.push_back({.kind = EventKind::kHead,
                     .end_stream = ended,
                     .stream = id,
                     .ref = &stream,
                     .block = HeaderBlockRef(known->block.get()),
                     .data = data});
  return true;
}

// False: too many frames that do no work.
bool Session::check_idle_frame() {
  if (guard_.idle_frame(now_)) return true;
  connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kIdleFrameFlood);
  return false;
}

void Session::begin_frame() {
  if (frame_.length > limits_.frame_bytes_max) {
    connection_error(ErrorCode::kFrameSizeError);
    return;
  }
  if (!settings_received_ && (frame_.type != FrameType::kSettings || frame_.has(kFlagAck))) {
    connection_error(ErrorCode::kProtocolError);  // §3.4: SETTINGS come first
    return;
  }
  if (in_block_ &&
      (frame_.type != FrameType::kContinuation || frame_.stream != block_head_.stream)) {
    connection_error(ErrorCode::kProtocolError);  // §6.10: nothing inside a header block
    return;
  }
  left_ = frame_.length;
  switch (frame_.type) {
    case FrameType::kData:
      begin_data();
      return;
    case FrameType::kHeaders:
      break;  // work or not: on_block() says
    case FrameType::kSettings:
    case FrameType::kPing:
      if (!frame_.has(kFlagAck) && !check_idle_frame()) return;
      break;
    case FrameType::kRstStream:
      // Those of a server end what we asked for: no way to make us work.
      if (side_ == Side::kServer && !guard_.reset(now_)) {
        connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kResetFlood);
        return;
      }
      break;
    case FrameType::kContinuation:
      if (!guard_.idle_frame(now_)) {
        connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kContinuationFlood);
        return;
      }
      break;
    case FrameType::kPriority:
    case FrameType::kGoaway:
    case FrameType::kWindowUpdate:
    case FrameType::kPushPromise:
      if (!check_idle_frame()) return;
      break;
    default:  // unknown: ignored, §5.5
      if (!check_idle_frame()) return;
      reading_ = left_ == 0 ? Reading::kHead : Reading::kSkip;
      return;
  }
  if (left_ == 0) {
    on_frame({});
  } else {
    reading_ = Reading::kPayload;
  }
}

void Session::on_frame(ByteView payload) {
  switch (frame_.type) {
    case FrameType::kHeaders:
      on_headers(payload);
      return;
    case FrameType::kContinuation:
      on_continuation(payload);
      return;
    case FrameType::kRstStream:
      on_rst_stream(payload);
      return;
    case FrameType::kSettings:
      on_settings(payload);
      return;
    case FrameType::kPing:
      on_ping(payload);
      return;
    case FrameType::kGoaway:
      on_goaway(payload);
      return;
    case FrameType::kWindowUpdate:
      on_window_update(payload);
      return;
    case FrameType::kPriority:
      on_priority(payload);
      return;
    case FrameType::kPushPromise:
      connection_error(ErrorCode::kProtocolError);  // we never allow it
      return;
    case FrameType::kData:
      return;
  }
}

// ---- streams that are not there

bool Session::is_idle(uint32_t id) const {
  if (side_ == Side::kServer) return (id & 1) == 0 || id > last_peer_stream_;
  return (id & 1) == 0 || id >= next_stream_;
}

// Of a stream that is neither idle nor open. What is not remembered any more ended long ago: the
// peer may not have heard of it, as after a reset of ours.
Session::Ending Session::ending_of(uint32_t id) const {
  const size_t kept = std::min<uint64_t>(closed_count_, kClosedKept);
  for (size_t i = 0; i < kept; ++i) {
    if (closed_[i].id == id) return closed_[i].ending;
  }
  return Ending::kResetByUs;
}

bool Session::is_remembered(uint32_t id) const {
  return std::any_of(closed_.begin(), closed_.end(),
                     [id](const ClosedStream& each) { return each.id == id; });
}

void Session::stream_error(uint32_t id, ErrorCode code) {
  put_rst_stream(id, code);
  if (StreamState* stream = find(id); stream != nullptr) {
    close_stream(*stream, code, Ending::kResetByUs);
  } else {
    if (code != ErrorCode::kRefusedStream) ++unannounced_errors_;
    // A request that was never taken: what else is on its way is not held against the peer.
    if (!is_remembered(id)) {
      closed_[closed_count_++ % kClosedKept] = {.id = id, .ending = Ending::kResetByUs};
    }
  }
  // Resets the peer provokes count like resets it sends.
  if (side_ == Side::kServer && !guard_.reset(now_)) {
    connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kResetFlood);
  }
}

// ---- HEADERS and CONTINUATION, §6.2 and §6.10

void Session::on_headers(ByteView payload) {
  if (frame_.stream == 0) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  size_t padding = 0;
  if (frame_.has(kFlagPadded)) {
    if (payload.empty()) {
      connection_error(ErrorCode::kFrameSizeError);
      return;
    }
    padding = static_cast<uint8_t>(payload[0]);
    payload.remove_prefix(1);
  }
  if (frame_.has(kFlagPriority)) {
    if (payload.size() < 5) {
      connection_error(ErrorCode::kFrameSizeError);
      return;
    }
    payload.remove_prefix(5);  // priorities are ignored
  }
  if (padding > payload.size()) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  payload.remove_suffix(padding);
  block_head_ = frame_;
  if (frame_.has(kFlagEndHeaders)) {
    on_block(payload);
    return;
  }
  in_block_ = true;
  block_.assign(payload);
}

void Session::on_continuation(ByteView payload) {
  if (!in_block_) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  // Compressed it may be smaller than what it says, never larger than a few times that.
  if (block_.size() + payload.size() > size_t{limits_.header_bytes_max} * 4) {
    connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kContinuationFlood);
    return;
  }
  block_.append(payload);
  if (!frame_.has(kFlagEndHeaders)) return;
  in_block_ = false;
  const std::string whole = std::exchange(block_, {});
  on_block(whole);
}

Session::BlockUse Session::use_of_block(uint32_t id) {
  if (find(id) != nullptr) {
    return recent_->remote_closed ? BlockUse::kStreamClosed : BlockUse::kOpenStream;
  }
  if (is_idle(id)) {
    if (side_ == Side::kClient || (id & 1) == 0) {
      connection_error(ErrorCode::kProtocolError);
      return BlockUse::kIgnored;
    }
    last_peer_stream_ = id;
    if (id > last_stream_allowed_ || streams_.count() >= limits_.concurrent_streams_max) {
      return BlockUse::kRefused;
    }
    return BlockUse::kNewStream;
  }
  switch (ending_of(id)) {
    case Ending::kComplete:
      connection_error(ErrorCode::kStreamClosed);
      return BlockUse::kIgnored;
    case Ending::kResetByPeer:
      return BlockUse::kStreamClosed;
    case Ending::kResetByUs:
      break;
  }
  // A stream that was passed over may not be opened any more (§5.1.1). One that ended so long ago
  // that we do not remember it may look the same, and only while no ending was forgotten we know.
  if (side_ == Side::kServer && closed_count_ <= kClosedKept && !is_remembered(id)) {
    connection_error(ErrorCode::kProtocolError);
  }
  return BlockUse::kIgnored;
}

void Session::on_block(ByteView encoded) {
  const uint32_t id = block_head_.stream;
  const bool end_stream = block_head_.has(kFlagEndStream);
  const BlockUse use = use_of_block(id);
  if (ended_) return;
  if (use != BlockUse::kIgnored) {
    guard_.worked();
  } else if (side_ == Side::kServer && !check_idle_frame()) {
    return;
  }
  if (use == BlockUse::kNewStream) {
    if (const HeaderCache::Entry* known = header_cache_.find(encoded, decoder_.generation());
        known != nullptr) {
      known->block->acquire();
      finish_request(id, HeaderBlockRef(known->block.get()), known->content_length, end_stream,
                     /*too_large=*/false);
      return;
    }
  }
  StreamState* open = use == BlockUse::kOpenStream ? find(id) : nullptr;
  BlockKind kind = BlockKind::kRequest;
  if (side_ == Side::kClient) kind = BlockKind::kResponse;
  if (open != nullptr && open->head_received) kind = BlockKind::kTrailers;

  HeaderBlockRef block(HeaderBlock::make());
  const MessageRules::Limits limits{.bytes_max = limits_.header_bytes_max,
                                    .fields_max = limits_.header_fields_max,
                                    .encoded_bytes = encoded.size(),
                                    .extended_connect = limits_.extended_connect};
  MessageRules rules(kind, limits, *block.get());
  hpack::FieldReader reader(decoder_, encoded);
  while (const hpack::Field* field = reader.next()) {
    rules.add(field->name, field->value);
    if (rules.attack()) break;
  }
  if (reader.broken()) {
    connection_error(ErrorCode::kCompressionError);
    return;
  }
  if (rules.attack()) {
    connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kContinuationFlood);
    return;
  }
  rules.finish();
  switch (use) {
    case BlockUse::kIgnored:
      return;
    case BlockUse::kStreamClosed:
      stream_error(id, ErrorCode::kStreamClosed);
      return;
    case BlockUse::kRefused:
      ++streams_refused_;
      stream_error(id, ErrorCode::kRefusedStream);
      return;
    case BlockUse::kNewStream:
      if (rules.malformed()) {
        stream_error(id, ErrorCode::kProtocolError);
        return;
      }
      if (reader.repeatable() && !rules.too_large()) {
        header_cache_.add(encoded, decoder_.generation(), *block.get(), rules.content_length());
      }
      finish_request(id, std::move(block), rules.content_length(), end_stream, rules.too_large());
      return;
    case BlockUse::kOpenStream:
      break;
  }
  if (rules.malformed()) {
    stream_error(id, ErrorCode::kProtocolError);
    return;
  }
  if (kind == BlockKind::kTrailers) {
    finish_trailers(*open, std::move(block), end_stream, rules.too_large());
  } else {
    finish_response(*open, std::move(block), rules.content_length(), end_stream, rules.too_large());
  }
}

void Session::finish_request(uint32_t id, HeaderBlockRef block, int64_t content_length,
                             bool end_stream, bool too_large) {
  if (end_stream && content_length > 0) {
    stream_error(id, ErrorCode::kProtocolError);
    return;
  }
  StreamState& stream = open_stream(id);
  stream.head_received = true;
  stream.content_length = content_length;
  stream.remote_closed = end_stream;
  events_.push_back({.kind = EventKind::kHead,
                     .end_stream = end_stream,
                     .too_large = too_large,
                     .stream = id,
                     .ref = &stream,
                     .block = std::move(block)});
}

void Session::finish_trailers(StreamState& stream, HeaderBlockRef block, bool end_stream,
                              bool too_large) {
  const bool incomplete =
      stream.content_length >= 0 && stream.content_received != stream.content_length;
  const bool tunnel = stream.content_length == MessageRules::kTunnel;  // §8.5
  if (!end_stream || incomplete || tunnel) {
    stream_error(stream.id, ErrorCode::kProtocolError);
    return;
  }
  stream.remote_closed = true;
  events_.push_back({.kind = EventKind::kTrailers,
                     .end_stream = true,
                     .too_large = too_large,
                     .stream = stream.id,
                     .ref = &stream,
                     .block = std::move(block)});
  if (stream.local_closed) close_stream(stream, ErrorCode::kNoError, Ending::kComplete);
}

void Session::finish_response(StreamState& stream, HeaderBlockRef block, int64_t content_length,
                              bool end_stream, bool too_large) {
  const uint16_t status = block->status();
  const bool interim = status < 200;
  const bool no_content = stream.head_request || status == 204 || status == 304;
  if (interim ? end_stream : (end_stream && content_length > 0 && !no_content)) {
    stream_error(stream.id, ErrorCode::kProtocolError);
    return;
  }
  if (!interim) {
    stream.head_received = true;
    stream.content_length = no_content ? 0 : content_length;
    stream.remote_closed = end_stream;
  }
  events_.push_back({.kind = interim ? EventKind::kInterim : EventKind::kHead,
                     .end_stream = end_stream,
                     .too_large = too_large,
                     .stream = stream.id,
                     .ref = &stream,
                     .block = std::move(block)});
  if (end_stream && stream.local_closed) {
    close_stream(stream, ErrorCode::kNoError, Ending::kComplete);
  }
}

// ---- the small frames

void Session::on_priority(ByteView payload) {
  if (frame_.stream == 0) {
    connection_error(ErrorCode::kProtocolError);
  } else if (payload.size() != 5) {
    if (find(frame_.stream) != nullptr) {
      stream_error(frame_.stream, ErrorCode::kFrameSizeError);
    } else {
      connection_error(ErrorCode::kFrameSizeError);
    }
  }
}

void Session::on_rst_stream(ByteView payload) {
  if (frame_.stream == 0 || is_idle(frame_.stream)) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  if (payload.size() != 4) {
    connection_error(ErrorCode::kFrameSizeError);
    return;
  }
  if (StreamState* stream = find(frame_.stream); stream != nullptr) {
    close_stream(*stream, static_cast<ErrorCode>(read_u32(payload.data())), Ending::kResetByPeer);
  }
}

void Session::on_settings(ByteView payload) {
  if (frame_.stream != 0) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  if (frame_.has(kFlagAck)) {
    if (!payload.empty()) {
      connection_error(ErrorCode::kFrameSizeError);
    } else if (!settings_acknowledged_) {
      settings_acknowledged_ = true;
      decoder_.settings_acknowledged();
      streams_.for_each([](StreamState& stream) {
        const int32_t granted = std::max<int32_t>(stream.window_size, kDefaultWindow);
        stream.receive_window -= granted - stream.window_size;
      });
    }
    return;
  }
  if (payload.size() % kSettingBytes != 0) {
    connection_error(ErrorCode::kFrameSizeError);
    return;
  }
  // A frame is short; one with thousands of entries is only meant to keep us busy.
  constexpr size_t kEntriesMax = 32;
  if (payload.size() > kEntriesMax * kSettingBytes) {
    connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kIdleFrameFlood);
    return;
  }
  // What concerns every stream is done once, however often the frame says it.
  int64_t window_highest = peer_initial_window_;
  int64_t window = peer_initial_window_;
  for (; !payload.empty(); payload.remove_prefix(kSettingBytes)) {
    const uint16_t id = read_u16(payload.data());
    const uint32_t value = read_u32(payload.data() + 2);
    if (!apply_setting(id, value)) return;
    if (static_cast<Setting>(id) != Setting::kInitialWindowSize) continue;
    window = value;
    window_highest = std::max(window_highest, window);
  }
  if (!change_initial_window(window, window_highest)) return;
  settings_received_ = true;
  put_frame(FrameType::kSettings, kFlagAck, 0, {});
  if (++answers_unsent_ > kAnswersUnsentMax) {
    connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kOutputFlood);
    return;
  }
  events_.push_back({.kind = EventKind::kSettings});
}

bool Session::apply_setting(uint16_t id, uint32_t value) {
  switch (static_cast<Setting>(id)) {
    case Setting::kHeaderTableSize:
      encoder_.set_peer_limit(value);
      return true;
    case Setting::kEnablePush:
      // A server must not say anything but 0 (§6.5.2).
      if (value > 1 || (side_ == Side::kClient && value == 1)) {
        connection_error(ErrorCode::kProtocolError);
        return false;
      }
      return true;
    case Setting::kMaxConcurrentStreams:
      peer_streams_max_ = value;
      return true;
    case Setting::kInitialWindowSize:
      if (value > kWindowMax) {
        connection_error(ErrorCode::kFlowControlError);
        return false;
      }
      return true;  // change_initial_window() does it
    case Setting::kMaxFrameSize:
      if (value < kDefaultFrameBytes || value > kFrameBytesCeiling) {
        connection_error(ErrorCode::kProtocolError);
        return false;
      }
      peer_frame_bytes_ = value;
      return true;
    case Setting::kEnableConnectProtocol:
    case Setting::kNoRfc7540Priorities:
      if (value > 1) {
        connection_error(ErrorCode::kProtocolError);
        return false;
      }
      return true;
    default:
      return true;
  }
}

// §6.9.2: windows move by the difference, below zero too. `highest`: the highest value on the way.
bool Session::change_initial_window(int64_t window, int64_t highest) {
  if (highest == peer_initial_window_ && window == highest) return true;
  // A few bytes that make us walk over all streams are paid for as if they were several frames.
  constexpr size_t kStreamsPerFrame = 128;
  for (size_t i = streams_.count() / kStreamsPerFrame; i > 0; --i) {
    if (!check_idle_frame()) return false;
  }
  const int64_t change = window - peer_initial_window_;
  const int64_t rise = highest - peer_initial_window_;
  peer_initial_window_ = static_cast<int32_t>(window);
  bool overflow = false;
  streams_.for_each([&](StreamState& stream) {
    overflow = overflow || stream.send_window + rise > kWindowMax;
    stream.send_window =
        static_cast<int32_t>(std::min<int64_t>(stream.send_window + change, kWindowMax));
    stream.unlink();
    // Not at once: that could end the stream and change the table we walk over.
    if (stream.queued > 0 && stream.head_sent && stream.send_window > 0) {
      sending_.push_back(stream);
    }
  });
  if (overflow) connection_error(ErrorCode::kFlowControlError);
  return !overflow;
}

void Session::on_ping(ByteView payload) {
  if (frame_.stream != 0) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  if (payload.size() != 8) {
    connection_error(ErrorCode::kFrameSizeError);
    return;
  }
  if (frame_.has(kFlagAck)) {
    events_.push_back({.kind = EventKind::kPong});
    return;
  }
  put_frame(FrameType::kPing, kFlagAck, 0, payload);
  if (++answers_unsent_ > kAnswersUnsentMax) {
    connection_error(ErrorCode::kEnhanceYourCalm, SessionFailure::kOutputFlood);
  }
}

void Session::on_goaway(ByteView payload) {
  if (frame_.stream != 0) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  if (payload.size() < 8) {
    connection_error(ErrorCode::kFrameSizeError);
    return;
  }
  const uint32_t last = read_u32(payload.data()) & kStreamIdMax;
  if (peer_goaway_ != UINT32_MAX && last > peer_goaway_) {
    connection_error(ErrorCode::kProtocolError);  // §6.8: it must not rise
    return;
  }
  peer_goaway_ = last;
  events_.push_back({.kind = EventKind::kGoaway,
                     .stream = last,
                     .code = static_cast<ErrorCode>(read_u32(payload.data() + 4))});
  if (side_ == Side::kServer) return;
  // Ours beyond it were not looked at: they may be tried elsewhere.
  std::vector<StreamState*> refused;
  streams_.for_each([&](StreamState& stream) {
    if (stream.id > last) refused.push_back(&stream);
  });
  std::sort(refused.begin(), refused.end(),
            [](const StreamState* a, const StreamState* b) { return a->id < b->id; });
  for (StreamState* stream : refused) {
    close_stream(*stream, ErrorCode::kRefusedStream, Ending::kResetByUs);
  }
}

void Session::on_window_update(ByteView payload) {
  if (payload.size() != 4) {
    connection_error(ErrorCode::kFrameSizeError);
    return;
  }
  const uint32_t increment = read_u32(payload.data()) & kStreamIdMax;
  if (frame_.stream == 0) {
    send_window_ += increment;
    if (increment == 0) {
      connection_error(ErrorCode::kProtocolError);
    } else if (send_window_ > kWindowMax) {
      connection_error(ErrorCode::kFlowControlError);
    }
    return;
  }
  if (is_idle(frame_.stream)) {
    connection_error(ErrorCode::kProtocolError);
    return;
  }
  StreamState* stream = find(frame_.stream);
  if (stream == nullptr) return;  // of a stream that has ended meanwhile
  const int64_t window = int64_t{stream->send_window} + increment;
  if (increment == 0) {
    stream_error(stream->id, ErrorCode::kProtocolError);
  } else if (window > kWindowMax) {
    stream_error(stream->id, ErrorCode::kFlowControlError);
  } else {
    stream->send_window = static_cast<int32_t>(window);
    want_to_send(*stream);
  }
}

}  // namespace layotto::http::h2
