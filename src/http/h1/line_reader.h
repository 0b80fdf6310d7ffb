// LineReader: lines that end in CRLF out of bytes that come in pieces of any size. A line that is
// whole in one piece is not copied.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "http/h1/fault.h"

namespace layotto::http::h1 {

class LineReader {
 public:
  struct Taken {
    size_t used = 0;        // of the bytes given
    bool complete = false;  // `line` is one, without its CRLF; valid until the next take()
    bool too_long = false;  // no line within `max`
    Fault fault = Fault::kNone;
    std::string_view line;
  };
  // Goes on to the end of a line, which lies within `max` more bytes. Control characters other than
  // HTAB are refused where they stand.
  Taken take(ByteView bytes, size_t max);

  // A line has begun.
  [[nodiscard]] bool within() const { return !done_ && !carried_.empty(); }
  void reset();

 private:
  std::string carried_;
  bool done_ = false;  // what is carried was given out
  bool after_cr_ = false;
};

}  // namespace layotto::http::h1
