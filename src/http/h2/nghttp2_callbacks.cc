#include <algorithm>

#include "http/h2/nghttp2_session.h"

namespace layotto::http::h2 {
namespace {

// kRoom is announced when a stream's queue falls to this.
constexpr size_t kRoomBytes = 32 * 1024;
// A header block this many times over the limit is not a mistake any more.
constexpr size_t kHeaderAttackFactor = 4;
// What a header field counts beyond its name and value, RFC 9113 §6.5.2.
constexpr size_t kFieldOverhead = 32;
constexpr size_t kContinuationsMax = 1000;
constexpr size_t kFrameHeadBytes = 9;
constexpr size_t kSettingBytes = 6;

std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

// ---- receiving

int Session::Nghttp2::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* hd, void* user) {
  Nghttp2& me = of(user);
  const bool ack = (hd->flags & NGHTTP2_FLAG_ACK) != 0;
  switch (hd->type) {
    case NGHTTP2_HEADERS:
      me.guard.worked();
      return 0;
    case NGHTTP2_DATA: {
      // What is padded may be nothing but padding: on_data knows.
      const bool filled = hd->length > 0 && (hd->flags & NGHTTP2_FLAG_PADDED) == 0;
      if (filled || (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        me.guard.worked();
        return 0;
      }
      break;
    }
    case NGHTTP2_CONTINUATION:
      break;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
      if (ack) return 0;  // an answer to ours; unexpected ones are a protocol error
      break;
    case NGHTTP2_RST_STREAM:
      // Those of a server end what we asked for: no way to make us work.
      if (me.side == Side::kServer && !me.guard.reset(me.now)) {
        me.attack(SessionFailure::kResetFlood);
      }
      return 0;
    default:
      break;
  }
  if (!me.guard.idle_frame(me.now)) me.attack(SessionFailure::kIdleFrameFlood);
  return 0;
}

int Session::Nghttp2::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                                       void* user) {
  Nghttp2& me = of(user);
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  Slot* slot = me.slot(frame->hd.stream_id);
  if (slot == nullptr) {
    if (me.side == Side::kClient) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (frame->hd.stream_id > me.last_stream_allowed ||
        me.self.open_streams_ >= me.limits.concurrent_streams_max) {
      ++me.self.streams_refused_;
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                NGHTTP2_REFUSED_STREAM);
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    slot = me.new_slot();
    slot->id = frame->hd.stream_id;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, slot);
    ++me.self.open_streams_;
    ++me.self.streams_seen_;
  }
  slot->block = HeaderBlockRef(HeaderBlock::make());
  slot->head_bytes = 0;
  slot->too_large = false;
  me.decoding = slot;
  return 0;
}

int Session::Nghttp2::on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name,
                                size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                                void* user) {
  Nghttp2& me = of(user);
  Slot* slot = me.decoding;
  if (slot == nullptr || !slot->block) return 0;
  HeaderBlock& block = *slot->block.get();
  const std::string_view n = text_of(name, name_size);
  const std::string_view v = text_of(value, value_size);
  slot->head_bytes += n.size() + v.size() + kFieldOverhead;
  const size_t max = me.limits.header_bytes_max;
  if (slot->head_bytes > max || block.fields().size() >= me.limits.header_fields_max) {
    slot->too_large = true;
    if (slot->head_bytes > max * kHeaderAttackFactor) {
      me.attack(SessionFailure::kContinuationFlood);
    }
    return 0;
  }
  if (!n.starts_with(':')) {
    block.add(n, v);
    return 0;
  }
  RequestLine& line = block.line();
  const std::string_view kept = block.arena().copy(v);
  if (n == ":path") {
    line.path = kept;
  } else if (n == ":method") {
    line.method_text = kept;
    line.method = method_of(kept);
  } else if (n == ":authority") {
    line.authority = kept;
  } else if (n == ":scheme") {
    line.scheme = kept;
  } else if (n == ":status") {
    uint16_t status = 0;
    for (const char c : kept) status = static_cast<uint16_t>(status * 10 + (c - '0'));
    block.set_status(status);
  }
  return 0;
}

// RFC 9113 §8.1.1: a malformed message is a stream error; no field is dropped silently.
int Session::Nghttp2::on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*,
                                        size_t, const uint8_t*, size_t, uint8_t, void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // nghttp2 resets with PROTOCOL_ERROR
}

int Session::Nghttp2::on_data(nghttp2_session*, uint8_t flags, int32_t stream, const uint8_t* data,
                              size_t size, void* user) {
  Nghttp2& me = of(user);
  if ((flags & NGHTTP2_FLAG_PADDED) != 0) me.guard.worked();
  Slot* slot = me.slot(stream);
  if (slot == nullptr) {
    nghttp2_session_consume(me.session, stream, size);
    return 0;
  }
  me.self.events_.push_back({.kind = EventKind::kData,
                             .stream = static_cast<uint32_t>(stream),
                             .ref = slot,
                             .data = text_of(data, size)});
  return 0;
}

int Session::Nghttp2::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Nghttp2& me = of(user);
  std::vector<Event>& events = me.self.events_;
  const auto stream = static_cast<uint32_t>(frame->hd.stream_id);
  const bool end_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS: {
      Slot* slot = std::exchange(me.decoding, nullptr);
      if (slot == nullptr || !slot->block) return 0;
      EventKind kind = slot->trailers_expected ? EventKind::kTrailers : EventKind::kHead;
      if (me.side == Side::kClient && kind == EventKind::kHead && slot->block->status() < 200) {
        kind = EventKind::kInterim;
      } else {
        slot->trailers_expected = true;
      }
      if (slot->block->line().authority.empty()) {
        const HeaderMap view(*slot->block.get());
        slot->block->line().authority = view.get(HeaderId::kHost).value_or("");
      }
      events.push_back({.kind = kind,
                        .end_stream = end_stream,
                        .too_large = slot->too_large,
                        .stream = stream,
                        .ref = slot,
                        .block = std::move(slot->block)});
      return 0;
    }
    case NGHTTP2_DATA: {
      if (!end_stream) return 0;
      Slot* slot = me.slot(frame->hd.stream_id);
      if (slot == nullptr) return 0;
      if (!events.empty() && events.back().kind == EventKind::kData &&
          events.back().stream == stream) {
        events.back().end_stream = true;
        return 0;
      }
      events.push_back(
          {.kind = EventKind::kData, .end_stream = true, .stream = stream, .ref = slot});
      return 0;
    }
    case NGHTTP2_RST_STREAM:
      if (Slot* slot = me.slot(frame->hd.stream_id); slot != nullptr) slot->reset_by_peer = true;
      return 0;
    case NGHTTP2_SETTINGS:
      if (ack) return 0;
      me.self.settings_received_ = true;
      events.push_back({.kind = EventKind::kSettings});
      return 0;
    case NGHTTP2_PING:
      if (ack) events.push_back({.kind = EventKind::kPong});
      return 0;
    case NGHTTP2_GOAWAY:
      events.push_back({.kind = EventKind::kGoaway,
                        .stream = static_cast<uint32_t>(frame->goaway.last_stream_id),
                        .code = static_cast<ErrorCode>(frame->goaway.error_code)});
      return 0;
    default:
      return 0;
  }
}

int Session::Nghttp2::on_stream_close(nghttp2_session* session, int32_t stream, uint32_t code,
                                      void* user) {
  Nghttp2& me = of(user);
  Slot* slot = me.slot(stream);
  if (slot == nullptr) return 0;
  // A peer may reset with NO_ERROR too; that must not pay for itself.
  if (code == NGHTTP2_NO_ERROR && !slot->reset_by_peer) me.guard.stream_ended_well();
  me.self.events_.push_back({.kind = EventKind::kClosed,
                             .reset_by_peer = slot->reset_by_peer,
                             .stream = static_cast<uint32_t>(stream),
                             .code = static_cast<ErrorCode>(code),
                             .ref = slot});
  nghttp2_session_set_stream_user_data(session, stream, nullptr);
  static_cast<base::ListLink<UnopenedTag>*>(slot)->unlink();
  if (me.decoding == slot) me.decoding = nullptr;
  if (me.recent_slot == slot) me.recent_slot = nullptr;
  --me.self.open_streams_;
  return 0;
}

// ---- sending

ssize_t Session::Nghttp2::send(nghttp2_session*, const uint8_t* data, size_t size, int,
                               void* user) {
  Nghttp2& me = of(user);
  if (me.out->size() >= me.out_max) return NGHTTP2_ERR_WOULDBLOCK;
  if (!me.concurrency_told && me.side == Side::kServer && data[3] == NGHTTP2_SETTINGS) {
    me.tell_concurrency(text_of(data, size));
  } else {
    me.out->append(text_of(data, size));
  }
  return static_cast<ssize_t>(size);
}

// A stream over the limit is refused and the others live on (RFC 9113 §5.1.2). nghttp2 would end
// the connection, so it is told another limit than the peer: ours goes into our first frame here.
void Session::Nghttp2::tell_concurrency(std::string_view settings) {
  concurrency_told = true;
  std::string frame(settings);
  for (size_t at = kFrameHeadBytes; at + kSettingBytes <= frame.size(); at += kSettingBytes) {
    if (frame[at] != 0 || frame[at + 1] != NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) continue;
    for (size_t i = 0; i < 4; ++i) {
      frame[at + 2 + i] = static_cast<char>(limits.concurrent_streams_max >> (24 - 8 * i));
    }
  }
  out->append(frame);
}

ssize_t Session::Nghttp2::read_data(nghttp2_session* session, int32_t stream, uint8_t*, size_t size,
                                    uint32_t* flags, nghttp2_data_source* source, void* user) {
  auto& slot = *static_cast<Slot*>(source->ptr);
  if (slot.queued == 0 && !slot.ended) {
    slot.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const size_t n = std::min(size, slot.queued);
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (n == slot.queued && slot.ended) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (slot.has_trailers) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      FieldArray fields(slot.trailers.fields().size());
      of(user).self.fields_dropped_ += fields.add_all(slot.trailers);
      nghttp2_submit_trailer(session, stream, fields.data(), fields.size());
    }
  }
  return static_cast<ssize_t>(n);
}

int Session::Nghttp2::send_data(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head,
                                size_t size, nghttp2_data_source* source, void* user) {
  Nghttp2& me = of(user);
  if (me.out->size() >= me.out_max) return NGHTTP2_ERR_WOULDBLOCK;
  auto& slot = *static_cast<Slot*>(source->ptr);
  me.out->append(text_of(head, kFrameHeadBytes));
  const size_t before = slot.queued;
  size_t left = size;
  if (!slot.first.empty()) {
    const size_t n = std::min(left, slot.first.size());
    me.out->append(slot.first.split_prefix(n));
    left -= n;
    if (slot.first.empty()) slot.first = Bytes();
  }
  while (left > 0) {
    Bytes piece = slot.rest.take_front(left);
    left -= piece.size();
    me.out->append(std::move(piece));
  }
  slot.queued -= size;
  if (size > 0) me.guard.worked();
  if (before > kRoomBytes && slot.queued <= kRoomBytes) {
    me.self.events_.push_back({.kind = EventKind::kRoom,
                               .stream = static_cast<uint32_t>(frame->hd.stream_id),
                               .ref = &slot});
  }
  return 0;
}

int Session::Nghttp2::on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame,
                                    void* user) {
  Nghttp2& me = of(user);
  const int32_t stream = frame->hd.stream_id;
  switch (frame->hd.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
      if (me.side == Side::kClient) {
        if (!me.unopened.empty()) {
          if (Slot* slot = me.slot(stream); slot != nullptr) {
            static_cast<base::ListLink<UnopenedTag>*>(slot)->unlink();
          }
        }
        return 0;
      }
      // Answered before the request ended: tell the client to stop, RFC 9113 §8.1.
      if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
          nghttp2_session_get_stream_remote_close(session, stream) == 0) {
        if (Slot* slot = me.slot(stream); slot != nullptr) slot->reset_by_us = true;
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR);
      }
      return 0;
    case NGHTTP2_RST_STREAM: {
      // Resets the peer provoked (broken frames on a stream) count like resets it sends.
      const Slot* slot = me.slot(stream);
      const bool ours = slot != nullptr && slot->reset_by_us;
      if (!ours && me.side == Side::kServer && !me.guard.reset(me.now)) {
        me.attack(SessionFailure::kResetFlood);
      }
      return 0;
    }
    case NGHTTP2_GOAWAY:
      // nghttp2 found the connection error. The only flood it sees by itself are SETTINGS with more
      // entries than there are settings.
      if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !me.terminating) {
        me.self.fail(frame->goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM
                         ? SessionFailure::kIdleFrameFlood
                         : SessionFailure::kProtocol);
      }
      return 0;
    default:
      return 0;
  }
}

// ---- the same for all sessions

const nghttp2_session_callbacks* Session::Nghttp2::callbacks() {
  static const nghttp2_session_callbacks* const made = [] {
    nghttp2_session_callbacks* all = nullptr;
    CHECK(nghttp2_session_callbacks_new(&all) == 0, "out of memory");
    nghttp2_session_callbacks_set_on_begin_frame_callback(all, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, on_stream_close);
    nghttp2_session_callbacks_set_unpack_extension_callback(all, ignore_extension);
    nghttp2_session_callbacks_set_send_callback(all, send);
    nghttp2_session_callbacks_set_send_data_callback(all, send_data);
    return all;
  }();
  return made;
}

const nghttp2_option* Session::Nghttp2::options() {
  static const nghttp2_option* const made = [] {
    nghttp2_option* all = nullptr;
    CHECK(nghttp2_option_new(&all) == 0, "out of memory");
    nghttp2_option_set_no_auto_window_update(all, 1);
    nghttp2_option_set_no_closed_streams(all, 1);
    // Our FloodGuard decides, with the budgets of the listener; nghttp2 counts a CONTINUATION once
    // for every piece its nine bytes arrive in.
    nghttp2_option_set_stream_reset_rate_limit(all, UINT64_MAX / 2, UINT64_MAX / 2);
    nghttp2_option_set_max_continuations(all, kContinuationsMax);
    // Frames of unknown types are ignored, but on_begin_frame is to see them.
    for (unsigned type = NGHTTP2_CONTINUATION + 1U; type <= UINT8_MAX; ++type) {
      nghttp2_option_set_user_recv_extension_type(all, static_cast<uint8_t>(type));
    }
    return all;
  }();
  return made;
}

}  // namespace layotto::http::h2
