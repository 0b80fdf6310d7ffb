#include "clients/redis/resp.h"

#include <algorithm>
#include <cstring>

namespace layotto::clients::redis {
namespace {

constexpr size_t kShownBytesMax = 200;
// How much is allocated on the word of a length alone.
constexpr size_t kTrustedBytesMax = 1024 * 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool take_sign(ByteView& text, bool plus_allowed) {
  if (text.empty() || (text[0] != '-' && !(plus_allowed && text[0] == '+'))) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

// Digits only, at least one; false otherwise and for what is more than `max`.
bool read_digits(ByteView digits, uint64_t max, uint64_t& value) {
  if (digits.empty()) return false;
  value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (max - digit) / 10) return false;
    value = value * 10 + digit;
  }
  return true;
}

// Skips digits; false when there is none.
bool skip_digits(ByteView& text) {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  text.remove_prefix(n);
  return n > 0;
}

bool is_double(ByteView text) {
  take_sign(text, true);
  if (text == "inf" || text == "nan") return true;
  if (!skip_digits(text)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!skip_digits(text)) return false;
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text.remove_prefix(1);
    take_sign(text, true);
    if (!skip_digits(text)) return false;
  }
  return text.empty();
}

bool is_big_number(ByteView text) {
  take_sign(text, true);
  return skip_digits(text) && text.empty();
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text.substr(0, kShownBytesMax)) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
  if (text.size() > kShownBytesMax) out += fmt::format("…({} bytes)", text.size());
}

void append_value(std::string& out, Reply reply) {
  switch (reply.type()) {
    case RespType::kSimple:
    case RespType::kBigNumber:
    case RespType::kDouble:
    case RespType::kInteger:
      out += reply.text();
      return;
    case RespType::kError:
      out += "-";
      out += reply.text();
      return;
    case RespType::kBulk:
    case RespType::kVerbatim:
      append_quoted(out, reply.text());
      return;
    case RespType::kNull:
      out += "null";
      return;
    case RespType::kBoolean:
      out += reply.integer() != 0 ? "true" : "false";
      return;
    case RespType::kTooLong:
      out += fmt::format("(too long: {} bytes)", reply.integer());
      return;
    case RespType::kArray:
    case RespType::kMap:
    case RespType::kSet:
    case RespType::kPush:
      break;
  }
  if (reply.type() == RespType::kMap) out += "map";
  if (reply.type() == RespType::kSet) out += "set";
  if (reply.type() == RespType::kPush) out += "push";
  out += '{';
  bool first = true;
  for (const Reply each : reply) {
    if (!first) out += ", ";
    first = false;
    append_value(out, each);
  }
  out += '}';
}

}  // namespace

std::string_view resp_type_name(RespType type) {
  switch (type) {
    case RespType::kSimple:
      return "simple string";
    case RespType::kError:
      return "error";
    case RespType::kInteger:
      return "integer";
    case RespType::kBulk:
      return "bulk string";
    case RespType::kNull:
      return "null";
    case RespType::kBoolean:
      return "boolean";
    case RespType::kDouble:
      return "double";
    case RespType::kBigNumber:
      return "big number";
    case RespType::kVerbatim:
      return "verbatim string";
    case RespType::kArray:
      return "array";
    case RespType::kMap:
      return "map";
    case RespType::kSet:
      return "set";
    case RespType::kPush:
      return "push message";
    case RespType::kTooLong:
      return "string that is too long";
  }
  return "?";
}

std::string Reply::to_string() const {
  std::string out;
  append_value(out, *this);
  return out;
}

RespParser::RespParser(Limits limits) : limits_(limits) {
  CHECK(limits.reply_bytes_max <= INT32_MAX && limits.line_bytes_max <= INT32_MAX &&
        limits.elements_max <= INT32_MAX);
}

RespParser::Outcome RespParser::next() {
  if (replied_) forget_reply();
  while (!broken()) {
    if (to_drop_ == 0 && !so_far().empty()) {
      switch (scan()) {
        case Step::kReply:
          replied_ = true;
          return Outcome::kReply;
        case Step::kBroken:
          return Outcome::kBroken;
        case Step::kMore:
        case Step::kGoOn:
          break;
      }
    }
    if (held_.empty()) {
      if (input_.empty()) return Outcome::kMore;
      hold(to_drop_ > 0 ? at_ : input_.size());
    }
    if (!take_more()) return Outcome::kMore;
  }
  return Outcome::kBroken;
}

void RespParser::forget_reply() {
  replied_ = false;
  if (held_.empty()) {
    input_.remove_prefix(at_);
  } else if (held_.capacity() > kReplyBytesKeptMax) {
    std::string().swap(held_);
  } else {
    held_.clear();
  }
  if (tokens_.capacity() > kTokensKeptMax) {
    std::vector<RespToken>().swap(tokens_);
  } else {
    tokens_.clear();
  }
  at_ = searched_ = 0;
}

void RespParser::reset() {
  input_ = {};
  std::string().swap(held_);
  std::vector<RespToken>().swap(tokens_);
  open_.clear();
  at_ = searched_ = 0;
  in_bulk_ = replied_ = false;
  bulk_size_ = 0;
  too_long_ = to_drop_ = 0;
  problem_ = {};
}

// From here on the reply is gathered: its bytes up to `size` are.
void RespParser::hold(size_t size) {
  if (in_bulk_) held_.reserve(std::min(at_ + bulk_size_ + 2, kTrustedBytesMax));
  held_.append(input_.substr(0, size));
  input_.remove_prefix(size);
}

// Moves what the reply needs next from the input to what is held. False: there is nothing.
bool RespParser::take_more() {
  const size_t dropped = std::min<uint64_t>(to_drop_, input_.size());
  input_.remove_prefix(dropped);
  to_drop_ -= dropped;
  if (input_.empty()) return false;
  size_t wanted = 0;
  if (in_bulk_) {
    wanted = std::min(at_ + bulk_size_ + 2 - held_.size(), input_.size());
  } else {
    const void* end = std::memchr(input_.data(), '\n', input_.size());
    wanted = end == nullptr
                 ? input_.size()
                 : static_cast<size_t>(static_cast<const char*>(end) - input_.data()) + 1;
  }
  held_.append(input_.substr(0, wanted));
  input_.remove_prefix(wanted);
  return true;
}

RespParser::Step RespParser::scan() {
  Step step = Step::kGoOn;
  while (step == Step::kGoOn) step = in_bulk_ ? end_bulk() : take_line();
  return step;
}

RespParser::Step RespParser::take_line() {
  const ByteView all = so_far();
  const size_t from = std::max(at_, searched_);
  const void* end = std::memchr(all.data() + from, '\n', all.size() - from);
  if (end == nullptr) {
    searched_ = all.size();
    if (all.size() - at_ > limits_.line_bytes_max + 1) return fail("a line is too long");
    return Step::kMore;
  }
  const auto line_end = static_cast<size_t>(static_cast<const char*>(end) - all.data());
  ByteView line = all.substr(at_, line_end - at_);
  if (line.size() > limits_.line_bytes_max + 1) return fail("a line is too long");
  if (line.size() < 2 || line.back() != '\r') return fail("a line does not end in CRLF");
  line.remove_suffix(1);
  at_ = line_end + 1;
  // Strings that do not fit are not kept: only very many lines come to this.
  if (at_ > limits_.reply_bytes_max) return fail("a reply is too long");
  return take_value(line[0], line.substr(1));
}

RespParser::Step RespParser::take_value(char kind, ByteView rest) {
  switch (kind) {
    case '+':
      return take_text(RespType::kSimple, rest);
    case '-':
      return take_text(RespType::kError, rest);
    case ':':
      return take_integer(rest);
    case '$':
      return take_bulk(RespType::kBulk, rest);
    case '!':
      return take_bulk(RespType::kError, rest);
    case '=':
      return take_bulk(RespType::kVerbatim, rest);
    case '*':
      return take_collection(RespType::kArray, rest, false);
    case '%':
      return take_collection(RespType::kMap, rest, false);
    case '~':
      return take_collection(RespType::kSet, rest, false);
    case '>':
      if (!open_.empty()) return fail("a push message within a reply");
      return take_collection(RespType::kPush, rest, false);
    case '|':
      return take_collection(RespType::kMap, rest, true);
    case '_':
      if (!rest.empty()) return fail("a null with something behind it");
      push(RespType::kNull, 0, 0);
      return value_done();
    case '#':
      return take_boolean(rest);
    case ',':
      if (!is_double(rest)) return fail("a double that is no number");
      return take_number(RespType::kDouble, rest);
    case '(':
      if (!is_big_number(rest)) return fail("a big number that is no number");
      return take_number(RespType::kBigNumber, rest);
    case ';':
    case '.':
      return fail("a part of a streamed value, which is not supported");
    default:
      return fail("a value of an unknown type");
  }
}

RespParser::Step RespParser::take_text(RespType type, ByteView rest) {
  if (!rest.empty() && std::memchr(rest.data(), '\r', rest.size()) != nullptr) {
    return fail("a carriage return within a line");
  }
  return take_number(type, rest);
}

RespParser::Step RespParser::take_number(RespType type, ByteView rest) {
  push(type, static_cast<size_t>(rest.data() - so_far().data()), rest.size());
  return value_done();
}

RespParser::Step RespParser::take_integer(ByteView rest) {
  ByteView digits = rest;
  const bool negative = take_sign(digits, true);
  uint64_t value = 0;
  const uint64_t max = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (!read_digits(digits, max, value)) return fail("an integer that is none or beyond 64 bits");
  RespToken& token =
      push(RespType::kInteger, static_cast<size_t>(rest.data() - so_far().data()), rest.size());
  token.integer = static_cast<int64_t>(negative ? 0 - value : value);
  return value_done();
}

RespParser::Step RespParser::take_boolean(ByteView rest) {
  if (rest != "t" && rest != "f") return fail("a boolean that is neither t nor f");
  push(RespType::kBoolean, 0, 0).integer = rest == "t" ? 1 : 0;
  return value_done();
}

RespParser::Step RespParser::take_bulk(RespType type, ByteView rest) {
  if (rest == "-1" && type == RespType::kBulk) {
    push(RespType::kNull, 0, 0);
    return value_done();
  }
  if (rest == "?") return fail("a streamed string, which is not supported");
  uint64_t size = 0;
  if (!read_digits(rest, INT64_MAX, size)) return fail("a string with a length that is none");
  in_bulk_ = true;
  if (size > limits_.reply_bytes_max || at_ + size > limits_.reply_bytes_max) {
    bulk_type_ = RespType::kTooLong;
    bulk_size_ = 0;
    too_long_ = to_drop_ = size;
    return Step::kMore;
  }
  if (type == RespType::kVerbatim && size < 4) return fail("a verbatim string without a format");
  bulk_type_ = type;
  bulk_size_ = size;
  return Step::kGoOn;
}

RespParser::Step RespParser::end_bulk() {
  const ByteView all = so_far();
  if (all.size() < at_ + bulk_size_ + 2) return Step::kMore;
  const char* end = all.data() + at_ + bulk_size_;
  if (end[0] != '\r' || end[1] != '\n') return fail("a string that is not followed by CRLF");
  if (bulk_type_ == RespType::kVerbatim) {
    if (all[at_ + 3] != ':') return fail("a verbatim string without a format");
    push(bulk_type_, at_ + 4, bulk_size_ - 4);
  } else {
    RespToken& token = push(bulk_type_, at_, bulk_size_);
    if (bulk_type_ == RespType::kTooLong) token.integer = static_cast<int64_t>(too_long_);
  }
  at_ += bulk_size_ + 2;
  in_bulk_ = false;
  return value_done();
}

RespParser::Step RespParser::take_collection(RespType type, ByteView rest, bool attribute) {
  if (rest == "-1" && type == RespType::kArray) {
    push(RespType::kNull, 0, 0);
    return value_done();
  }
  if (rest == "?") return fail("a streamed collection, which is not supported");
  uint64_t count = 0;
  if (!read_digits(rest, INT64_MAX, count)) return fail("a collection with a size that is none");
  if (count > limits_.elements_max) return fail("a collection with too many elements");
  if (type == RespType::kMap) count *= 2;
  if (tokens_.size() + count > limits_.elements_max) return fail("a reply with too many values");
  if (open_.size() >= limits_.depth_max) return fail("a reply that is nested too deep");
  const auto index = static_cast<uint32_t>(tokens_.size());
  push(type, 0, 0).count = static_cast<uint32_t>(count);
  if (count > 0) {
    open_.push_back({index, static_cast<uint32_t>(count), attribute});
    return Step::kGoOn;
  }
  if (!attribute) return value_done();
  tokens_.pop_back();
  return Step::kGoOn;
}

// One more element of what is open; closes every collection that is complete with it.
RespParser::Step RespParser::value_done() {
  while (!open_.empty()) {
    Open& inner = open_.back();
    if (--inner.missing > 0) return Step::kGoOn;
    const Open closed = inner;
    open_.pop_back();
    if (closed.attribute) {  // not a value: the one it belongs to follows
      tokens_.resize(closed.token);
      return Step::kGoOn;
    }
    tokens_[closed.token].span = static_cast<uint32_t>(tokens_.size() - closed.token);
  }
  return Step::kReply;
}

RespToken& RespParser::push(RespType type, size_t offset, size_t size) {
  return tokens_.emplace_back(RespToken{
      .type = type, .offset = static_cast<uint32_t>(offset), .size = static_cast<uint32_t>(size)});
}

RespParser::Step RespParser::fail(std::string_view problem) {
  problem_ = problem;
  input_ = {};
  std::string().swap(held_);
  tokens_.clear();
  return Step::kBroken;
}

}  // namespace layotto::clients::redis
