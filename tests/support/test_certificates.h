// Certificates for tests, made when the test runs: nothing in the repository can expire or leak.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace layotto::tests {

struct CertificateOptions {
  std::string common_name = "test";
  std::vector<std::string> dns_names;
  std::vector<std::string> uris;
  std::vector<std::string> addresses;
  // From now.
  std::chrono::seconds valid_from = std::chrono::hours(-1);
  std::chrono::seconds valid_until = std::chrono::hours(24);
};

struct PemPair {
  std::string certificate;
  std::string key;
};

// A certificate authority with a key of its own (P-256).
class TestCa {
 public:
  explicit TestCa(std::string_view name);
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;
  ~TestCa();

  [[nodiscard]] std::string pem() const;
  [[nodiscard]] PemPair issue(const CertificateOptions& options) const;
  // A CA whose own certificate this one signed.
  [[nodiscard]] std::unique_ptr<TestCa> issue_ca(std::string_view name) const;

 private:
  struct Parts;
  TestCa();
  std::unique_ptr<Parts> parts_;
};

// A folder with what most tests need: ca.pem, other-ca.pem, server.pem (localhost, server.test,
// 127.0.0.1), client.pem (spiffe://test/client) and their keys (server.key, client.key).
class TestCertificates {
 public:
  TestCertificates();

  // Writes NAME.pem and NAME.key.
  void write(std::string_view name, const PemPair& pair) const;
  [[nodiscard]] std::string file(std::string_view name) const { return folder_ / name; }
  [[nodiscard]] const TestCa& ca() const { return ca_; }
  [[nodiscard]] const TestCa& other_ca() const { return other_ca_; }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

  static CertificateOptions server_options();
  static CertificateOptions client_options();

 private:
  TemporaryFolder folder_;
  TestCa ca_;
  TestCa other_ca_;
};

}  // namespace layotto::tests
