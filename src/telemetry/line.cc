#include "telemetry/line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "telemetry/utf8.h"

namespace layotto::telemetry {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

using ByteVector = signed char __attribute__((vector_size(16)));
using UnsignedVector = unsigned char __attribute__((vector_size(16)));
using WordVector = uint64_t __attribute__((vector_size(16)));

// All ones in the bytes that may need escaping. One up and read as signed numbers, the plain ones
// are '!' to 0x7f, control characters less, DEL and what is not ASCII zero or negative: one
// comparison finds all three.
ByteVector suspicious(ByteVector bytes) {
  const auto up = reinterpret_cast<ByteVector>(reinterpret_cast<UnsignedVector>(bytes) + 1);
  return (up < '!') | (bytes == '"') | (bytes == '\\');
}

bool any(ByteVector bytes) {
  const auto words = reinterpret_cast<WordVector>(bytes);
  return (words[0] | words[1]) != 0;
}

template <class Word>
Word move(char* to, const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  std::memcpy(to, &word, sizeof(word));
  return word;
}

constexpr uint64_t kBlanks = 0x2020202020202020;

// Copies and says whether all bytes are plain, in one go. What was copied counts only if they are.
bool copy_plain(char* to, const char* from, size_t n) {
  if (n >= 16) {
    const size_t last = n - 16;
    ByteVector bad = suspicious(move<ByteVector>(to + last, from + last));
    for (size_t i = 0; i < last; i += 16) bad |= suspicious(move<ByteVector>(to + i, from + i));
    return !any(bad);
  }
  WordVector words = {kBlanks, kBlanks};
  if (n >= 8) {
    words[0] = move<uint64_t>(to, from);
    words[1] = move<uint64_t>(to + n - 8, from + n - 8);
  } else if (n >= 4) {
    words[0] = move<uint32_t>(to, from) | uint64_t{move<uint32_t>(to + n - 4, from + n - 4)} << 32;
  } else if (n > 0) {
    words[0] = kBlanks << 24;
    words[0] |= uint64_t{static_cast<uint8_t>(to[0] = from[0])};
    words[0] |= uint64_t{static_cast<uint8_t>(to[n / 2] = from[n / 2])} << 8;
    words[0] |= uint64_t{static_cast<uint8_t>(to[n - 1] = from[n - 1])} << 16;
  }
  return !any(suspicious(reinterpret_cast<ByteVector>(words)));
}

// As the value of key=value without quotes.
bool is_bare(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
  });
}

// C1 control characters, which some terminals obey: U+0080 to U+009F.
bool is_c1(std::string_view character) {
  return character.size() == 2 && character[0] == '\xC2' &&
         static_cast<uint8_t>(character[1]) < 0xA0;
}

constexpr auto kTwoDigits = [] {
  std::array<char, 200> digits{};
  for (size_t i = 0; i < 100; ++i) {
    digits[2 * i] = static_cast<char>('0' + i / 10);
    digits[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return digits;
}();

// Below 100.
void two_digits(char* at, unsigned value) { std::memcpy(at, &kTwoDigits[size_t{value} * 2], 2); }

// Short texts are the rule: two overlapping moves instead of a call.
void copy(char* to, const char* from, size_t n) {
  if (n > 16) {
    std::memcpy(to, from, n);
  } else if (n >= 8) {
    move<uint64_t>(to, from);
    move<uint64_t>(to + n - 8, from + n - 8);
  } else if (n >= 4) {
    move<uint32_t>(to, from);
    move<uint32_t>(to + n - 4, from + n - 4);
  } else if (n > 0) {
    to[n / 2] = from[n / 2];
    to[0] = from[0];
    to[n - 1] = from[n - 1];
  }
}

}  // namespace

char* put_large(char* to, uint64_t number) { return std::to_chars(to, to + 20, number).ptr; }

void TimeText::write(WallTime time) {
  time_ = time;
  const auto nanoseconds =
      static_cast<uint64_t>(std::max<int64_t>(time.time_since_epoch().count(), 0));
  const uint64_t second = nanoseconds / 1'000'000'000;
  if (second != second_) write_second(second);
  const auto milliseconds = static_cast<unsigned>(nanoseconds % 1'000'000'000) / 1'000'000;
  char* const at = text_ + 19;
  at[0] = '.';
  at[1] = static_cast<char>('0' + milliseconds / 100);
  two_digits(at + 2, milliseconds % 100);
  at[4] = 'Z';
}

void TimeText::write_second(uint64_t second) {
  second_ = second;
  using std::chrono::days;
  using std::chrono::seconds;
  const std::chrono::sys_time<seconds> time{seconds(static_cast<int64_t>(second))};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  two_digits(text_, year / 100);
  two_digits(text_ + 2, year % 100);
  text_[4] = '-';
  two_digits(text_ + 5, static_cast<unsigned>(date.month()));
  text_[7] = '-';
  two_digits(text_ + 8, static_cast<unsigned>(date.day()));
  text_[10] = 'T';
  two_digits(text_ + 11, static_cast<unsigned>(clock.hours().count()));
  text_[13] = ':';
  two_digits(text_ + 14, static_cast<unsigned>(clock.minutes().count()));
  text_[16] = ':';
  two_digits(text_ + 17, static_cast<unsigned>(clock.seconds().count()));
}

void Line::text(std::string_view text) {
  if (fits(text.size()) && copy_plain(at_, text.data(), text.size())) [[likely]] {
    at_ += text.size();
    return;
  }
  append_escaped(text);
}

void Line::raw(std::string_view text) {
  if (!fits(text.size())) [[unlikely]]
    return append_cut(text);
  char* const at = at_;
  at_ = at + text.size();
  copy(at, text.data(), text.size());
}

void Line::append_cut(std::string_view text) {
  cut_ = true;
  text = text.substr(0, room());
  copy(at_, text.data(), text.size());
  at_ += text.size();
}

bool Line::put(std::string_view piece) {
  if (!fits(piece.size())) {
    cut_ = true;
    return false;
  }
  copy(at_, piece.data(), piece.size());
  at_ += piece.size();
  return true;
}

void Line::append_long(uint64_t number) {
  std::array<char, 20> digits;
  put({digits.data(), put_unsigned(digits.data(), number)});
}

void Line::append_negative(int64_t number) {
  char* const before = at_;
  raw('-');
  const char* const sign_end = at_;
  append_unsigned(~static_cast<uint64_t>(number) + 1);
  if (at_ == sign_end) at_ = before;
}

void Line::timestamp(WallTime time) {
  if (!fits(TimeText::kBytes)) [[unlikely]] {
    cut_ = true;
    return;
  }
  std::memcpy(at_, times_.at(time), TimeText::kBytes);
  at_ += TimeText::kBytes;
}

void Line::append_escaped(std::string_view text) {
  const bool json = escaping_ == Escaping::kJson;
  while (!text.empty()) {
    const auto byte = static_cast<uint8_t>(text[0]);
    size_t length = utf8_length(text);
    std::string_view piece = text.substr(0, length);
    std::array<char, 8> escape;
    if (length == 0) {
      length = 1;
      piece = kReplacementCharacter;
      if (!json) {
        escape = {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
        piece = {escape.data(), 4};
      }
    } else if (byte == '"' || byte == '\\') {
      escape = {'\\', text[0]};
      piece = {escape.data(), 2};
    } else if (byte == '\n' || byte == '\r' || byte == '\t') {
      piece = byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : "\\t";
    } else if (byte < 0x20 || byte == 0x7f || is_c1(piece)) {
      const auto point = static_cast<uint8_t>(piece.back());  // of C1 characters too
      const std::string_view prefix = json ? "\\u00" : "\\x";
      char* const end = std::copy(prefix.begin(), prefix.end(), escape.begin());
      end[0] = kHexDigits[point >> 4];
      end[1] = kHexDigits[point & 15];
      piece = {escape.data(), prefix.size() + 2};
    }
    if (!put(piece)) return;
    text.remove_prefix(length);
  }
}

void Line::value(std::string_view text) {
  if (is_bare(text)) {
    raw(text);
    return;
  }
  if (!fits(2)) {
    cut_ = true;
    return;
  }
  *at_++ = '"';
  --limit_;  // for the closing quote
  this->text(text);
  ++limit_;
  *at_++ = '"';
}

void Line::number(double number) {
  if (escaping_ == Escaping::kJson && !std::isfinite(number)) return;  // JSON has no such numbers
  std::array<char, 32> buffer;
  put({buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr});
}

void Line::hex(std::span<const uint8_t> bytes) {
  if (!fits(2 * bytes.size())) {
    cut_ = true;
    return;
  }
  for (const uint8_t byte : bytes) {
    *at_++ = kHexDigits[byte >> 4];
    *at_++ = kHexDigits[byte & 15];
  }
}

void Line::milliseconds_exact(Duration duration) {
  std::array<char, 32> buffer;
  const int64_t microseconds = duration.count() / 1'000;
  char* at = buffer.data();
  if (microseconds < 0) *at++ = '-';
  const uint64_t size = static_cast<uint64_t>(microseconds < 0 ? -microseconds : microseconds);
  at = std::to_chars(at, buffer.data() + buffer.size(), size / 1'000).ptr;
  const auto fraction = static_cast<unsigned>(size % 1'000);
  *at++ = '.';
  *at++ = static_cast<char>('0' + fraction / 100);
  two_digits(at, fraction % 100);
  put({buffer.data(), at + 2});
}

}  // namespace layotto::telemetry
