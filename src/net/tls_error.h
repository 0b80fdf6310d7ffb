// OpenSSL's errors in words for people. Used by the files of TLS only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

struct ssl_st;

namespace layotto::net {

enum class TlsSide : uint8_t { kClient, kServer };
enum class TlsPhase : uint8_t { kHandshake, kReading, kWriting };

// What is known where the error appeared; all borrowed for the call.
struct TlsScene {
  TlsSide side;
  TlsPhase phase;
  std::string_view peer;         // address
  std::string_view trusted;      // the CA file, in words
  std::string_view server_name;  // whose certificate a client expects
  std::string_view first_bytes;  // what the peer sent first, as far as known
};

// Why the last call on `ssl` failed. Takes the thread's OpenSSL error queue and leaves it empty.
// The origin is the peer; a certificate that was refused is kUnauthenticated, all else
// kUnavailable.
Error tls_error(const ssl_st* ssl, const TlsScene& scene);

// The newest reason in the thread's error queue ("no start line"); leaves the queue empty.
std::string openssl_reason();

}  // namespace layotto::net
