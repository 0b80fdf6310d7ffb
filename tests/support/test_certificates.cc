#include "tests/support/test_certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>

#include "base/check.h"

namespace layotto::tests {

struct TestCa::Parts {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  ~Parts() {
    EVP_PKEY_free(key);
    X509_free(certificate);
  }
};

namespace {

void add_extension(X509* certificate, const X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, const_cast<X509*>(issuer), certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  CHECK(extension != nullptr, "a test certificate has a bad extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Everything but issuer, extensions and signature.
X509* blank(EVP_PKEY* key, std::string_view common_name, std::chrono::seconds from,
            std::chrono::seconds until) {
  X509* certificate = X509_new();
  CHECK(certificate != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), until.count());
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("Layotto tests"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  return certificate;
}

template <class Write>
std::string pem_by(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK(write(bio) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

std::string alternative_names(const CertificateOptions& options) {
  std::string names;
  const auto add = [&names](const char* kind, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      names += (names.empty() ? "" : ",") + std::string(kind) + ":" + value;
    }
  };
  add("DNS", options.dns_names);
  add("URI", options.uris);
  add("IP", options.addresses);
  return names;
}

constexpr std::chrono::seconds kCaFrom = std::chrono::hours(-24 * 365);
constexpr std::chrono::seconds kCaUntil = std::chrono::hours(24 * 365);

}  // namespace

TestCa::TestCa() : parts_(std::make_unique<Parts>()) {}

TestCa::TestCa(std::string_view name) : TestCa() {
  parts_->key = EVP_EC_gen("P-256");
  parts_->certificate = blank(parts_->key, name, kCaFrom, kCaUntil);
  X509* own = parts_->certificate;
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, own, NID_subject_key_identifier, "hash");
  CHECK(X509_sign(own, parts_->key, EVP_sha256()) > 0);
}

TestCa::~TestCa() = default;

std::string TestCa::pem() const {
  return pem_by([this](BIO* bio) { return PEM_write_bio_X509(bio, parts_->certificate); });
}

PemPair TestCa::issue(const CertificateOptions& options) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = blank(key, options.common_name, options.valid_from, options.valid_until);
  X509_set_issuer_name(certificate, X509_get_subject_name(parts_->certificate));
  add_extension(certificate, parts_->certificate, NID_basic_constraints, "CA:FALSE");
  add_extension(certificate, parts_->certificate, NID_authority_key_identifier, "keyid");
  if (const std::string names = alternative_names(options); !names.empty()) {
    add_extension(certificate, parts_->certificate, NID_subject_alt_name, names);
  }
  CHECK(X509_sign(certificate, parts_->key, EVP_sha256()) > 0);
  PemPair pair;
  pair.certificate = pem_by([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  pair.key = pem_by([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

std::unique_ptr<TestCa> TestCa::issue_ca(std::string_view name) const {
  std::unique_ptr<TestCa> made(new TestCa());
  made->parts_->key = EVP_EC_gen("P-256");
  made->parts_->certificate = blank(made->parts_->key, name, kCaFrom, kCaUntil);
  X509* own = made->parts_->certificate;
  X509_set_issuer_name(own, X509_get_subject_name(parts_->certificate));
  add_extension(own, parts_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, parts_->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, own, NID_subject_key_identifier, "hash");
  CHECK(X509_sign(own, parts_->key, EVP_sha256()) > 0);
  return made;
}

TestCertificates::TestCertificates() : ca_("Test CA"), other_ca_("Another CA") {
  folder_.write("ca.pem", ca_.pem());
  folder_.write("other-ca.pem", other_ca_.pem());
  write("server", ca_.issue(server_options()));
  write("client", ca_.issue(client_options()));
}

void TestCertificates::write(std::string_view name, const PemPair& pair) const {
  folder_.write(std::string(name) + ".pem", pair.certificate);
  folder_.write(std::string(name) + ".key", pair.key);
}

CertificateOptions TestCertificates::server_options() {
  return {.common_name = "server",
          .dns_names = {"localhost", "server.test"},
          .addresses = {"127.0.0.1"}};
}

CertificateOptions TestCertificates::client_options() {
  return {.common_name = "client", .dns_names = {"client.test"}, .uris = {"spiffe://test/client"}};
}

}  // namespace layotto::tests
