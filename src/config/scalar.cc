#include "config/scalar.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "config/utf8.h"

namespace layotto::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits of `base`; false when there is none, another character, or more than 64 bits.
bool digits(std::string_view text, int base, uint64_t& value) {
  if (text.empty()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, no leading zeros.
bool looks_like_float(std::string_view text) {
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  const size_t whole = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  const size_t whole_digits = at - whole;
  if (whole_digits > 1 && text[whole] == '0') return false;
  size_t fraction_digits = 0;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    fraction_digits = at - fraction;
  }
  if (whole_digits + fraction_digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const size_t exponent = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == exponent) return false;
  }
  return at == text.size();
}

// Of a text that looks_like_float; infinite when it is beyond double.
double float_value(std::string_view text) {
  bool negative = false;
  if (text.front() == '-' || text.front() == '+') {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    // Out of range says neither too large nor too small: a negative exponent decides.
    const size_t exponent = text.find_first_of("eE");
    const bool small = exponent != std::string_view::npos && text[exponent + 1] == '-';
    value = small ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return negative ? -value : value;
}

Scalar of_float(std::string_view text, double value) {
  Scalar scalar = string_scalar(text);
  scalar.kind = Kind::kFloat;
  scalar.number = value;
  return scalar;
}

Scalar of_integer(std::string_view text, Int128 value) {
  Scalar scalar = string_scalar(text);
  scalar.kind = Kind::kInteger;
  scalar.integer = value;
  return scalar;
}

bool leading_zero(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0';
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

}  // namespace

std::string integer_text(Int128 value) {
  const bool negative = value < 0;
  auto magnitude =
      negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string text;
  do {
    text += static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  } while (magnitude != 0);
  if (negative) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

bool decimal_integer(std::string_view text, Int128& value) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  uint64_t magnitude = 0;
  if (!digits(text, 10, magnitude)) return false;
  if (negative && magnitude > uint64_t{1} << 63) return false;
  value = negative ? -Int128{magnitude} : Int128{magnitude};
  return true;
}

Scalar string_scalar(std::string_view text) {
  Scalar scalar;
  scalar.kind = Kind::kString;
  scalar.text = text;
  return scalar;
}

Scalar json_number(std::string_view text) {
  Int128 integer = 0;
  if (decimal_integer(text, integer)) return of_integer(text, integer);
  return of_float(text, float_value(text));
}

Scalar plain_scalar(std::string_view text) {
  if (text.empty() || one_of(text, {"~", "null", "Null", "NULL"})) {
    Scalar scalar = string_scalar(text);
    scalar.kind = Kind::kNull;
    return scalar;
  }
  const bool is_true = one_of(text, {"true", "True", "TRUE"});
  if (is_true || one_of(text, {"false", "False", "FALSE"})) {
    Scalar scalar = string_scalar(text);
    scalar.kind = Kind::kBool;
    scalar.boolean = is_true;
    return scalar;
  }
  uint64_t magnitude = 0;
  if (text.starts_with("0x") && digits(text.substr(2), 16, magnitude)) {
    return of_integer(text, Int128{magnitude});
  }
  if (text.starts_with("0o") && digits(text.substr(2), 8, magnitude)) {
    return of_integer(text, Int128{magnitude});
  }
  Int128 integer = 0;
  if (!leading_zero(text) && decimal_integer(text, integer)) return of_integer(text, integer);
  if (looks_like_float(text)) return of_float(text, float_value(text));
  const double infinity = std::numeric_limits<double>::infinity();
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) {
    return of_float(text, infinity);
  }
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return of_float(text, -infinity);
  if (one_of(text, {".nan", ".NaN", ".NAN"})) {
    return of_float(text, std::numeric_limits<double>::quiet_NaN());
  }
  return string_scalar(text);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace layotto::config
