#include "http/h1/line_reader.h"

#include <algorithm>

namespace layotto::http::h1 {
namespace {

constexpr size_t kCarriedKeptMax = 256;

constexpr bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

Fault fault_of(char control) {
  if (control == '\n') return Fault::kBareLf;
  return Fault::kControlCharacter;
}

}  // namespace

LineReader::Taken LineReader::take(ByteView bytes, size_t max) {
  if (done_) {
    carried_.clear();
    done_ = false;
  }
  const ByteView allowed = bytes.substr(0, max);
  size_t end = 0;
  if (!after_cr_) {
    end = static_cast<size_t>(std::find_if(allowed.begin(), allowed.end(), is_control) -
                              allowed.begin());
    if (end < allowed.size() && allowed[end] != '\r') {
      return {.used = end, .fault = fault_of(allowed[end])};
    }
  }
  const size_t lf = after_cr_ ? 0 : end + 1;
  if (lf < allowed.size()) {
    if (allowed[lf] != '\n') return {.used = lf, .fault = Fault::kBareCr};
    after_cr_ = false;
    if (carried_.empty()) {
      return {.used = lf + 1, .complete = true, .line = allowed.substr(0, end)};
    }
    carried_.append(allowed.substr(0, end));
    done_ = true;
    return {.used = lf + 1, .complete = true, .line = carried_};
  }
  if (end < allowed.size()) after_cr_ = true;
  carried_.append(allowed.substr(0, end));
  return {.used = allowed.size(), .too_long = allowed.size() < bytes.size()};
}

void LineReader::reset() {
  if (carried_.capacity() > kCarriedKeptMax) carried_ = std::string();
  carried_.clear();
  done_ = after_cr_ = false;
}

}  // namespace layotto::http::h1
