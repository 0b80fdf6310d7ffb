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

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_chain.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "http/h2/flood_guard.h"
#include "http/h2/frame.h"
#include "http/h2/header_cache.h"
#include "http/h2/stream_state.h"
#include "http/header_map.h"
#include "http/hpack/decoder.h"
#include "http/hpack/encoder.h"
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
  kHead,      // server: a request; client: a final response. `block` is set. `data` too when a
              // whole small request came at once: with end_stream, in place of kData
  kInterim,   // client: a 1xx response. `block` is set
  kData,      // `data`: a view into the fed bytes
  kTrailers,  // `block` is set
  kRoom,      // little of this stream's data waits to be sent
  kClosed,    // last event of a stream: `code`, and who reset it
  kSettings,  // the peer's settings have arrived or changed
  kGoaway,    // the peer's GOAWAY: `code`, `stream` = the last stream it will look at
  kPong,      // answer to ping()
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
  // Server: head, data (which are copied) and trailers of an answer that can leave as it is: both
  // blocks were sent before, the windows allow it, nobody waits, the request has ended. True: it
  // is done, the stream is over without a kClosed. False: nothing happened, submit it piece by
  // piece.
  bool submit_whole(StreamRef& ref, const ResponseHead& head, ByteView data,
                    const HeaderMap& trailers);
  // Bytes of this stream that wait to be framed.
  [[nodiscard]] size_t queued(uint32_t stream) const;
  // The same of all streams.
  [[nodiscard]] size_t queued() const { return queued_; }
  // The receiver has used n bytes of payload: windows may open again.
  void consumed(uint32_t stream, size_t n);
  // The same for the data of a kHead.
  void consumed_whole(size_t n) {
    if (!ended_) give_back_connection_window(n);
  }
  void reset(uint32_t stream, ErrorCode code);

  void ping();
  // GOAWAY: first with the highest id ("open no new streams, those on the way are still served"),
  // then with the real one.
  void announce_drain();
  void refuse_new_streams();
  // Ends the connection with this code once the output is written.
  void terminate(ErrorCode code);

  // Streams not yet closed.
  [[nodiscard]] size_t open_streams() const { return streams_.count(); }
  [[nodiscard]] uint64_t streams_seen() const { return streams_seen_; }
  // Server: streams of the peer answered with REFUSED_STREAM, beyond the limit or after GOAWAY.
  [[nodiscard]] uint64_t streams_refused() const { return streams_refused_; }
  // Errors of the peer on streams no event ever named, or that were closed: malformed requests,
  // late frames.
  [[nodiscard]] uint64_t unannounced_errors() const { return unannounced_errors_; }
  // Header fields of ours that HTTP/2 does not allow and that were left out. Those that only
  // concern an HTTP/1 connection are left out without being counted.
  [[nodiscard]] uint64_t fields_dropped() const { return fields_dropped_; }
  // The stream whose header block has begun and not ended; 0 when there is none.
  [[nodiscard]] uint32_t receiving_head() const;
  // Neither side wants anything any more: the connection can be closed.
  [[nodiscard]] bool finished() const;
  // The peer's first SETTINGS have arrived.
  [[nodiscard]] bool settings_received() const { return settings_received_; }
  // Server: what was remembered of request heads is for nobody any more.
  void forget_heads() { header_cache_.clear(); }

 private:
  // Where in the byte stream of the peer we are.
  enum class Reading : uint8_t { kPreface, kHead, kPayload, kPadLength, kData, kPadding, kSkip };
  // What is done with a header block when it is complete. It is decoded in any case: the table of
  // the connection must see it.
  enum class BlockUse : uint8_t { kNewStream, kRefused, kOpenStream, kIgnored, kStreamClosed };
  // Why a stream that is no more ended; decides what a late frame on it means (RFC 9113 §5.1).
  enum class Ending : uint8_t { kComplete, kResetByPeer, kResetByUs };
  struct ClosedStream {
    uint32_t id = 0;
    Ending ending = Ending::kComplete;
  };
  static constexpr size_t kClosedKept = 32;
  // A block that was sent before and means the same as long as our table does not change.
  struct EncodedBlock {
    const HeaderBlock* block = nullptr;
    uint32_t generation = 0;
    uint16_t status = 0;
    uint8_t size = 0;
    std::array<char, 20> bytes{};

    // A HEADERS frame; `to` has room for all of `bytes`. Returns one past it.
    char* write(char* to, uint32_t stream, bool end_stream) const {
      write_frame_head(
          to, {.length = size,
               .type = FrameType::kHeaders,
               .flags = static_cast<uint8_t>(kFlagEndHeaders | (end_stream ? kFlagEndStream : 0)),
               .stream = stream});
      std::memcpy(to + kFrameHeadBytes, bytes.data(), bytes.size());
      return to + kFrameHeadBytes + size;
    }
  };

  // ---- receiving (session_receive.cc, session_windows.cc)
  bool take_known_request(ByteView& bytes);
  void begin_frame();
  void begin_data();
  void read_pad_length(uint8_t length);
  void deliver_data(ByteView piece);
  void end_data();
  void end_frame_of_data();
  void on_frame(ByteView payload);
  void on_headers(ByteView payload);
  void on_continuation(ByteView payload);
  void on_block(ByteView encoded);
  void finish_request(uint32_t id, HeaderBlockRef block, int64_t content_length, bool end_stream,
                      bool too_large);
  void finish_response(StreamState& stream, HeaderBlockRef block, int64_t content_length,
                       bool end_stream, bool too_large);
  void finish_trailers(StreamState& stream, HeaderBlockRef block, bool end_stream, bool too_large);
  void on_rst_stream(ByteView payload);
  void on_settings(ByteView payload);
  bool apply_setting(uint16_t id, uint32_t value);
  bool change_initial_window(int64_t window, int64_t highest);
  void on_ping(ByteView payload);
  void on_goaway(ByteView payload);
  void on_window_update(ByteView payload);
  void on_priority(ByteView payload);
  BlockUse use_of_block(uint32_t id);
  bool check_idle_frame();
  // Connection error; nothing more is read.
  void connection_error(ErrorCode code, SessionFailure failure = SessionFailure::kProtocol);
  // Stream error the peer made: RST_STREAM, counted.
  void stream_error(uint32_t id, ErrorCode code);
  [[nodiscard]] bool is_idle(uint32_t id) const;
  [[nodiscard]] Ending ending_of(uint32_t id) const;
  [[nodiscard]] bool is_remembered(uint32_t id) const;
  void give_back_connection_window(size_t bytes) {
    connection_consumed_ += static_cast<int64_t>(bytes);
    if (connection_consumed_ >= receive_window_size_ / 2) [[unlikely]]
      open_connection_window();
  }
  void open_connection_window();

  // ---- sending (session_send.cc)
  void put_frame(FrameType type, uint8_t flags, uint32_t stream, ByteView payload);
  void put_headers(ByteChain& out, uint32_t stream, ByteView block, bool end_stream);
  void put_settings();
  void put_window_update(uint32_t stream, uint32_t increment);
  void put_rst_stream(uint32_t stream, ErrorCode code);
  void put_goaway(uint32_t last_stream, ErrorCode code);
  ByteView encode_fields(const HeaderMap& headers, bool without_host = false);
  [[nodiscard]] const EncodedBlock* known_block(const HeaderMap& headers, uint16_t status) const;
  bool put_cached(ByteChain& out, StreamState& stream, const HeaderMap& headers, uint16_t status,
                  bool end_stream);
  void remember_block(const HeaderMap& headers, uint16_t status);
  void put_response_head(StreamState& stream, const ResponseHead& head, bool end_stream);
  void put_trailers(ByteChain& out, StreamState& stream);
  void put_data(ByteChain& out, StreamState& stream, size_t size, bool end_stream);
  void write_stream(ByteChain& out, StreamState& stream);
  void want_to_send(StreamState& stream);
  void end_local(StreamState& stream);

  // ---- both
  StreamState* find(uint32_t id);
  StreamState& open_stream(uint32_t id);
  void close_stream(StreamState& stream, ErrorCode code, Ending ending);
  void fail(SessionFailure failure) {
    if (failure_ == SessionFailure::kNone) failure_ = failure;
  }

  const Side side_;
  const ServerLimits limits_;
  FloodGuard guard_;
  TimePoint now_{};

  // Receiving.
  Reading reading_;
  bool settings_received_ = false;
  bool settings_acknowledged_ = false;
  bool ended_ = false;  // GOAWAY of a connection error, or terminate()
  uint8_t head_have_ = 0;
  std::array<char, kFrameHeadBytes> head_bytes_{};
  FrameHead frame_;
  size_t preface_have_ = 0;
  size_t left_ = 0;                     // of the payload, of the data or of what is skipped
  size_t padding_left_ = 0;             // behind the data
  StreamState* data_stream_ = nullptr;  // null: the data are dropped
  std::string payload_;                 // of a frame that came in pieces
  std::string block_;                   // header block of several frames
  FrameHead block_head_;                // of its HEADERS
  bool in_block_ = false;
  hpack::Decoder decoder_;
  HeaderCache header_cache_;
  uint32_t last_peer_stream_ = 0;
  uint32_t last_stream_allowed_ = kStreamIdMax;  // what our GOAWAY said
  int64_t receive_window_ = kDefaultWindow;
  int64_t receive_window_size_ = kDefaultWindow;
  int64_t connection_consumed_ = 0;

  // Sending.
  ByteChain control_;          // everything that no window holds back, header blocks in their order
  size_t answers_unsent_ = 0;  // acknowledgements in it
  size_t queued_ = 0;          // of all streams
  int64_t send_window_ = kDefaultWindow;
  int32_t peer_initial_window_ = kDefaultWindow;
  uint32_t peer_frame_bytes_ = kDefaultFrameBytes;
  uint32_t peer_streams_max_ = UINT32_MAX;
  hpack::Encoder encoder_;
  std::string encoded_;
  EncodedBlock encoded_head_;
  EncodedBlock encoded_trailers_;
  base::IntrusiveList<StreamState, StreamState> sending_;  // have data and a window for it
  uint32_t next_stream_;                                   // client
  uint32_t unwritten_from_ = UINT32_MAX;    // client: from this id on, heads have not been written
  uint32_t last_goaway_sent_ = UINT32_MAX;  // UINT32_MAX: none
  uint32_t peer_goaway_ = UINT32_MAX;       // last stream of the peer's GOAWAY

  // Both.
  StreamTable streams_;
  std::array<ClosedStream, kClosedKept> closed_{};
  uint64_t closed_count_ = 0;
  StreamState* recent_ = nullptr;  // asked for last
  std::vector<Event> events_;
  SessionFailure failure_ = SessionFailure::kNone;
  uint64_t streams_seen_ = 0;
  uint64_t streams_refused_ = 0;
  uint64_t unannounced_errors_ = 0;
  uint64_t fields_dropped_ = 0;
};

}  // namespace layotto::http::h2
