#include "base/error.h"

#include <array>
#include <cstring>

namespace layotto::base {

std::string_view code_name(Code code) {
  static constexpr std::array<std::string_view, 17> kNames = {"OK",
                                                              "CANCELLED",
                                                              "UNKNOWN",
                                                              "INVALID_ARGUMENT",
                                                              "DEADLINE_EXCEEDED",
                                                              "NOT_FOUND",
                                                              "ALREADY_EXISTS",
                                                              "PERMISSION_DENIED",
                                                              "RESOURCE_EXHAUSTED",
                                                              "FAILED_PRECONDITION",
                                                              "ABORTED",
                                                              "OUT_OF_RANGE",
                                                              "UNIMPLEMENTED",
                                                              "INTERNAL",
                                                              "UNAVAILABLE",
                                                              "DATA_LOSS",
                                                              "UNAUTHENTICATED"};
  return kNames[static_cast<size_t>(code)];
}

Error::Error(Code code, std::string message)
    : record_(new Record{.code = code, .message = std::move(message)}) {
  CHECK(code != Code::kOk, "an Error needs a code that is not OK");
}

// The static records are made once and never freed: every thread may hold them until the end.
Error::Record* Error::static_record(Code code, const char* message) {
  return new Record{.code = code, .is_static = true, .message = message};
}

Error Error::cancelled() {
  static Record* const record = static_record(Code::kCancelled, "cancelled");
  return Error(record);
}

Error Error::deadline_exceeded() {
  static Record* const record = static_record(Code::kDeadlineExceeded, "deadline exceeded");
  return Error(record);
}

Error Error::shutting_down() {
  static Record* const record = static_record(Code::kUnavailable, "shutting down");
  return Error(record);
}

Error& Error::own() {
  if (record_->is_static) *this = clone();
  return *this;
}

Error Error::clone() const {
  auto* copy = new Record{.code = record_->code,
                          .origin = record_->origin,
                          .retry = record_->retry,
                          .outcome_unknown = record_->outcome_unknown,
                          .response_flag = record_->response_flag,
                          .message = record_->message};
  if (record_->cause != nullptr) copy->cause = std::make_unique<Error>(record_->cause->clone());
  return Error(copy);
}

std::string Error::to_string() const {
  std::string text = fmt::format("{}: {}", code_name(code()), message());
  if (cause() != nullptr) text += fmt::format(" (caused by {})", cause()->to_string());
  return text;
}

std::string errno_text(int error_number) {
  std::array<char, 128> buffer;
  return strerror_r(error_number, buffer.data(), buffer.size());
}

}  // namespace layotto::base
