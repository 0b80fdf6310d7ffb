// Bytes from a stranger to an HTTP/1 server with handlers that read, do not read, wait and stream.
//
// The first byte of the input is the size of the pieces (0: all at once), the second says what else
// happens: bit 0 the client resets at the end, bit 1 it stops sending instead, bit 2 the server is
// drained half-way, bit 3 a second passes after every piece, bit 4 the client takes little at a
// time, bit 5 it takes nothing until the end. Whatever comes: no crash, no leak, every request that
// entered the chain is ended, what is answered is a sequence of heads, and the server comes to an
// end.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "async/test_loop.h"
#include "http/chain.h"
#include "http/server.h"
#include "net/memory_pipe.h"

namespace layotto::http::h1 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Tally {
  size_t entered = 0;
  size_t ended = 0;
};

class CountingFilter final : public Filter {
 public:
  explicit CountingFilter(Tally& tally) : tally_(tally) {}
  std::optional<Response> on_request(RequestHead&, Exchange&) override {
    ++tally_.entered;
    return {};
  }
  void on_end(const Exchange&) override { ++tally_.ended; }

 private:
  Tally& tally_;
};

// The request's body as the response's.
class Echo final : public BodyStream {
 public:
  explicit Echo(Body body) : body_(std::move(body)) {}
  ~Echo() = default;
  Task<Result<Chunk>> read(size_t max) override { return body_.read(max); }
  [[nodiscard]] const HeaderMap* trailers() const override { return body_.trailers(); }

 private:
  Body body_;
};

// By the second character of the path.
class PathHandler final : public Handler {
 public:
  Task<Result<Response>> handle(Request request, Exchange& exchange) override {
    const std::string_view path = request.head.path();
    switch (path.size() > 1 ? path[1] : 'h') {
      case 'c':
        return collect(std::move(request));
      case 'e':
        return echo(std::move(request), exchange);
      case 'w':
        return wait(std::move(request), exchange);
      case 'f':
        return async::failed<Result<Response>>(base::not_found("not here"));
      case 'i':
        exchange.port->send_interim(ResponseHead(103));
        [[fallthrough]];
      default:
        return async::ready(Result<Response>(text("hello")));
    }
  }

 private:
  static Response text(std::string_view content) {
    return {.head = ResponseHead(200), .body = Body::complete(Bytes::unowned(content))};
  }
  static Task<Result<Response>> collect(Request request) {
    CO_TRY(Bytes all, co_await read_all(request.body, 100'000));
    co_return Response{.head = ResponseHead(200), .body = Body::complete(std::move(all))};
  }
  static Task<Result<Response>> echo(Request request, Exchange& exchange) {
    Echo* body = exchange.arena.make<Echo>(std::move(request.body));
    return async::ready(
        Result<Response>(Response{.head = ResponseHead(200), .body = Body::stream(*body)}));
  }
  static Task<Result<Response>> wait(Request request, Exchange& exchange) {
    CO_TRY(co_await exchange.loop().sleep(milliseconds(1500)));
    CO_TRY(const Bytes all, co_await read_all(request.body, 100'000));
    co_return text("waited");
  }
};

class Client {
 public:
  explicit Client(std::unique_ptr<net::MemoryConnection> connection)
      : connection_(std::move(connection)) {}
  void send(std::string_view bytes) {
    connection_->out().append(bytes);
    connection_->schedule_flush();
  }
  void read() {
    std::array<char, 4096> buffer;
    while (true) {
      const net::ReadResult got = connection_->read_some(buffer);
      if (got.outcome != net::ReadOutcome::kBytes) return;
      received_.append(buffer.data(), std::min<size_t>(got.size, 100));
    }
  }
  [[nodiscard]] net::MemoryConnection& connection() { return *connection_; }
  [[nodiscard]] std::string_view received() const { return received_; }

 private:
  std::unique_ptr<net::MemoryConnection> connection_;
  std::string received_;
};

void run(size_t piece, uint8_t flags, std::string_view bytes) {
  static const base::TickClock* const ticks = new base::TickClock;
  async::TestLoop test;
  PathHandler handler;
  Chain chain(handler, "handler");
  Tally tally;
  chain.add("count", std::make_unique<CountingFilter>(tally));
  async::DrainSource drain(test.loop());
  HttpCounters counters;
  LiveConnections live;
  std::array<char, 4096> buffer;
  ServerEnv env{
      .loop = test.loop(),
      .read_buffer = buffer,
      .ticks = *ticks,
      .chain = &chain,
      .limits = {.header_bytes_max = 2000, .header_fields_max = 20, .idle_timeout = seconds(20)},
      .drain = drain,
      .counters = counters,
      .live = live};

  const size_t capacity = (flags & 16) != 0 ? 100 : 1 << 16;
  auto [ours, theirs] = net::MemoryPipe::make(test.loop(), capacity);
  Client client(std::move(ours));
  test.tasks().spawn(&serve_h1, std::unique_ptr<net::Connection>(std::move(theirs)), ByteView(),
                     env);
  test.run();
  for (size_t at = 0; at < bytes.size(); at += piece) {
    client.send(bytes.substr(at, piece));
    test.run();
    if ((flags & 32) == 0) client.read();
    if ((flags & 8) != 0) test.advance(seconds(1));
    if ((flags & 4) != 0 && at <= bytes.size() / 2 && at + piece > bytes.size() / 2) drain.begin();
  }
  test.run();
  client.read();
  CHECK(client.received().empty() || client.received().starts_with("HTTP/1.1 "),
        "something else than heads");
  if ((flags & 1) != 0) client.connection().close(net::Connection::Close::kReset);
  if ((flags & 3) == 2) client.connection().finish_writing();
  for (int i = 0; i < 100 && test.tasks().running() > 0; ++i) {
    test.advance(seconds(2));
    if ((flags & 1) == 0) client.read();
  }
  CHECK(test.tasks().running() == 0, "the server does not come to an end");
  CHECK(tally.entered == tally.ended, "a request was not ended");
  CHECK(counters.requests_active.read() == 0, "a request counts as active");
}

}  // namespace
}  // namespace layotto::http::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t piece = data[0] == 0 ? size : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  layotto::http::h1::run(piece, data[1], bytes);
  return 0;
}
