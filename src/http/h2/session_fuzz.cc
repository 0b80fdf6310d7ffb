// Bytes from a stranger to the server side of an HTTP/2 session whose user answers.
//
// The first byte of the input is the size of the pieces (0: all at once), the second says what the
// user does: bit 0 the client's preface and empty SETTINGS come before the input, bit 1 answers
// have no body, bit 2 they have trailers, bit 3 they are large, bit 4 every fifth stream is reset
// instead, bit 5 the data that come are not consumed, bit 6 the session is drained half-way, bit 7
// trim() is called after every piece. Whatever comes: no crash, no leak, a stream's end is told
// once and last, what is handed up is well-formed, and what is left unread stays within the
// windows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/h2/session.h"

namespace layotto::http::h2 {
namespace {

constexpr std::string_view kBegin("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

struct Open {
  bool ended = false;
  size_t unconsumed = 0;
  StreamRef* ref = nullptr;
};

class User {
 public:
  User(uint8_t flags, const ServerLimits& limits)
      : flags_(flags), limits_(limits), session_(Side::kServer, limits), head_(200) {
    // Blocks for the whole process may leave the short way.
    head_.headers = permanent_head();
    trailers_ = permanent_trailers();
  }

  void feed(std::string_view bytes) {
    // In memory of its own size: reading beyond it is seen.
    const std::string piece(bytes);
    now_ += std::chrono::milliseconds(1);
    session_.feed(piece, now_);
    take_events();
    if ((flags_ & 128) != 0) session_.trim();
    write();
  }
  void drain() {
    session_.announce_drain();
    write();
    session_.refuse_new_streams();
    write();
  }
  void end() {
    session_.terminate(ErrorCode::kNoError);
    write();
  }

 private:
  static const HeaderMap& permanent(std::string_view name, std::string_view value) {
    HeaderBlock* block = HeaderBlock::make();
    block->add_borrowed(name, value);
    block->make_permanent();
    return *new HeaderMap(*block);
  }
  static const HeaderMap& permanent_head() {
    static const HeaderMap& head = permanent("content-type", "text/plain");
    return head;
  }
  static const HeaderMap& permanent_trailers() {
    static const HeaderMap& trailers = permanent("checksum", "42");
    return trailers;
  }
  void write() {
    ByteChain out;
    session_.write_to(out);
    take_events();
  }
  void take_events() {
    std::vector<Event>& events = session_.events();
    for (size_t i = 0; i < events.size(); ++i) take(events[i]);
    session_.clear_events();
    // A head may be under way, or broken: then nothing but the end of its stream is told.
    CHECK(open_.size() <= session_.open_streams(), "streams are counted differently");
    CHECK(session_.open_streams() <= limits_.concurrent_streams_max, "too many streams");
    CHECK(unconsumed_ <= limits_.connection_window_bytes, "more data than the window lets through");
  }
  void take(Event& event) {
    switch (event.kind) {
      case EventKind::kHead:
        CHECK(!closed_.contains(event.stream), "a head after the end");
        CHECK(!open_.contains(event.stream), "a second head");
        open_[event.stream] = {.ended = event.end_stream, .ref = event.ref};
        check_block(event, true);
        if (!event.data.empty()) {  // a whole request
          CHECK(event.end_stream, "data with a head that does not end the stream");
          CHECK(event.data.size() <= limits_.stream_window_bytes, "stream window");
          open_[event.stream].unconsumed = event.data.size();
          unconsumed_ += event.data.size();
          if ((flags_ & 32) == 0) consume(event.stream);
        }
        if (event.end_stream || event.stream % 3 == 0) answer(event.stream);
        break;
      case EventKind::kTrailers:
        continue_stream(event);
        check_block(event, false);
        if (event.stream % 3 != 0) answer(event.stream);
        break;
      case EventKind::kData:
        continue_stream(event).unconsumed += event.data.size();
        unconsumed_ += event.data.size();
        CHECK(open_[event.stream].unconsumed <= limits_.stream_window_bytes, "stream window");
        if ((flags_ & 32) == 0) consume(event.stream);
        if (event.end_stream && event.stream % 3 != 0) answer(event.stream);
        break;
      case EventKind::kClosed:
        CHECK(closed_.insert(event.stream).second, "closed twice");
        if (!open_.contains(event.stream)) break;
        forget(event.stream);
        break;
      case EventKind::kRoom:
      case EventKind::kSettings:
      case EventKind::kGoaway:
      case EventKind::kPong:
        break;
      case EventKind::kInterim:
        CHECK(false, "a server gets no responses");
    }
  }
  Open& continue_stream(const Event& event) {
    const auto found = open_.find(event.stream);
    CHECK(found != open_.end(), "no head, or closed");
    CHECK(!found->second.ended, "something after the end");
    found->second.ended = event.end_stream || event.kind == EventKind::kTrailers;
    return found->second;
  }
  void check_block(const Event& event, bool is_head) const {
    const HeaderBlock& block = *event.block.get();
    for (const HeaderField& field : block.fields()) {
      CHECK(is_header_name(field.name, /*lower_only=*/true), "a name that is no token");
      CHECK(is_header_value(field.value), "a value that is none");
    }
    if (event.too_large) return;
    CHECK(block.fields().size() <= limits_.header_fields_max, "too many fields");
    CHECK(block.list_bytes() <= limits_.header_bytes_max, "too large fields");
    if (is_head) CHECK(!block.line().method_text.empty(), "no method");
  }
  void consume(uint32_t stream) {
    size_t& unconsumed = open_[stream].unconsumed;
    session_.consumed(stream, unconsumed);
    unconsumed_ -= unconsumed;
    unconsumed = 0;
  }
  // What is not consumed yet is given back.
  void forget(uint32_t stream) {
    consume(stream);
    open_.erase(stream);
  }
  void answer(uint32_t stream) {
    if ((flags_ & 16) != 0 && stream % 5 == 0) {
      session_.reset(stream, ErrorCode::kCancel);
      return;
    }
    const bool head_only = (flags_ & 2) != 0;
    const bool with_trailers = (flags_ & 4) != 0;
    if (head_only) {
      session_.submit_response(stream, head_, true);
      return;
    }
    const std::string content((flags_ & 8) != 0 ? 100'000 : 10, 'x');
    StreamRef* const ref = open_[stream].ref;
    if (with_trailers && session_.submit_whole(*ref, head_, content, trailers_)) {
      CHECK(closed_.insert(stream).second, "over twice");
      forget(stream);
      return;
    }
    session_.submit_response(stream, head_, false);
    session_.submit_data(stream, Bytes::copy(content), !with_trailers);
    if (with_trailers) session_.submit_trailers(stream, trailers_);
  }

  uint8_t flags_;
  ServerLimits limits_;
  Session session_;
  ResponseHead head_;
  HeaderMap trailers_;
  TimePoint now_{std::chrono::hours(1)};
  std::map<uint32_t, Open> open_;
  std::set<uint32_t> closed_;
  size_t unconsumed_ = 0;
};

}  // namespace
}  // namespace layotto::http::h2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace layotto::http;
  if (size < 2) return 0;
  const size_t piece = data[0] == 0 ? size : data[0];
  const uint8_t flags = data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  h2::User user(flags, {.header_bytes_max = 4000,
                        .header_fields_max = 20,
                        .concurrent_streams_max = 10,
                        .stream_window_bytes = 65'535,
                        .connection_window_bytes = 100'000,
                        .idle_frames_burst = 50,
                        .resets_burst = 20});
  if ((flags & 1) != 0) user.feed(h2::kBegin);
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if ((flags & 64) != 0 && at <= bytes.size() / 2 && at + piece > bytes.size() / 2) user.drain();
    user.feed(bytes.substr(at, piece));
  }
  user.end();
  return 0;
}
