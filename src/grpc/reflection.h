// ReflectionService: grpc.reflection.v1.ServerReflection, and v1alpha for older tools: which
// services the server has and how their messages look, from the descriptors that are linked in.
#pragma once

#include "async/task.h"
#include "base/error.h"
#include "http/exchange.h"

namespace grpc::reflection {
namespace v1 {
class ServerReflectionRequest;
class ServerReflectionResponse;
}  // namespace v1
namespace v1alpha {
class ServerReflectionRequest;
class ServerReflectionResponse;
}  // namespace v1alpha
}  // namespace grpc::reflection

namespace layotto::grpc {

class Server;
template <class In, class Out>
class Stream;

class ReflectionService {
 public:
  // Tells of the services that have methods in `server`.
  explicit ReflectionService(const Server& server) : server_(server) {}

  // ---- the rpcs
  Task<Status> info(Stream<::grpc::reflection::v1::ServerReflectionRequest,
                           ::grpc::reflection::v1::ServerReflectionResponse>& stream,
                    http::Exchange& exchange);
  Task<Status> info_alpha(Stream<::grpc::reflection::v1alpha::ServerReflectionRequest,
                                 ::grpc::reflection::v1alpha::ServerReflectionResponse>& stream,
                          http::Exchange& exchange);

 private:
  const Server& server_;
};

// Both outlive the server.
void add_reflection(Server& server, ReflectionService& reflection);

}  // namespace layotto::grpc
