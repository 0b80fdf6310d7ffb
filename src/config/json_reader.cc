#include "config/json_reader.h"

#include <algorithm>

#include "config/utf8.h"

namespace layotto::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t digits_at(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

// Bytes of the number `text` begins with by JSON's grammar, 0 when there is none.
size_t number_length(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return 0;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = digits_at(text, at + 1);
    if (fraction == 0) return 0;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const size_t exponent = digits_at(text, at);
    if (exponent == 0) return 0;
    at += exponent;
  }
  return at;
}

Scalar boolean(bool value) {
  Scalar scalar = string_scalar(value ? "true" : "false");
  scalar.kind = Kind::kBool;
  scalar.boolean = value;
  return scalar;
}

}  // namespace

void JsonReader::advance(size_t bytes) {
  for (const char c : rest_.substr(0, bytes)) {
    if (c == '\n') {
      ++mark_.line;
      mark_.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++mark_.column;
    }
  }
  rest_.remove_prefix(bytes);
}

bool JsonReader::take(char c) {
  if (!at(c)) return false;
  advance(1);
  after_comma_ = c == ',';
  return true;
}

void JsonReader::skip_space() {
  advance(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
}

bool JsonReader::fail(std::string_view message, std::string remedy) {
  return builder_.fail(mark_, fmt::format("not valid JSON: {}", message), std::move(remedy));
}

bool JsonReader::unexpected(std::string_view wanted) {
  if (rest_.empty()) {
    return fail(fmt::format("the file ends where {} should be", wanted),
                "check that every brace, bracket and quote is closed");
  }
  std::string remedy;
  if (rest_.starts_with("//") || rest_.starts_with("/*") || at('#')) {
    remedy = "remove the comment, JSON has none";
  } else if (at('\'')) {
    remedy = "use double quotes";
  } else if (after_comma_ && wanted != "a comma" && (at('}') || at(']'))) {
    remedy = "remove the comma before it";
  }
  const size_t length = utf8_length(rest_);
  const std::string_view found = rest_.substr(0, std::max<size_t>(length, 1));
  if (length == 0) return fail("a byte that is not UTF-8", "save the file as UTF-8");
  return fail(fmt::format("found {} where {} should be", quote(found), wanted), std::move(remedy));
}

bool JsonReader::read() {
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  skip_space();
  if (!value()) return false;
  skip_space();
  return rest_.empty() || unexpected("the end of the file");
}

bool JsonReader::value() {
  if (at('{')) return object();
  if (at('[')) return array();
  if (at('"')) {
    const Mark mark = mark_;
    Scalar scalar = string_scalar({});
    scalar.quoted = true;
    return string(scalar.text) && builder_.scalar(std::move(scalar), mark);
  }
  if (at('-') || (!rest_.empty() && is_digit(rest_.front()))) return number();
  if (at('t')) return word("true", boolean(true));
  if (at('f')) return word("false", boolean(false));
  if (at('n')) return word("null", {});
  return unexpected("a value");
}

bool JsonReader::word(std::string_view name, Scalar scalar) {
  if (!rest_.starts_with(name)) return unexpected("a value");
  const Mark mark = mark_;
  advance(name.size());
  return builder_.scalar(std::move(scalar), mark);
}

bool JsonReader::number() {
  const size_t length = number_length(rest_);
  if (length == 0) {
    const size_t end = rest_.find_first_of(" \t\r\n,]}");
    return fail(fmt::format("{} is no number", quote(rest_.substr(0, end))),
                "write it like 12, -3 or 1.5, or put it in quotes");
  }
  const Mark mark = mark_;
  const std::string_view text = rest_.substr(0, length);
  advance(length);
  return builder_.scalar(json_number(text), mark);
}

bool JsonReader::array() {
  if (!builder_.begin(Kind::kSequence, mark_)) return false;
  advance(1);
  skip_space();
  if (!take(']')) {
    for (;;) {
      if (!value()) return false;
      skip_space();
      if (take(']')) break;
      if (!take(',')) return unexpected("a comma");
      skip_space();
    }
  }
  builder_.end();
  return true;
}

bool JsonReader::object() {
  if (!builder_.begin(Kind::kMapping, mark_)) return false;
  advance(1);
  skip_space();
  if (!take('}')) {
    for (;;) {
      const Mark mark = mark_;
      std::string key;
      if (!at('"')) return unexpected("a name in double quotes");
      if (!string(key) || !builder_.key(key, mark)) return false;
      skip_space();
      if (!take(':')) return unexpected("a colon");
      skip_space();
      if (!value()) return false;
      skip_space();
      if (take('}')) break;
      if (!take(',')) return unexpected("a comma");
      skip_space();
    }
  }
  builder_.end();
  return true;
}

bool JsonReader::string(std::string& out) {
  advance(1);
  for (;;) {
    if (rest_.empty()) return unexpected("the closing quote of a string");
    const char c = rest_.front();
    if (c == '"') {
      advance(1);
      return true;
    }
    if (c == '\\') {
      if (!escape(out)) return false;
      continue;
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      return fail("a control character inside of a string",
                  c == '\n' ? "close the string on its line, or write \\n" : "write it as \\u00XX");
    }
    const size_t length = utf8_length(rest_);
    if (length == 0) return fail("a byte that is not UTF-8", "save the file as UTF-8");
    out += rest_.substr(0, length);
    advance(length);
  }
}

bool JsonReader::escape(std::string& out) {
  if (rest_.size() < 2) {
    advance(1);
    return unexpected("the closing quote of a string");
  }
  static constexpr std::string_view kNames = "\"\\/bfnrtu";
  static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  const size_t which = kNames.find(rest_[1]);
  if (which == std::string_view::npos) {
    return fail(fmt::format("the escape {} does not exist", quote(rest_.substr(0, 2))),
                "write \\\\ for a backslash");
  }
  if (which == kValues.size()) return unicode_escape(out);
  out += kValues[which];
  advance(2);
  return true;
}

// The four hex digits after \u.
bool JsonReader::hex4(uint32_t& out) {
  out = 0;
  if (!rest_.starts_with("\\u") || rest_.size() < 6) return false;
  for (const char c : rest_.substr(2, 4)) {
    out <<= 4;
    if (is_digit(c)) {
      out |= static_cast<uint32_t>(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      out |= static_cast<uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

bool JsonReader::unicode_escape(std::string& out) {
  uint32_t point = 0;
  if (!hex4(point)) return fail("\\u without four hex digits", "write it like \\u00e9");
  const bool high = point >= 0xD800 && point <= 0xDBFF;
  const bool low = point >= 0xDC00 && point <= 0xDFFF;
  if (low) return fail("the second half of a surrogate pair alone", "write both halves");
  if (high) {
    const Mark start = mark_;
    advance(6);
    uint32_t second = 0;
    if (!hex4(second) || second < 0xDC00 || second > 0xDFFF) {
      return builder_.fail(start, "not valid JSON: the first half of a surrogate pair alone",
                           "write both halves");
    }
    point = 0x10000 + ((point - 0xD800) << 10) + (second - 0xDC00);
  }
  advance(6);
  utf8_append(out, point);
  return true;
}

}  // namespace layotto::config
