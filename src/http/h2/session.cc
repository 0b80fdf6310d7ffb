#include "http/h2/session.h"

#include <algorithm>
#include <utility>

namespace layotto::http::h2 {
namespace {

// Room for events that a burst leaves behind and a busy connection uses again; see trim().
constexpr size_t kEventsKeptMax = 2048;
// Until the server's SETTINGS say how many streams it takes.
constexpr uint32_t kStreamsBeforeSettings = 100;

}  // namespace

std::string_view error_code_name(ErrorCode code) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
       "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
       "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"});
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown error code";
}

Session::Session(Side side, const ServerLimits& limits)
    : side_(side),
      limits_(limits),
      guard_(limits),
      reading_(side == Side::kServer ? Reading::kPreface : Reading::kHead),
      decoder_(limits.header_table_bytes),
      next_stream_(1) {
  if (side == Side::kClient) {
    peer_streams_max_ = kStreamsBeforeSettings;
    control_.append(ByteView("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  }
  put_settings();
  if (limits.connection_window_bytes > kDefaultWindow) {
    put_window_update(0, limits.connection_window_bytes - kDefaultWindow);
    receive_window_ = receive_window_size_ = limits.connection_window_bytes;
  }
}

Session::~Session() {
  clear_events();
  streams_.for_each([](StreamState& stream) { StreamState::give(stream); });
}

// ---- streams

StreamState* Session::find(uint32_t id) {
  if (recent_ == nullptr || recent_->id != id) recent_ = streams_.find(id);
  return recent_;
}

StreamState& Session::open_stream(uint32_t id) {
  StreamState& stream = StreamState::take();
  stream.id = id;
  stream.send_window = peer_initial_window_;
  // Until it has seen our SETTINGS the peer counts with the default.
  stream.window_size = static_cast<int32_t>(limits_.stream_window_bytes);
  stream.receive_window = settings_acknowledged_
                              ? stream.window_size
                              : std::max<int32_t>(stream.window_size, kDefaultWindow);
  streams_.add(stream);
  recent_ = &stream;
  ++streams_seen_;
  return stream;
}

void Session::close_stream(StreamState& stream, ErrorCode code, Ending ending) {
  closed_[closed_count_++ % kClosedKept] = {.id = stream.id, .ending = ending};
  queued_ -= stream.queued;
  streams_.remove(stream.id);
  stream.closed = true;
  stream.unlink();
  if (recent_ == &stream) recent_ = nullptr;
  if (data_stream_ == &stream) data_stream_ = nullptr;
  if (code == ErrorCode::kNoError && ending != Ending::kResetByPeer) guard_.stream_ended_well();
  events_.push_back({.kind = EventKind::kClosed,
                     .reset_by_peer = ending == Ending::kResetByPeer,
                     .stream = stream.id,
                     .code = code,
                     .ref = &stream});
}

void Session::clear_events() {
  if (events_.empty()) return;
  for (Event& event : events_) {
    if (event.kind == EventKind::kClosed) StreamState::give(static_cast<StreamState&>(*event.ref));
  }
  if (events_.size() > kEventsKeptMax) {
    std::vector<Event>().swap(events_);
  } else {
    events_.clear();
  }
}

void Session::trim() {
  if (events_.empty()) std::vector<Event>().swap(events_);
  std::string().swap(encoded_);
  if (payload_.empty()) std::string().swap(payload_);
  if (block_.empty()) std::string().swap(block_);
  header_cache_.clear();
  streams_.trim();
}

// ---- what the connection as a whole is asked

bool Session::takes_requests() const {
  return !ended_ && peer_goaway_ == UINT32_MAX && next_stream_ <= kStreamIdMax;
}

bool Session::request_written(uint32_t stream) const { return stream < unwritten_from_; }

size_t Session::streams_available() const {
  if (!takes_requests()) return 0;
  const size_t open = streams_.count();
  return peer_streams_max_ > open ? peer_streams_max_ - open : 0;
}

uint32_t Session::receiving_head() const { return in_block_ ? block_head_.stream : 0; }

bool Session::wants_write() const {
  return !control_.empty() || (!sending_.empty() && send_window_ > 0);
}

bool Session::finished() const {
  if (!control_.empty()) return false;
  if (ended_) return true;
  const bool leaving = peer_goaway_ != UINT32_MAX ||
                       (last_goaway_sent_ != UINT32_MAX && last_goaway_sent_ != kStreamIdMax);
  return leaving && streams_.count() == 0;
}

void Session::ping() { put_frame(FrameType::kPing, 0, 0, ByteView("layotto\0", 8)); }

void Session::announce_drain() {
  if (last_goaway_sent_ == UINT32_MAX) put_goaway(kStreamIdMax, ErrorCode::kNoError);
}

void Session::refuse_new_streams() {
  if (ended_) return;
  last_stream_allowed_ = last_peer_stream_;
  put_goaway(last_peer_stream_, ErrorCode::kNoError);
}

void Session::terminate(ErrorCode code) {
  if (ended_) return;
  ended_ = true;
  put_goaway(last_peer_stream_, code);
}

void Session::connection_error(ErrorCode code, SessionFailure failure) {
  fail(failure);
  terminate(code);
}

}  // namespace layotto::http::h2
