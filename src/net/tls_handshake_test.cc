// Who speaks to whom: certificates, names, protocols, sessions, and what is not TLS at all.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <tuple>

#include "tests/support/later.h"
#include "tests/support/tls_pair.h"

namespace layotto::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::read_all;
using tests::said;
using tests::shake;
using tests::TestCertificates;

class TlsHandshakeTest : public tests::TlsPairTest {};

// ---- who is there ------------------------------------------------------------------------------

TEST_F(TlsHandshakeTest, SaysWhatWasAgreedOn) {
  server_settings_.alpn = {"h2", "http/1.1"};
  client_settings_.alpn = {"http/1.1", "h2"};
  connect();
  EXPECT_EQ(client_->tls(), nullptr);
  shake_hands();
  ASSERT_NE(server_->tls(), nullptr) << said(server_status_);
  const TlsIdentity& server = *server_->tls();
  EXPECT_EQ(server.alpn, "h2") << "the server's order counts";
  EXPECT_EQ(server.server_name, "server.test");
  EXPECT_EQ(server.protocol, "TLSv1.3");
  EXPECT_TRUE(server.cipher.starts_with("TLS_")) << server.cipher;
  EXPECT_FALSE(server.resumed);
  EXPECT_FALSE(server.has_peer_certificate());
  const TlsIdentity& client = *client_->tls();
  EXPECT_EQ(client.alpn, "h2");
  EXPECT_EQ(client.peer_subject, "CN=server,O=Layotto tests");
  EXPECT_EQ(client.peer_dns_names, (std::vector<std::string>{"localhost", "server.test"}));
  EXPECT_EQ(client.peer_sha256.size(), 64U);
  EXPECT_TRUE(client.peer_verified);
}

TEST_F(TlsHandshakeTest, SpeaksTls12WhenThePeerKnowsNothingNewer) {
  connect();
  // A client of the old kind: its context is ours to limit.
  const auto context = TlsClientContext::load(client_settings_);
  SSL_CTX_set_max_proto_version((*context)->native(), TLS1_2_VERSION);
  auto [near, far] = MemoryPipe::make(test_.loop());
  client_ = std::move(*TlsConnection::client(std::move(near), *context, client_options_));
  server_ = TlsConnection::server(std::move(far), server_context_);
  shake_hands();
  ASSERT_EQ(said(client_status_), "ok");
  EXPECT_EQ(client_->tls()->protocol, "TLSv1.2");
  EXPECT_TRUE(client_->tls()->cipher.starts_with("ECDHE-")) << client_->tls()->cipher;
  // And not when that is too old for the server.
  server_settings_.version_min = TlsVersion::k1_3;
  std::tie(near, far) = MemoryPipe::make(test_.loop());
  client_ = std::move(*TlsConnection::client(std::move(near), *context, client_options_));
  server_ = TlsConnection::server(std::move(far), *TlsServerContext::load(server_settings_));
  shake_hands();
  EXPECT_EQ(said(server_status_),
            "UNAVAILABLE: TLS handshake with unknown: the client speaks no TLS version that is "
            "allowed here");
  EXPECT_EQ(said(client_status_),
            "UNAVAILABLE: TLS handshake with unknown: the server speaks no TLS version that we "
            "speak");
}

TEST_F(TlsHandshakeTest, KnowsTheClientByItsCertificate) {
  server_settings_.client_certificate = ClientCertificate::kRequire;
  client_presents("client");
  establish();
  const TlsIdentity& identity = *server_->tls();
  EXPECT_TRUE(identity.peer_verified);
  EXPECT_EQ(identity.peer_subject, "CN=client,O=Layotto tests");
  EXPECT_EQ(identity.peer_uris, std::vector<std::string>{"spiffe://test/client"});
  EXPECT_EQ(identity.peer_dns_names, std::vector<std::string>{"client.test"});
}

TEST_F(TlsHandshakeTest, KeepsOnlySoManyNamesOfACertificate) {
  server_settings_.client_certificate = ClientCertificate::kRequire;
  tests::CertificateOptions many;
  for (size_t i = 0; i < kTlsNamesMax + 5; ++i)
    many.dns_names.push_back(fmt::format("n{}.test", i));
  files_.write("many", files_.ca().issue(many));
  client_presents("many");
  establish();
  EXPECT_EQ(server_->tls()->peer_dns_names.size(), kTlsNamesMax);
}

TEST_F(TlsHandshakeTest, RequiresAClientCertificateWhenToldTo) {
  server_settings_.client_certificate = ClientCertificate::kRequire;
  connect();
  shake_hands();
  EXPECT_EQ(client_learns(),
            "UNAUTHENTICATED: TLS connection with unknown: the server requires a certificate of "
            "ours");
  EXPECT_EQ(said(server_status_),
            fmt::format("UNAUTHENTICATED: TLS handshake with unknown: the client sent no "
                        "certificate, it needs one signed by a CA in {}",
                        files_.file("ca.pem")));
  EXPECT_EQ(server_status_->error().origin(), base::Origin::kDownstream);
  EXPECT_EQ(server_->tls(), nullptr);
}

TEST_F(TlsHandshakeTest, ServesClientsWithoutACertificateWhenItIsOnlyRequested) {
  server_settings_.client_certificate = ClientCertificate::kRequest;
  establish();
  EXPECT_FALSE(server_->tls()->has_peer_certificate());
  EXPECT_FALSE(server_->tls()->peer_verified);
}

TEST_F(TlsHandshakeTest, RefusesAClientOfAnotherCaEvenWhenItIsOnlyRequested) {
  server_settings_.client_certificate = ClientCertificate::kRequest;
  files_.write("stranger", files_.other_ca().issue(TestCertificates::client_options()));
  client_presents("stranger");
  connect();
  shake_hands();
  EXPECT_EQ(client_learns(),
            "UNAUTHENTICATED: TLS connection with unknown: the server does not know the CA that "
            "signed our certificate");
  EXPECT_EQ(said(server_status_),
            fmt::format("UNAUTHENTICATED: TLS handshake with unknown: the client's certificate is "
                        "not signed by a CA in {}",
                        files_.file("ca.pem")));
}

TEST_F(TlsHandshakeTest, RefusesAnExpiredClient) {
  server_settings_.client_certificate = ClientCertificate::kRequire;
  auto options = TestCertificates::client_options();
  options.valid_until = seconds(-10);
  files_.write("old", files_.ca().issue(options));
  client_presents("old");
  connect();
  shake_hands();
  EXPECT_EQ(client_learns(),
            "UNAUTHENTICATED: TLS connection with unknown: the server says that our certificate "
            "has expired");
  EXPECT_EQ(
      said(server_status_),
      "UNAUTHENTICATED: TLS handshake with unknown: the client's certificate, or that of a CA "
      "above it, has expired");
}

TEST_F(TlsHandshakeTest, RefusesAServerOfAnotherCa) {
  client_settings_.ca_file = files_.file("other-ca.pem");
  connect();
  shake_hands();
  EXPECT_EQ(said(client_status_),
            fmt::format("UNAUTHENTICATED: TLS handshake with unknown: the server's certificate is "
                        "not signed by a CA in {}",
                        files_.file("other-ca.pem")));
  EXPECT_EQ(client_status_->error().origin(), base::Origin::kUpstream);
  EXPECT_EQ(client_status_->error().retry(), base::Retry::kNo);
  EXPECT_EQ(said(server_status_),
            "UNAUTHENTICATED: TLS handshake with unknown: the client does not know the CA that "
            "signed our certificate");
}

TEST_F(TlsHandshakeTest, RefusesAServerWithAnotherName) {
  client_options_.server_name = "elsewhere.test";
  connect();
  shake_hands();
  EXPECT_EQ(said(client_status_),
            "UNAUTHENTICATED: TLS handshake with unknown: the server's certificate is not for "
            "'elsewhere.test'");
}

TEST_F(TlsHandshakeTest, ChecksAddressesAsNamesToo) {
  client_options_.server_name = "127.0.0.1";
  establish();
  EXPECT_EQ(server_->tls()->server_name, "") << "an address is not sent as SNI";
  client_options_.server_name = "127.0.0.2";
  connect();
  shake_hands();
  EXPECT_EQ(said(client_status_),
            "UNAUTHENTICATED: TLS handshake with unknown: the server's certificate is not for "
            "'127.0.0.2'");
}

TEST_F(TlsHandshakeTest, RefusesAnExpiredServerAndOneOfTomorrow) {
  auto options = TestCertificates::server_options();
  options.valid_until = seconds(-10);
  present("expired", options);
  connect();
  shake_hands();
  EXPECT_EQ(
      said(client_status_),
      "UNAUTHENTICATED: TLS handshake with unknown: the server's certificate, or that of a CA "
      "above it, has expired");
  EXPECT_EQ(said(server_status_),
            "UNAUTHENTICATED: TLS handshake with unknown: the client says that our certificate has "
            "expired");
  options.valid_from = std::chrono::hours(1);
  options.valid_until = std::chrono::hours(2);
  server_context_.reset();
  present("tomorrow", options);
  connect();
  shake_hands();
  EXPECT_EQ(said(client_status_),
            "UNAUTHENTICATED: TLS handshake with unknown: the server's certificate is not valid "
            "yet: is a clock wrong?");
}

TEST_F(TlsHandshakeTest, TrustsACaInTheMiddleWithoutItsRoot) {
  const auto middle = files_.ca().issue_ca("Middle CA");
  files_.folder().write("middle-ca.pem", middle->pem());
  files_.write("below", middle->issue(TestCertificates::server_options()));
  server_settings_.certificate_file = files_.file("below.pem");
  server_settings_.key_file = files_.file("below.key");
  client_settings_.ca_file = files_.file("middle-ca.pem");
  establish();
}

TEST_F(TlsHandshakeTest, SendsTheCertificatesUpToTheRoot) {
  const auto middle = files_.ca().issue_ca("Middle CA");
  auto pair = middle->issue(TestCertificates::server_options());
  pair.certificate += middle->pem();
  files_.write("chain", pair);
  server_settings_.certificate_file = files_.file("chain.pem");
  server_settings_.key_file = files_.file("chain.key");
  establish();
  EXPECT_TRUE(client_->tls()->peer_verified);
}

TEST_F(TlsHandshakeTest, ChecksTheChainOnlyOrNothingWhenToldTo) {
  client_options_.server_name = "elsewhere.test";
  client_settings_.verify = TlsVerify::kChain;
  establish();
  EXPECT_TRUE(client_->tls()->peer_verified);
  client_settings_.verify = TlsVerify::kNone;
  client_settings_.ca_file.clear();
  client_context_.reset();
  client_options_.server_name.clear();
  establish();
  EXPECT_FALSE(client_->tls()->peer_verified);
  EXPECT_EQ(client_->tls()->peer_subject, "CN=server,O=Layotto tests");
}

TEST_F(TlsHandshakeTest, WillNotCheckANameItDoesNotHave) {
  auto [near, far] = MemoryPipe::make(test_.loop());
  const auto context = *TlsClientContext::load(client_settings_);
  EXPECT_EQ(TlsConnection::client(std::move(near), context, {}).error().code(),
            Code::kFailedPrecondition);
  std::tie(near, far) = MemoryPipe::make(test_.loop());
  EXPECT_EQ(TlsConnection::client(std::move(near), context,
                                  {.server_name = std::string("server.test\0.evil", 17)})
                .error()
                .code(),
            Code::kInvalidArgument);
}

TEST_F(TlsHandshakeTest, RefusesAClientThatSpeaksNoneOfItsProtocols) {
  server_settings_.alpn = {"h2"};
  client_options_.alpn = {"http/1.1"};
  connect();
  shake_hands();
  EXPECT_EQ(said(server_status_),
            "UNAVAILABLE: TLS handshake with unknown: the client offers none of the protocols "
            "spoken here (ALPN)");
  EXPECT_EQ(said(client_status_),
            "UNAVAILABLE: TLS handshake with unknown: the server speaks none of the protocols we "
            "offered (ALPN)");
}

TEST_F(TlsHandshakeTest, ServesAClientThatOffersNoProtocol) {
  server_settings_.alpn = {"h2"};
  establish();
  EXPECT_EQ(server_->tls()->alpn, "");
  client_settings_.alpn = {"spdy/1"};
  client_options_.alpn = {"h2"};  // instead of the context's
  client_context_.reset();
  establish();
  EXPECT_EQ(client_->tls()->alpn, "h2");
}

TEST_F(TlsHandshakeTest, ResumedSessionsKeepTheIdentity) {
  server_settings_.client_certificate = ClientCertificate::kRequire;
  client_presents("client");
  client_options_.keep_session = true;
  establish();
  server_->out().append("so that the tickets are read");
  server_->schedule_flush();
  test_.run();
  EXPECT_EQ(now_readable(*client_), "so that the tickets are read");
  const TlsSession session = client_->take_session();
  ASSERT_FALSE(session.empty());
  client_options_.resume = &session;
  establish();
  EXPECT_TRUE(server_->tls()->resumed);
  EXPECT_TRUE(client_->tls()->resumed);
  EXPECT_EQ(server_->tls()->peer_uris, std::vector<std::string>{"spiffe://test/client"});
  EXPECT_TRUE(server_->tls()->peer_verified);
  EXPECT_TRUE(client_->tls()->peer_verified);
  EXPECT_EQ(client_->tls()->peer_subject, "CN=server,O=Layotto tests");
  // Not with another name: what was checked was checked for the first.
  client_options_.server_name = "localhost";
  establish();
  EXPECT_FALSE(server_->tls()->resumed);
  // Nor with a server whose certificate was exchanged.
  client_options_.server_name = "server.test";
  server_context_.reset();
  establish();
  EXPECT_FALSE(server_->tls()->resumed);
}

// ---- not TLS, not in time ----------------------------------------------------------------------

class TlsPortTest : public TlsHandshakeTest {
 protected:
  // What the server says to these bytes.
  std::string answer_to(std::string_view bytes, bool end = true) {
    auto [near, far] = MemoryPipe::make(test_.loop());
    server_ = TlsConnection::server(std::move(far), *TlsServerContext::load(server_settings_));
    near->out().append(bytes);
    if (end) {
      near->finish_writing();
    } else {
      near->schedule_flush();
    }
    tests::Later<Status> status;
    test_.tasks().spawn(&shake, server_.get(), Duration(seconds(5)), &status);
    test_.run();
    test_.advance(Duration(kTlsAlertLinger) + milliseconds(10));
    return said(status);
  }
};

TEST_F(TlsPortTest, NamesPlainHttp) {
  for (const char* request :
       {"GET / HTTP/1.1\r\n", "DELETE /a HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n"}) {
    EXPECT_EQ(answer_to(request, false),
              "UNAVAILABLE: TLS handshake with unknown: the client speaks plain HTTP, this port "
              "expects TLS (https)")
        << request;
  }
}

TEST_F(TlsPortTest, NamesWhatIsNotTls) {
  EXPECT_EQ(answer_to("SSH-2.0-OpenSSH_9.2p1\r\n", false),
            "UNAVAILABLE: TLS handshake with unknown: the client does not speak TLS");
  EXPECT_EQ(answer_to(std::string(100, '\0'), false),
            "UNAVAILABLE: TLS handshake with unknown: the client does not speak TLS");
}

TEST_F(TlsPortTest, SaysThatTheClientWentAway) {
  const std::string gone =
      "UNAVAILABLE: TLS handshake with unknown: the client closed the connection "
      "in the middle of it";
  EXPECT_EQ(answer_to(""), gone);
  EXPECT_EQ(answer_to("\x16\x03\x01"), gone);
}

TEST_F(TlsPortTest, DoesNotWaitForeverForTheClient) {
  auto [near, far] = MemoryPipe::make(test_.loop());
  server_ = TlsConnection::server(std::move(far), *TlsServerContext::load(server_settings_));
  tests::Later<Status> status;
  test_.tasks().spawn(&shake, server_.get(), Duration(seconds(5)), &status);
  test_.advance(milliseconds(4990));
  EXPECT_FALSE(status.has_value());
  test_.advance(milliseconds(20));
  EXPECT_EQ(said(status), "UNAVAILABLE: TLS handshake with unknown: not finished in time");
  EXPECT_EQ(status->error().origin(), base::Origin::kDownstream);
  EXPECT_NE(server_->failure(), nullptr);
}

TEST_F(TlsPortTest, EndsWithItsCaller) {
  auto [near, far] = MemoryPipe::make(test_.loop());
  server_ = TlsConnection::server(std::move(far), *TlsServerContext::load(server_settings_));
  tests::Later<Status> status;
  test_.tasks().spawn(&shake, server_.get(), Duration(seconds(5)), &status);
  test_.run();
  test_.stop_and_run();
  EXPECT_EQ(said(status), "UNAVAILABLE: shutting down");
}

TEST_F(TlsHandshakeTest, NamesAServerThatAnswersInPlainHttp) {
  auto [near, far] = MemoryPipe::make(test_.loop());
  client_ = std::move(*TlsConnection::client(
      std::move(near), *TlsClientContext::load(client_settings_), client_options_));
  far->out().append("HTTP/1.1 400 Bad Request\r\n\r\n");
  far->schedule_flush();
  test_.tasks().spawn(&shake, client_.get(), Duration(seconds(5)), &client_status_);
  test_.run();
  test_.advance(Duration(kTlsAlertLinger) + milliseconds(10));
  EXPECT_EQ(said(client_status_),
            "UNAVAILABLE: TLS handshake with unknown: the server answers in plain HTTP, its port "
            "does not expect TLS");
  EXPECT_EQ(client_status_->error().retry(), base::Retry::kYes);
}

}  // namespace
}  // namespace layotto::net
