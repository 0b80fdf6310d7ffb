// HealthService: grpc.health.v1.Health of one worker: whether the server and each of its services
// take calls now.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "async/event.h"
#include "async/task.h"
#include "base/error.h"
#include "http/exchange.h"

namespace grpc::health::v1 {
class HealthCheckRequest;
class HealthCheckResponse;
class HealthListRequest;
class HealthListResponse;
}  // namespace grpc::health::v1

namespace layotto::grpc {

class Server;
template <class In, class Out>
class Stream;

class HealthService {
 public:
  explicit HealthService(async::Loop& loop) : changed_(loop) {}

  // Full name of the service; "" is the whole server. What was never set is unknown.
  void set(std::string_view service, bool serving);
  // Nothing serves from now on, whatever set() says.
  void drain();

  // ---- the rpcs
  Task<Status> check(const ::grpc::health::v1::HealthCheckRequest& request,
                     ::grpc::health::v1::HealthCheckResponse& reply, http::Exchange& exchange);
  Task<Status> list(const ::grpc::health::v1::HealthListRequest& request,
                    ::grpc::health::v1::HealthListResponse& reply, http::Exchange& exchange);
  // Until the client leaves, or the connection drains: the last word is then sent and the call
  // ends.
  Task<Status> watch(Stream<::grpc::health::v1::HealthCheckRequest,
                            ::grpc::health::v1::HealthCheckResponse>& stream,
                     http::Exchange& exchange);

 private:
  enum class State : uint8_t { kUnknown, kServing, kNotServing };
  [[nodiscard]] State state_of(std::string_view service) const;

  std::map<std::string, bool, std::less<>> services_;
  bool draining_ = false;
  async::Event changed_;  // never set, only woken
};

// Both outlive the server.
void add_health(Server& server, HealthService& health);

}  // namespace layotto::grpc
