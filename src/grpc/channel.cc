#include "grpc/channel.h"

#include <algorithm>
#include <array>

#include "async/deadline.h"

namespace layotto::grpc {
namespace {

using http::HeaderId;

// What an HTTP status says where there is no grpc-status ("HTTP to gRPC Status Code Mapping").
Code code_of_http(uint16_t status) {
  switch (status) {
    case 400:
      return Code::kInternal;
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code::kUnavailable;
    default:
      return Code::kUnknown;
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string timeout_text(Duration left) {
  struct Unit {
    Duration one;
    char letter;
  };
  static constexpr std::array<Unit, 6> kUnits = {{{std::chrono::nanoseconds(1), 'n'},
                                                  {std::chrono::microseconds(1), 'u'},
                                                  {std::chrono::milliseconds(1), 'm'},
                                                  {std::chrono::seconds(1), 'S'},
                                                  {std::chrono::minutes(1), 'M'},
                                                  {std::chrono::hours(1), 'H'}}};
  constexpr int64_t kMax = 99'999'999;  // eight digits
  left = std::max(left, Duration(0));
  for (const Unit& unit : kUnits) {
    if (left / unit.one <= kMax) return fmt::format("{}{}", left / unit.one, unit.letter);
  }
  return fmt::format("{}H", kMax);
}

std::string decode_status_message(std::string_view encoded) {
  std::string text;
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '%' && i + 2 < encoded.size()) {
      const int high = hex_digit(encoded[i + 1]);
      const int low = hex_digit(encoded[i + 2]);
      if (high >= 0 && low >= 0) {
        text.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    text.push_back(encoded[i]);
  }
  return text;
}

Task<Status> Channel::call(std::string_view path, const MessageLite& request, MessageLite& reply,
                           CallOptions options) {
  Call call(*this, path, std::move(options));
  co_return co_await call.unary(request, reply);
}

// ---- the request

Call::Call(Channel& channel, std::string_view path, CallOptions options)
    : channel_(channel),
      path_(path),
      options_(std::move(options)),
      exchange_(channel.loop()),
      writer_(channel.loop(), exchange_.stop, options_.compress,
              channel.options().message_bytes_max),
      answered_(channel.loop()) {
  exchange_.start = channel.loop().now();
  exchange_.deadline = options_.deadline;
  line_ = {.method_text = "POST",
           .path = path_,
           .authority = channel.options().authority,
           .scheme = channel.options().scheme,
           .method = http::Method::kPost};
}

http::Request Call::make_request(http::Body body) {
  http::RequestHead head(line_);
  head.set_content(http::ContentClass::kGrpc);
  Arena& arena = exchange_.arena;
  http::HeaderMap& headers = head.headers;
  headers.add(HeaderId::kContentType, "application/grpc", arena);
  headers.add(HeaderId::kTe, "trailers", arena);
  headers.add(HeaderId::kUserAgent, channel_.options().user_agent, arena);
  headers.add(HeaderId::kGrpcAcceptEncoding, "identity,gzip", arena);
  if (options_.compress) headers.add(HeaderId::kGrpcEncoding, "gzip", arena);
  if (options_.deadline != TimePoint::max()) {
    const std::string left = timeout_text(options_.deadline - channel_.loop().now());
    headers.add(HeaderId::kGrpcTimeout, arena.copy(left), arena);
  }
  for (const auto& [name, value] : options_.metadata) headers.add(name, value, arena);
  return {.head = head, .body = std::move(body)};
}

void Call::link_to(async::StopSource* stop) {
  if (stop != nullptr) exchange_.stop.link_to(*stop);
  exchange_.arm_deadline();
  if (exchange_.deadline <= channel_.loop().now()) {
    exchange_.stop.fire(async::StopReason::kDeadline);
  }
}

// ---- the answer

namespace {

Status status_in(const http::HeaderMap& fields) {
  const auto text = fields.get(HeaderId::kGrpcStatus);
  if (!text.has_value()) {
    return base::internal("the server ended the call without a status").upstream();
  }
  if (*text == "0") return {};
  int number = 0;
  for (const char c : *text) {
    if (c < '0' || c > '9' || text->size() > 2) {
      return base::unknown("the server's grpc-status '{}' is not a number we know", *text)
          .upstream();
    }
    number = number * 10 + (c - '0');
  }
  const Code code = number >= 1 && number <= 16 ? static_cast<Code>(number) : Code::kUnknown;
  const auto message = fields.get(HeaderId::kGrpcMessage);
  return Error(code, decode_status_message(message.value_or(""))).upstream();
}

}  // namespace

Result<Encoding> Call::accept(const http::Response& response) {
  const http::HeaderMap& headers = response.head.headers;
  initial_metadata_ = headers;
  // Trailers only: the status is in the head.
  if (headers.has(HeaderId::kGrpcStatus)) {
    trailing_metadata_ = headers;
    TRY(status_in(headers));
    return Encoding::kIdentity;
  }
  const auto type = headers.get(HeaderId::kContentType);
  if (response.head.status != 200) {
    return Error(code_of_http(response.head.status),
                 fmt::format("the server answered with HTTP status {}", response.head.status))
        .upstream();
  }
  if (!type.has_value() || http::content_class(*type) != http::ContentClass::kGrpc) {
    return base::unknown("the server's answer is not gRPC but '{}'", type.value_or("")).upstream();
  }
  const auto encoding = headers.get(HeaderId::kGrpcEncoding);
  if (!encoding.has_value()) return Encoding::kIdentity;
  Result<Encoding> parsed = parse_encoding(*encoding);
  if (!parsed.ok()) return std::move(parsed).error().upstream();
  return *parsed;
}

// The messages have ended.
Status Call::final_status(const MessageReader& reader) {
  if (const http::HeaderMap* trailers = reader.trailers(); trailers != nullptr) {
    trailing_metadata_ = *trailers;
  }
  return status_in(trailing_metadata_);
}

// ---- one request, one reply

Task<Status> Call::unary(const MessageLite& request, MessageLite& reply) {
  link_to(co_await async::current_stop());
  CO_TRY(Bytes message, encode_message(request, options_.compress, exchange_.arena,
                                       channel_.options().message_bytes_max));
  Status status =
      co_await async::under(exchange_.stop, exchange_messages(std::move(message), &reply));
  co_await end();
  co_return status;
}

Task<Status> Call::exchange_messages(Bytes message, MessageLite* reply) {
  CO_TRY(http::Response response,
         co_await channel_.transport().handle(
             make_request(http::Body::complete(std::move(message))), exchange_));
  CO_TRY(const Encoding encoding, accept(response));
  reader_.emplace(std::move(response.body), encoding, channel_.options().message_bytes_max);
  CO_TRY(const bool replied, co_await reader_->read(*reply));
  if (replied) CO_TRY(co_await reader_->expect_end());
  CO_TRY(final_status(*reader_));
  if (!replied) co_return base::internal("the server sent no reply").upstream();
  co_return Status{};
}

// ---- streams

Task<Status> Call::start() {
  link_to(co_await async::current_stop());
  exchange_.tasks.spawn_under(exchange_.stop, &run, this);
  co_return Status{};
}

Task<void> Call::run(Call* self) {
  auto response = co_await self->channel_.transport().handle(
      self->make_request(http::Body::stream(self->writer_)), self->exchange_);
  if (!response.ok()) {
    self->failure_.emplace(std::move(response).error());
  } else if (Result<Encoding> encoding = self->accept(*response); encoding.ok()) {
    self->reader_.emplace(std::move(response->body), *encoding,
                          self->channel_.options().message_bytes_max);
  } else {
    self->failure_.emplace(std::move(encoding).error());
  }
  self->answered_.set();
}

Task<Status> Call::write(const MessageLite& message) {
  Task<Status> written = writer_.write(message);
  if (written.is_ready()) return written;
  return write_later(std::move(written));
}

// A wait of the call ends with the call's deadline, not only with the caller's stop.
Task<Status> Call::write_later(Task<Status> written) {
  co_return co_await async::under(exchange_.stop, std::move(written));
}

Task<Result<bool>> Call::read(MessageLite& into) {
  co_return co_await async::under(exchange_.stop, read_message(&into));
}

Task<Result<bool>> Call::read_message(MessageLite* into) {
  CO_TRY(co_await answered_.wait());
  if (failure_.has_value()) co_return failure_->clone();
  CHECK(reader_.has_value(), "a call is read after its end");
  CO_TRY(const bool more, co_await reader_->read(*into));
  if (more) co_return true;
  CO_TRY(final_status(*reader_));
  co_return false;
}

Task<void> Call::end() {
  cancel();
  reader_.reset();  // lets go of what was not read
  co_await exchange_.tasks.join();
  exchange_.disarm_deadline();
}

}  // namespace layotto::grpc
