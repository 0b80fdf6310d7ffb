#include "net/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>

namespace layotto::net {
namespace {

constexpr std::array<std::string_view, 10> kHttpBeginnings = {
    "GET ",   "POST ",    "HEAD ",  "PUT ",     "DELETE ",
    "PATCH ", "OPTIONS ", "TRACE ", "CONNECT ", "PRI * HTTP/2"};

// As far as the bytes go: they may have come in small pieces.
bool begins_like(std::string_view bytes, std::string_view beginning) {
  const size_t n = std::min(bytes.size(), beginning.size());
  return n >= 4 && bytes.substr(0, n) == beginning.substr(0, n);
}

bool is_http(const TlsScene& scene) {
  if (scene.side == TlsSide::kClient) return begins_like(scene.first_bytes, "HTTP/");
  return std::ranges::any_of(kHttpBeginnings, [&](std::string_view beginning) {
    return begins_like(scene.first_bytes, beginning);
  });
}

std::string_view peer_word(const TlsScene& scene) {
  return scene.side == TlsSide::kClient ? "server" : "client";
}

std::string verify_words(long result, const TlsScene& scene) {
  const std::string_view who = peer_word(scene);
  switch (result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return fmt::format("the {}'s certificate is not signed by a CA in {}", who, scene.trusted);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("the {}'s certificate, or that of a CA above it, has expired", who);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("the {}'s certificate is not valid yet: is a clock wrong?", who);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("the {}'s certificate is not for '{}'", who, scene.server_name);
    case X509_V_ERR_INVALID_PURPOSE:
      return fmt::format("the {}'s certificate is not meant for a TLS {}", who, who);
    default:
      return fmt::format("the {}'s certificate was refused: {}", who,
                         X509_verify_cert_error_string(result));
  }
}

// What the peer said in an alert (RFC 8446 §6.2).
std::string alert_words(int alert, std::string_view who) {
  switch (alert) {
    case SSL_AD_UNKNOWN_CA:
      return fmt::format("the {} does not know the CA that signed our certificate", who);
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return fmt::format("the {} refused our certificate ({})", who,
                         SSL_alert_desc_string_long(alert));
    case SSL_AD_CERTIFICATE_EXPIRED:
      return fmt::format("the {} says that our certificate has expired", who);
    case SSL_AD_CERTIFICATE_REQUIRED:
      return fmt::format("the {} requires a certificate of ours", who);
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return fmt::format("the {} speaks none of the protocols we offered (ALPN)", who);
    case SSL_AD_PROTOCOL_VERSION:
      return fmt::format("the {} speaks no TLS version that we speak", who);
    case SSL_AD_UNRECOGNIZED_NAME:
      return fmt::format("the {} has no certificate for the name we asked for", who);
    default:
      return fmt::format("the {} ended it with the alert '{}'", who,
                         SSL_alert_desc_string_long(alert));
  }
}

std::string end_words(const TlsScene& scene) {
  if (scene.phase == TlsPhase::kHandshake) {
    return fmt::format("the {} closed the connection in the middle of it", peer_word(scene));
  }
  return fmt::format(
      "the {} closed the connection without saying that it had sent everything "
      "(no close_notify)",
      peer_word(scene));
}

std::string words(unsigned long error, const ssl_st* ssl, const TlsScene& scene) {
  const std::string_view who = peer_word(scene);
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
    const char* reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "it failed for no reason that OpenSSL knows";
  }
  const int reason = ERR_GET_REASON(error);
  if (reason > SSL_AD_REASON_OFFSET) return alert_words(reason - SSL_AD_REASON_OFFSET, who);
  switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return verify_words(SSL_get_verify_result(ssl), scene);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return fmt::format("the {} sent no certificate, it needs one signed by a CA in {}", who,
                         scene.trusted);
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return "the client speaks plain HTTP, this port expects TLS (https)";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return end_words(scene);
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_LENGTH_TOO_SHORT:
      if (scene.phase == TlsPhase::kHandshake) return fmt::format("the {} does not speak TLS", who);
      break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return fmt::format("the {} speaks no TLS version that is allowed here", who);
    case SSL_R_NO_SHARED_CIPHER:
      return fmt::format("the {} offers no cipher that is allowed here", who);
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return fmt::format("the {} offers none of the protocols spoken here (ALPN)", who);
    default:
      break;
  }
  const char* reason_text = ERR_reason_error_string(error);
  return reason_text != nullptr ? reason_text : "a protocol error";
}

// Whether the peer's certificate, or ours, was what went wrong: nothing to be tried again.
bool is_about_trust(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA:
    case SSL_AD_REASON_OFFSET + SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_REASON_OFFSET + SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

std::string sentence(unsigned long error, const ssl_st* ssl, const TlsScene& scene) {
  if (scene.phase == TlsPhase::kHandshake && is_http(scene)) {
    return scene.side == TlsSide::kServer
               ? "the client speaks plain HTTP, this port expects TLS (https)"
               : "the server answers in plain HTTP, its port does not expect TLS";
  }
  return words(error, ssl, scene);
}

}  // namespace

Error tls_error(const ssl_st* ssl, const TlsScene& scene) {
  // The first error is the cause, later ones are what it led to.
  const unsigned long error = ERR_peek_error();
  const std::string_view what =
      scene.phase == TlsPhase::kHandshake ? "TLS handshake with" : "TLS connection with";
  std::string message = fmt::format("{} {}: {}", what, scene.peer, sentence(error, ssl, scene));
  ERR_clear_error();
  Error made = is_about_trust(error) ? base::unauthenticated("{}", message)
                                     : base::unavailable("{}", message);
  const bool trust = is_about_trust(error);
  if (scene.phase != TlsPhase::kHandshake && !trust) made = std::move(made).retryable_if_reused();
  if (scene.side == TlsSide::kServer) return std::move(made).downstream();
  // Nothing was asked yet: another try, perhaps elsewhere, may find a server that is well.
  const bool again = scene.phase == TlsPhase::kHandshake && !trust;
  return again ? std::move(made).upstream().retryable() : std::move(made).upstream();
}

std::string openssl_reason() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  std::string text = reason != nullptr ? reason : "unknown reason";
  ERR_clear_error();
  return text;
}

}  // namespace layotto::net
