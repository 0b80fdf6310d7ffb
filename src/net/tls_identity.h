// TlsIdentity: what a TLS handshake established about the connection and the peer. A value; lives
// as long as the connection it is asked from.
#pragma once

#include <string>
#include <vector>

struct ssl_st;

namespace layotto::net {

struct TlsIdentity {
  std::string alpn;         // the protocol agreed on ("h2"), empty when none was negotiated
  std::string server_name;  // SNI, as the client sent it
  std::string protocol;     // "TLSv1.3"
  std::string cipher;       // "TLS_AES_256_GCM_SHA384"
  bool resumed = false;     // no full handshake: the peer's certificate is that of the session

  // The peer's certificate; all empty when it sent none. Unless peer_verified nobody has vouched
  // for what they say.
  bool peer_verified = false;          // signed by one of the CAs we were told to trust
  std::string peer_subject;            // RFC 2253: "CN=orders,O=Shop"
  std::string peer_sha256;             // of the certificate in DER, hexadecimal
  std::vector<std::string> peer_uris;  // subject alternative names, at most kTlsNamesMax
  std::vector<std::string> peer_dns_names;

  [[nodiscard]] bool has_peer_certificate() const { return !peer_sha256.empty(); }
};

// Of a connection whose handshake is done.
TlsIdentity identity_of(const ssl_st& ssl);

}  // namespace layotto::net
