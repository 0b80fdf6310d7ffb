// H1Harness: an HTTP/1 server on a TestLoop, and H1Wires to talk to it in bytes. When it goes it
// checks that every request that entered the chain was ended once, and that nothing is counted as
// active any more.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/h2_server_harness.h"

namespace layotto::tests {

// The client's end: what came so far is `received`.
class H1Wire {
 public:
  explicit H1Wire(std::unique_ptr<net::MemoryConnection> connection)
      : connection_(std::move(connection)) {}

  void send(std::string_view bytes) {
    connection_->out().append(bytes);
    connection_->schedule_flush();
  }
  void read() {
    std::array<char, 4096> buffer;
    while (true) {
      const net::ReadResult got = connection_->read_some(buffer);
      if (got.outcome == net::ReadOutcome::kWouldBlock) return;
      if (got.outcome != net::ReadOutcome::kBytes) {
        ended = true;
        broken = got.outcome == net::ReadOutcome::kError;
        return;
      }
      received.append(buffer.data(), got.size);
    }
  }
  [[nodiscard]] net::MemoryConnection& connection() { return *connection_; }

  std::string received;
  bool ended = false;   // the server has closed
  bool broken = false;  // … by a reset

 private:
  std::unique_ptr<net::MemoryConnection> connection_;
};

class H1Harness {
 public:
  H1Harness(async::TestLoop& test_loop, http::Handler& handler,
            const http::ServerLimits& limits = {})
      : test(test_loop),
        chain_(handler, "handler"),
        drain(test.loop()),
        env{.loop = test.loop(),
            .read_buffer = buffer_,
            .ticks = ticks_,
            .chain = &chain_,
            .limits = limits,
            .drain = drain,
            .counters = counters,
            .live = live} {
    chain_.add("count", std::make_unique<CountingFilter>(tally));
  }
  ~H1Harness() {
    wires_.clear();
    test.stop_and_run();
    EXPECT_EQ(test.tasks().running(), 0);
    EXPECT_EQ(tally.entered, tally.ended);
    EXPECT_EQ(counters.requests_active.read(), 0);
    EXPECT_TRUE(live.empty());
  }

  H1Wire& connect(size_t capacity = 1 << 20, std::string_view already_read = {}) {
    auto [ours, theirs] = net::MemoryPipe::make(test.loop(), capacity);
    test.tasks().spawn(&http::serve_h1, std::unique_ptr<net::Connection>(std::move(theirs)),
                       already_read, env);
    wires_.push_back(std::make_unique<H1Wire>(std::move(ours)));
    test.run();
    return *wires_.back();
  }
  // Sends, and takes what comes back until nothing more comes. Returns what came.
  std::string exchange(H1Wire& wire, std::string_view bytes = {}) {
    if (!bytes.empty()) wire.send(bytes);
    const size_t before = wire.received.size();
    size_t seen = 0;
    do {
      seen = wire.received.size();
      test.run();
      wire.read();
    } while (wire.received.size() != seen);
    test.run();
    return wire.received.substr(before);
  }
  // On a connection of its own.
  std::string ask(std::string_view bytes) { return exchange(connect(), bytes); }
  std::string advance(Duration by, H1Wire& wire) {
    test.advance(by);
    return exchange(wire);
  }
  // The client sends no more, or is gone.
  void finish_writing(H1Wire& wire) {
    wire.connection().finish_writing();
    exchange(wire);
  }
  void hang_up(H1Wire& wire) {
    wire.connection().close(net::Connection::Close::kReset);
    test.run();
  }
  [[nodiscard]] size_t connections() const { return test.tasks().running(); }

  async::TestLoop& test;
  CountingFilter::Tally tally;
  http::HttpCounters counters;
  http::LiveConnections live;

 private:
  std::array<char, net::kReadBufferBytes> buffer_;
  base::TickClock ticks_;
  http::Chain chain_;
  std::vector<std::unique_ptr<H1Wire>> wires_;

 public:
  async::DrainSource drain;
  http::ServerEnv env;
};

}  // namespace layotto::tests
