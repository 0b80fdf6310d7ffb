// What one key=value of an event may be, and the names events and keys have.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "telemetry/line.h"

namespace layotto::telemetry {

// The name of an event or of a key: a literal in snake_case, checked when compiled. Because it is
// static text it may be kept.
class LogName {
 public:
  consteval LogName(const char* text) : text_(text) {  // NOLINT(google-explicit-constructor)
    for (const char c : text_) {
      const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      if (!fits) is_not_snake_case();
    }
    if (text_.empty()) is_not_snake_case();
  }
  [[nodiscard]] constexpr std::string_view text() const { return text_; }

 private:
  // Not constexpr and never defined: reached while compiling, it refuses the name.
  static void is_not_snake_case();
  std::string_view text_;
};

// Converts from whatever is logged; borrows text until the event is written. Durations are written
// in milliseconds: 12.345ms.
class LogValue {
 public:
  // NOLINTBEGIN(google-explicit-constructor)
  LogValue(std::string_view text) : kind_(Kind::kText), text_(text) {}
  LogValue(const char* text) : LogValue(std::string_view(text)) {}
  LogValue(const std::string& text) : LogValue(std::string_view(text)) {}
  LogValue(std::same_as<bool> auto truth) : LogValue(truth ? "true" : "false") {}
  template <std::signed_integral T>
  LogValue(T number) : kind_(Kind::kSigned), signed_(number) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogValue(T number) : kind_(Kind::kUnsigned), unsigned_(number) {}
  LogValue(std::floating_point auto number)
      : kind_(Kind::kNumber), number_(static_cast<double>(number)) {}
  template <class Rep, class Period>
  LogValue(std::chrono::duration<Rep, Period> duration)
      : kind_(Kind::kDuration), signed_(std::chrono::duration_cast<Duration>(duration).count()) {}
  // NOLINTEND(google-explicit-constructor)

  void append_to(Line& line) const {
    switch (kind_) {
      case Kind::kText:
        line.value(text_);
        break;
      case Kind::kSigned:
        line.integer(signed_);
        break;
      case Kind::kUnsigned:
        line.integer(unsigned_);
        break;
      case Kind::kNumber:
        line.number(number_);
        break;
      case Kind::kDuration:
        line.milliseconds_exact(Duration(signed_));
        line.raw("ms");
        break;
    }
  }

 private:
  enum class Kind : uint8_t { kText, kSigned, kUnsigned, kNumber, kDuration };
  Kind kind_;
  union {
    std::string_view text_;
    int64_t signed_;
    uint64_t unsigned_;
    double number_;
  };
};

struct LogField {
  LogName key;
  LogValue value;
};

}  // namespace layotto::telemetry
