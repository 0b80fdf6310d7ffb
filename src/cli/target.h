// Target: which sidecar a verb talks to, and how. A value, made from the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace layotto::cli {

struct Target {
  std::string address;     // host:port, [v6]:port or unix:/path
  std::string token_file;  // empty: no bearer token
  // TLS as soon as one of these is given; without a CA those of the system.
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  // Unset: kTimeoutDefault, and streams have none.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
};

}  // namespace layotto::cli
