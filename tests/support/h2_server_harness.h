// ServerHarness: everything an http server needs around it on a TestLoop, and H2Wires to talk to
// it. When it goes it checks that every request that entered the chain was ended once, and that
// nothing is counted as active any more.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "async/test_loop.h"
#include "http/chain.h"
#include "http/filter.h"
#include "http/server.h"
#include "net/memory_pipe.h"
#include "tests/support/h2_peer.h"

namespace layotto::tests {

// What happened to the requests, as a filter sees it.
class CountingFilter final : public http::Filter {
 public:
  struct Tally {
    int entered = 0;
    int responded = 0;
    int ended = 0;
    int last_status = 0;
    uint64_t request_bytes = 0;
    uint64_t response_bytes = 0;
  };
  explicit CountingFilter(Tally& tally) : tally_(tally) {}
  std::optional<http::Response> on_request(http::RequestHead&, http::Exchange&) override {
    ++tally_.entered;
    return {};
  }
  void on_response(http::ResponseHead&, http::Exchange&) override { ++tally_.responded; }
  void on_end(const http::Exchange& exchange) override {
    ++tally_.ended;
    tally_.last_status = exchange.status;
    tally_.request_bytes += exchange.request_bytes;
    tally_.response_bytes += exchange.response_bytes;
    EXPECT_EQ(exchange.tasks.running(), 0) << "ended while its tasks run";
  }

 private:
  Tally& tally_;
};

class ServerHarness {
 public:
  ServerHarness(async::TestLoop& test_loop, http::Handler& handler,
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
  ~ServerHarness() {
    wires_.clear();
    test.stop_and_run();
    EXPECT_EQ(test.tasks().running(), 0);
    EXPECT_EQ(tally.entered, tally.ended);
    EXPECT_EQ(counters.requests_active.read(), 0);
    EXPECT_TRUE(live.empty());
  }

  // A connection that has said nothing yet.
  H2Wire& connect_silently(size_t capacity = 1 << 20) {
    auto [ours, theirs] = net::MemoryPipe::make(test.loop(), capacity);
    test.tasks().spawn(&http::serve_h2, std::unique_ptr<net::Connection>(std::move(theirs)),
                       ByteView(), env);
    return keep(std::move(ours));
  }
  // The same, and the server does not know the protocol yet.
  H2Wire& connect_undetected() {
    auto [ours, theirs] = net::MemoryPipe::make(test.loop());
    test.tasks().spawn(&http::serve_connection, std::unique_ptr<net::Connection>(std::move(theirs)),
                       env);
    return keep(std::move(ours));
  }
  // Past preface and SETTINGS of both sides.
  H2Wire& connect(const h2::Settings& settings = {}, size_t capacity = 1 << 20) {
    H2Wire& wire = connect_silently(capacity);
    exchange(wire, h2::kPreface + h2::settings(settings) + h2::settings_ack());
    wire.forget_frames();
    return wire;
  }
  // Sends, and takes what comes back until nothing more comes.
  void exchange(H2Wire& wire, std::string_view bytes) {
    if (!bytes.empty()) wire.send(bytes);
    uint64_t seen = 0;
    do {
      seen = wire.connection().bytes_read();
      test.run();
      wire.read();
    } while (wire.connection().bytes_read() != seen);
    test.run();
  }
  void advance(Duration by, H2Wire& wire) {
    test.advance(by);
    exchange(wire, {});
  }
  void hang_up(H2Wire& wire) {
    wire.hang_up();
    test.run();
  }
  [[nodiscard]] size_t connections() const { return test.tasks().running(); }

  async::TestLoop& test;
  CountingFilter::Tally tally;
  http::HttpCounters counters;
  http::LiveConnections live;

 private:
  H2Wire& keep(std::unique_ptr<net::Connection> connection) {
    wires_.push_back(std::make_unique<H2Wire>(std::move(connection)));
    test.run();
    return *wires_.back();
  }

  std::array<char, net::kReadBufferBytes> buffer_;
  base::TickClock ticks_;
  http::Chain chain_;
  std::vector<std::unique_ptr<H2Wire>> wires_;

 public:
  async::DrainSource drain;
  http::ServerEnv env;
};

}  // namespace layotto::tests
