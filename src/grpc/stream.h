// Stream: the messages of a streaming call, as its handler sees them.
//
//   Task<Status> PingPong::echo(grpc::Stream<Ping, Pong>& stream, http::Exchange& exchange) {
//     Ping ping;
//     while (true) {
//       CO_TRY(const bool more, co_await stream.read(ping));
//       if (!more) co_return Status{};            // the client has finished sending
//       CO_TRY(co_await stream.write(pong_for(ping)));
//     }
//   }
//
// One reader and one writer may wait at once. write() waits while the client takes nothing, read()
// while it sends nothing; not reading holds the client back. When the handler returns, its Status
// becomes the trailers; what it wrote before is still sent.
#pragma once

#include <utility>

#include "async/task.h"
#include "grpc/message_stream.h"
#include "grpc/method.h"
#include "http/body.h"

namespace layotto::grpc {

// The untyped half: request messages out of a body, reply messages into one, the handler's Status
// behind them. Lives in the exchange's arena.
class StreamCore final : public http::BodyStream {
 public:
  StreamCore(http::Body request, Encoding request_encoding, bool compress, size_t message_bytes_max,
             http::Exchange& exchange)
      : exchange_(exchange),
        reader_(std::move(request), request_encoding, message_bytes_max),
        writer_(exchange.loop(), exchange.stop, compress, message_bytes_max) {}
  ~StreamCore() = default;

  [[nodiscard]] MessageReader& reader() { return reader_; }
  [[nodiscard]] MessageWriter& writer() { return writer_; }
  // The handler is done.
  void finish(Status status);
  [[nodiscard]] bool finished() const { return finished_; }
  // Of a handler that has finished: the failure of one that wrote nothing (a trailers-only reply),
  // or everything it wrote.
  [[nodiscard]] Result<http::Body> take_all();

  // ---- the response body
  Task<Result<http::Chunk>> read(size_t max) override;
  [[nodiscard]] const http::HeaderMap* trailers() const override { return &trailers_; }
  void abandon() override { writer_.abandon(); }

 private:
  Task<Result<http::Chunk>> wait_for_chunk(Task<Result<http::Chunk>> chunk);
  Result<http::Chunk> with_trailers(Result<http::Chunk> chunk);

  http::Exchange& exchange_;
  MessageReader reader_;
  MessageWriter writer_;
  bool finished_ = false;
  Status status_;
  http::HeaderMap trailers_;
};

template <class In, class Out>
class Stream {
 public:
  explicit Stream(StreamCore& core) : core_(core) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Fills `into` (cleared first). False: the client has finished sending.
  Task<Result<bool>> read(In& into) { return core_.reader().read(into); }
  // Done when the message is queued; an Error when the client is gone or the call is stopped.
  Task<Status> write(const Out& message) { return core_.writer().write(message); }

 private:
  StreamCore& core_;
};

class StreamMethod : public Method {
 public:
  using Method::Method;
  Task<Result<http::Response>> serve(const Server& server, http::Request request,
                                     http::Exchange& exchange) final;

 protected:
  virtual Task<Status> invoke(StreamCore& core, http::Exchange& exchange) = 0;

 private:
  static Task<void> run(StreamMethod* self, StreamCore* core, http::Exchange* exchange);
};

template <class Service, class In, class Out>
class TypedStreamMethod final : public StreamMethod {
 public:
  using Function = Task<Status> (Service::*)(Stream<In, Out>&, http::Exchange&);
  TypedStreamMethod(std::string path, Service& service, Function function)
      : StreamMethod(std::move(path)), service_(service), function_(function) {}

 private:
  Task<Status> invoke(StreamCore& core, http::Exchange& exchange) override {
    auto* stream = exchange.arena.make<Stream<In, Out>>(core);
    return (service_.*function_)(*stream, exchange);
  }

  Service& service_;
  Function function_;
};

}  // namespace layotto::grpc
