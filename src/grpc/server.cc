#include "grpc/server.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <set>

#include "http/local_reply.h"

namespace layotto::grpc {
namespace {

using http::HeaderBlock;
using http::HeaderId;
using http::HeaderMap;

constexpr std::string_view kEncodings = "identity,gzip";

const HeaderBlock& reply_block() {
  static const HeaderBlock& block = [] -> const HeaderBlock& {
    HeaderBlock* made = HeaderBlock::make();
    made->add_borrowed("content-type", "application/grpc");
    made->make_permanent();
    return *made;
  }();
  return block;
}

// A method that is on the list and not built.
class UnbuiltMethod final : public Method {
 public:
  using Method::Method;
  Task<Result<http::Response>> serve(const Server&, http::Request,
                                     http::Exchange& exchange) override {
    exchange.failure_reason = "grpc_not_built";
    return async::failed<Result<http::Response>>(
        base::unimplemented("{} is not built yet in this release", path()));
  }
};

}  // namespace

const HeaderMap& ok_trailers() {
  static const HeaderMap& trailers = [] -> const HeaderMap& {
    HeaderBlock* block = HeaderBlock::make();
    block->add_borrowed("grpc-status", "0");
    block->make_permanent();
    return *new HeaderMap(*block);
  }();
  return trailers;
}

http::ResponseHead reply_head(http::Exchange& exchange, bool compressed) {
  http::ResponseHead head(200, reply_block());
  if (compressed) head.headers.add(HeaderId::kGrpcEncoding, "gzip", exchange.arena);
  for (const http::HeaderField& field : exchange.response_metadata.fields()) {
    head.headers.add(field.name, field.value, exchange.arena);
  }
  return head;
}

HeaderMap status_trailers(Status status, http::Exchange& exchange) {
  if (status.ok()) {
    exchange.grpc_status = 0;
    if (exchange.trailing_metadata.empty()) return ok_trailers();
  }
  HeaderMap trailers;
  Arena& arena = exchange.arena;
  if (status.ok()) {
    trailers.add(HeaderId::kGrpcStatus, "0", arena);
  } else {
    const Error& error = status.error();
    exchange.grpc_status = static_cast<int>(error.code());
    trailers.add(HeaderId::kGrpcStatus, http::grpc_status_text(error.code()), arena);
    if (!error.message().empty()) {
      trailers.add(HeaderId::kGrpcMessage, http::encode_status_message(error.message(), arena),
                   arena);
    }
    exchange.failure.emplace(std::move(status).error());
  }
  for (const http::HeaderField& field : exchange.trailing_metadata.fields()) {
    trailers.add(field.name, field.value, arena);
  }
  return trailers;
}

Result<CallEncoding> call_encoding(const http::RequestHead& head, http::Exchange& exchange) {
  const auto value = head.headers.get(HeaderId::kGrpcEncoding);
  if (!value.has_value()) return CallEncoding{};
  Result<Encoding> parsed = parse_encoding(*value);
  if (!parsed.ok()) {
    exchange.trailing_metadata.add(HeaderId::kGrpcAcceptEncoding, kEncodings, exchange.arena);
    return std::move(parsed).error();
  }
  const Encoding encoding = *parsed;
  const auto accepted = head.headers.get(HeaderId::kGrpcAcceptEncoding);
  return CallEncoding{.request = encoding,
                      .compress_reply = encoding == Encoding::kGzip && accepted.has_value() &&
                                        accepts_gzip(*accepted)};
}

Result<Duration> parse_timeout(std::string_view value) {
  const auto malformed = [&] {
    return base::invalid_argument(
        "grpc-timeout '{}' is malformed: 1 to 8 digits and one of H M S m u n", value);
  };
  if (value.size() < 2 || value.size() > 9) return malformed();
  int64_t number = 0;
  for (const char c : value.substr(0, value.size() - 1)) {
    if (c < '0' || c > '9') return malformed();
    number = number * 10 + (c - '0');
  }
  switch (value.back()) {
    case 'H':
      return Duration(std::chrono::hours(std::min<int64_t>(number, 1'000'000)));
    case 'M':
      return Duration(std::chrono::minutes(number));
    case 'S':
      return Duration(std::chrono::seconds(number));
    case 'm':
      return Duration(std::chrono::milliseconds(number));
    case 'u':
      return Duration(std::chrono::microseconds(number));
    case 'n':
      return Duration(number);
    default:
      return malformed();
  }
}

// ---- Server

void Server::add_method(std::unique_ptr<Method> method) {
  const bool added = by_path_.emplace(method->path(), method.get()).second;
  CHECK(added, "a gRPC path was added twice");
  if (options_.metrics != nullptr) {
    method->set_stats(std::make_unique<http::OperationStats>(*options_.metrics, method->path()));
  }
  methods_.push_back(std::move(method));
}

void Server::add_unbuilt(std::string_view path) {
  add_method(std::make_unique<UnbuiltMethod>(std::string(path)));
}

Task<Result<http::Response>> Server::handle(http::Request request, http::Exchange& exchange) {
  using Answer = Result<http::Response>;
  const http::RequestHead& head = request.head;
  HeaderBlock* const block = exchange.head_block.get();
  const bool as_received = block != nullptr && &head.line() == &block->line();
  if (as_received && !head.headers.has(HeaderId::kGrpcTimeout)) {
    // Found for an earlier call with the same head.
    if (const void* known = block->note(this); known != nullptr) [[likely]] {
      auto& method = *static_cast<Method*>(const_cast<void*>(known));
      exchange.operation = method.path();
      exchange.stats = method.stats();
      return method.serve(*this, std::move(request), exchange);
    }
  }
  if (!head.is_grpc()) {
    if (options_.otherwise != nullptr) {
      return options_.otherwise->handle(std::move(request), exchange);
    }
    exchange.failure_reason = "grpc_content_type";
    return async::ready(Answer(http::local_reply(
        base::invalid_argument("gRPC calls have a content-type that begins with application/grpc"),
        415, exchange)));
  }
  if (head.method() != http::Method::kPost) {
    exchange.failure_reason = "grpc_not_post";
    return async::failed<Answer>(base::unimplemented("gRPC calls use POST"));
  }
  if (const auto timeout = head.headers.get(HeaderId::kGrpcTimeout); timeout.has_value()) {
    Result<Duration> parsed = parse_timeout(*timeout);
    if (!parsed.ok()) return async::failed<Answer>(std::move(parsed).error());
    exchange.deadline = std::min(exchange.deadline, exchange.start + *parsed);
  }
  const auto found = by_path_.find(head.path());
  if (found == by_path_.end()) {
    exchange.failure_reason = "grpc_unknown_method";
    return async::failed<Answer>(base::unimplemented(
        "unknown method {}; server reflection lists what is served here", head.path()));
  }
  Method& method = *found->second;
  if (as_received && block->shared()) block->set_note(this, &method);
  exchange.operation = method.path();
  exchange.stats = method.stats();
  return method.serve(*this, std::move(request), exchange);
}

std::vector<std::string> Server::services() const {
  std::set<std::string> names;
  for (const auto& method : methods_) {
    const std::string_view path = method->path();
    names.emplace(path.substr(1, path.rfind('/') - 1));
  }
  return {names.begin(), names.end()};
}

std::vector<std::string_view> Server::paths() const {
  std::vector<std::string_view> all;
  all.reserve(methods_.size());
  for (const auto& method : methods_) all.push_back(method->path());
  return all;
}

// ---- unary

class UnaryMethod::Lease {
 public:
  explicit Lease(UnaryMethod& method) : method_(&method) {
    if (method.free_.empty()) {
      call_ = method.make_call();
      return;
    }
    call_ = std::move(method.free_.back());
    method.free_.pop_back();
  }
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (call_ == nullptr || bytes_ > kCallKeptBytesMax || method_->free_.size() >= kCallsKeptMax) {
      return;
    }
    call_->payload = Bytes();
    method_->free_.push_back(std::move(call_));
  }
  UnaryCall& operator*() const { return *call_; }
  UnaryCall* operator->() const { return call_.get(); }
  // Large messages leave large strings behind: such a call is not kept.
  void saw_bytes(size_t n) { bytes_ = std::max(bytes_, n); }

  Task<Result<http::Response>> make_reply(Status status, const Server& server,
                                          http::Exchange& exchange);

 private:
  UnaryMethod* method_;
  std::unique_ptr<UnaryCall> call_;
  size_t bytes_ = 0;
};

// Ready.
Task<Result<http::Response>> UnaryMethod::Lease::make_reply(Status status, const Server& server,
                                                            http::Exchange& exchange) {
  using Answer = Result<http::Response>;
  if (!status.ok()) [[unlikely]] {
    Error error = std::move(status).error();
    // Whatever the handler made of it: it was the caller's time that was up.
    const async::StopSource& stop = exchange.stop;
    if (stop.fired() && stop.reason() == async::StopReason::kDeadline) {
      error = std::move(error).recoded(Code::kDeadlineExceeded);
    }
    return async::failed<Answer>(std::move(error));
  }
  const size_t size = call_->reply_size();
  saw_bytes(size);
  Result<Bytes> bytes = encode_message(
      size, [this](char* to) { call_->write_reply(to); }, exchange.compress_reply, exchange.arena,
      server.options().message_bytes_max);
  if (!bytes.ok()) [[unlikely]]
    return async::failed<Answer>(std::move(bytes).error());
  const bool packed = bytes->data()[0] == 1;
  exchange.grpc_status = 0;
  const HeaderMap* trailers = &ok_trailers();
  if (!exchange.trailing_metadata.empty()) {
    trailers = exchange.arena.make<HeaderMap>(status_trailers(Status{}, exchange));
  }
  return Task<Answer>(async::ReadyTag{},
                      http::Response{.head = reply_head(exchange, packed),
                                     .body = http::Body::complete(*std::move(bytes), trailers)});
}

Task<Result<http::Response>> UnaryMethod::serve(const Server& server, http::Request request,
                                                http::Exchange& exchange) {
  if (!request.body.is_complete()) return serve_slowly(server, std::move(request), exchange);
  return serve_message(server, request.body.take_bytes(), request.head, exchange);
}

// The request has not arrived completely yet.
Task<Result<http::Response>> UnaryMethod::serve_slowly(const Server& server, http::Request request,
                                                       http::Exchange& exchange) {
  const size_t max = server.options().message_bytes_max + kPrefixBytes;
  auto body = co_await http::read_all(request.body, max);
  if (!body.ok()) {
    if (body.error().code() == Code::kResourceExhausted) {
      co_return base::resource_exhausted("the request message is larger than the limit of {} bytes",
                                         server.options().message_bytes_max);
    }
    co_return std::move(body).error();
  }
  co_return co_await serve_message(server, *std::move(body), request.head, exchange);
}

Task<Result<http::Response>> UnaryMethod::serve_message(const Server& server, Bytes body,
                                                        const http::RequestHead& head,
                                                        http::Exchange& exchange) {
  using Answer = Result<http::Response>;
  if (exchange.deadline <= exchange.loop().now()) {
    return async::failed<Answer>(Error::deadline_exceeded());
  }
  CallEncoding encoding;
  if (head.headers.has(HeaderId::kGrpcEncoding)) {
    Result<CallEncoding> asked = call_encoding(head, exchange);
    if (!asked.ok()) return async::failed<Answer>(std::move(asked).error());
    encoding = *asked;
  }
  const size_t max = server.options().message_bytes_max;
  bool compressed = false;
  if (!is_one_plain_message(body.view(), max)) {
    if (body.size() < kPrefixBytes) {
      return async::failed<Answer>(base::internal("the request has no complete message"));
    }
    Result<MessagePrefix> prefix = parse_prefix(body.view(), max);
    if (!prefix.ok()) return async::failed<Answer>(std::move(prefix).error());
    if (prefix->size != body.size() - kPrefixBytes) {
      return async::failed<Answer>(base::internal(
          "the message says it has {} bytes, but {} arrived: a unary call carries exactly one",
          prefix->size, body.size() - kPrefixBytes));
    }
    compressed = prefix->compressed;
  }
  Lease call(*this);
  call.saw_bytes(compressed ? kCallKeptBytesMax + 1 : body.size());
  call->payload = std::move(body);
  ByteView message = call->payload.view().substr(kPrefixBytes);
  if (compressed) {
    Bytes unpacked;
    Result<ByteView> plain = unpack_message(message, true, encoding.request, max, unpacked);
    if (!plain.ok()) return async::failed<Answer>(std::move(plain).error());
    call->payload = std::move(unpacked);
    message = call->payload.view();
  }
  if (!call->parse(message)) {
    return async::failed<Answer>(
        base::internal("a message is not a valid {}", call->request_type()));
  }
  call->clear_reply();
  exchange.compress_reply = encoding.compress_reply;
  Task<Status> running = invoke(*call, exchange);
  if (!running.is_ready()) {
    return finish_later(std::move(running), std::move(call), server, exchange);
  }
  return call.make_reply(std::move(running).take(), server, exchange);
}

Task<Result<http::Response>> UnaryMethod::finish_later(Task<Status> running, Lease lease,
                                                       const Server& server,
                                                       http::Exchange& exchange) {
  Status status = co_await std::move(running);
  co_return lease.make_reply(std::move(status), server, exchange).take();
}

}  // namespace layotto::grpc
