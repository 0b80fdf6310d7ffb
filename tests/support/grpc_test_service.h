// A gRPC service for tests whose messages are google.protobuf.StringValue, and the wire form of
// calls to it.
#pragma once

#include <fmt/core.h>
#include <google/protobuf/wrappers.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "async/event.h"
#include "grpc/server.h"
#include "tests/support/h2_server_harness.h"

namespace layotto::tests {

using Text = google::protobuf::StringValue;

class TextService {
 public:
  explicit TextService(async::Loop& loop) : released(loop) {}

  // ---- unary
  // The same text; metadata of the request come back in head and trailers.
  Task<Status> echo(const Text& request, Text& reply, http::Exchange& exchange) {
    reply.set_value(request.value());
    for (const http::HeaderField& field : exchange.request->headers.fields()) {
      if (!field.name.starts_with("x-")) continue;
      exchange.response_metadata.add(field.name, field.value, exchange.arena);
      exchange.trailing_metadata.add(field.name, field.value, exchange.arena);
    }
    return async::ready_ok();
  }
  Task<Status> fail(const Text& request, Text&, http::Exchange&) {
    return async::failed<Status>(base::already_exists("{}", request.value()));
  }
  // "later: " and the text, once released.
  Task<Status> later(const Text& request, Text& reply, http::Exchange& exchange) {
    return wait_and_echo(this, &request, &reply, &exchange);
  }
  // As many 'x' as the text says.
  Task<Status> large(const Text& request, Text& reply, http::Exchange&) {
    reply.set_value(std::string(std::stoul(request.value()), 'x'));
    return async::ready_ok();
  }

  // ---- streaming
  // All texts, joined.
  Task<Status> join(grpc::Stream<Text, Text>& stream, http::Exchange&) {
    return join(this, &stream);
  }
  // As many texts as the first one says.
  Task<Status> count(grpc::Stream<Text, Text>& stream, http::Exchange&) {
    return count(this, &stream);
  }
  // Every text at once; a text "fail" ends the call with ABORTED, "return" with OK.
  Task<Status> chat(grpc::Stream<Text, Text>& stream, http::Exchange& exchange) {
    return chat(this, &stream, &exchange);
  }
  // Fails or returns without reading.
  Task<Status> refuse(grpc::Stream<Text, Text>&, http::Exchange&) {
    return async::failed<Status>(base::permission_denied("not you"));
  }
  Task<Status> ignore(grpc::Stream<Text, Text>&, http::Exchange&) { return async::ready_ok(); }

  async::Event released;
  async::StopReason stopped = async::StopReason::kNone;
  std::string ended_with;  // how the last streaming handler's read or write failed
  int handled = 0;         // streaming handlers that have returned
  size_t written = 0;      // messages of count()
  size_t text_size = 3;    // of each message of count()

 private:
  static Task<Status> wait_and_echo(TextService* self, const Text* request, Text* reply,
                                    http::Exchange* exchange) {
    const Status waited = co_await self->released.wait();
    self->stopped = exchange->stop.reason();
    if (!waited.ok()) co_return waited.error().clone();
    reply->set_value("later: " + request->value());
    co_return Status{};
  }
  Status over(Status status) {
    ++handled;
    if (!status.ok()) ended_with = status.error().to_string();
    return status;
  }
  static Task<Status> join(TextService* self, grpc::Stream<Text, Text>* stream) {
    Text text;
    std::string all;
    while (true) {
      Result<bool> more = co_await stream->read(text);
      if (!more.ok()) co_return self->over(std::move(more).error());
      if (!*more) break;
      all += text.value();
    }
    text.set_value(all);
    co_return self->over(co_await stream->write(text));
  }
  static Task<Status> count(TextService* self, grpc::Stream<Text, Text>* stream) {
    Text text;
    CO_TRY(const bool asked, co_await stream->read(text));
    if (!asked) co_return base::invalid_argument("how many?");
    const size_t total = std::stoul(text.value());
    for (size_t i = 0; i < total; ++i) {
      text.set_value(fmt::format("{:x>{}}", i, self->text_size));
      if (Status status = co_await stream->write(text); !status.ok()) {
        co_return self->over(std::move(status));
      }
      ++self->written;
    }
    co_return self->over(Status{});
  }
  static Task<Status> chat(TextService* self, grpc::Stream<Text, Text>* stream,
                           http::Exchange* exchange) {
    Text text;
    while (true) {
      Result<bool> more = co_await stream->read(text);
      self->stopped = exchange->stop.reason();
      if (!more.ok()) co_return self->over(std::move(more).error());
      if (!*more || text.value() == "return") co_return self->over(Status{});
      if (text.value() == "fail") co_return self->over(base::aborted("asked to fail"));
      if (Status status = co_await stream->write(text); !status.ok()) {
        co_return self->over(std::move(status));
      }
    }
  }
};

inline void add_text_service(grpc::Server& server, TextService& service) {
  server.add("/test.Text/Echo", service, &TextService::echo);
  server.add("/test.Text/Fail", service, &TextService::fail);
  server.add("/test.Text/Later", service, &TextService::later);
  server.add("/test.Text/Large", service, &TextService::large);
  using Streaming = Task<Status> (TextService::*)(grpc::Stream<Text, Text>&, http::Exchange&);
  server.add("/test.Text/Join", service, static_cast<Streaming>(&TextService::join));
  server.add("/test.Text/Count", service, static_cast<Streaming>(&TextService::count));
  server.add("/test.Text/Chat", service, static_cast<Streaming>(&TextService::chat));
  server.add("/test.Text/Refuse", service, &TextService::refuse);
  server.add("/test.Text/Ignore", service, &TextService::ignore);
  server.add_unbuilt("/test.Text/Unbuilt");
}

// ---- on the wire

inline std::string grpc_frame(std::string_view message, int flag = 0) {
  return static_cast<char>(flag) + h2::number(static_cast<uint32_t>(message.size()), 4) +
         std::string(message);
}
inline std::string text_message(std::string_view value) {
  Text text;
  text.set_value(std::string(value));
  return text.SerializeAsString();
}
inline std::string text_frame(std::string_view value) { return grpc_frame(text_message(value)); }
// The texts of a body of uncompressed messages.
inline std::vector<std::string> texts_of(std::string_view body) {
  std::vector<std::string> texts;
  while (body.size() >= 5) {
    size_t size = 0;
    for (size_t i = 1; i < 5; ++i) size = (size << 8) | static_cast<uint8_t>(body[i]);
    Text text;
    if (body[0] != 0 || body.size() < 5 + size ||
        !text.ParseFromArray(body.data() + 5, static_cast<int>(size))) {
      texts.emplace_back("(broken)");
      break;
    }
    texts.push_back(text.value());
    body.remove_prefix(5 + size);
  }
  return texts;
}
// HEADERS of a call.
inline std::string call(uint32_t stream, std::string_view method, const h2::Fields& more = {}) {
  h2::Fields fields = h2::grpc("/test.Text/" + std::string(method));
  fields.insert(fields.end(), more.begin(), more.end());
  return h2::request(stream, fields, h2::kEndHeaders);
}
// A whole unary call.
inline std::string unary(uint32_t stream, std::string_view method, std::string_view text,
                         const h2::Fields& more = {}) {
  return call(stream, method, more) + h2::data(stream, text_frame(text));
}
// What became of the call: the code's number and the texts: "0 [hello]".
inline std::string outcome(const H2Answer& answer) {
  const bool only_trailers = answer.trailers.empty();
  const std::string status =
      only_trailers ? answer.header("grpc-status") : answer.trailer("grpc-status");
  std::string text = status.empty() ? "no status" : status;
  for (const std::string& reply : texts_of(answer.body)) text += " [" + reply + "]";
  if (answer.reset.has_value() && *answer.reset != h2::kNoError) {
    text += fmt::format(" reset {}", *answer.reset);
  }
  return text;
}
inline std::string grpc_message_of(const H2Answer& answer) {
  return answer.trailers.empty() ? answer.header("grpc-message") : answer.trailer("grpc-message");
}

struct LoopAndTexts {
  explicit LoopAndTexts(grpc::ServerOptions options) : server(options) {
    add_text_service(server, service);
  }
  async::TestLoop test_loop;
  TextService service{test_loop.loop()};
  grpc::Server server;
};
struct TextServer : LoopAndTexts, ServerHarness {
  explicit TextServer(grpc::ServerOptions options = {}, const http::ServerLimits& limits = {})
      : LoopAndTexts(options), ServerHarness(test_loop, server, limits) {}
};

}  // namespace layotto::tests
