#include "http/h2/session.h"

#include <cstring>

#include "http/h2/nghttp2_session.h"

namespace layotto::http::h2 {
namespace {

// Room for events that a burst leaves behind and a busy connection uses again; see trim().
constexpr size_t kEventsKeptMax = 2048;

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

bool Session::request_written(uint32_t stream) const {
  return impl_->unopened.empty() || impl_->unopened_slot(static_cast<int32_t>(stream)) == nullptr;
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

bool Session::takes_requests() const {
  return nghttp2_session_check_request_allowed(impl_->session) != 0;
}

size_t Session::streams_available() const {
  if (!takes_requests()) return 0;
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
  if (n == 0) return;
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
