#include "grpc/health.h"

#include <optional>

#include "grpc/health/v1/health.pb.h"
#include "grpc/server.h"

namespace layotto::grpc {
namespace {

namespace proto = ::grpc::health::v1;

// Wakes the watchers of a connection that begins to drain.
class DrainWaker final : public async::DrainListener {
 public:
  explicit DrainWaker(async::Event& event) : event_(event) {}
  ~DrainWaker() = default;
  void on_drain() override { event_.wake_all(); }

 private:
  async::Event& event_;
};

}  // namespace

void HealthService::set(std::string_view service, bool serving) {
  const auto found = services_.find(service);
  if (found == services_.end()) {
    services_.emplace(service, serving);
  } else if (found->second == serving) {
    return;
  } else {
    found->second = serving;
  }
  changed_.wake_all();
}

void HealthService::drain() {
  draining_ = true;
  changed_.wake_all();
}

HealthService::State HealthService::state_of(std::string_view service) const {
  const auto found = services_.find(service);
  if (found == services_.end()) return State::kUnknown;
  return found->second && !draining_ ? State::kServing : State::kNotServing;
}

Task<Status> HealthService::check(const proto::HealthCheckRequest& request,
                                  proto::HealthCheckResponse& reply, http::Exchange&) {
  const State state = state_of(request.service());
  if (state == State::kUnknown) {
    return async::failed<Status>(base::not_found("unknown service '{}'", request.service()));
  }
  reply.set_status(state == State::kServing ? proto::HealthCheckResponse::SERVING
                                            : proto::HealthCheckResponse::NOT_SERVING);
  return async::ready_ok();
}

Task<Status> HealthService::list(const proto::HealthListRequest&, proto::HealthListResponse& reply,
                                 http::Exchange&) {
  if (services_.size() > kHealthListMax) {
    return async::failed<Status>(base::resource_exhausted(
        "{} services are more than the {} one answer names", services_.size(), kHealthListMax));
  }
  for (const auto& [name, serving] : services_) {
    (*reply.mutable_statuses())[name].set_status(state_of(name) == State::kServing
                                                     ? proto::HealthCheckResponse::SERVING
                                                     : proto::HealthCheckResponse::NOT_SERVING);
  }
  return async::ready_ok();
}

Task<Status> HealthService::watch(
    Stream<proto::HealthCheckRequest, proto::HealthCheckResponse>& stream,
    http::Exchange& exchange) {
  proto::HealthCheckRequest request;
  CO_TRY(const bool asked, co_await stream.read(request));
  if (!asked) co_return base::invalid_argument("Watch needs a request");
  DrainWaker waker(changed_);
  if (exchange.drain != nullptr) exchange.drain->listen(waker);
  std::optional<State> told;
  while (true) {
    const State now = state_of(request.service());
    if (told != now) {
      told = now;
      proto::HealthCheckResponse reply;
      reply.set_status(now == State::kServing      ? proto::HealthCheckResponse::SERVING
                       : now == State::kNotServing ? proto::HealthCheckResponse::NOT_SERVING
                                                   : proto::HealthCheckResponse::SERVICE_UNKNOWN);
      CO_TRY(co_await stream.write(reply));
      continue;  // it may have changed while the client took its time
    }
    if (exchange.drain != nullptr && exchange.drain->draining()) co_return Error::shutting_down();
    CO_TRY(co_await changed_.wait());
  }
}

void add_health(Server& server, HealthService& health) {
  server.add("/grpc.health.v1.Health/Check", health, &HealthService::check);
  server.add("/grpc.health.v1.Health/List", health, &HealthService::list);
  server.add("/grpc.health.v1.Health/Watch", health, &HealthService::watch);
}

}  // namespace layotto::grpc
