#include "cli/sidecar.h"

#include <algorithm>
#include <utility>

#include "async/deadline.h"
#include "cli/console.h"
#include "cli/limits.h"
#include "grpc/limits.h"
#include "http/body.h"
#include "http/limits.h"

namespace layotto::cli {
namespace {

using http::HeaderId;

Result<std::shared_ptr<const net::TlsClientContext>> tls_of(const Target& target) {
  if (target.tls_ca.empty() && target.tls_certificate.empty() && target.tls_key.empty()) {
    return std::shared_ptr<const net::TlsClientContext>();
  }
  if (target.tls_certificate.empty() != target.tls_key.empty()) {
    return base::invalid_argument("a client certificate needs its key: give both or none");
  }
  return net::TlsClientContext::load({.ca_file = target.tls_ca,
                                      .certificate_file = target.tls_certificate,
                                      .key_file = target.tls_key,
                                      .alpn = {"h2"}});
}

Result<grpc::Metadata> credentials_of(const Target& target) {
  if (target.token_file.empty()) return grpc::Metadata{};
  TRY(const std::string token, read_small_file(target.token_file));
  if (token.empty() || !http::is_header_value(token)) {
    return base::failed_precondition("{} does not contain a token", target.token_file);
  }
  return grpc::Metadata{{"authorization", "Bearer " + token}};
}

// What a page's HTTP status says, as near as it comes.
Code code_of_page(uint16_t status) {
  switch (status) {
    case 400:
    case 405:
      return Code::kInvalidArgument;
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 409:
      return Code::kAborted;
    case 429:
      return Code::kResourceExhausted;
    case 501:
      return Code::kUnimplemented;
    case 503:
      return Code::kUnavailable;
    case 504:
      return Code::kDeadlineExceeded;
    default:
      return Code::kUnknown;
  }
}

Task<Status> connect_and_work(Runner* runner, const Target* target,
                              const std::function<Task<Status>(Sidecar&)>* work) {
  CO_TRY(std::unique_ptr<Sidecar> sidecar, co_await Sidecar::connect(*runner, *target));
  Status done = co_await (*work)(*sidecar);
  co_await sidecar->stop();
  co_return done;
}

}  // namespace

Sidecar::Sidecar(Runner& runner, const Target& target, const net::Endpoint& endpoint,
                 std::unique_ptr<net::Connection> connection)
    : runner_(runner),
      target_(target),
      authority_(endpoint.is_unix() ? "localhost" : endpoint.to_string()),
      connection_(std::move(connection), runner.read_buffer(), http::ServerLimits{}),
      channel_(connection_, runner.loop(),
               {.authority = authority_,
                .user_agent = "layotto-cli",
                .message_bytes_max = grpc::kMessageBytesCeiling}) {}

Task<Result<std::unique_ptr<Sidecar>>> Sidecar::connect(Runner& runner, const Target& target) {
  const auto limit = target.timeout.value_or(kTimeoutDefault);
  if (limit <= std::chrono::milliseconds(0)) {
    co_return base::invalid_argument("the timeout is a number of seconds larger than 0");
  }
  const TimePoint deadline = runner.loop().now() + limit;
  CO_TRY(const net::Endpoint endpoint, net::Endpoint::parse(target.address));
  CO_TRY(grpc::Metadata credentials, credentials_of(target));
  net::DialOptions options{.connect_timeout = limit};
  CO_TRY(options.tls, tls_of(target));
  if (endpoint.is_unix()) options.server_name = "localhost";
  CO_TRY(auto connection, co_await runner.dialer().dial(endpoint, options));
  std::unique_ptr<Sidecar> made(new Sidecar(runner, target, endpoint, std::move(connection)));
  made->deadline_ = deadline;
  made->credentials_ = std::move(credentials);
  made->connection_.start();
  co_return made;
}

Task<void> Sidecar::stop() { co_await connection_.stop(); }

Task<Result<std::string>> Sidecar::page(http::Method method, std::string path, TimePoint until) {
  http::Exchange exchange(loop());
  if (async::StopSource* stop = co_await async::current_stop(); stop != nullptr) {
    exchange.stop.link_to(*stop);
  }
  exchange.deadline = until;
  exchange.arm_deadline();
  const http::RequestLine line{.method_text = method == http::Method::kPost ? "POST" : "GET",
                               .path = path,
                               .authority = authority_,
                               .method = method};
  auto body = co_await async::under(exchange.stop, fetch(&exchange, &line));
  exchange.stop.fire(async::StopReason::kCancelled);
  co_await exchange.tasks.join();
  exchange.disarm_deadline();
  co_return body;
}

Task<Result<std::string>> Sidecar::fetch(http::Exchange* exchange, const http::RequestLine* line) {
  http::RequestHead head(*line);
  for (const auto& [name, value] : credentials_) head.headers.add(name, value, exchange->arena);
  CO_TRY(http::Response response,
         co_await connection_.handle({.head = head, .body = http::Body()}, *exchange));
  CO_TRY(const Bytes bytes, co_await http::read_all(response.body, kPageBytesMax));
  std::string text(bytes.view());
  if (response.head.status == 200) co_return text;
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) text = fmt::format("HTTP status {}", response.head.status);
  co_return Error(code_of_page(response.head.status), std::move(text)).upstream();
}

Status with_sidecar(const Target& target, const std::function<Task<Status>(Sidecar&)>& work) {
  TRY(const std::unique_ptr<Runner> runner, Runner::make());
  return runner->run(connect_and_work(runner.get(), &target, &work));
}

}  // namespace layotto::cli
