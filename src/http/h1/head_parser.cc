#include "http/h1/head_parser.h"

#include <algorithm>

#include "http/h1/fields.h"

namespace layotto::http::h1 {
namespace {

// Content-Length in digits: what fits into 63 bits whatever they are.
constexpr size_t kLengthDigitsMax = 18;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Visible ASCII; a fragment is no part of a target.
bool is_target(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

// RFC 3986 §3.2.2 and :port, without user information. Lists of hosts are none.
bool is_authority(std::string_view text) {
  constexpr std::string_view kMarks = "-._~!$&'()*+;=%:[]";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace

void HeadParser::begin() {
  state_ = State::kRequestLine;
  fault_ = Fault::kNone;
  lines_.reset();
  bytes_left_ = limits_.bytes_max;
  block_.reset();
  framing_ = {};
  seen_ = {};
}

size_t HeadParser::feed(ByteView bytes) {
  size_t used = 0;
  while (state_ < State::kComplete && used < bytes.size()) {
    const LineReader::Taken taken = lines_.take(bytes.substr(used), bytes_left_);
    used += taken.used;
    bytes_left_ -= taken.used;
    fault_ = taken.fault;
    if (taken.too_long) {
      fault_ = state_ == State::kRequestLine ? Fault::kRequestLineTooLong : Fault::kFieldsTooLarge;
    } else if (taken.complete) {
      fault_ = take_line(taken.line);
    }
    if (fault_ != Fault::kNone) state_ = State::kFailed;
    if (!taken.complete) break;
  }
  return used;
}

Fault HeadParser::take_line(std::string_view line) {
  if (state_ == State::kRequestLine) {
    return line.empty() ? Fault::kNone : take_request_line(line);
  }
  return line.empty() ? finish() : take_field(line);
}

Fault HeadParser::take_request_line(std::string_view line) {
  state_ = State::kFields;
  block_ = HeaderBlockRef(HeaderBlock::make());
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Fault::kRequestLine;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (target.empty() || target.find(' ') != std::string_view::npos) return Fault::kRequestLine;

  RequestLine& request = block_->line();
  request.method_text = block_->arena().copy(line.substr(0, first));
  if (!is_header_name(request.method_text, /*lower_only=*/false)) return Fault::kMethod;
  request.method = method_of(request.method_text);

  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return Fault::kVersion;
  }
  if (version == "HTTP/1.1") {
    request.protocol = Protocol::kHttp11;
  } else if (version == "HTTP/1.0") {
    request.protocol = Protocol::kHttp10;
  } else {
    return Fault::kVersionNotSupported;
  }
  return take_target(block_->arena().copy(target));
}

// RFC 9112 §3.2: origin, absolute, authority and asterisk form.
Fault HeadParser::take_target(std::string_view target) {
  RequestLine& request = block_->line();
  if (!is_target(target)) return Fault::kTarget;
  if (request.method == Method::kConnect) {
    if (!is_authority(target) || target.find(':') == std::string_view::npos) return Fault::kTarget;
    request.authority = target;
    return Fault::kNone;
  }
  if (target.front() == '/' || (target == "*" && request.method == Method::kOptions)) {
    request.path = target;
    return Fault::kNone;
  }
  const size_t mark = target.find("://");
  if (mark == std::string_view::npos) return Fault::kTarget;
  const std::string_view scheme = target.substr(0, mark);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return Fault::kTarget;
  }
  const std::string_view rest = target.substr(mark + 3);
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  request.authority = rest.substr(0, end);
  if (request.authority.empty() || !is_authority(request.authority)) return Fault::kTarget;
  seen_.absolute_target = true;
  std::string_view path = rest.substr(end);
  if (path.empty()) {
    path = request.method == Method::kOptions ? "*" : "/";
  } else if (path.front() == '?') {
    const auto slashed = block_->arena().array<char>(path.size() + 1);
    slashed[0] = '/';
    std::copy(path.begin(), path.end(), slashed.begin() + 1);
    path = {slashed.data(), slashed.size()};
  }
  request.path = path;
  return Fault::kNone;
}

Fault HeadParser::take_field(std::string_view line) {
  FieldLine field;
  if (const Fault fault = split_field(line, field); fault != Fault::kNone) return fault;
  if (block_->fields().size() >= limits_.fields_max) return Fault::kFieldsTooLarge;
  if (equals_ignoring_case(field.name, "host")) {
    if (seen_.host) return Fault::kSeveralHosts;
    seen_.host = true;
    if (!is_authority(field.value)) return Fault::kHost;
    // RFC 9112 §3.2.2: the target's authority replaces it.
    if (seen_.absolute_target) field.value = block_->line().authority;
  }
  add_field(*block_.get(), field);
  const HeaderField& added = block_->fields().back();
  if (block_->list_bytes() > limits_.bytes_max) return Fault::kFieldsTooLarge;
  switch (added.id) {
    case HeaderId::kHost:
      if (block_->line().authority.empty()) block_->line().authority = added.value;
      return Fault::kNone;
    case HeaderId::kContentLength:
      return note_content_length(added.value);
    case HeaderId::kTransferEncoding:
      seen_.encoding = true;
      note_codings(added.value);
      return Fault::kNone;
    case HeaderId::kConnection:
      note_connection(added.value);
      return Fault::kNone;
    case HeaderId::kExpect:
      seen_.expectation = true;
      if (!equals_ignoring_case(added.value, "100-continue")) seen_.other_expectation = true;
      return Fault::kNone;
    default:
      return Fault::kNone;
  }
}

Fault HeadParser::note_content_length(std::string_view value) {
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) {
    return Fault::kContentLength;
  }
  if (value.size() > kLengthDigitsMax) return Fault::kContentTooLarge;
  uint64_t length = 0;
  for (const char c : value) length = length * 10 + static_cast<uint64_t>(c - '0');
  if (seen_.length && length != framing_.length) return Fault::kContentLengthsDiffer;
  seen_.length = true;
  framing_.length = length;
  return Fault::kNone;
}

void HeadParser::note_codings(std::string_view value) {
  for_each_element(value, [this](std::string_view coding) {
    ++seen_.codings;
    seen_.chunked_last = equals_ignoring_case(coding, "chunked");
    if (seen_.chunked_last) ++seen_.chunked;
  });
}

void HeadParser::note_connection(std::string_view value) {
  for_each_element(value, [this](std::string_view option) {
    if (equals_ignoring_case(option, "close")) seen_.close = true;
    if (equals_ignoring_case(option, "keep-alive")) seen_.keep_alive = true;
  });
}

// RFC 9112 §6.3 for requests, without its leniency.
Fault HeadParser::finish() {
  if (is_http11() && !seen_.host) return Fault::kNoHost;
  if (seen_.encoding) {
    if (!is_http11()) return Fault::kEncodingInHttp10;
    if (seen_.length) return Fault::kLengthAndEncoding;
    if (!seen_.chunked_last || seen_.chunked != 1) return Fault::kEncodingNotChunked;
    if (seen_.codings != 1) return Fault::kEncodingNotSupported;
    framing_.kind = Framing::Kind::kChunked;
  } else if (seen_.length && framing_.length > 0) {
    framing_.kind = Framing::Kind::kLength;
  }
  if (is_http11()) {
    if (seen_.other_expectation) return Fault::kExpectation;
    framing_.expects_continue = seen_.expectation && framing_.kind != Framing::Kind::kNone;
  }
  framing_.keep_alive = !seen_.close && (is_http11() || seen_.keep_alive);
  state_ = State::kComplete;
  return Fault::kNone;
}

}  // namespace layotto::http::h1
