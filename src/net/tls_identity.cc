#include "net/tls_identity.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "net/limits.h"

namespace layotto::net {
namespace {

std::string subject_of(const X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  if (bio == nullptr) return {};
  X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string subject(text, static_cast<size_t>(size));
  BIO_free(bio);
  return subject;
}

std::string sha256_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

// A name with a NUL in it is one thing to us and another to a reader of C strings: left out.
void add_name(std::vector<std::string>& names, const ASN1_IA5STRING* name) {
  const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
                              static_cast<size_t>(ASN1_STRING_length(name)));
  if (names.size() < kTlsNamesMax && text.find('\0') == std::string_view::npos) {
    names.emplace_back(text);
  }
}

void read_names(const X509* certificate, TlsIdentity& identity) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_URI) {
      add_name(identity.peer_uris, name->d.uniformResourceIdentifier);
    } else if (name->type == GEN_DNS) {
      add_name(identity.peer_dns_names, name->d.dNSName);
    }
  }
  GENERAL_NAMES_free(names);
}

}  // namespace

TlsIdentity identity_of(const ssl_st& ssl) {
  TlsIdentity identity;
  const unsigned char* alpn = nullptr;
  unsigned int alpn_size = 0;
  SSL_get0_alpn_selected(&ssl, &alpn, &alpn_size);
  if (alpn != nullptr) identity.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  if (const char* name = SSL_get_servername(&ssl, TLSEXT_NAMETYPE_host_name); name != nullptr) {
    identity.server_name = name;
  }
  identity.protocol = SSL_get_version(&ssl);
  identity.cipher = SSL_get_cipher_name(&ssl);
  identity.resumed = SSL_session_reused(&ssl) == 1;
  if (const X509* certificate = SSL_get0_peer_certificate(&ssl); certificate != nullptr) {
    identity.peer_verified = (SSL_get_verify_mode(&ssl) & SSL_VERIFY_PEER) != 0 &&
                             SSL_get_verify_result(&ssl) == X509_V_OK;
    identity.peer_subject = subject_of(certificate);
    identity.peer_sha256 = sha256_of(certificate);
    read_names(certificate, identity);
  }
  ERR_clear_error();
  return identity;
}

}  // namespace layotto::net
