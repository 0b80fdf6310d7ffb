// Server: the http::Handler that speaks gRPC: finds the method by path, decodes the request, calls
// the service, encodes the reply, turns its Status into grpc-status. Services know messages only.
//
//   grpc::Server server({});
//   server.add("/spec.proto.runtime.v1.Runtime/GetState", state_api, &StateApi::get_state);
//
// Supported: unary and all three streaming kinds, grpc-timeout, identity and gzip both ways, custom
// metadata both ways (Exchange::response_metadata, trailing_metadata).
//
// Errors it makes itself: unknown path and unknown encoding UNIMPLEMENTED, message over the limit
// RESOURCE_EXHAUSTED, broken framing or protobuf INTERNAL, malformed grpc-timeout INVALID_ARGUMENT;
// what is not gRPC at all gets HTTP 415, or goes to ServerOptions::otherwise.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/task.h"
#include "grpc/framing.h"
#include "grpc/limits.h"
#include "grpc/method.h"
#include "grpc/stream.h"
#include "http/handler.h"

namespace layotto::grpc {

struct ServerOptions {
  size_t message_bytes_max = kMessageBytesMax;
  // Calls are counted here by method; null: not at all.
  telemetry::Shard* metrics = nullptr;
  // Answers what is not gRPC; null: that is HTTP 415. Outlives the server.
  http::Handler* otherwise = nullptr;
};

class Server final : public http::Handler {
 public:
  explicit Server(ServerOptions options) : options_(options) {}

  // `service` outlives the server; `path` is "/package.Service/Name". A path is added once.
  template <class Service, class In, class Out>
  void add(std::string_view path, Service& service,
           Task<Status> (Service::*function)(const In&, Out&, http::Exchange&)) {
    add_method(
        std::make_unique<TypedUnaryMethod<Service, In, Out>>(std::string(path), service, function));
  }
  template <class Service, class In, class Out>
  void add(std::string_view path, Service& service,
           Task<Status> (Service::*function)(Stream<In, Out>&, http::Exchange&)) {
    add_method(std::make_unique<TypedStreamMethod<Service, In, Out>>(std::string(path), service,
                                                                     function));
  }
  // Known by name, not built yet: answers UNIMPLEMENTED naming the rpc.
  void add_unbuilt(std::string_view path);

  Task<Result<http::Response>> handle(http::Request request, http::Exchange& exchange) override;

  [[nodiscard]] const ServerOptions& options() const { return options_; }
  // Full names of the services that have methods here, sorted; for reflection and the admin page.
  [[nodiscard]] std::vector<std::string> services() const;
  [[nodiscard]] std::vector<std::string_view> paths() const;

 private:
  void add_method(std::unique_ptr<Method> method);

  ServerOptions options_;
  std::vector<std::unique_ptr<Method>> methods_;
  std::unordered_map<std::string_view, Method*> by_path_;
};

// ---- shared by unary and streaming methods

// How the request's messages are encoded, and whether replies may be compressed: when the client
// compresses and says it accepts gzip.
struct CallEncoding {
  Encoding request = Encoding::kIdentity;
  bool compress_reply = false;
};
// An Error tells the client, in the exchange's trailing metadata, which encodings there are.
Result<CallEncoding> call_encoding(const http::RequestHead& head, http::Exchange& exchange);

// The head of a successful reply, with the exchange's response metadata.
http::ResponseHead reply_head(http::Exchange& exchange, bool compressed);
// grpc-status, grpc-message and the exchange's trailing metadata, in the exchange's arena. Sets
// exchange.grpc_status (and failure).
http::HeaderMap status_trailers(Status status, http::Exchange& exchange);
// The same with status OK and no metadata: a constant.
const http::HeaderMap& ok_trailers();

// grpc-timeout: 1 to 8 digits and a unit (H M S m u n).
Result<Duration> parse_timeout(std::string_view value);

}  // namespace layotto::grpc
