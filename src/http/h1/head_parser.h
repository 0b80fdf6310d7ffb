// HeadParser: the head of an HTTP/1 request (RFC 9112), strictly, out of pieces of any size.
//
//   parser.begin();
//   used = parser.feed(bytes);            // as often as bytes come
//   if (parser.complete()) …              // take_block(), framing()
//   else if (parser.fault() != kNone) …   // answer with fault_status() and close
//
// What it accepts can be read in one way only. Where RFC 9112 allows leniency it takes one liberty:
// empty lines before the request line are skipped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "http/h1/fault.h"
#include "http/h1/line_reader.h"
#include "http/header_map.h"

namespace layotto::http::h1 {

struct HeadLimits {
  size_t bytes_max;  // as sent, and as HTTP/2 counts: name + value + 32 per field
  size_t fields_max;
};

// How the message goes on, and what becomes of the connection.
struct Framing {
  enum class Kind : uint8_t { kNone, kLength, kChunked };
  Kind kind = Kind::kNone;
  bool keep_alive = false;
  bool expects_continue = false;
  uint64_t length = 0;
};

class HeadParser {
 public:
  explicit HeadParser(HeadLimits limits) : limits_(limits) { begin(); }

  // Forgets everything: a new head begins.
  void begin();
  // Takes what belongs to the head; returns how much that was.
  size_t feed(ByteView bytes);

  [[nodiscard]] bool complete() const { return state_ == State::kComplete; }
  [[nodiscard]] Fault fault() const { return fault_; }
  // Something but empty lines has come.
  [[nodiscard]] bool started() const { return state_ != State::kRequestLine || lines_.within(); }

  // Of a complete head. The scheme is left to who knows the connection.
  [[nodiscard]] const Framing& framing() const { return framing_; }
  HeaderBlockRef take_block() { return std::move(block_); }

 private:
  enum class State : uint8_t { kRequestLine, kFields, kComplete, kFailed };

  Fault take_line(std::string_view line);
  Fault take_request_line(std::string_view line);
  Fault take_target(std::string_view target);
  Fault take_field(std::string_view line);
  Fault note_content_length(std::string_view value);
  void note_codings(std::string_view value);
  void note_connection(std::string_view value);
  Fault finish();
  [[nodiscard]] bool is_http11() const { return block_->line().protocol == Protocol::kHttp11; }

  // What the fields said so far.
  struct Seen {
    bool absolute_target = false;
    bool host = false;
    bool length = false;
    bool encoding = false;
    bool expectation = false;
    bool other_expectation = false;
    bool chunked_last = false;
    bool close = false;
    bool keep_alive = false;
    uint32_t codings = 0;
    uint32_t chunked = 0;
  };

  HeadLimits limits_;
  State state_ = State::kRequestLine;
  Fault fault_ = Fault::kNone;
  LineReader lines_;
  size_t bytes_left_ = 0;
  HeaderBlockRef block_;
  Framing framing_;
  Seen seen_;
};

}  // namespace layotto::http::h1
