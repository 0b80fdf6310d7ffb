// Line: one log line being written, in place, into the buffer it will be sent from. Appending never
// allocates and never fails: what does not fit is cut at a character boundary and `cut()` says so.
//
// Text from outside goes through text(), which escapes control characters, quotes, backslashes and
// what is not UTF-8, so a line is one line whatever a peer sent; raw() is for text that is known to
// be printable ASCII without quotes and backslashes.
#pragma once

#include <array>
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

// The time asked for last, as text. Requests of one pass have one time: it is written once; the
// date is formatted once per second.
class TimeText {
 public:
  static constexpr size_t kBytes = 24;  // "2026-01-02T03:04:05.678Z"
  // kBytes, valid until the next call. UTC; before 1970 is 1970.
  const char* at(WallTime time) {
    if (time != time_) [[unlikely]]
      write(time);
    return text_;
  }

 private:
  void write(WallTime time);
  void write_second(uint64_t second);
  WallTime time_ = WallTime::min();
  uint64_t second_ = UINT64_MAX;
  char text_[kBytes] = {};
};

// Numbers below 1000: their digits from the left, and in the last byte how many.
inline constexpr auto kSmallNumbers = [] {
  std::array<std::array<char, 4>, 1000> all{};
  for (size_t i = 0; i < all.size(); ++i) {
    size_t size = 0;
    if (i >= 100) all[i][size++] = static_cast<char>('0' + i / 100);
    if (i >= 10) all[i][size++] = static_cast<char>('0' + i / 10 % 10);
    all[i][size++] = static_cast<char>('0' + i % 10);
    all[i][3] = static_cast<char>(size);
  }
  return all;
}();

char* put_large(char* to, uint64_t number);
// Digits of a number at `to`, which has room for 20; returns one past them.
[[gnu::always_inline]] inline char* put_unsigned(char* to, uint64_t number) {
  if (number >= kSmallNumbers.size()) [[unlikely]]
    return put_large(to, number);
  const auto& text = kSmallNumbers[number];
  std::memcpy(to, text.data(), text.size());
  return to + text[3];
}

class Line {
 public:
  // The buffer has this many bytes more than the line may use, so that short pieces can be copied
  // in one move.
  static constexpr size_t kSlackBytes = 16;

  // Writes into [begin, begin + bytes_max + kSlackBytes); both outlive the line.
  Line(char* begin, size_t bytes_max, TimeText& times)
      : begin_(begin), at_(begin), limit_(begin + bytes_max), times_(times) {}

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
  void literal(const char* from, size_t n) { at_ = put_literal(at_, from, n); }
  static char* put_literal(char* to, const char* from, size_t n) {
    static_assert(kSlackBytes == 16);
    std::memcpy(to, from, kSlackBytes);
    for (size_t i = kSlackBytes; i < n; i += kSlackBytes) {
      std::memcpy(to + i, from + i, kSlackBytes);
    }
    return to + n;
  }

  void append_signed(int64_t number) {
    if (number >= 0) [[likely]] {
      append_unsigned(static_cast<uint64_t>(number));
    } else {
      append_negative(number);
    }
  }
  void append_unsigned(uint64_t number) {
    if (number < 1000 && fits(3)) [[likely]] {
      at_ = put_unsigned(at_, number);
    } else {
      append_long(number);
    }
  }
  void append_negative(int64_t number);
  void append_long(uint64_t number);
  void append_cut(std::string_view text);
  void append_escaped(std::string_view text);
  // All of it or nothing.
  bool put(std::string_view piece);

  char* begin_;
  char* at_;
  char* limit_;
  TimeText& times_;
  Escaping escaping_ = Escaping::kText;
  bool cut_ = false;
};

}  // namespace layotto::telemetry
