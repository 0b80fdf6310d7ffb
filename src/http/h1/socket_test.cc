// HTTP/1 over real sockets: a client that blocks on nothing but the kernel's buffers.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "http/server.h"
#include "net/fd_connection.h"
#include "tests/support/h2_scripted_server.h"
#include "tests/support/socket_loop.h"

namespace layotto::http::h1 {
namespace {

using tests::SocketLoop;
using tests::SocketPair;

class H1Sockets : public ::testing::TestWithParam<bool> {
 protected:
  H1Sockets() {
    const SocketPair pair = GetParam() ? SocketPair::tcp() : SocketPair::unix_pair();
    client_ = pair.near;
    auto adopted = net::FdConnection::adopt(sockets.loop(), pair.far);
    CHECK(adopted.ok());
    sockets.tasks().spawn(&serve_connection, std::unique_ptr<net::Connection>(*std::move(adopted)),
                          env);
  }
  ~H1Sockets() override {
    if (client_ >= 0) close(client_);
    EXPECT_TRUE(sockets.run_until([this] { return sockets.tasks().running() == 0; }));
    EXPECT_EQ(counters.requests_active.read(), 0);
    EXPECT_EQ(counters.connections_active.read(), 0);
  }
  // Sends all of it, taking what comes meanwhile.
  void send(std::string_view bytes) {
    ASSERT_TRUE(sockets.run_until([&] {
      const ssize_t n = ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
      read();
      return bytes.empty();
    }));
  }
  void read() {
    std::array<char, 65'536> piece;
    while (true) {
      const ssize_t n = recv(client_, piece.data(), piece.size(), 0);
      if (n == 0) ended = true;
      if (n <= 0) return;
      received.append(piece.data(), static_cast<size_t>(n));
    }
  }
  void break_off() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt(client_, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    close(std::exchange(client_, -1));
  }
  // Until what came ends so.
  testing::AssertionResult comes(std::string_view ending) {
    const bool came = sockets.run_until([&] {
      read();
      return received.ends_with(ending);
    });
    if (came) return testing::AssertionSuccess();
    return testing::AssertionFailure() << received.substr(0, 1000);
  }

  SocketLoop sockets;
  tests::ScriptedHandler handler{sockets.loop()};
  Chain chain{handler, "handler"};
  async::DrainSource drain{sockets.loop()};
  HttpCounters counters;
  LiveConnections live;
  std::array<char, net::kReadBufferBytes> buffer;
  base::TickClock ticks;
  ServerEnv env{.loop = sockets.loop(),
                .read_buffer = buffer,
                .ticks = ticks,
                .chain = &chain,
                .limits = {},
                .drain = drain,
                .counters = counters,
                .live = live};
  std::string received;
  bool ended = false;

 private:
  int client_ = -1;
};

TEST_P(H1Sockets, AnswersOneAfterTheOther) {
  send("GET /hello HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_TRUE(comes("\r\n\r\nhello"));
  received.clear();
  send("POST /collect HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbo");
  send("dy");
  EXPECT_TRUE(comes("\r\n\r\ncollected"));
  EXPECT_EQ(handler.collected, "body");
}

TEST_P(H1Sockets, EchoesMoreThanTheBuffersHold) {
  constexpr size_t kChunk = 0x10000;
  constexpr int kChunks = 100;
  send("POST /bidi HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(kChunk, 'e') + "\r\n";
  for (int i = 0; i < kChunks; ++i) send(chunk);
  send("0\r\n\r\n");
  EXPECT_TRUE(comes("\r\n0\r\n\r\n"));
  EXPECT_EQ(counters.request_bytes.read(), kChunk * kChunks);
  EXPECT_EQ(counters.response_bytes.read(), kChunk * kChunks);
}

TEST_P(H1Sockets, RefusesAndLetsItsWordsArrive) {
  send("GET / HTTP/1.1\r\nHost : here\r\n\r\n" + std::string(100'000, 'x'));
  ASSERT_TRUE(sockets.run_until([this] {
    read();
    return ended;
  }));
  EXPECT_TRUE(received.starts_with("HTTP/1.1 400 Bad Request\r\n")) << received;
  EXPECT_TRUE(received.ends_with("no token\n"));
}

TEST_P(H1Sockets, EndsWhenDrained) {
  send("GET /wait HTTP/1.1\r\nHost: here\r\n\r\n");
  ASSERT_TRUE(sockets.run_until([this] { return counters.requests_active.read() == 1; }));
  drain.begin();
  handler.released.set();
  EXPECT_TRUE(comes("waited"));
  EXPECT_NE(received.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(sockets.run_until([this] {
    read();
    return ended;
  }));
}

class H1TcpSockets : public H1Sockets {};  // a Unix socket has no reset

TEST_P(H1TcpSockets, StopsAHandlerWhoseClientBreaksOff) {
  send("GET /wait HTTP/1.1\r\nHost: here\r\n\r\n");
  ASSERT_TRUE(sockets.run_until([this] { return counters.requests_active.read() == 1; }));
  break_off();
  EXPECT_TRUE(sockets.run_until([this] { return counters.requests_active.read() == 0; }));
  EXPECT_EQ(handler.stopped, async::StopReason::kCancelled);
  EXPECT_EQ(counters.requests_reset_by_peer.read(), 1);
}

INSTANTIATE_TEST_SUITE_P(Over, H1TcpSockets, ::testing::Values(true));
INSTANTIATE_TEST_SUITE_P(Over, H1Sockets, ::testing::Values(true, false),
                         [](const auto& over) { return over.param ? "Tcp" : "Unix"; });

}  // namespace
}  // namespace layotto::http::h1
