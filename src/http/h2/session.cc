#include "http/h2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/intrusive_list.h"
#include "http/h2/flood_guard.h"
#include "http/h2/outgoing_fields.h"
#include "http/h2/small_blocks.h"

namespace layotto::http::h2 {
namespace {

// kRoom is announced when a stream's queue falls to this.
constexpr size_t kRoomBytes = 32 * 1024;
// A header block this many times over the limit is not a mistake any more.
constexpr size_t kHeaderAttackFactor = 4;
// What a header field counts beyond its name and value, RFC 9113 §6.5.2.
constexpr size_t kFieldOverhead = 32;
constexpr size_t kFieldsOnStack = 32;
constexpr size_t kContinuationsMax = 1000;
// Room for events that a burst leaves behind and a busy connection uses again; see trim().
constexpr size_t kEventsKeptMax = 2048;
constexpr uint32_t kStreamsForNghttp2 = INT32_MAX;
constexpr size_t kFrameHeadBytes = 9;
constexpr size_t kSettingBytes = 6;

uint8_t* mutable_bytes(std::string_view text) {
  // nghttp2 takes pointers to non-const and does not write through them.
  return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {.name = mutable_bytes(name),
          .value = mutable_bytes(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

// Fields for nghttp2, on the stack for all but the largest heads.
class FieldArray {
 public:
  explicit FieldArray(size_t capacity) {
    if (capacity > kFieldsOnStack) heap_.resize(capacity);
  }
  void add(std::string_view name, std::string_view value) { data()[count_++] = field(name, value); }
  // How many fields were left out because no peer would accept them.
  size_t add_all(const HeaderMap& headers, bool without_host = false) {
    size_t invalid = 0;
    for (const HeaderField& f : headers.fields()) {
      if (without_host && f.id == HeaderId::kHost) continue;
      const FieldUse use = use_of(f);
      if (use == FieldUse::kSend) add(f.name, f.value);
      if (use == FieldUse::kInvalid) ++invalid;
    }
    return invalid;
  }
  nghttp2_nv* data() { return heap_.empty() ? stack_.data() : heap_.data(); }
  [[nodiscard]] size_t size() const { return count_; }

 private:
  std::array<nghttp2_nv, kFieldsOnStack> stack_;
  std::vector<nghttp2_nv> heap_;
  size_t count_ = 0;
};

std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// nghttp2 allocates for every frame and stream it handles.
nghttp2_mem block_allocator() {
  return {.mem_user_data = &SmallBlocks::of_this_thread(),
          .malloc = [](size_t size,
                       void* blocks) { return static_cast<SmallBlocks*>(blocks)->allocate(size); },
          .free = [](void* memory,
                     void* blocks) { static_cast<SmallBlocks*>(blocks)->release(memory); },
          .calloc =
              [](size_t count, size_t size, void* blocks) {
                void* memory = static_cast<SmallBlocks*>(blocks)->allocate(count * size);
                if (memory != nullptr) std::memset(memory, 0, count * size);
                return memory;
              },
          .realloc =
              [](void* memory, size_t size, void* blocks) {
                return static_cast<SmallBlocks*>(blocks)->resize(memory, size);
              }};
}

}  // namespace

std::string_view error_code_name(ErrorCode code) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
       "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
       "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"});
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown error code";
}

struct Session::Slot : StreamRef,
                       base::ListLink<Session::Slot>,
                       base::ListLink<struct UnopenedTag> {
  int32_t id = 0;
  // Sending: `first` spares the chain for the usual single piece.
  Bytes first;
  ByteChain rest;
  size_t queued = 0;
  bool head_submitted = false;
  bool ended = false;     // no more data will be submitted
  bool deferred = false;  // nghttp2 waits for resume_data
  bool has_trailers = false;
  HeaderMap trailers;

  // Receiving.
  HeaderBlockRef block;   // being decoded
  size_t head_bytes = 0;  // of that block so far, pseudo header fields too
  bool too_large = false;
  bool trailers_expected = false;  // the (final) head has arrived
  bool reset_by_peer = false;
  bool reset_by_us = false;
};

struct Session::Nghttp2 {
  Nghttp2(Session& owner, Side side_in, const ServerLimits& limits_in)
      : self(owner), side(side_in), limits(limits_in), guard(limits_in) {}
  ~Nghttp2() {
    nghttp2_session_del(session);  // does not announce the streams that end with it
    while (Slot* slot = live_slots.front()) free_slot(slot);
  }

  // The stream asked for last is asked for again most of the time.
  Slot* slot(int32_t stream) {
    if (recent_slot == nullptr || recent_stream != stream) {
      recent_slot = static_cast<Slot*>(nghttp2_session_get_stream_user_data(session, stream));
      recent_stream = stream;
      if (recent_slot == nullptr && !unopened.empty()) recent_slot = unopened_slot(stream);
    }
    return recent_slot;
  }
  // nghttp2 knows a request of ours only from the moment its HEADERS frame is written.
  Slot* unopened_slot(int32_t stream) {
    Slot* slot = unopened.front();
    while (slot != nullptr && slot->id != stream) slot = unopened.after(*slot);
    return slot;
  }
  Slot* new_slot() {
    void* memory = SmallBlocks::of_this_thread().allocate(sizeof(Slot));
    CHECK(memory != nullptr, "out of memory");
    auto* slot = new (memory) Slot;
    live_slots.push_back(*slot);
    return slot;
  }
  static void free_slot(Slot* slot) {
    slot->~Slot();  // leaves its lists
    SmallBlocks::of_this_thread().release(slot);
  }
  void attack(SessionFailure failure) { end(failure, NGHTTP2_ENHANCE_YOUR_CALM); }
  void end(SessionFailure failure, uint32_t code) {
    terminating = true;
    self.fail(failure);
    nghttp2_session_terminate_session(session, code);
  }

  // The same for all sessions.
  static const nghttp2_session_callbacks* callbacks();
  static const nghttp2_option* options();
  void tell_concurrency(std::string_view settings);

  // ---- what nghttp2 calls, each with its Nghttp2 as `user`
  static Nghttp2& of(void* user) { return *static_cast<Nghttp2*>(user); }
  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* hd, void* user);
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                       void* user);
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                               const uint8_t*, size_t, uint8_t, void*);
  static int on_data(nghttp2_session*, uint8_t flags, int32_t stream, const uint8_t* data,
                     size_t size, void* user);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_stream_close(nghttp2_session*, int32_t stream, uint32_t code, void* user);
  static int ignore_extension(nghttp2_session*, void**, const nghttp2_frame_hd*, void*) {
    return NGHTTP2_ERR_CANCEL;
  }
  static ssize_t send(nghttp2_session*, const uint8_t* data, size_t size, int, void* user);
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t size,
                       nghttp2_data_source* source, void* user);
  static ssize_t read_data(nghttp2_session*, int32_t stream, uint8_t*, size_t size, uint32_t* flags,
                           nghttp2_data_source* source, void* user);

  Session& self;
  Side side;
  ServerLimits limits;
  FloodGuard guard;
  nghttp2_session* session = nullptr;
  TimePoint now{};
  int32_t last_stream_allowed = INT32_MAX;  // of the peer's; what our GOAWAY said
  bool concurrency_told = false;            // see tell_concurrency()
  bool terminating = false;  // the last GOAWAY is ours: not a failure seen when it is sent
  ByteChain* out = nullptr;  // while write_to runs
  size_t out_max = 0;
  Slot* decoding = nullptr;  // between begin and end of a header block
  Slot* recent_slot = nullptr;
  int32_t recent_stream = 0;
  base::IntrusiveList<Slot, Slot> live_slots;
  base::IntrusiveList<Slot, UnopenedTag> unopened;  // client: submitted, not written yet
};

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

// ---- Session

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

Session::Session(Side side, const ServerLimits& limits)
    : impl_(std::make_unique<Nghttp2>(*this, side, limits)) {
  const bool server = side == Side::kServer;
  nghttp2_mem memory = block_allocator();
  const auto make = server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  CHECK(make(&impl_->session, Nghttp2::callbacks(), impl_.get(), Nghttp2::options(), &memory) == 0,
        "out of memory");

  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.frame_bytes_max},
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits.header_table_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.header_bytes_max}};
  if (server) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsForNghttp2});
    settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(impl_->session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(impl_->session, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(limits.connection_window_bytes));
}

Session::~Session() = default;

Session::Slot* Session::slot_of(uint32_t stream) const {
  return impl_->slot(static_cast<int32_t>(stream));
}

void Session::fail(SessionFailure failure) {
  if (failure_ == SessionFailure::kNone) failure_ = failure;
}

void Session::feed(ByteView bytes, TimePoint now) {
  if (failure_ != SessionFailure::kNone) return;
  impl_->now = now;
  const ssize_t n = nghttp2_session_mem_recv(
      impl_->session, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (n >= 0) return;
  switch (n) {
    case NGHTTP2_ERR_FLOODED:
      impl_->attack(SessionFailure::kOutputFlood);
      return;
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      impl_->attack(SessionFailure::kContinuationFlood);
      return;
    default:
      impl_->end(SessionFailure::kProtocol, NGHTTP2_PROTOCOL_ERROR);
  }
}

void Session::write_to(ByteChain& out, size_t out_max) {
  impl_->out = &out;
  impl_->out_max = out_max;
  const int result = nghttp2_session_send(impl_->session);
  if (result != 0) fail(SessionFailure::kProtocol);
  impl_->out = nullptr;
}

void Session::clear_events() {
  for (Event& event : events_) {
    if (event.kind == EventKind::kClosed) Nghttp2::free_slot(static_cast<Slot*>(event.ref));
  }
  events_.clear();
  if (events_.capacity() > kEventsKeptMax) std::vector<Event>().swap(events_);
}

void Session::trim() {
  if (events_.empty()) std::vector<Event>().swap(events_);
}

bool Session::wants_write() const { return nghttp2_session_want_write(impl_->session) != 0; }

uint32_t Session::receiving_head() const {
  return impl_->decoding == nullptr ? 0 : static_cast<uint32_t>(impl_->decoding->id);
}

bool Session::finished() const {
  return nghttp2_session_want_read(impl_->session) == 0 &&
         nghttp2_session_want_write(impl_->session) == 0;
}

void Session::submit_response(uint32_t stream, const ResponseHead& head, bool end_stream) {
  Slot* slot = slot_of(stream);
  if (slot == nullptr || slot->head_submitted) return;
  slot->head_submitted = true;
  FieldArray fields(head.headers.fields().size() + 1);
  fields.add(":status", status_text(head.status));
  fields_dropped_ += fields.add_all(head.headers);
  nghttp2_data_provider provider{.source = {.ptr = slot}, .read_callback = Nghttp2::read_data};
  const int result =
      nghttp2_submit_response(impl_->session, static_cast<int32_t>(stream), fields.data(),
                              fields.size(), end_stream ? nullptr : &provider);
  CHECK(result == 0, "nghttp2_submit_response failed");
}

void Session::submit_interim(uint32_t stream, const ResponseHead& head) {
  const Slot* slot = slot_of(stream);
  if (slot == nullptr || slot->head_submitted) return;
  if (head.status < 100 || head.status > 199 || head.status == 101) return;  // RFC 9113 §8.6
  FieldArray fields(head.headers.fields().size() + 1);
  fields.add(":status", status_text(head.status));
  fields_dropped_ += fields.add_all(head.headers);
  nghttp2_submit_headers(impl_->session, NGHTTP2_FLAG_NONE, static_cast<int32_t>(stream), nullptr,
                         fields.data(), fields.size(), nullptr);
}

Result<uint32_t> Session::submit_request(const RequestHead& head, bool end_stream, void* user) {
  if (failure_ != SessionFailure::kNone || streams_available() == 0) {
    return base::unavailable("the HTTP/2 connection takes no more streams").retryable();
  }
  FieldArray fields(head.headers.fields().size() + 4);
  fields.add(":method", head.method_text());
  if (head.method() != Method::kConnect) {  // RFC 9113 §8.5
    fields.add(":scheme", head.scheme());
    fields.add(":path", head.path());
  }
  // :authority says it; a Host field could say something else (RFC 9113 §8.3.1).
  const bool has_authority = !head.authority().empty();
  if (has_authority) fields.add(":authority", head.authority());
  fields_dropped_ += fields.add_all(head.headers, has_authority);
  Slot* slot = impl_->new_slot();
  slot->user = user;
  slot->head_submitted = true;
  nghttp2_data_provider provider{.source = {.ptr = slot}, .read_callback = Nghttp2::read_data};
  const int32_t stream =
      nghttp2_submit_request(impl_->session, nullptr, fields.data(), fields.size(),
                             end_stream ? nullptr : &provider, slot);
  if (stream < 0) {
    Nghttp2::free_slot(slot);
    return base::unavailable("the HTTP/2 connection takes no more streams: {}",
                             nghttp2_strerror(stream))
        .retryable();
  }
  slot->id = stream;
  impl_->unopened.push_back(*slot);
  impl_->recent_slot = slot;
  impl_->recent_stream = stream;
  ++open_streams_;
  ++streams_seen_;
  return static_cast<uint32_t>(stream);
}

size_t Session::streams_available() const {
  if (nghttp2_session_check_request_allowed(impl_->session) == 0) return 0;
  const uint32_t peer_max =
      nghttp2_session_get_remote_settings(impl_->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return peer_max > open_streams_ ? peer_max - open_streams_ : 0;
}

void Session::submit_data(uint32_t stream, Bytes data, bool end_stream) {
  Slot* slot = slot_of(stream);
  if (slot == nullptr || slot->ended) return;
  slot->ended = end_stream;
  if (!data.empty()) {
    slot->queued += data.size();
    if (slot->queued == data.size()) {
      slot->first = std::move(data);
    } else {
      slot->rest.append(std::move(data));
    }
  }
  if (slot->deferred) {
    slot->deferred = false;
    nghttp2_session_resume_data(impl_->session, static_cast<int32_t>(stream));
  }
}

void Session::submit_trailers(uint32_t stream, const HeaderMap& trailers) {
  Slot* slot = slot_of(stream);
  if (slot == nullptr || slot->ended) return;
  slot->trailers = trailers;
  slot->has_trailers = true;
  submit_data(stream, Bytes(), true);
}

size_t Session::queued(uint32_t stream) const {
  const Slot* slot = slot_of(stream);
  return slot == nullptr ? 0 : slot->queued;
}

void Session::consumed(uint32_t stream, size_t n) {
  nghttp2_session_consume(impl_->session, static_cast<int32_t>(stream), n);
}

void Session::reset(uint32_t stream, ErrorCode code) {
  Slot* slot = slot_of(stream);
  if (slot == nullptr) return;
  slot->reset_by_us = true;
  nghttp2_submit_rst_stream(impl_->session, NGHTTP2_FLAG_NONE, static_cast<int32_t>(stream),
                            static_cast<uint32_t>(code));
}

void Session::ping() { nghttp2_submit_ping(impl_->session, NGHTTP2_FLAG_NONE, nullptr); }

void Session::announce_drain() { nghttp2_submit_shutdown_notice(impl_->session); }

void Session::refuse_new_streams() {
  const int32_t last = nghttp2_session_get_last_proc_stream_id(impl_->session);
  impl_->last_stream_allowed = last;
  nghttp2_submit_goaway(impl_->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
}

void Session::terminate(ErrorCode code) {
  impl_->terminating = true;
  nghttp2_session_terminate_session(impl_->session, static_cast<uint32_t>(code));
}

}  // namespace layotto::http::h2
