// Method: one rpc as the server sees it: a path, how its messages are made, what is called. Made by
// Server::add; the typed part is a thin shell, the work is in server.cc and stream.cc.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/error.h"
#include "grpc/limits.h"
#include "http/exchange.h"
#include "http/handler.h"
#include "http/stats_filter.h"

namespace layotto::grpc {

using google::protobuf::MessageLite;

class Server;

class Method {
 public:
  explicit Method(std::string path) : path_(std::move(path)) {}
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;
  virtual ~Method() = default;

  // "/package.Service/Name".
  [[nodiscard]] std::string_view path() const { return path_; }
  // Where its calls are counted; null when nobody asked.
  [[nodiscard]] http::OperationStats* stats() const { return stats_.get(); }
  void set_stats(std::unique_ptr<http::OperationStats> stats) { stats_ = std::move(stats); }
  [[nodiscard]] virtual Task<Result<http::Response>> serve(const Server& server,
                                                           http::Request request,
                                                           http::Exchange& exchange) = 0;

 private:
  std::string path_;
  std::unique_ptr<http::OperationStats> stats_;
};

// Request and reply objects of one call; kept for reuse, so that a warm call allocates nothing.
class UnaryCall {
 public:
  virtual ~UnaryCall() = default;
  [[nodiscard]] virtual MessageLite& request() = 0;
  [[nodiscard]] virtual MessageLite& reply() = 0;
};

class UnaryMethod : public Method {
 public:
  using Method::Method;
  Task<Result<http::Response>> serve(const Server& server, http::Request request,
                                     http::Exchange& exchange) final;

 protected:
  [[nodiscard]] virtual std::unique_ptr<UnaryCall> make_call() = 0;
  virtual Task<Status> invoke(UnaryCall& call, http::Exchange& exchange) = 0;

 private:
  // A call taken from the free list, given back when this goes.
  class Lease;
  Task<Result<http::Response>> serve_slowly(const Server& server, http::Request request,
                                            http::Exchange& exchange);
  Task<Result<http::Response>> finish_later(Task<Status> running, Lease lease, const Server& server,
                                            http::Exchange& exchange);
  Task<Result<http::Response>> serve_message(const Server& server, ByteView body,
                                             const http::RequestHead& head,
                                             http::Exchange& exchange);

  std::vector<std::unique_ptr<UnaryCall>> free_;
};

template <class Service, class In, class Out>
class TypedUnaryMethod final : public UnaryMethod {
 public:
  using Function = Task<Status> (Service::*)(const In&, Out&, http::Exchange&);
  TypedUnaryMethod(std::string path, Service& service, Function function)
      : UnaryMethod(std::move(path)), service_(service), function_(function) {}

 private:
  struct Call final : UnaryCall {
    MessageLite& request() override { return in; }
    MessageLite& reply() override { return out; }
    In in;
    Out out;
  };
  std::unique_ptr<UnaryCall> make_call() override { return std::make_unique<Call>(); }
  Task<Status> invoke(UnaryCall& call, http::Exchange& exchange) override {
    auto& typed = static_cast<Call&>(call);
    return (service_.*function_)(typed.in, typed.out, exchange);
  }

  Service& service_;
  Function function_;
};

}  // namespace layotto::grpc
