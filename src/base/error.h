// Error, Result and Status: how every room says that something went wrong.
//
// An Error is one pointer. It says what kind of failure it is (a gRPC code), in words for people,
// whose fault it was (`origin`), whether trying again makes sense (`retry`), which access-log
// response flag it sets, and what caused it. Cancellation and deadlines are static instances and
// cost no allocation. Absence is not an error: that is Result<std::optional<T>>.
//
//   return unavailable("redis {}: {}", address, why).upstream().retryable();
//   TRY(auto reply, client.call(command));     // returns the Error from this function
//   CO_TRY(auto n, co_await stream.read());    // the same inside a coroutine
//   TRY(store.check());                        // for a Status
//
// Errors are move-only values, may cross threads, and never throw.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace layotto::base {

// The sixteen gRPC status codes, https://grpc.io/docs/guides/status-codes.
enum class Code : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "UNAVAILABLE" and so on; "CODE_42" never happens, the enum is closed.
std::string_view code_name(Code code);

enum class Origin : uint8_t { kLocal, kDownstream, kUpstream };

// kIfReused: safe only when the failure came from a connection that had served requests before
// (the peer may have closed it while we wrote).
enum class Retry : uint8_t { kNo, kYes, kIfReusedConnection };

class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message);
  Error(Error&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  Error& operator=(Error&& other) noexcept {
    std::swap(record_, other.record_);
    return *this;
  }
  Error(const Error&) = delete;
  Error& operator=(const Error&) = delete;
  ~Error() {
    if (record_ != nullptr && !record_->is_static) delete record_;
  }

  // The static instances: no allocation, no settable fields.
  static Error cancelled();
  static Error deadline_exceeded();
  static Error shutting_down();  // kUnavailable: the process or the resource is draining

  [[nodiscard]] Code code() const { return record_->code; }
  [[nodiscard]] std::string_view message() const { return record_->message; }
  [[nodiscard]] Origin origin() const { return record_->origin; }
  [[nodiscard]] Retry retry() const { return record_->retry; }
  // Access-log response flag such as "UF"; empty when none. Points to static text.
  [[nodiscard]] std::string_view response_flag() const { return record_->response_flag; }
  [[nodiscard]] const Error* cause() const { return record_->cause.get(); }
  // True when the operation may or may not have taken effect: sent, but no answer came.
  [[nodiscard]] bool outcome_unknown() const { return record_->outcome_unknown; }

  // Setters read as sentences on a temporary. On a static instance they first make a copy.
  Error&& upstream() && { return std::move(own().set_origin(Origin::kUpstream)); }
  Error&& downstream() && { return std::move(own().set_origin(Origin::kDownstream)); }
  Error&& retryable() && { return std::move(own().set_retry(Retry::kYes)); }
  Error&& retryable_if_reused() && {
    return std::move(own().set_retry(Retry::kIfReusedConnection));
  }
  // `flag` must be static text.
  Error&& flag(std::string_view flag) && {
    own().record_->response_flag = flag;
    return std::move(*this);
  }
  Error&& because(Error cause) && {
    own().record_->cause = std::make_unique<Error>(std::move(cause));
    return std::move(*this);
  }
  Error&& unknown_outcome() && {
    own().record_->outcome_unknown = true;
    return std::move(*this);
  }
  // The same failure with other words (kept: code, origin, retry, flag, cause).
  Error&& reworded(std::string message) && {
    own().record_->message = std::move(message);
    return std::move(*this);
  }
  Error&& recoded(Code code) && {
    own().record_->code = code;
    return std::move(*this);
  }

  [[nodiscard]] Error clone() const;

  // "UNAVAILABLE: redis 127.0.0.1:6379: connection refused (caused by …)".
  [[nodiscard]] std::string to_string() const;

 private:
  struct Record {
    Code code;
    Origin origin = Origin::kLocal;
    Retry retry = Retry::kNo;
    bool is_static = false;
    bool outcome_unknown = false;
    std::string_view response_flag;
    std::string message;
    std::unique_ptr<Error> cause;
  };
  explicit Error(Record* record) : record_(record) {}
  static Record* static_record(Code code, const char* message);

  Error& own();  // copy-on-write for the static instances
  Error& set_origin(Origin origin) {
    record_->origin = origin;
    return *this;
  }
  Error& set_retry(Retry retry) {
    record_->retry = retry;
    return *this;
  }

  Record* record_;
};
static_assert(sizeof(Error) == sizeof(void*));

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)                            // NOLINT(google-explicit-constructor)
      : value_(std::unexpected(std::move(error))) {}
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::decay_t<U>, T> &&
             !std::is_same_v<std::decay_t<U>, Error> && !std::is_same_v<std::decay_t<U>, Result>)
  Result(U&& value) : value_(T(std::forward<U>(value))) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  [[nodiscard]] T& operator*() & {
    DCHECK(ok(), "value of a failed Result");
    return *value_;
  }
  [[nodiscard]] const T& operator*() const& {
    DCHECK(ok(), "value of a failed Result");
    return *value_;
  }
  [[nodiscard]] T&& operator*() && {
    DCHECK(ok(), "value of a failed Result");
    return *std::move(value_);
  }
  [[nodiscard]] T* operator->() { return &**this; }
  [[nodiscard]] const T* operator->() const { return &**this; }
  [[nodiscard]] Error& error() & {
    DCHECK(!ok(), "error of a Result that is fine");
    return value_.error();
  }
  [[nodiscard]] const Error& error() const& {
    DCHECK(!ok(), "error of a Result that is fine");
    return value_.error();
  }
  [[nodiscard]] Error&& error() && {
    DCHECK(!ok(), "error of a Result that is fine");
    return std::move(value_).error();
  }

 private:
  std::expected<T, Error> value_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error)  // NOLINT(google-explicit-constructor)
      : value_(std::unexpected(std::move(error))) {}

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  void operator*() const {}
  [[nodiscard]] Error& error() & { return value_.error(); }
  [[nodiscard]] const Error& error() const& { return value_.error(); }
  [[nodiscard]] Error&& error() && { return std::move(value_).error(); }

 private:
  std::expected<void, Error> value_;
};

using Status = Result<void>;

inline Status ok() { return {}; }

// One maker per code: the message is a format string.
#define LAYOTTO_ERROR_MAKER(name, code)                              \
  template <class... Args>                                           \
  Error name(fmt::format_string<Args...> format, Args&&... args) {   \
    return {code, fmt::format(format, std::forward<Args>(args)...)}; \
  }
LAYOTTO_ERROR_MAKER(cancelled, Code::kCancelled)
LAYOTTO_ERROR_MAKER(unknown, Code::kUnknown)
LAYOTTO_ERROR_MAKER(invalid_argument, Code::kInvalidArgument)
LAYOTTO_ERROR_MAKER(deadline_exceeded, Code::kDeadlineExceeded)
LAYOTTO_ERROR_MAKER(not_found, Code::kNotFound)
LAYOTTO_ERROR_MAKER(already_exists, Code::kAlreadyExists)
LAYOTTO_ERROR_MAKER(permission_denied, Code::kPermissionDenied)
LAYOTTO_ERROR_MAKER(resource_exhausted, Code::kResourceExhausted)
LAYOTTO_ERROR_MAKER(failed_precondition, Code::kFailedPrecondition)
LAYOTTO_ERROR_MAKER(aborted, Code::kAborted)
LAYOTTO_ERROR_MAKER(out_of_range, Code::kOutOfRange)
LAYOTTO_ERROR_MAKER(unimplemented, Code::kUnimplemented)
LAYOTTO_ERROR_MAKER(internal, Code::kInternal)
LAYOTTO_ERROR_MAKER(unavailable, Code::kUnavailable)
LAYOTTO_ERROR_MAKER(data_loss, Code::kDataLoss)
LAYOTTO_ERROR_MAKER(unauthenticated, Code::kUnauthenticated)
#undef LAYOTTO_ERROR_MAKER

// The words for an errno value ("Connection refused"); thread-safe.
std::string errno_text(int error_number);

}  // namespace layotto::base

namespace layotto {
using base::Code;
using base::Error;
using base::Result;
using base::Status;
}  // namespace layotto

#define LAYOTTO_JOIN2(a, b) a##b
#define LAYOTTO_JOIN(a, b) LAYOTTO_JOIN2(a, b)

#define LAYOTTO_TRY_(keyword, temporary, ...) \
  {                                           \
    auto temporary = __VA_ARGS__;             \
    if (!temporary.ok()) [[unlikely]] {       \
      keyword std::move(temporary).error();   \
    }                                         \
  }
#define LAYOTTO_TRY_VALUE(keyword, temporary, declaration, ...) \
  auto temporary = __VA_ARGS__;                                 \
  if (!temporary.ok()) [[unlikely]] {                           \
    keyword std::move(temporary).error();                       \
  }                                                             \
  declaration = *std::move(temporary)
#define LAYOTTO_TRY_PICK(keyword, first, ...)   \
  LAYOTTO_JOIN(LAYOTTO_TRY_, __VA_OPT__(VALUE)) \
  (keyword, LAYOTTO_JOIN(try_result_, __COUNTER__), first __VA_OPT__(, ) __VA_ARGS__)

#define TRY(...) LAYOTTO_TRY_PICK(return, __VA_ARGS__)
#define CO_TRY(...) LAYOTTO_TRY_PICK(co_return, __VA_ARGS__)
