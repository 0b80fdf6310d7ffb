// TLS by OpenSSL: what to present and whom to trust (settings), and the immutable snapshot made
// from it (contexts). tls_connection.h puts a snapshot to work on a Connection; tls_watch.h makes a
// new one when the files change.
//
// A snapshot is shared by any number of connections and threads; a connection keeps the one it was
// made with. Always off: compression, renegotiation, TLS before 1.2 and, in 1.2, everything without
// forward secrecy. Session tickets are on, their keys are those of the snapshot.
//
// load() reads the files at once: they are small (kTlsFileBytesMax) and on a local disk. Errors are
// kFailedPrecondition and name the file; a key never appears in a message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

struct ssl_ctx_st;

namespace layotto::net {

// NOLINTNEXTLINE(readability-identifier-naming) these are version numbers
enum class TlsVersion : uint8_t { k1_2, k1_3 };

// Whether a server wants to see its clients' certificates.
enum class ClientCertificate : uint8_t {
  kNone,     // not asked for
  kRequest,  // a client may come without one; a wrong one is refused
  kRequire,
};

struct TlsServerSettings {
  std::string certificate_file;  // PEM: our certificate, then its intermediates
  std::string key_file;          // PEM, without a passphrase
  std::string client_ca_file;    // PEM: whose signature a client's certificate needs
  ClientCertificate client_certificate = ClientCertificate::kNone;
  TlsVersion version_min = TlsVersion::k1_2;
  // The first of these that the client offers too ("h2", "http/1.1"); a client that offers only
  // others is refused, one that offers none is served. Empty: not negotiated.
  std::vector<std::string> alpn;
};

// How a client checks the server's certificate.
enum class TlsVerify : uint8_t {
  kFull,   // signed by a CA we trust, and for the name we asked for
  kChain,  // signed only: the caller checks who it is by Connection::tls()
  kNone,   // anybody
};

struct TlsClientSettings {
  std::string ca_file;           // PEM; empty: the CAs of the system
  std::string certificate_file;  // what we present when asked; both files or none
  std::string key_file;
  TlsVerify verify = TlsVerify::kFull;
  TlsVersion version_min = TlsVersion::k1_2;
  std::vector<std::string> alpn;  // what we offer, best first
};

// lint: allow(name) OpenSSL's word, and everybody's, for what a TLS connection is made from
class TlsServerContext {
 public:
  using Settings = TlsServerSettings;
  static Result<std::shared_ptr<const TlsServerContext>> load(const Settings& settings);
  // The files load() reads.
  static std::vector<std::string> files(const Settings& settings);
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;
  ~TlsServerContext();

  [[nodiscard]] const Settings& settings() const { return settings_; }
  // When our certificate is no longer valid.
  [[nodiscard]] WallTime expires() const { return expires_; }
  // Who signs the peer, in words for errors.
  [[nodiscard]] std::string_view trusted() const { return settings_.client_ca_file; }
  // Counted by OpenSSL, which locks what it changes in it.
  [[nodiscard]] ssl_ctx_st* native() const { return native_; }
  // In the format of the wire: length-prefixed, in our order.
  [[nodiscard]] const std::string& alpn_wire() const { return alpn_wire_; }

 private:
  explicit TlsServerContext(const Settings& settings) : settings_(settings) {}
  Status prepare();

  const Settings settings_;
  ssl_ctx_st* native_ = nullptr;
  WallTime expires_;
  std::string alpn_wire_;
};

// lint: allow(name) as above
class TlsClientContext {
 public:
  using Settings = TlsClientSettings;
  static Result<std::shared_ptr<const TlsClientContext>> load(const Settings& settings);
  static std::vector<std::string> files(const Settings& settings);
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;
  ~TlsClientContext();

  [[nodiscard]] const Settings& settings() const { return settings_; }
  // When our certificate is no longer valid; nullopt: we have none.
  [[nodiscard]] std::optional<WallTime> expires() const { return expires_; }
  [[nodiscard]] std::string_view trusted() const {
    return settings_.ca_file.empty() ? "the system's list" : std::string_view(settings_.ca_file);
  }
  [[nodiscard]] ssl_ctx_st* native() const { return native_; }

 private:
  explicit TlsClientContext(const Settings& settings) : settings_(settings) {}
  Status prepare();

  const Settings settings_;
  ssl_ctx_st* native_ = nullptr;
  std::optional<WallTime> expires_;
};

// A list of protocols as ALPN has it on the wire (RFC 7301 §3.1). Empty in, empty out.
Result<std::string> alpn_wire(const std::vector<std::string>& protocols);

}  // namespace layotto::net
