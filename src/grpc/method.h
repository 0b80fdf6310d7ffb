// Method: one rpc as the server sees it: a path, how its messages are made, what is called. Made by
// Server::add; the typed part is a thin shell, the work is in server.cc and stream.cc.
#pragma once

#include <google/protobuf/message_lite.h>

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/bytes.h"
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
  // False when it is no valid message. `message` lives until the call is given back.
  [[nodiscard]] virtual bool parse(ByteView message) = 0;
  [[nodiscard]] virtual std::string request_type() const = 0;
  virtual void clear_reply() = 0;
  [[nodiscard]] virtual size_t reply_size() = 0;
  // reply_size() bytes; it was called before.
  virtual void write_reply(char* to) = 0;

  Bytes payload;  // what the request's texts may look into
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
  Task<Result<http::Response>> serve_message(const Server& server, Bytes body,
                                             const http::RequestHead& head,
                                             http::Exchange& exchange);

  std::vector<std::unique_ptr<UnaryCall>> free_;
};

// A message that is read and written in place, by code of its own, in place of protobuf's:
//   bool parse(ByteView)         texts may look into the view, which lives as long as the call
//   static std::string_view type_name()
//   void clear(); size_t byte_size() const; void write(char* to) const
template <class M>
concept WireMessage = !std::derived_from<M, MessageLite>;

template <class Service, class In, class Out>
class TypedUnaryMethod final : public UnaryMethod {
 public:
  using Function = Task<Status> (Service::*)(const In&, Out&, http::Exchange&);
  TypedUnaryMethod(std::string path, Service& service, Function function)
      : UnaryMethod(std::move(path)), service_(service), function_(function) {}

 private:
  struct Call final : UnaryCall {
    bool parse(ByteView message) override {
      if constexpr (WireMessage<In>) {
        return in.parse(message);
      } else {
        return in.ParseFromArray(message.data(), static_cast<int>(message.size()));
      }
    }
    [[nodiscard]] std::string request_type() const override {
      if constexpr (WireMessage<In>) {
        return std::string(In::type_name());
      } else {
        return in.GetTypeName();
      }
    }
    void clear_reply() override {
      if constexpr (WireMessage<Out>) {
        out.clear();
      } else {
        out.Clear();
      }
    }
    size_t reply_size() override {
      if constexpr (WireMessage<Out>) {
        return out.byte_size();
      } else {
        return out.ByteSizeLong();
      }
    }
    void write_reply(char* to) override {
      if constexpr (WireMessage<Out>) {
        out.write(to);
      } else {
        out.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(to));
      }
    }
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
