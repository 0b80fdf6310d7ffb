// What is behind Session for now: nghttp2's session, what we keep per stream, and the callbacks
// (nghttp2_callbacks.cc). Included by these two files only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <string_view>
#include <vector>

#include "base/intrusive_list.h"
#include "http/h2/flood_guard.h"
#include "http/h2/outgoing_fields.h"
#include "http/h2/session.h"
#include "http/h2/small_blocks.h"

namespace layotto::http::h2 {

// What nghttp2 is told the peer was told; see tell_concurrency().
inline constexpr uint32_t kStreamsForNghttp2 = INT32_MAX;

inline uint8_t* mutable_bytes(std::string_view text) {
  // nghttp2 takes pointers to non-const and does not write through them.
  return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
}

inline nghttp2_nv field(std::string_view name, std::string_view value) {
  return {.name = mutable_bytes(name),
          .value = mutable_bytes(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

// Fields for nghttp2, on the stack for all but the largest heads.
class FieldArray {
 public:
  static constexpr size_t kFieldsOnStack = 32;

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

}  // namespace layotto::http::h2
