// TestSidecar's server.
#include "cli/test_sidecar.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "grpc/health.h"
#include "grpc/reflection.h"
#include "grpc/server.h"
#include "http/chain.h"
#include "http/server.h"
#include "net/fd_connection.h"
#include "net/limits.h"
#include "net/listener.h"
#include "net/tls_connection.h"
#include "spec/proto/extension/v1/s3/oss.pb.h"
#include "spec/proto/runtime/v1/runtime.pb.h"
#include "tests/support/temporary_folder.h"

namespace layotto::cli {
namespace {

namespace runtime = ::spec::proto::runtime::v1;
namespace s3 = ::spec::proto::extension::v1::s3;

// State in a map; every write gives the next etag.
class TestService {
 public:
  Task<Status> get_state(const runtime::GetStateRequest& request, runtime::GetStateResponse& reply,
                         http::Exchange&) {
    if (request.store_name() != "demo") return unknown_store(request.store_name());
    const auto found = values_.find(request.key());
    if (found == values_.end()) return async::ready_ok();
    reply.set_data(found->second.first);
    reply.set_etag(std::to_string(found->second.second));
    return async::ready_ok();
  }
  Task<Status> save_state(const runtime::SaveStateRequest& request, google::protobuf::Empty&,
                          http::Exchange&) {
    if (request.store_name() != "demo") return unknown_store(request.store_name());
    for (const runtime::StateItem& item : request.states()) {
      const auto found = values_.find(item.key());
      const bool first =
          item.options().concurrency() == runtime::StateOptions::CONCURRENCY_FIRST_WRITE;
      if (first && found != values_.end()) return mismatch();
      if (!item.etag().value().empty() &&
          (found == values_.end() || std::to_string(found->second.second) != item.etag().value())) {
        return mismatch();
      }
      const auto ttl = item.metadata().find("ttlInSeconds");
      last_ttl = ttl == item.metadata().end() ? 0 : std::stoi(ttl->second);
      values_[item.key()] = {item.value(), ++etag_};
    }
    return async::ready_ok();
  }
  Task<Status> delete_state(const runtime::DeleteStateRequest& request, google::protobuf::Empty&,
                            http::Exchange&) {
    const auto found = values_.find(request.key());
    if (!request.etag().value().empty() &&
        (found == values_.end() ||
         std::to_string(found->second.second) != request.etag().value())) {
      return mismatch();
    }
    values_.erase(request.key());
    return async::ready_ok();
  }
  // Says what it was sent as metadata.
  Task<Status> say_hello(const runtime::SayHelloRequest& request, runtime::SayHelloResponse& reply,
                         http::Exchange& exchange) {
    std::string heard;
    for (const http::HeaderField& field : exchange.request->headers.fields()) {
      if (field.name != "authorization" && !field.name.starts_with("x-")) continue;
      heard += fmt::format("{}={};", field.name, field.value);
    }
    reply.set_hello(heard + request.name());
    exchange.response_metadata.add("x-head", "first", exchange.arena);
    exchange.trailing_metadata.add("x-tail", "last", exchange.arena);
    return async::ready_ok();
  }
  // Never answers.
  Task<Status> invoke_service(const runtime::InvokeServiceRequest&, runtime::InvokeResponse&,
                              http::Exchange& exchange) {
    return wait_for_ever(&exchange);
  }
  // The etag is the body.
  Task<Status> put_object(grpc::Stream<s3::PutObjectInput, s3::PutObjectOutput>& stream,
                          http::Exchange&) {
    return put_object(&stream);
  }

  std::atomic<int> last_ttl = 0;

 private:
  static Task<Status> unknown_store(const std::string& name) {
    return async::failed<Status>(base::invalid_argument("state store {} is not found", name));
  }
  static Task<Status> mismatch() {
    return async::failed<Status>(base::aborted("possible etag mismatch"));
  }
  static Task<Status> wait_for_ever(http::Exchange* exchange) {
    CO_TRY(co_await exchange->loop().sleep_until(TimePoint::max()));
    co_return Status{};
  }
  static Task<Status> put_object(grpc::Stream<s3::PutObjectInput, s3::PutObjectOutput>* stream) {
    s3::PutObjectInput piece;
    s3::PutObjectOutput all;
    while (true) {
      CO_TRY(const bool more, co_await stream->read(piece));
      if (!more) break;
      if (piece.body() == "refuse") co_return base::permission_denied("not this");
      all.set_etag(all.etag() + piece.body());
    }
    co_return co_await stream->write(all);
  }

  std::map<std::string, std::pair<std::string, int>> values_;
  int etag_ = 0;
};

}  // namespace

class TestSidecar::Server final : private net::Acceptor {
 public:
  Server(Pages pages, std::shared_ptr<const net::TlsServerContext> tls)
      : pages_(std::move(pages)), tls_(std::move(tls)), loop_(clock_) {
    std::atomic<bool> listening = false;
    thread_ = std::thread([this, &listening] { run(listening); });
    listening.wait(false);
  }
  ~Server() {
    loop_.post([this] { tasks_->stop(async::StopReason::kShutdown); });
    loop_.post([this] { ending_ = true; });
    thread_.join();
  }

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] const std::string& unix_address() const { return unix_address_; }
  [[nodiscard]] const TestService& service() const { return service_; }

 private:
  class Front final : public http::Handler {
   public:
    explicit Front(Server& owner) : owner_(owner) {}
    Task<Result<http::Response>> handle(http::Request request, http::Exchange& exchange) override {
      if (request.head.is_grpc()) return owner_.grpc_.handle(std::move(request), exchange);
      auto [status, body] =
          owner_.pages_(fmt::format("{} {}", request.head.method_text(), request.head.path()));
      http::Response response{.head = http::ResponseHead(status),
                              .body = http::Body::complete(Bytes::copy(body))};
      return async::ready(Result<http::Response>(std::move(response)));
    }

   private:
    Server& owner_;
  };

  static std::unique_ptr<net::Listener> listen(async::Loop& loop, const std::string& address,
                                               net::Acceptor& acceptor) {
    auto parsed = net::Address::parse(address);
    CHECK(parsed.ok());
    auto socket = net::ListeningSocket::open(*parsed, {});
    CHECK(socket.ok());
    auto listener = std::make_unique<net::Listener>(loop, std::move(*socket), acceptor);
    CHECK(listener->start().ok());
    return listener;
  }
  void run(std::atomic<bool>& listening) {
    tasks_ = std::make_unique<async::TaskGroup>(loop_);
    grpc::HealthService health(loop_);
    grpc::ReflectionService reflection(grpc_);
    add_methods();
    grpc::add_health(grpc_, health);
    grpc::add_reflection(grpc_, reflection);
    health.set("", true);
    Front front(*this);
    http::Chain chain(front, "handler");
    async::DrainSource drain(loop_);
    http::HttpCounters counters;
    http::LiveConnections live;
    const base::TickClock ticks;
    std::vector<char> buffer(net::kReadBufferBytes);
    http::ServerEnv env{.loop = loop_,
                        .read_buffer = buffer,
                        .ticks = ticks,
                        .chain = &chain,
                        .limits = {},
                        .drain = drain,
                        .counters = counters,
                        .live = live};
    env_ = &env;
    auto tcp = listen(loop_, "127.0.0.1:0", *this);
    auto local = listen(loop_, "unix:" + (folder_ / "sock"), *this);
    address_ = tcp->address().to_string();
    unix_address_ = "unix:" + (folder_ / "sock");
    listening = true;
    listening.notify_one();
    while (!ending_ || tasks_->running() > 0) loop_.run_once(std::chrono::milliseconds(100));
    tcp.reset();
    local.reset();
    for (int i = 0; i < 3; ++i) loop_.run_once(Duration(0));
    tasks_.reset();
  }
  void add_methods() {
    const std::string at = "/spec.proto.runtime.v1.Runtime/";
    grpc_.add(at + "GetState", service_, &TestService::get_state);
    grpc_.add(at + "SaveState", service_, &TestService::save_state);
    grpc_.add(at + "DeleteState", service_, &TestService::delete_state);
    grpc_.add(at + "SayHello", service_, &TestService::say_hello);
    grpc_.add(at + "InvokeService", service_, &TestService::invoke_service);
    using Put = Task<Status> (TestService::*)(
        grpc::Stream<s3::PutObjectInput, s3::PutObjectOutput>&, http::Exchange&);
    grpc_.add("/spec.proto.extension.v1.s3.ObjectStorageService/PutObject", service_,
              static_cast<Put>(&TestService::put_object));
  }
  void accepted(int fd) override { tasks_->spawn(&serve, this, fd); }
  static Task<void> serve(Server* self, int fd) {
    auto socket = net::FdConnection::adopt(self->loop_, fd);
    CHECK(socket.ok());
    std::unique_ptr<net::Connection> connection = std::move(*socket);
    if (self->tls_ != nullptr) {
      auto secure = net::TlsConnection::server(std::move(connection), self->tls_);
      const Status shaken =
          co_await secure->handshake(self->loop_.now() + std::chrono::seconds(10));
      if (!shaken.ok()) co_return;
      connection = std::move(secure);
    }
    co_await http::serve_connection(std::move(connection), *self->env_);
  }

  Pages pages_;
  std::shared_ptr<const net::TlsServerContext> tls_;
  tests::TemporaryFolder folder_;
  base::SystemClock clock_;
  async::Loop loop_;
  TestService service_;
  grpc::Server grpc_{{}};
  std::unique_ptr<async::TaskGroup> tasks_;
  http::ServerEnv* env_ = nullptr;
  bool ending_ = false;
  std::string address_;
  std::string unix_address_;
  std::thread thread_;
};

TestSidecar::TestSidecar(Pages pages, std::shared_ptr<const net::TlsServerContext> tls)
    : server_(std::make_unique<Server>(std::move(pages), std::move(tls))) {}
TestSidecar::~TestSidecar() = default;

const std::string& TestSidecar::address() const { return server_->address(); }
const std::string& TestSidecar::unix_address() const { return server_->unix_address(); }
int TestSidecar::last_ttl() const { return server_->service().last_ttl; }

}  // namespace layotto::cli
