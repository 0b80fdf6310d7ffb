// A scripted HTTP/2 peer: builds frames byte by byte, wrong ones too, and takes apart what the
// other side answers. It shares no code with what it tests: header blocks are encoded by a few
// lines of its own (literals, no Huffman) and decoded by nghttp2's public HPACK inflater.
//
//   H2Peer peer;
//   session.feed(h2::kPreface + h2::settings() + h2::request(1, h2::get("/")), now);
//   peer.receive(output of the session);
//   EXPECT_EQ(peer.answer(1).status, "200");
//
// Over a net::Connection: H2Wire.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/connection.h"

namespace layotto::tests {

namespace h2 {

using namespace std::string_literals;

enum Type : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
enum Flag : uint8_t {
  kNoFlags = 0,
  kEndStream = 1,
  kAck = 1,
  kEndHeaders = 4,
  kPadded = 8,
  kHasPriority = 32,
};
enum Setting : uint16_t {
  kHeaderTableSize = 1,
  kEnablePush = 2,
  kMaxConcurrentStreams = 3,
  kInitialWindowSize = 4,
  kMaxFrameSize = 5,
  kMaxHeaderListSize = 6,
};
// RFC 9113 §7, spelt here once more: a test that used the names of the code under test could not
// see a wrong number.
enum Code : uint32_t {
  kNoError = 0,
  kProtocolError = 1,
  kInternalError = 2,
  kFlowControlError = 3,
  kSettingsTimeout = 4,
  kStreamClosed = 5,
  kFrameSizeError = 6,
  kRefusedStream = 7,
  kCancel = 8,
  kCompressionError = 9,
  kConnectError = 10,
  kEnhanceYourCalm = 11,
};

inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// ---- frames
std::string number(uint32_t value, int bytes);
// `length` is written as given, whatever the payload's is.
std::string frame_claiming(size_t length, int type, int flags, uint32_t stream,
                           std::string_view payload);
std::string frame(int type, int flags, uint32_t stream, std::string_view payload = {});

using Settings = std::vector<std::pair<uint16_t, uint32_t>>;
std::string settings(const Settings& entries = {});
std::string settings_ack();
std::string ping(std::string_view eight_bytes = "12345678", int flags = kNoFlags);
std::string window_update(uint32_t stream, uint32_t increment);
std::string rst_stream(uint32_t stream, uint32_t code = kCancel);
std::string goaway(uint32_t last_stream, uint32_t code = kNoError);
std::string priority(uint32_t stream, uint32_t depends_on, int weight = 15);
std::string data(uint32_t stream, std::string_view payload, int flags = kEndStream);
std::string headers(uint32_t stream, std::string_view block, int flags = kEndStream | kEndHeaders);
std::string continuation(uint32_t stream, std::string_view block, int flags = kEndHeaders);

// ---- HPACK, RFC 7541
using Fields = std::vector<std::pair<std::string, std::string>>;
// `value` behind a prefix of `bits` bits, whose other bits are those of `pattern`.
std::string hpack_integer(uint64_t value, int bits, uint8_t pattern);
std::string hpack_string(std::string_view text);
std::string hpack_indexed(uint64_t index);
std::string hpack_table_size(uint64_t size);
// Literals: without indexing, or put into the dynamic table.
std::string hpack_literal(std::string_view name, std::string_view value);
std::string hpack_literal_indexed(std::string_view name, std::string_view value);
std::string hpack(const Fields& fields);

// ---- messages
Fields get(std::string_view path);
Fields post(std::string_view path);
Fields grpc(std::string_view path);
// HEADERS that end the stream, or not.
std::string request(uint32_t stream, const Fields& fields, int flags = kEndStream | kEndHeaders);
// HEADERS and DATA of a whole message.
std::string request_with_body(uint32_t stream, const Fields& fields, std::string_view body);

}  // namespace h2

struct H2Frame {
  int type = 0;
  int flags = 0;
  uint32_t stream = 0;
  std::string payload;

  // GOAWAY and RST_STREAM.
  [[nodiscard]] uint32_t code() const;
  // GOAWAY.
  [[nodiscard]] uint32_t last_stream() const;
};

// What was received on one stream.
struct H2Answer {
  std::string status;  // of the final head; empty: none yet
  h2::Fields interim;  // ":status" and the other fields of 1xx heads, one after the other
  h2::Fields headers;  // without pseudo header fields
  h2::Fields pseudo;   // the pseudo header fields, in order (requests too)
  std::string body;
  h2::Fields trailers;
  bool ended = false;
  std::optional<uint32_t> reset;  // RST_STREAM's code

  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] std::string trailer(std::string_view name) const;
};

// Takes apart what the other side sends.
class H2Peer {
 public:
  H2Peer();
  ~H2Peer();
  H2Peer(const H2Peer&) = delete;
  H2Peer& operator=(const H2Peer&) = delete;

  // Behind a client's preface, which is checked when the other side is a client.
  enum class OtherSide : uint8_t { kServer, kClient };
  explicit H2Peer(OtherSide other);

  void receive(std::string_view bytes);

  [[nodiscard]] const std::vector<H2Frame>& frames() const { return frames_; }
  // Frames of that type, on that stream when one is given.
  [[nodiscard]] size_t count(int type, std::optional<uint32_t> stream = {}) const;
  // The last one; a frame without payload when there is none.
  [[nodiscard]] H2Frame last(int type) const;
  [[nodiscard]] bool got(int type) const { return count(type) > 0; }
  // The code of the last GOAWAY; nullopt when there was none.
  [[nodiscard]] std::optional<uint32_t> goaway() const;
  // Code of RST_STREAM on the stream.
  [[nodiscard]] std::optional<uint32_t> reset(uint32_t stream) const;
  // Value of a setting in the other side's first SETTINGS frame.
  [[nodiscard]] std::optional<uint32_t> setting(uint16_t id) const;
  // Sum of the increments.
  [[nodiscard]] uint64_t window_updates(uint32_t stream) const;
  [[nodiscard]] const H2Answer& answer(uint32_t stream) { return answers_[stream]; }
  // Streams with an answer, a reset too.
  [[nodiscard]] const std::map<uint32_t, H2Answer>& answers() const { return answers_; }
  // Forgets the frames, or what was answered as well; the decoder stays.
  void forget_frames() { frames_.clear(); }
  void forget() {
    frames_.clear();
    answers_.clear();
  }
  // Frames that were not whole yet.
  [[nodiscard]] size_t unparsed() const { return pending_.size(); }

 private:
  struct Inflater;
  void take(H2Frame frame);
  void take_block(uint32_t stream, bool end_stream);

  std::unique_ptr<Inflater> inflater_;
  std::string pending_;
  size_t preface_left_ = 0;
  std::vector<H2Frame> frames_;
  std::map<uint32_t, H2Answer> answers_;
  std::string block_;
  bool block_ends_stream_ = false;
};

// A peer at the end of a connection.
class H2Wire : public H2Peer {
 public:
  explicit H2Wire(std::unique_ptr<net::Connection> connection, OtherSide other = OtherSide::kServer)
      : H2Peer(other), connection_(std::move(connection)) {}

  // Leaves at the end of the loop's pass.
  void send(std::string_view bytes);
  // Takes what has arrived. False: the other side has ended the connection.
  bool read();
  // It has ended or reset the connection, as far as read() has seen.
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] net::Connection& connection() { return *connection_; }
  // Gone without a word.
  void hang_up() { connection_.reset(); }

 private:
  std::unique_ptr<net::Connection> connection_;
  bool closed_ = false;
};

}  // namespace layotto::tests
