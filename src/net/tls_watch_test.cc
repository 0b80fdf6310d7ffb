// Reading certificates, and reading them again.
#include "net/tls_watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "async/test_loop.h"
#include "net/memory_pipe.h"
#include "net/tls_connection.h"
#include "tests/support/later.h"
#include "tests/support/test_certificates.h"

namespace layotto::net {
namespace {

namespace fs = std::filesystem;
using async::TestLoop;
using std::chrono::seconds;
using tests::TestCertificates;
using ServerWatch = TlsCertificateWatch<TlsServerContext>;

std::string why(const auto& loaded) { return loaded.ok() ? "fine" : loaded.error().to_string(); }

TlsServerSettings server_settings(const TestCertificates& files) {
  return {.certificate_file = files.file("server.pem"), .key_file = files.file("server.key")};
}

TEST(TlsContext, SaysWhichFileIsWrong) {
  const TestCertificates files;
  TlsServerSettings settings = server_settings(files);
  EXPECT_EQ(why(TlsServerContext::load({})),
            "FAILED_PRECONDITION: a TLS server needs a certificate file and a key file");
  settings.certificate_file = files.file("nowhere.pem");
  EXPECT_EQ(
      why(TlsServerContext::load(settings)),
      fmt::format("FAILED_PRECONDITION: cannot read the certificate file '{}': No such file or "
                  "directory",
                  files.file("nowhere.pem")));
  settings.certificate_file = files.folder().path();
  EXPECT_EQ(why(TlsServerContext::load(settings)),
            fmt::format("FAILED_PRECONDITION: cannot read the certificate file '{}': it is not a "
                        "regular file",
                        files.folder().path()));
  settings.certificate_file = files.file("server.key");
  EXPECT_EQ(why(TlsServerContext::load(settings)),
            fmt::format("FAILED_PRECONDITION: the certificate file '{}' has no PEM certificate",
                        files.file("server.key")));
  settings.certificate_file = files.folder().write(
      "torn.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
  EXPECT_TRUE(
      why(TlsServerContext::load(settings))
          .starts_with(fmt::format("FAILED_PRECONDITION: the certificate file '{}' is broken",
                                   files.file("torn.pem"))));
  settings = server_settings(files);
  settings.key_file = files.file("client.key");
  EXPECT_EQ(
      why(TlsServerContext::load(settings)),
      fmt::format("FAILED_PRECONDITION: the key in '{}' does not belong to the certificate in "
                  "'{}'",
                  files.file("client.key"), files.file("server.pem")));
  settings.key_file = files.file("server.pem");
  EXPECT_EQ(why(TlsServerContext::load(settings)),
            fmt::format("FAILED_PRECONDITION: the key file '{}' has no PEM private key that can be "
                        "read without a passphrase",
                        files.file("server.pem")));
}

TEST(TlsContext, SaysWhatIsMissingToCheckClients) {
  const TestCertificates files;
  TlsServerSettings settings = server_settings(files);
  settings.client_certificate = ClientCertificate::kRequire;
  EXPECT_EQ(why(TlsServerContext::load(settings)),
            "FAILED_PRECONDITION: client certificates are asked for, but there is no CA file to "
            "check them by");
  settings.client_ca_file = files.file("server.key");
  EXPECT_EQ(why(TlsServerContext::load(settings)),
            fmt::format("FAILED_PRECONDITION: the CA file '{}' has no PEM certificate",
                        files.file("server.key")));
  EXPECT_EQ(why(TlsClientContext::load({.certificate_file = files.file("client.pem")})),
            "FAILED_PRECONDITION: a TLS client needs a certificate and a key, or neither");
}

TEST(TlsContext, NeverShowsAKey) {
  // A key that is broken in the middle: what OpenSSL thinks of it must not quote it.
  const TestCertificates files;
  const auto pair = files.ca().issue({});
  std::string broken = pair.key;
  broken[broken.size() / 2] = '!';
  TlsServerSettings settings = server_settings(files);
  settings.key_file = files.folder().write("broken.key", broken);
  const std::string said = why(TlsServerContext::load(settings));
  EXPECT_EQ(said.find(broken.substr(40, 10)), std::string::npos);
  EXPECT_NE(said.find("broken.key"), std::string::npos);
}

TEST(TlsContext, RefusesAnEncryptedKeyWithoutAsking) {
  const TestCertificates files;
  TlsServerSettings settings = server_settings(files);
  settings.key_file = files.folder().write("locked.key",
                                           "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                           "MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBA=\n"
                                           "-----END ENCRYPTED PRIVATE KEY-----\n");
  EXPECT_EQ(TlsServerContext::load(settings).error().code(), Code::kFailedPrecondition);
}

TEST(TlsContext, RefusesFilesThatAreTooLarge) {
  const TestCertificates files;
  TlsServerSettings settings = server_settings(files);
  settings.key_file = files.folder().write("large.key", std::string(kTlsFileBytesMax + 1, 'x'));
  EXPECT_EQ(why(TlsServerContext::load(settings)),
            fmt::format("FAILED_PRECONDITION: cannot read the key file '{}': it has more than {} "
                        "bytes",
                        files.file("large.key"), kTlsFileBytesMax));
}

TEST(TlsContext, RefusesProtocolsThatCannotBeSent) {
  EXPECT_EQ(*alpn_wire({"h2", "http/1.1"}), "\x02h2\x08http/1.1");
  EXPECT_FALSE(alpn_wire({""}).ok());
  EXPECT_FALSE(alpn_wire({std::string(256, 'x')}).ok());
  EXPECT_FALSE(alpn_wire(std::vector<std::string>(kTlsAlpnMax + 1, "h2")).ok());
  EXPECT_EQ(*alpn_wire({}), "");
}

TEST(TlsContext, KnowsWhenItsCertificateExpires) {
  const TestCertificates files;
  auto options = TestCertificates::server_options();
  options.valid_until = std::chrono::hours(48);
  files.write("two-days", files.ca().issue(options));
  const auto context = *TlsServerContext::load(
      {.certificate_file = files.file("two-days.pem"), .key_file = files.file("two-days.key")});
  const auto left = context->expires() - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::hours(47));
  EXPECT_LT(left, std::chrono::hours(49));
  EXPECT_FALSE((*TlsClientContext::load({.ca_file = files.file("ca.pem")}))->expires().has_value());
}

// ---- watching ----------------------------------------------------------------------------------

class TlsWatchTest : public ::testing::Test {
 protected:
  ~TlsWatchTest() override { test_.stop_and_run(); }
  void start() {
    auto watch = ServerWatch::start(test_.loop(), server_settings(files_));
    ASSERT_TRUE(watch.ok()) << watch.error().to_string();
    watch_ = std::move(*watch);
  }
  void look() { test_.advance(Duration(kTlsWatchInterval) + std::chrono::milliseconds(1)); }
  void renew() { files_.write("server", files_.ca().issue(TestCertificates::server_options())); }

  TestCertificates files_;
  TestLoop test_;
  std::unique_ptr<ServerWatch> watch_;
};

TEST_F(TlsWatchTest, FailsToStartWithFilesThatAreWrong) {
  files_.folder().write("server.key", "nothing");
  EXPECT_FALSE(ServerWatch::start(test_.loop(), server_settings(files_)).ok());
}

TEST_F(TlsWatchTest, LeavesFilesThatDoNotChangeAlone) {
  start();
  const auto before = watch_->current();
  for (int i = 0; i < 5; ++i) look();
  EXPECT_EQ(watch_->current(), before);
  EXPECT_EQ(watch_->counters().reloads.read(), 0U);
}

TEST_F(TlsWatchTest, TakesNewFiles) {
  start();
  const auto before = watch_->current();
  renew();
  EXPECT_EQ(watch_->current(), before);
  look();
  EXPECT_NE(watch_->current(), before);
  EXPECT_EQ(watch_->counters().reloads.read(), 1U);
  EXPECT_TRUE(watch_->status().ok());
}

TEST_F(TlsWatchTest, SeesALinkThatPointsElsewhereNow) {
  // As Kubernetes does it: NAME -> ..data/NAME, ..data -> a folder of that version.
  const auto put = [&](const std::string& version) {
    fs::create_directory(files_.file(version));
    const auto pair = files_.ca().issue(TestCertificates::server_options());
    files_.folder().write(version + "/server.pem", pair.certificate);
    files_.folder().write(version + "/server.key", pair.key);
    fs::create_directory_symlink(version, files_.file("..next"));
    fs::rename(files_.file("..next"), files_.file("..data"));
  };
  fs::remove(files_.file("server.pem"));
  fs::remove(files_.file("server.key"));
  put("..first");
  fs::create_symlink("..data/server.pem", files_.file("server.pem"));
  fs::create_symlink("..data/server.key", files_.file("server.key"));
  start();
  const auto before = watch_->current();
  put("..second");
  look();
  EXPECT_NE(watch_->current(), before);
  EXPECT_TRUE(watch_->status().ok()) << watch_->status().error().to_string();
}

TEST_F(TlsWatchTest, KeepsWhatItHasWhenNewFilesAreBroken) {
  start();
  const auto before = watch_->current();
  files_.folder().write("server.pem", "torn");
  look();
  EXPECT_EQ(watch_->current(), before);
  EXPECT_EQ(watch_->counters().failures.read(), 1U);
  EXPECT_EQ(why(watch_->status()),
            fmt::format("FAILED_PRECONDITION: the certificate file '{}' has no PEM certificate",
                        files_.file("server.pem")));
  look();
  EXPECT_EQ(watch_->counters().failures.read(), 1U) << "told once, not every second";
  EXPECT_FALSE(watch_->status().ok()) << "and true until it is mended";
  fs::remove(files_.file("server.pem"));
  look();
  EXPECT_EQ(watch_->counters().failures.read(), 2U);
  renew();
  look();
  EXPECT_TRUE(watch_->status().ok());
  EXPECT_NE(watch_->current(), before);
}

TEST_F(TlsWatchTest, WaitsForTheKeyOfANewCertificate) {
  start();
  const auto before = watch_->current();
  const auto pair = files_.ca().issue(TestCertificates::server_options());
  files_.folder().write("server.pem", pair.certificate);
  look();
  EXPECT_EQ(watch_->current(), before);
  files_.folder().write("server.key", pair.key);
  look();
  EXPECT_NE(watch_->current(), before);
  EXPECT_TRUE(watch_->status().ok());
}

Task<void> count_changes(ServerWatch* watch, int* count) {
  while ((co_await watch->changed().wait()).ok()) ++*count;
}

TEST_F(TlsWatchTest, WakesWhoWaitsForAChange) {
  start();
  int changes = 0;
  test_.tasks().spawn(&count_changes, watch_.get(), &changes);
  look();
  EXPECT_EQ(changes, 0);
  files_.folder().write("server.pem", "torn");
  look();
  renew();
  look();
  EXPECT_EQ(changes, 2);
  test_.stop_and_run();
}

Task<void> shake(TlsConnection* connection, tests::Later<Status>* status) {
  status->emplace(co_await connection->handshake(connection->loop().now() + seconds(5)));
}

TEST_F(TlsWatchTest, LiveConnectionsStayWithTheirCertificate) {
  start();
  const auto client_context = *TlsClientContext::load({.ca_file = files_.file("ca.pem")});
  struct Pair {
    std::unique_ptr<TlsConnection> client;
    std::unique_ptr<TlsConnection> server;
  };
  const auto connect = [&] {
    auto [near, far] = MemoryPipe::make(test_.loop());
    Pair pair{std::move(*TlsConnection::client(std::move(near), client_context,
                                               {.server_name = "server.test"})),
              TlsConnection::server(std::move(far), watch_->current())};
    tests::Later<Status> client;
    tests::Later<Status> server;
    test_.tasks().spawn(&shake, pair.client.get(), &client);
    test_.tasks().spawn(&shake, pair.server.get(), &server);
    test_.run();
    EXPECT_TRUE(client->ok() && server->ok());
    return pair;
  };
  const Pair old = connect();
  renew();
  look();
  const Pair young = connect();
  EXPECT_NE(old.client->tls()->peer_sha256, young.client->tls()->peer_sha256);
  old.server->out().append("still here");
  old.server->schedule_flush();
  test_.run();
  std::array<char, 64> buffer;
  const ReadResult got = old.client->read_some(buffer);
  EXPECT_EQ(std::string_view(buffer.data(), got.size), "still here");
}

}  // namespace
}  // namespace layotto::net
