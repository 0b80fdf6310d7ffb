#include "net/system_dialer.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

#include "async/deadline.h"
#include "net/listener.h"
#include "net/tls_connection.h"
#include "tests/support/later.h"
#include "tests/support/socket_loop.h"
#include "tests/support/test_certificates.h"

namespace layotto::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::SocketLoop;
using tests::TestCertificates;
using Dialled = Result<std::unique_ptr<Connection>>;

std::string said(const Dialled& dialled) {
  return dialled.ok() ? "connected to " + (*dialled)->peer().to_string()
                      : dialled.error().to_string();
}

// Names by a table; a name that is not there is never answered.
class TableResolver final : public Resolver {
 public:
  explicit TableResolver(async::Loop& loop) : never_(loop) {}
  Task<Result<std::vector<Address>>> resolve(std::string_view host, uint16_t) override {
    if (const auto found = names.find(std::string(host)); found != names.end()) {
      return async::ready(Result<std::vector<Address>>(found->second));
    }
    if (host == "gone.test") {
      return async::failed<Result<std::vector<Address>>>(
          base::unavailable("there is no host named 'gone.test'").upstream().flag("DF"));
    }
    return wait();
  }
  std::map<std::string, std::vector<Address>> names;

 private:
  Task<Result<std::vector<Address>>> wait() {
    CO_TRY(co_await never_.wait());
    co_return std::vector<Address>{};
  }
  async::Event never_;
};

// Somebody who listens; accepted connections are dropped at once or kept waiting in the backlog.
class Listening {
 public:
  explicit Listening(const Address& address, int backlog = 16) {
    fd_ = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(bind(fd_, address.data(), address.length()) == 0 && listen(fd_, backlog) == 0);
    sockaddr_un storage{};
    socklen_t length = sizeof(storage);
    auto* generic = reinterpret_cast<sockaddr*>(&storage);
    CHECK(getsockname(fd_, generic, &length) == 0);
    address_ = Address::from_sockaddr(generic, length);
  }
  static Listening somewhere() { return Listening(*Address::parse("127.0.0.1:0")); }
  Listening(Listening&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}
  ~Listening() {
    for (const int fd : waiting_) close(fd);
    if (fd_ >= 0) close(fd_);
  }
  // Connects until the backlog is full: later connections get no answer.
  void fill_backlog() {
    for (int i = 0; i < 100; ++i) {
      const int fd = socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      waiting_.push_back(fd);
      if (connect(fd, address_.data(), address_.length()) == 0) continue;
      if (errno != EINPROGRESS) return;
      pollfd look{.fd = fd, .events = POLLOUT, .revents = 0};
      if (poll(&look, 1, 50) == 0) return;
    }
    FAIL() << "the backlog does not fill up";
  }
  // Takes one connection out of it.
  void accept_one() const { close(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)); }
  [[nodiscard]] const Address& address() const { return address_; }

 private:
  int fd_ = -1;
  Address address_;
  std::vector<int> waiting_;
};

// A port of the loopback device where nobody listens.
Address nobody() {
  const Listening gone = Listening::somewhere();
  return gone.address();
}

class SystemDialerTest : public ::testing::Test {
 protected:
  Dialled dial(const Endpoint& endpoint, const DialOptions& options = {}) {
    test_.run_passes(1);  // the loop's clock stood still while the test prepared
    return test_.run(dialer_.dial(endpoint, options));
  }
  Dialled dial(std::string_view endpoint, const DialOptions& options = {}) {
    return dial(*Endpoint::parse(endpoint), options);
  }

  SocketLoop test_;
  TableResolver resolver_{test_.loop()};
  SystemDialer dialer_{test_.loop(), resolver_};
};

TEST(Endpoint, ReadsWhatItWrites) {
  for (const char* text : {"redis.default.svc:6379", "10.0.0.1:80", "[::1]:443", "unix:/run/a.sock",
                           "unix-abstract:name"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint->to_string(), text);
    EXPECT_EQ(*Endpoint::parse(endpoint->to_string()), *endpoint);
  }
  EXPECT_EQ(Endpoint::parse("[::1]:443")->host, "::1");
  EXPECT_TRUE(Endpoint::parse("unix:///run/a.sock")->is_unix());
  EXPECT_EQ(Endpoint::parse("unix:///run/a.sock")->unix_path, "/run/a.sock");
}

TEST(Endpoint, SaysHowToWriteIt) {
  EXPECT_EQ(Endpoint::parse("redis").error().message(),
            "'redis' is not an address: write host:port");
  EXPECT_EQ(Endpoint::parse(":80").error().message(),
            "':80' names no host to connect to: write host:port");
  EXPECT_EQ(Endpoint::parse("a:0").error().message(),
            "'a:0' names port 0: nobody can be reached there");
  EXPECT_FALSE(Endpoint::parse("unix:").ok());
}

TEST_F(SystemDialerTest, ConnectsByAddress) {
  const Listening listening = Listening::somewhere();
  const Dialled dialled = dial(listening.address().to_string());
  ASSERT_TRUE(dialled.ok()) << said(dialled);
  EXPECT_EQ((*dialled)->peer(), listening.address());
  EXPECT_TRUE((*dialled)->local().is_loopback());
  EXPECT_EQ((*dialled)->tls(), nullptr);
}

TEST_F(SystemDialerTest, ConnectsByPath) {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  EXPECT_EQ(said(dial("unix:" + path)),
            fmt::format("UNAVAILABLE: cannot connect to unix:{}: No such file or directory", path));
  const Listening listening(*Address::unix_path(path));
  EXPECT_EQ(said(dial("unix:" + path)), "connected to unix:" + path);
}

TEST_F(SystemDialerTest, WaitsForRoomInTheBacklogOfAUnixSocket) {
  const tests::TemporaryFolder folder;
  Listening listening(*Address::unix_path(folder / "a.sock"), 1);
  listening.fill_backlog();
  const std::string endpoint = listening.address().to_string();
  EXPECT_EQ(said(dial(endpoint, {.connect_timeout = milliseconds(40)})),
            fmt::format("UNAVAILABLE: cannot connect to {}: no answer within 40 ms", endpoint));
  listening.accept_one();
  EXPECT_EQ(said(dial(endpoint)), "connected to " + endpoint);
}

TEST_F(SystemDialerTest, SaysThatItWasRefused) {
  const std::string endpoint = nobody().to_string();
  const Dialled refused = dial(endpoint);
  EXPECT_EQ(said(refused),
            fmt::format("UNAVAILABLE: cannot connect to {}: Connection refused", endpoint));
  EXPECT_EQ(refused.error().origin(), base::Origin::kUpstream);
  EXPECT_EQ(refused.error().retry(), base::Retry::kYes);
  EXPECT_EQ(refused.error().response_flag(), "UF");
}

TEST_F(SystemDialerTest, SaysThatThereIsNoWayThere) {
  // Nothing leaves the machine: a stream to a multicast address is refused by our own kernel.
  EXPECT_EQ(said(dial("224.0.0.1:80")),
            "UNAVAILABLE: cannot connect to 224.0.0.1:80: Network is unreachable");
}

TEST_F(SystemDialerTest, DoesNotWaitLongerThanItMay) {
  Listening listening(*Address::parse("127.0.0.1:0"), 0);
  listening.fill_backlog();
  const std::string endpoint = listening.address().to_string();
  const TimePoint before = test_.loop().clock().now();
  const Dialled late = dial(endpoint, {.connect_timeout = milliseconds(60)});
  EXPECT_EQ(said(late),
            fmt::format("UNAVAILABLE: cannot connect to {}: no answer within 60 ms", endpoint));
  EXPECT_GE(test_.loop().clock().now() - before, milliseconds(59));
  EXPECT_EQ(late.error().response_flag(), "UF");
}

TEST_F(SystemDialerTest, TriesTheNextAddressWhenTheFirstRefuses) {
  const Listening listening = Listening::somewhere();
  const Address refusing = nobody();
  resolver_.names["two.test"] = {refusing, listening.address()};
  EXPECT_EQ(said(dial("two.test:80")), "connected to " + listening.address().to_string());
  resolver_.names["two.test"] = {refusing, *Address::parse("224.0.0.1:80")};
  EXPECT_EQ(said(dial("two.test:80")),
            fmt::format("UNAVAILABLE: cannot connect to two.test:80: {}: Connection refused; "
                        "224.0.0.1:80: Network is unreachable",
                        refusing.to_string()));
}

TEST_F(SystemDialerTest, LeavesTimeForTheNextAddress) {
  Listening silent(*Address::parse("127.0.0.1:0"), 0);
  silent.fill_backlog();
  const Listening listening = Listening::somewhere();
  resolver_.names["two.test"] = {silent.address(), listening.address()};
  EXPECT_EQ(said(dial("two.test:80", {.connect_timeout = milliseconds(600)})),
            "connected to " + listening.address().to_string());
  // Not enough for both: the second is not tried, and that is said.
  EXPECT_EQ(
      said(dial("two.test:80", {.connect_timeout = milliseconds(50)})),
      fmt::format("UNAVAILABLE: cannot connect to two.test:80: {}: no answer within 50 ms; no "
                  "time left for 1 more",
                  silent.address().to_string()));
}

TEST_F(SystemDialerTest, PassesOnWhyANameIsNoGood) {
  const Dialled gone = dial("gone.test:80");
  EXPECT_EQ(said(gone), "UNAVAILABLE: there is no host named 'gone.test'");
  EXPECT_EQ(gone.error().response_flag(), "DF");
  const Dialled slow = dial("slow.test:80", {.connect_timeout = milliseconds(20)});
  EXPECT_EQ(said(slow),
            "UNAVAILABLE: cannot connect to slow.test:80: looking up its name took too long");
  EXPECT_EQ(slow.error().response_flag(), "DF");
}

Task<void> dial_into(Dialer* dialer, Endpoint endpoint, tests::Later<Dialled>* dialled) {
  dialled->emplace(co_await dialer->dial(endpoint, {.connect_timeout = seconds(10)}));
}

TEST_F(SystemDialerTest, EndsWithItsCaller) {
  Listening silent(*Address::parse("127.0.0.1:0"), 0);
  silent.fill_backlog();
  resolver_.names["silent.test"] = {silent.address(), silent.address()};
  for (const char* name : {"slow.test:80", "silent.test:80"}) {
    async::TaskGroup tasks(test_.loop());
    tests::Later<Dialled> dialled;
    tasks.spawn(&dial_into, &dialer_, *Endpoint::parse(name), &dialled);
    test_.run_passes();
    EXPECT_FALSE(dialled.has_value());
    tasks.stop(async::StopReason::kCancelled);
    test_.run_passes();
    ASSERT_TRUE(dialled.has_value());
    EXPECT_EQ(said(*dialled), "CANCELLED: cancelled");
  }
}

// ---- with TLS ----------------------------------------------------------------------------------

// Accepts, does the server's side of the handshake and keeps the connection.
class TlsServer final : public Acceptor {
 public:
  TlsServer(SocketLoop& test, std::shared_ptr<const TlsServerContext> context)
      : test_(test),
        context_(std::move(context)),
        listener_(test.loop(), *ListeningSocket::open(*Address::parse("127.0.0.1:0"), {}), *this) {
    CHECK(listener_.start().ok());
  }
  void accepted(int fd) override { test_.tasks().spawn(&serve, this, fd); }
  [[nodiscard]] const Address& address() const { return listener_.address(); }
  std::string server_name;

 private:
  static Task<void> serve(TlsServer* self, int fd) {
    auto tls = TlsConnection::server(*FdConnection::adopt(self->test_.loop(), fd), self->context_);
    if (!(co_await tls->handshake(self->test_.loop().now() + seconds(5))).ok()) co_return;
    self->server_name = tls->tls()->server_name;
    std::array<char, 64> buffer;
    while ((co_await tls->readable().wait()).ok()) {
      const ReadOutcome outcome = tls->read_some(buffer).outcome;
      if (outcome == ReadOutcome::kEnd || outcome == ReadOutcome::kError) co_return;
    }
  }

  SocketLoop& test_;
  std::shared_ptr<const TlsServerContext> context_;
  Listener listener_;
};

class TlsDialTest : public SystemDialerTest {
 protected:
  TestCertificates files_;
  std::shared_ptr<const TlsServerContext> server_context_ =
      *TlsServerContext::load({.certificate_file = files_.file("server.pem"),
                               .key_file = files_.file("server.key"),
                               .alpn = {"h2", "http/1.1"}});
  std::shared_ptr<const TlsClientContext> client_context_ =
      *TlsClientContext::load({.ca_file = files_.file("ca.pem"), .alpn = {"http/1.1"}});
  TlsServer server_{test_, server_context_};
};

TEST_F(TlsDialTest, DoesTheHandshake) {
  resolver_.names["server.test"] = {server_.address()};
  resolver_.names["server.test."] = {server_.address()};  // an absolute name
  {
    const Dialled dialled = dial("server.test.:443", {.tls = client_context_});
    ASSERT_TRUE(dialled.ok()) << said(dialled);
    ASSERT_NE((*dialled)->tls(), nullptr);
    EXPECT_EQ((*dialled)->tls()->alpn, "http/1.1");
    ASSERT_TRUE(test_.run_until([&] { return server_.server_name == "server.test"; }));
  }
  const Dialled h2 = dial("server.test:443", {.tls = client_context_, .alpn = {"h2"}});
  ASSERT_TRUE(h2.ok()) << said(h2);
  EXPECT_EQ((*h2)->tls()->alpn, "h2");
}

TEST_F(TlsDialTest, ChecksTheName) {
  resolver_.names["elsewhere.test"] = {server_.address()};
  const Dialled wrong = dial("elsewhere.test:443", {.tls = client_context_});
  EXPECT_EQ(said(wrong),
            fmt::format("UNAUTHENTICATED: TLS handshake with {}: the server's certificate is not "
                        "for 'elsewhere.test'",
                        server_.address().to_string()));
  EXPECT_EQ(wrong.error().response_flag(), "UF");
  EXPECT_EQ(wrong.error().retry(), base::Retry::kNo);
  const Dialled other =
      dial("elsewhere.test:443", {.tls = client_context_, .server_name = "localhost"});
  EXPECT_TRUE(other.ok()) << said(other);
}

TEST_F(TlsDialTest, TheTimeIsForTheHandshakeToo) {
  const Listening silent = Listening::somewhere();
  EXPECT_EQ(said(dial(silent.address().to_string(),
                      {.tls = client_context_, .connect_timeout = milliseconds(40)})),
            fmt::format("UNAVAILABLE: TLS handshake with {}: not finished in time",
                        silent.address().to_string()));
}

}  // namespace
}  // namespace layotto::net
