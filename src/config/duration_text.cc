#include "config/duration_text.h"

#include <array>

#include "config/scalar.h"

namespace layotto::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};
// Largest first; the printed spellings before the others.
constexpr std::array<Unit, 8> kUnits = {{{"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1},
                                         {"\u00b5s", 1'000},    // micro sign
                                         {"\u03bcs", 1'000}}};  // Greek letter mu
constexpr size_t kPrintedUnits = 6;
constexpr Int128 kMax = INT64_MAX;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// One "1.5h" at the front of `text`, which it removes.
Result<Int128> take_part(std::string_view& text) {
  Int128 whole = 0;
  size_t at = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    whole = whole * 10 + (text[at] - '0');
    if (whole > kMax) return base::invalid_argument("it is longer than 292 years");
  }
  size_t digits = at;
  Int128 fraction = 0;
  Int128 scale = 1;
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++at, ++digits) {
      if (scale >= 1'000'000'000'000'000) continue;  // below a nanosecond of an hour
      fraction = fraction * 10 + (text[at] - '0');
      scale *= 10;
    }
  }
  if (digits == 0) return base::invalid_argument("there is no number before its unit");
  size_t end = at;
  while (end < text.size() && !is_digit(text[end]) && text[end] != '.') ++end;
  const std::string_view name = text.substr(at, end - at);
  if (name.empty()) return base::invalid_argument("it has a number without a unit");
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    text.remove_prefix(end);
    return whole * unit.nanoseconds + fraction * unit.nanoseconds / scale;
  }
  return base::invalid_argument("its unit is none of ns, us, ms, s, m, h");
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return base::invalid_argument("it is empty");
  if (text == "0") return Duration(0);
  Int128 total = 0;
  while (!text.empty()) {
    TRY(const Int128 part, take_part(text));
    total += part;
    if (total > kMax) return base::invalid_argument("it is longer than 292 years");
  }
  return Duration(static_cast<int64_t>(negative ? -total : total));
}

std::string duration_text(Duration duration) {
  Int128 rest = duration.count();
  if (rest == 0) return "0s";
  std::string text;
  if (rest < 0) {
    text = "-";
    rest = -rest;
  }
  for (size_t i = 0; i < kPrintedUnits; ++i) {
    const Int128 count = rest / kUnits[i].nanoseconds;
    rest %= kUnits[i].nanoseconds;
    if (count != 0) text += integer_text(count).append(kUnits[i].name);
  }
  return text;
}

}  // namespace layotto::config
