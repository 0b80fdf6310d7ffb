// ChunkedDecoder: content in the chunked transfer coding (RFC 9112 §7.1) out of pieces of any size.
// Extensions are read over, within measure; trailers are kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "http/h1/fault.h"
#include "http/h1/head_parser.h"
#include "http/h1/line_reader.h"
#include "http/header_map.h"

namespace layotto::http::h1 {

class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(HeadLimits trailer_limits) : limits_(trailer_limits) {}

  void begin();

  struct Step {
    size_t used = 0;  // of the bytes given
    ByteView data;    // payload, a part of them
  };
  // Goes on to the end of a piece of payload, or of the bytes, or of the content.
  Step feed(ByteView bytes);

  [[nodiscard]] bool ended() const { return state_ == State::kEnd; }
  [[nodiscard]] Fault fault() const { return fault_; }
  // After the end; empty when there were none.
  HeaderBlockRef take_trailers() { return std::move(trailers_); }

 private:
  enum class State : uint8_t { kSize, kPayload, kPayloadEnd, kTrailers, kEnd, kFailed };

  Fault take_size(std::string_view line);
  Fault take_trailer(std::string_view line);
  size_t take_line(ByteView bytes);

  HeadLimits limits_;
  State state_ = State::kSize;
  Fault fault_ = Fault::kNone;
  LineReader lines_;
  uint64_t payload_left_ = 0;
  size_t line_left_ = 0;  // what the chunk's line, or the trailers, may still have
  size_t extensions_left_ = 0;
  size_t trailer_fields_ = 0;
  HeaderBlockRef trailers_;
};

}  // namespace layotto::http::h1
