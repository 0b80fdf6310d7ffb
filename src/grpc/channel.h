// Channel: gRPC calls of our own through any http::Handler (a connection, a pool, a cluster).
// Messages are untyped: whoever calls knows them.
//
//   grpc::Channel channel(connection, loop, {.authority = "127.0.0.1:34904"});
//   Status status = co_await channel.call("/pkg.Service/Method", request, reply, {.deadline = at});
//
//   grpc::Call call(channel, "/pkg.Service/Chat", {.deadline = at});      // streams
//   CO_TRY(co_await call.start());
//   CO_TRY(co_await call.write(ping));
//   call.finish_writing();
//   while (true) {
//     CO_TRY(const bool more, co_await call.read(pong));   // an Error is the call's status
//     if (!more) break;
//   }
//   co_await call.end();
//
// A status other than OK becomes an Error of its code, with the server's words, origin upstream.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/task.h"
#include "grpc/limits.h"
#include "grpc/message_stream.h"
#include "http/exchange.h"
#include "http/handler.h"
#include "http/message.h"

namespace layotto::grpc {

using Metadata = std::vector<std::pair<std::string, std::string>>;

struct CallOptions {
  TimePoint deadline = TimePoint::max();
  // Names in lower case; values of names that end in "-bin" are base64 already.
  Metadata metadata = {};
  // Compress what is sent. Compressed replies are understood always.
  bool compress = false;
};

struct ChannelOptions {
  std::string authority;
  std::string scheme = {};  // empty: as the transport knows it
  std::string user_agent = "layotto";
  size_t message_bytes_max = kMessageBytesMax;
};

class Channel {
 public:
  // `transport` outlives the channel, the channel its calls.
  Channel(http::Handler& transport, async::Loop& loop, ChannelOptions options)
      : transport_(transport), loop_(loop), options_(std::move(options)) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // One request, one reply. `path` is "/package.Service/Method". Stopped with the caller.
  Task<Status> call(std::string_view path, const MessageLite& request, MessageLite& reply,
                    CallOptions options = {});

  [[nodiscard]] http::Handler& transport() const { return transport_; }
  [[nodiscard]] async::Loop& loop() const { return loop_; }
  [[nodiscard]] const ChannelOptions& options() const { return options_; }

 private:
  http::Handler& transport_;
  async::Loop& loop_;
  ChannelOptions options_;
};

// One call. Either unary(), once; or start(), then read() and write(), then end().
class Call {
 public:
  Call(Channel& channel, std::string_view path, CallOptions options = {});
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  // Nothing of it may run: unary() has returned, or end() has.
  ~Call() = default;

  Task<Status> unary(const MessageLite& request, MessageLite& reply);

  // Sends the head. The call is stopped with the caller from now on.
  Task<Status> start();
  // Waits while much is queued that the server does not take.
  Task<Status> write(const MessageLite& message);
  void finish_writing() { writer_.finish(); }
  // False: the call has ended with OK. An Error: how it ended else.
  Task<Result<bool>> read(MessageLite& into);
  // Every wait of the call ends with CANCELLED.
  void cancel() { exchange_.stop.fire(async::StopReason::kCancelled); }
  // Cancels what has not ended, returns when nothing of the call runs any more.
  Task<void> end();

  // What the server says besides messages; as long as the call. Empty until it is here.
  [[nodiscard]] const http::HeaderMap& initial_metadata() const { return initial_metadata_; }
  [[nodiscard]] const http::HeaderMap& trailing_metadata() const { return trailing_metadata_; }

 private:
  static Task<void> run(Call* self);
  Task<Status> exchange_messages(Bytes message, MessageLite* reply);
  Task<Status> write_later(Task<Status> written);
  Task<Result<bool>> read_message(MessageLite* into);

  http::Request make_request(http::Body body);
  // Begins under the caller's stop.
  void link_to(async::StopSource* stop);
  // The answer's head: its encoding, or why there will be no messages.
  Result<Encoding> accept(const http::Response& response);
  Status final_status(const MessageReader& reader);

  Channel& channel_;
  std::string path_;
  CallOptions options_;
  http::Exchange exchange_;
  http::RequestLine line_;
  MessageWriter writer_;
  std::optional<MessageReader> reader_;  // once the head is here
  std::optional<Error> failure_;         // why there is no reader
  async::Event answered_;                // one of the two is set
  http::HeaderMap initial_metadata_;
  http::HeaderMap trailing_metadata_;
};

// grpc-timeout for what is left; never longer than it.
std::string timeout_text(Duration left);
// grpc-message as it was before percent-encoding; what is not an encoding stays.
std::string decode_status_message(std::string_view encoded);

}  // namespace layotto::grpc
