// Our TLS against that of the openssl program.
#include <gtest/gtest.h>

#include "net/fd_connection.h"
#include "net/listener.h"
#include "net/tls_connection.h"
#include "tests/support/child_process.h"
#include "tests/support/socket_loop.h"
#include "tests/support/test_certificates.h"

namespace layotto::net {
namespace {

using std::chrono::seconds;
using tests::ChildProcess;
using tests::SocketLoop;
using tests::TestCertificates;

// One TLS connection: reads a line, answers, ends.
class LineServer final : public Acceptor {
 public:
  LineServer(SocketLoop& test, const TlsServerSettings& settings)
      : test_(test),
        context_(*TlsServerContext::load(settings)),
        listener_(test.loop(), *ListeningSocket::open(*Address::parse("127.0.0.1:0"), {}), *this) {
    EXPECT_TRUE(listener_.start().ok());
  }
  void accepted(int fd) override { test_.tasks().spawn(&serve, this, fd); }
  [[nodiscard]] std::string address() const { return listener_.address().to_string(); }

  std::string line;
  std::string failure;
  TlsIdentity identity;
  bool done = false;

 private:
  static Task<void> serve(LineServer* self, int fd) {
    auto tls = TlsConnection::server(*FdConnection::adopt(self->test_.loop(), fd), self->context_);
    const Status status = co_await tls->handshake(self->test_.loop().now() + seconds(5));
    if (!status.ok()) self->failure = status.error().to_string();
    if (status.ok()) {
      self->identity = *tls->tls();
      std::array<char, 256> buffer;
      while (!self->line.ends_with('\n') && (co_await tls->readable().wait()).ok()) {
        const ReadResult got = tls->read_some(buffer);
        if (got.outcome == ReadOutcome::kWouldBlock) continue;
        if (got.outcome != ReadOutcome::kBytes) break;
        self->line.append(buffer.data(), got.size);
      }
      tls->out().append("you said: " + self->line);
      co_await linger_and_close(*tls, self->test_.loop().now() + seconds(5), 100'000);
    }
    self->done = true;
  }

  SocketLoop& test_;
  std::shared_ptr<const TlsServerContext> context_;
  Listener listener_;
};

class TlsInterop : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::have_program("openssl")) GTEST_SKIP() << "openssl is not installed";
  }
  [[nodiscard]] TlsServerSettings server_settings() const {
    return {.certificate_file = files_.file("server.pem"),
            .key_file = files_.file("server.key"),
            .client_ca_file = files_.file("ca.pem"),
            .alpn = {"h2", "http/1.1"}};
  }
  [[nodiscard]] std::vector<std::string> s_client(const LineServer& server,
                                                  const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"openssl",
                                          "s_client",
                                          "-connect",
                                          server.address(),
                                          "-CAfile",
                                          files_.file("ca.pem"),
                                          "-verify_return_error",
                                          "-verify_hostname",
                                          "server.test",
                                          "-servername",
                                          "server.test"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  TestCertificates files_;
  SocketLoop test_;
};

TEST_F(TlsInterop, ServesTheOpensslClient) {
  for (const char* version : {"-tls1_3", "-tls1_2"}) {
    LineServer server(test_, server_settings());
    ChildProcess client(s_client(server, {version, "-alpn", "http/1.1,h2"}));
    client.write("hello\n");
    ASSERT_TRUE(test_.run_until([&] { return server.done && client.exited(); }))
        << client.output() << server.failure;
    EXPECT_EQ(server.line, "hello\n");
    EXPECT_EQ(server.identity.alpn, "h2");
    EXPECT_EQ(server.identity.server_name, "server.test");
    EXPECT_NE(client.output().find("you said: hello"), std::string::npos) << client.output();
    EXPECT_NE(client.output().find("Verify return code: 0 (ok)"), std::string::npos);
    EXPECT_NE(client.output().find("ALPN protocol: h2"), std::string::npos);
    EXPECT_NE(client.output().find("Compression: NONE"), std::string::npos);
    EXPECT_EQ(client.exit_code(), 0) << client.output();
  }
}

TEST_F(TlsInterop, RefusesWhatIsTooOld) {
  LineServer server(test_, server_settings());
  ChildProcess client(s_client(server, {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}));
  ASSERT_TRUE(test_.run_until([&] { return server.done && client.exited(); })) << client.output();
  EXPECT_NE(server.failure.find("the client speaks no TLS version that is allowed here"),
            std::string::npos)
      << server.failure;
  EXPECT_NE(client.exit_code(), 0);
}

TEST_F(TlsInterop, RefusesToRenegotiate) {
  LineServer server(test_, server_settings());
  ChildProcess client(s_client(server, {"-tls1_2"}));
  client.write("R\n");  // s_client's command
  ASSERT_TRUE(test_.run_until([&] { return server.done && client.exited(); })) << client.output();
  EXPECT_EQ(server.line, "");
  EXPECT_NE(client.output().find("no renegotiation"), std::string::npos) << client.output();
}

TEST_F(TlsInterop, KnowsTheOpensslClientByItsCertificate) {
  TlsServerSettings settings = server_settings();
  settings.client_certificate = ClientCertificate::kRequire;
  {
    LineServer server(test_, settings);
    ChildProcess client(
        s_client(server, {"-cert", files_.file("client.pem"), "-key", files_.file("client.key")}));
    client.write("hello\n");
    ASSERT_TRUE(test_.run_until([&] { return server.done; })) << client.output();
    EXPECT_EQ(server.identity.peer_uris, std::vector<std::string>{"spiffe://test/client"});
  }
  LineServer server(test_, settings);
  ChildProcess client(s_client(server, {}));
  ASSERT_TRUE(test_.run_until([&] { return server.done && client.exited(); })) << client.output();
  EXPECT_NE(client.output().find("certificate required"), std::string::npos)
      << "the alert arrives: " << client.output();
}

Task<void> ask(async::Loop* loop, std::string address,
               std::shared_ptr<const TlsClientContext> context, Result<std::string>* answer) {
  const Address to = *Address::parse(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  EXPECT_TRUE(connect(fd, to.data(), to.length()) == 0 || errno == EINPROGRESS);
  auto inner = FdConnection::adopt(*loop, fd);
  const Status connected = co_await (*inner)->wait_connected();
  EXPECT_TRUE(connected.ok());
  auto tls = std::move(
      *TlsConnection::client(std::move(*inner), std::move(context), {.server_name = "localhost"}));
  const Status shaken = co_await tls->handshake(loop->now() + seconds(5));
  if (!shaken.ok()) {
    *answer = shaken.error().clone();
    co_return;
  }
  tls->out().append("GET / HTTP/1.0\r\n\r\n");
  tls->schedule_flush();
  std::string text;
  std::array<char, 4096> buffer;
  while ((co_await tls->readable().wait()).ok()) {
    const ReadResult got = tls->read_some(buffer);
    if (got.outcome == ReadOutcome::kWouldBlock) continue;
    if (got.outcome != ReadOutcome::kBytes) break;
    text.append(buffer.data(), got.size);
  }
  *answer = text;
}

TEST_F(TlsInterop, AsksTheOpensslServer) {
  ChildProcess server({"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
                       files_.file("server.pem"), "-key", files_.file("server.key"), "-www"});
  std::string address;
  ASSERT_TRUE(test_.run_until([&] {
    const std::string& said = server.output();
    const size_t at = said.find("ACCEPT ");
    const size_t end = said.find('\n', at);
    if (at == std::string::npos || end == std::string::npos) return false;
    address = said.substr(at + 7, end - at - 7);
    return true;
  })) << server.output();
  Result<std::string> answer("");
  test_.run(ask(&test_.loop(), address, *TlsClientContext::load({.ca_file = files_.file("ca.pem")}),
                &answer));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_NE(answer->find("HTTP/1.0 200 ok"), std::string::npos) << *answer;
  test_.run(ask(&test_.loop(), address,
                *TlsClientContext::load({.ca_file = files_.file("other-ca.pem")}), &answer));
  EXPECT_EQ(answer.error().to_string(),
            fmt::format("UNAUTHENTICATED: TLS handshake with {}: the server's certificate is not "
                        "signed by a CA in {}",
                        address, files_.file("other-ca.pem")));
}

}  // namespace
}  // namespace layotto::net
