#include "http/h1/chunked_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/h1/fields.h"
#include "http/h1/limits.h"

namespace layotto::http::h1 {
namespace {

// Sizes of at most 60 bits.
constexpr size_t kSizeDigitsMax = 15;
constexpr size_t kPayloadEndBytes = 2;

// RFC 9110 §6.5.1: what a recipient needs before the content has no meaning behind it.
constexpr auto kNoTrailers = std::to_array<std::string_view>(
    {"authorization", "connection", "content-encoding", "content-length", "content-type", "expect",
     "host", "te", "trailer", "transfer-encoding", "upgrade"});

bool may_be_trailer(std::string_view name) {
  return std::none_of(kNoTrailers.begin(), kNoTrailers.end(),
                      [name](std::string_view other) { return equals_ignoring_case(name, other); });
}

}  // namespace

void ChunkedDecoder::begin() {
  state_ = State::kSize;
  fault_ = Fault::kNone;
  lines_.reset();
  payload_left_ = 0;
  line_left_ = kChunkLineBytesMax;
  extensions_left_ = kChunkExtensionBytesMax;
  trailer_fields_ = 0;
  trailers_.reset();
}

ChunkedDecoder::Step ChunkedDecoder::feed(ByteView bytes) {
  size_t used = 0;
  while (state_ < State::kEnd && used < bytes.size()) {
    if (state_ == State::kPayload) {
      const ByteView data = bytes.substr(used, payload_left_);
      payload_left_ -= data.size();
      if (payload_left_ == 0) {
        state_ = State::kPayloadEnd;
        line_left_ = kPayloadEndBytes;
      }
      return {.used = used + data.size(), .data = data};
    }
    used += take_line(bytes.substr(used));
    if (fault_ != Fault::kNone) state_ = State::kFailed;
  }
  return {.used = used};
}

size_t ChunkedDecoder::take_line(ByteView bytes) {
  const LineReader::Taken taken = lines_.take(bytes, line_left_);
  line_left_ -= taken.used;
  fault_ = taken.fault;
  if (taken.too_long) {
    fault_ = state_ == State::kSize       ? Fault::kChunkExtensions
             : state_ == State::kTrailers ? Fault::kFieldsTooLarge
                                          : Fault::kChunkEnd;
  } else if (taken.complete && state_ == State::kSize) {
    fault_ = take_size(taken.line);
  } else if (taken.complete && state_ == State::kTrailers) {
    fault_ = take_trailer(taken.line);
  } else if (taken.complete) {
    if (!taken.line.empty()) fault_ = Fault::kChunkEnd;
    state_ = State::kSize;
    line_left_ = kChunkLineBytesMax;
  }
  return taken.used;
}

Fault ChunkedDecoder::take_size(std::string_view line) {
  const size_t end = std::min(line.find(';'), line.size());
  const std::string_view digits = line.substr(0, end);
  if (digits.empty() || digits.size() > kSizeDigitsMax) return Fault::kChunkSize;
  const char* const digits_end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), digits_end, payload_left_, 16);
  if (error != std::errc() || stopped != digits_end) return Fault::kChunkSize;
  const size_t extensions = line.size() - end;
  if (extensions > extensions_left_) return Fault::kChunkExtensions;
  extensions_left_ -= extensions;
  if (payload_left_ > 0) {
    state_ = State::kPayload;
  } else {
    state_ = State::kTrailers;
    line_left_ = limits_.bytes_max;
  }
  return Fault::kNone;
}

Fault ChunkedDecoder::take_trailer(std::string_view line) {
  if (line.empty()) {
    state_ = State::kEnd;
    return Fault::kNone;
  }
  FieldLine field;
  if (const Fault fault = split_field(line, field); fault != Fault::kNone) return fault;
  if (++trailer_fields_ > limits_.fields_max) return Fault::kFieldsTooLarge;
  if (!may_be_trailer(field.name)) return Fault::kNone;
  if (!trailers_) trailers_ = HeaderBlockRef(HeaderBlock::make());
  add_field(*trailers_.get(), field);
  return trailers_->list_bytes() > limits_.bytes_max ? Fault::kFieldsTooLarge : Fault::kNone;
}

}  // namespace layotto::http::h1
