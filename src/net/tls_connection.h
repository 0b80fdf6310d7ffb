// TlsConnection: a Connection that encrypts what goes through another one, client or server side.
//
//   auto tls = TlsConnection::server(std::move(accepted), context);
//   CO_TRY(co_await tls->handshake(loop.now() + seconds(10)));
//   tls->tls()->alpn ...                            // and from here like any Connection
//
// OpenSSL sees no socket: ciphertext is read from the inner connection into a buffer of the thread
// and given to OpenSSL from there; what OpenSSL writes is appended to the inner connection's out().
// This object is the inner connection's OutputSource, so plaintext is encrypted when the inner one
// has room and is about to send: records of up to 16 KiB, one send per pass. An idle connection
// holds no buffers.
//
// - Appending to out() is allowed before and during the handshake; reading is not.
// - The peer's close_notify is the end of the stream (kEnd). A stream that ends without one may
//   have been cut off by somebody in between: kError.
// - finish_writing() sends close_notify behind the last byte, then ends the inner direction;
//   reading goes on.
// - unsent() counts plaintext and ciphertext; bytes_read() and bytes_written() count plaintext.
// - After a failed handshake the peer was told why (alert) and the connection is closed.
// - The inner connection must not be a TlsConnection: both would use the same buffers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "net/connection.h"
#include "net/tls.h"
#include "net/tls_error.h"

struct bio_st;
struct bio_method_st;
struct ssl_session_st;
struct ssl_st;

namespace layotto::net {

// What a client remembers of a server to shorten the next handshake. Good for the same context and
// server name only, otherwise it is ignored.
class TlsSession {
 public:
  TlsSession() = default;
  TlsSession(TlsSession&& other) noexcept;
  TlsSession& operator=(TlsSession&& other) noexcept;
  ~TlsSession();
  [[nodiscard]] bool empty() const { return native_ == nullptr; }

 private:
  friend class TlsConnection;
  ssl_session_st* native_ = nullptr;  // counted
  std::shared_ptr<const TlsClientContext> context_;
  std::string server_name_;
};

struct TlsClientOptions {
  // Sent as SNI unless it is an IP address; the certificate must be for it (TlsVerify::kFull).
  std::string server_name;
  std::vector<std::string> alpn;       // instead of the context's, unless empty
  bool keep_session = false;           // for take_session()
  const TlsSession* resume = nullptr;  // read in client() only
};

class TlsConnection final : public Connection, private OutputSource {
 public:
  static std::unique_ptr<TlsConnection> server(std::unique_ptr<Connection> inner,
                                               std::shared_ptr<const TlsServerContext> context);
  // Fails for a server name or ALPN list that cannot be sent, and for TlsVerify::kFull without a
  // name.
  static Result<std::unique_ptr<TlsConnection>> client(
      std::unique_ptr<Connection> inner, std::shared_ptr<const TlsClientContext> context,
      const TlsClientOptions& options);
  ~TlsConnection() override;

  // Once, first. Ends at `until` at the latest (and up to kTlsAlertLinger later when it failed, for
  // the alert to arrive). The Error says which peer and why, its origin is the peer. In TLS 1.3 a
  // client is done before the server has looked at its certificate: a refusal is the failure of the
  // first read.
  Task<Status> handshake(TimePoint until);

  ReadResult read_some(std::span<char> into) override;
  async::Readiness& readable() override { return inner_->readable(); }
  [[nodiscard]] size_t unsent() const override;
  void finish_writing() override;
  void close(Close how) override;
  [[nodiscard]] const Address& peer() const override { return inner_->peer(); }
  [[nodiscard]] const Address& local() const override { return inner_->local(); }
  // nullptr until the handshake has succeeded.
  [[nodiscard]] const TlsIdentity* tls() const override {
    return established_ ? &identity_ : nullptr;
  }

  // The newest session the server offered, once (TlsClientOptions::keep_session). TLS 1.3 servers
  // offer one after the handshake: have it read something before.
  [[nodiscard]] TlsSession take_session();

  // OpenSSL calls this for every session a server offers (set by TlsClientContext).
  static int on_session(ssl_st* native, ssl_session_st* session);
  // For tests that make OpenSSL do what nobody asks for here.
  [[nodiscard]] ssl_st* native_for_tests() const { return native_; }

 private:
  struct Bio;  // the functions OpenSSL reads and writes by

  TlsConnection(std::unique_ptr<Connection> inner, TlsSide side);
  void attach(ssl_st* native);
  Status prepare_client(const TlsClientOptions& options);

  void at_pass_end() override;
  void fill(ByteChain& cipher_out) override;
  void flushed() override;
  bool encrypt_record();
  void send_close_notify();

  Task<Status> run_handshake();
  ReadOutcome pull();
  size_t take_cipher(std::span<char> into);
  void keep_unread_cipher();
  [[nodiscard]] Error error_in(TlsPhase phase, std::string_view first_bytes = {}) const;

  std::unique_ptr<Connection> inner_;
  std::shared_ptr<const TlsServerContext> server_context_;  // one of the two
  std::shared_ptr<const TlsClientContext> client_context_;
  ssl_st* native_ = nullptr;
  ByteView cipher_view_;  // in the thread's buffer: empty whenever nobody is in a call of ours
  ByteChain cipher_in_;   // read from the inner connection, not yet taken by OpenSSL; goes first
  TlsSession session_;
  std::string server_name_;
  TlsIdentity identity_;
  TlsSide side_;
  bool keep_session_ = false;
  bool established_ = false;
  bool cipher_ended_ = false;  // the inner connection gave kEnd
  bool ended_ = false;         // close_notify came
  bool read_broken_ = false;   // OpenSSL must not be asked again
  bool finish_requested_ = false;
  bool close_notify_sent_ = false;
  bool resume_reading_ = false;  // the reader is woken at the end of the pass
  bool closed_ = false;
};

}  // namespace layotto::net
