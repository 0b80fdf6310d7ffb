// ScriptedServer: a ServerHarness whose handler answers by path.
//
//   /hello   at once                            /collect  when the whole body was read
//   /empty   at once, 204                       /wait     when `released`; reads the body then
//   /early   at once, 413, body not read        /produce  a stream of `produce_total` bytes
//   /fail    an Error                           /bidi     the request body as it comes
//   /interim 103, then "final"                  /afterwards  at once, then reads the body
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "tests/support/h2_server_harness.h"

namespace layotto::tests {

// Every knob is open to the test.
class ScriptedHandler final : public http::Handler {
 public:
  explicit ScriptedHandler(async::Loop& loop) : released(loop) {}

  Task<Result<http::Response>> handle(http::Request request, http::Exchange& exchange) override {
    const std::string_view path = request.head.path_only();
    if (path == "/hello") return async::ready(Result<http::Response>(text("hello")));
    if (path == "/empty") return async::ready(Result<http::Response>(plain(204)));
    if (path == "/fail") return async::failed<Result<http::Response>>(base::not_found("not here"));
    if (path == "/early") return async::ready(Result<http::Response>(plain(413)));
    if (path == "/collect") return collect(this, std::move(request));
    if (path == "/wait") {
      if (wait_at_most != Duration{}) exchange.deadline = exchange.start + wait_at_most;
      return wait(this, std::move(request), exchange);
    }
    if (path == "/produce") return async::ready(Result<http::Response>(produce(exchange)));
    if (path == "/bidi")
      return async::ready(Result<http::Response>(bidi(std::move(request), exchange)));
    if (path == "/interim") return interim(std::move(request), exchange);
    if (path == "/afterwards") {
      exchange.tasks.spawn_under(exchange.stop, &read_afterwards, this, std::move(request.body));
      return async::ready(Result<http::Response>(text("early")));
    }
    return async::failed<Result<http::Response>>(base::unimplemented("no such path"));
  }

  static http::Response plain(uint16_t status) {
    return {.head = http::ResponseHead(status), .body = http::Body()};
  }
  static http::Response text(std::string_view content) {
    return {.head = http::ResponseHead(200), .body = http::Body::complete(Bytes::unowned(content))};
  }

  async::Event released;
  async::StopReason stopped = async::StopReason::kNone;
  bool body_was_complete = false;
  std::string collected;
  Duration wait_at_most{};  // the deadline of /wait; 0: none
  int afterwards = 0;       // how the task that outlives the answer ended: 1 ok, -1 error

  // The stream of /produce.
  size_t produce_total = 1'000'000;
  size_t produced = 0;
  size_t fail_after = SIZE_MAX;
  std::string_view stated_length;  // its Content-Length, if any

 private:
  static Task<Result<http::Response>> collect(ScriptedHandler* self, http::Request request) {
    self->body_was_complete = request.body.is_complete();
    CO_TRY(const Bytes all, co_await http::read_all(request.body, 1 << 30));
    self->collected = all.view();
    co_return text("collected");
  }
  // Reads nothing until it is let go.
  static Task<Result<http::Response>> wait(ScriptedHandler* self, http::Request request,
                                           http::Exchange& exchange) {
    const Status waited = co_await self->released.wait();
    self->stopped = exchange.stop.reason();
    if (!waited.ok()) co_return waited.error().clone();
    CO_TRY(const Bytes all, co_await http::read_all(request.body, 1 << 30));
    self->collected = all.view();
    co_return text("waited");
  }
  static Task<Result<http::Response>> interim(http::Request, http::Exchange& exchange) {
    http::ResponseHead hints(103);
    hints.headers.add("link", "</style.css>", exchange.arena);
    exchange.port->send_interim(hints);
    co_return text("final");
  }
  static Task<void> read_afterwards(ScriptedHandler* self, http::Body body) {
    self->afterwards = (co_await http::read_all(body, 1 << 30)).ok() ? 1 : -1;
  }

  class Producer final : public http::BodyStream {
   public:
    explicit Producer(ScriptedHandler& owner) : owner_(owner) {}
    ~Producer() = default;
    Task<Result<http::Chunk>> read(size_t max) override {
      if (owner_.produced >= owner_.fail_after) {
        return async::failed<Result<http::Chunk>>(base::data_loss("the source broke"));
      }
      const size_t n = std::min(max, owner_.produce_total - owner_.produced);
      owner_.produced += n;
      return async::ready(
          Result<http::Chunk>(http::Chunk{.data = Bytes::copy(std::string(n, 'p')),
                                          .end = owner_.produced == owner_.produce_total}));
    }

   private:
    ScriptedHandler& owner_;
  };
  http::Response produce(http::Exchange& exchange) {
    http::Response response{.head = http::ResponseHead(200),
                            .body = http::Body::stream(*exchange.arena.make<Producer>(*this))};
    if (!stated_length.empty()) {
      response.head.headers.add(http::HeaderId::kContentLength, stated_length, exchange.arena);
    }
    return response;
  }

  class Echo final : public http::BodyStream {
   public:
    explicit Echo(http::Body body) : body_(std::move(body)) {}
    ~Echo() = default;
    Task<Result<http::Chunk>> read(size_t max) override { return pass(this, max); }
    [[nodiscard]] const http::HeaderMap* trailers() const override { return body_.trailers(); }

   private:
    static Task<Result<http::Chunk>> pass(Echo* self, size_t max) {
      auto chunk = co_await self->body_.read(max);
      if (chunk.ok() && chunk->end) self->body_.mark_ended();
      co_return chunk;
    }
    http::Body body_;
  };
  static http::Response bidi(http::Request request, http::Exchange& exchange) {
    return {.head = http::ResponseHead(200),
            .body = http::Body::stream(*exchange.arena.make<Echo>(std::move(request.body)))};
  }
};

struct LoopAndHandler {
  async::TestLoop test_loop;
  ScriptedHandler handler{test_loop.loop()};
};
struct ScriptedServer : LoopAndHandler, ServerHarness {
  explicit ScriptedServer(const http::ServerLimits& limits = {})
      : ServerHarness(test_loop, handler, limits) {}
};

}  // namespace layotto::tests
