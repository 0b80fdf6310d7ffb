// Line: one log line being written, in place, into the buffer it will be sent from. Appending never
// allocates and never fails: what does not fit is cut at a character boundary and `cut()` says so.
//
// Text from outside goes through text(), which escapes control characters, quotes, backslashes and
// what is not UTF-8, so a line is one line whatever a peer sent; raw() is for text that is known to
// be printable ASCII without quotes and backslashes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/clock.h"

namespace layotto::telemetry {

enum class Escaping : uint8_t {
  kText,  // \" \\ \n \r \t, other bytes as \x1f
  kJson,  // RFC 8259; invalid UTF-8 becomes U+FFFD
};

// The date and time of the second asked for last, as text: formatted once per second.
class SecondText {
 public:
  static constexpr size_t kBytes = 19;  // "2026-01-02T03:04:05"
  // 19 bytes, valid until the next call. Seconds since 1970, UTC; before 1970 is 1970.
  const char* at(int64_t second) {
    if (second != second_) [[unlikely]]
      format(second);
    return text_;
  }

 private:
  void format(int64_t second);
  int64_t second_ = -1;
  char text_[kBytes + 1] = {};
};

class Line {
 public:
  // The buffer has this many bytes more than the line may use, so that short pieces can be copied
  // in one move.
  static constexpr size_t kSlackBytes = 16;

  // Writes into [begin, begin + bytes_max + kSlackBytes); both outlive the line.
  Line(char* begin, size_t bytes_max, SecondText& seconds)
      : begin_(begin), at_(begin), limit_(begin + bytes_max), seconds_(seconds) {}

  [[nodiscard]] std::string_view view() const { return {begin_, at_}; }
  [[nodiscard]] size_t size() const { return static_cast<size_t>(at_ - begin_); }
  // True when something did not fit.
  [[nodiscard]] bool cut() const { return cut_; }

  // Printable ASCII without quotes and backslashes, by the caller's word.
  void raw(std::string_view text);
  void raw(char c) {
    if (!fits(1)) [[unlikely]] {
      cut_ = true;
      return;
    }
    *at_++ = c;
  }
  // Any bytes, escaped.
  void text(std::string_view text);
  // As `"text"`, or bare where the reader of the event log cannot mistake it: key=value.
  void value(std::string_view text);
  void integer(std::signed_integral auto number) { append_signed(number); }
  void integer(std::unsigned_integral auto number) { append_unsigned(number); }
  void integer(bool) = delete;
  // The shortest text that reads back as the same number.
  void number(double number);
  // Two digits a byte, lower case.
  void hex(std::span<const uint8_t> bytes);
  // Whole milliseconds: 12
  void milliseconds(Duration duration) { append_signed(duration.count() / 1'000'000); }
  // Milliseconds with three digits after the point: 12.345
  void milliseconds_exact(Duration duration);
  // UTC: 2026-01-02T03:04:05.678Z
  void timestamp(WallTime time);

  void escape_as(Escaping escaping) { escaping_ = escaping; }
  // The line ends after `bytes_max` bytes at the latest. It may be longer already: then nothing is
  // appended any more.
  void limit_to(size_t bytes_max) { limit_ = begin_ + bytes_max; }

 private:
  friend class AccessLogFormat;

  // Signed: the line may be beyond its limit.
  [[nodiscard]] bool fits(size_t n) const { return static_cast<ptrdiff_t>(n) <= limit_ - at_; }
  [[nodiscard]] size_t room() const { return at_ < limit_ ? static_cast<size_t>(limit_ - at_) : 0; }

  // Beyond the limit, from a buffer that has kSlackBytes behind the n bytes.
  void literal(const char* from, size_t n) {
    std::memcpy(at_, from, kSlackBytes);
    if (n > kSlackBytes) [[unlikely]] {
      std::memcpy(at_ + kSlackBytes, from + kSlackBytes, n - kSlackBytes);
    }
    at_ += n;
  }

  void append_signed(int64_t number);
  void append_unsigned(uint64_t number);
  void append_cut(std::string_view text);
  void append_escaped(std::string_view text);
  // All of it or nothing.
  bool put(std::string_view piece);

  char* begin_;
  char* at_;
  char* limit_;
  SecondText& seconds_;
  Escaping escaping_ = Escaping::kText;
  bool cut_ = false;
};

}  // namespace layotto::telemetry
