// Session: one side of one HTTP/2 connection (RFC 9113) without a socket. Bytes go in, events come
// out; submissions go in, bytes come out. It owns framing, header compression, stream states and
// flow control; it does not wait, and it calls nobody.
//
//   session.feed(bytes, now);                 // all of them
//   for (Event& event : session.events()) …   // in order; views into `bytes` are valid until the
//   session.clear_events();                   //   next feed
//   session.write_to(out);                    // may add events (kClosed, kRoom) too
//
// Data a peer sends are delivered at once and count against the receive windows until consumed() is
// called: not consuming is the backpressure. Data to be sent are queued per stream and leave as the
// peer's windows allow; queued() says how much waits, kRoom that it has become little.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/byte_chain.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "http/header_map.h"
#include "http/limits.h"
#include "http/message.h"

namespace layotto::http::h2 {

// RFC 9113 §7.
enum class ErrorCode : uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kFlowControlError = 0x3,
  kSettingsTimeout = 0x4,
  kStreamClosed = 0x5,
  kFrameSizeError = 0x6,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kCompressionError = 0x9,
  kConnectError = 0xa,
  kEnhanceYourCalm = 0xb,
  kInadequateSecurity = 0xc,
  kHttp11Required = 0xd,
};
std::string_view error_code_name(ErrorCode code);

enum class Side : uint8_t { kServer, kClient };

enum class EventKind : uint8_t {
  kHead,      // server: a request; client: a final response. `block` is set
  kInterim,   // client: a 1xx response. `block` is set
  kData,      // `data`: a view into the fed bytes
  kTrailers,  // `block` is set
  kRoom,      // little of this stream's data waits to be sent
  kClosed,    // last event of a stream: `code`, and who reset it
  kSettings,  // the peer's settings have arrived or changed
  kGoaway,    // the peer's GOAWAY: `code`, `stream` = the last stream it will look at
  kPong,      // answer to ping()
};

// What the session keeps of a stream for its user. Valid until the events that hold its kClosed are
// cleared.
struct StreamRef {
  void* user = nullptr;
};

struct Event {
  EventKind kind;
  bool end_stream = false;     // kHead, kData, kTrailers: nothing follows on this stream
  bool too_large = false;      // kHead, kTrailers: over the header limits; the block is truncated
  bool reset_by_peer = false;  // kClosed
  uint32_t stream = 0;
  ErrorCode code = ErrorCode::kNoError;
  StreamRef* ref = nullptr;  // null for connection events
  HeaderBlockRef block;
  ByteView data;
};

// Why a session ended the connection by itself; for counters and logs.
enum class SessionFailure : uint8_t {
  kNone,
  kProtocol,  // RFC 9113 violated, HPACK broken, preface wrong
  kIdleFrameFlood,
  kResetFlood,
  kContinuationFlood,  // a header block beyond every limit
  kOutputFlood,        // answers pile up that the peer does not read
};

class Session {
 public:
  // Windows, limits and flood budgets come from `limits`. The server's SETTINGS (and the client's
  // preface) are queued at once. peer_streams_max: client side, used until the server's SETTINGS.
  Session(Side side, const ServerLimits& limits);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Takes all bytes. After a failure further bytes are ignored; the GOAWAY is in the output.
  void feed(ByteView bytes, TimePoint now);
  [[nodiscard]] std::vector<Event>& events() { return events_; }
  void clear_events();
  // Known at the latest when the GOAWAY has been written.
  [[nodiscard]] SessionFailure failure() const { return failure_; }

  // Appends frames to `out` until it holds about `out_max` bytes or nothing is left to be sent.
  void write_to(ByteChain& out, size_t out_max = 256 * 1024);
  [[nodiscard]] bool wants_write() const;
  // Gives back memory that only a busy connection needs.
  void trim();

  // ---- server
  // Texts of `head` and of the trailers must live until the stream's kClosed event, or its reset()
  // here. The first
  // response of a stream counts; interim ones (1xx, not 101) come before it.
  void submit_response(uint32_t stream, const ResponseHead& head, bool end_stream);
  void submit_interim(uint32_t stream, const ResponseHead& head);

  // ---- client
  // Returns the stream id, or an Error: no ids left, the peer is going away, or too many streams.
  // Scheme and path must not be empty. Texts of `head` live as long as those of a response.
  Result<uint32_t> submit_request(const RequestHead& head, bool end_stream, void* user);
  // False: no request will be taken any more, the peer is going away or there are no ids left.
  [[nodiscard]] bool takes_requests() const;
  // How many more streams may be opened now.
  [[nodiscard]] size_t streams_available() const;
  // False: the head of this request of ours has not been written yet, the server cannot know of it.
  [[nodiscard]] bool request_written(uint32_t stream) const;

  // ---- both
  // Queues data behind the head. Unowned bytes live as long as the texts of heads. At the end
  // either end_stream here or submit_trailers(). Ignored for a stream that is closed.
  void submit_data(uint32_t stream, Bytes data, bool end_stream);
  void submit_trailers(uint32_t stream, const HeaderMap& trailers);
  // Bytes of this stream that wait to be framed.
  [[nodiscard]] size_t queued(uint32_t stream) const;
  // The receiver has used n bytes of payload: windows may open again.
  void consumed(uint32_t stream, size_t n);
  void reset(uint32_t stream, ErrorCode code);

  void ping();
  // GOAWAY: first with the highest id ("open no new streams, those on the way are still served"),
  // then with the real one.
  void announce_drain();
  void refuse_new_streams();
  // Ends the connection with this code once the output is written.
  void terminate(ErrorCode code);

  // Streams not yet closed.
  [[nodiscard]] size_t open_streams() const { return open_streams_; }
  [[nodiscard]] uint64_t streams_seen() const { return streams_seen_; }
  // Server: streams of the peer answered with REFUSED_STREAM, beyond the limit or after GOAWAY.
  [[nodiscard]] uint64_t streams_refused() const { return streams_refused_; }
  // Header fields of ours that HTTP/2 does not allow and that were left out. Those that only
  // concern an HTTP/1 connection are left out without being counted.
  [[nodiscard]] uint64_t fields_dropped() const { return fields_dropped_; }
  // The stream whose header block has begun and not ended; 0 when there is none.
  [[nodiscard]] uint32_t receiving_head() const;
  // Neither side wants anything any more: the connection can be closed.
  [[nodiscard]] bool finished() const;
  // The peer's first SETTINGS have arrived.
  [[nodiscard]] bool settings_received() const { return settings_received_; }

 private:
  struct Nghttp2;  // the library's session and callbacks
  struct Slot;     // per stream

  Slot* slot_of(uint32_t stream) const;
  void fail(SessionFailure failure);

  std::unique_ptr<Nghttp2> impl_;
  std::vector<Event> events_;
  SessionFailure failure_ = SessionFailure::kNone;
  size_t open_streams_ = 0;
  uint64_t streams_seen_ = 0;
  uint64_t streams_refused_ = 0;
  uint64_t fields_dropped_ = 0;
  bool settings_received_ = false;
};

}  // namespace layotto::http::h2
