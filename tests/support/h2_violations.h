// What a test of one rule of RFC 9113 is made of: bytes that break it, and what has to follow. For
// tables: see src/http/h2/rfc9113_*_test.cc.
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "tests/support/h2_session_harness.h"

namespace layotto::tests {

// What the other side did.
struct Outcome {
  enum class Kind : uint8_t { kNothing, kStream, kConnection };
  Kind kind = Kind::kNothing;
  uint32_t stream = 0;
  uint32_t code = 0;
  bool operator==(const Outcome&) const = default;
};
inline Outcome nothing() { return {}; }
inline Outcome stream_error(uint32_t stream, uint32_t code) {
  return {.kind = Outcome::Kind::kStream, .stream = stream, .code = code};
}
inline Outcome connection_error(uint32_t code) {
  return {.kind = Outcome::Kind::kConnection, .code = code};
}
inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  const auto code = error_code_name(static_cast<http::h2::ErrorCode>(outcome.code));
  switch (outcome.kind) {
    case Outcome::Kind::kNothing:
      return out << "nothing";
    case Outcome::Kind::kStream:
      return out << "stream " << outcome.stream << " reset with " << code;
    case Outcome::Kind::kConnection:
      return out << "connection ended with " << code;
  }
  return out;
}

struct Violation {
  // "S" + section + what is wrong: the name of the test.
  const char* name;
  std::string bytes;
  // What the RFC asks for.
  Outcome rfc;
  // What happens before the bytes arrive.
  void (*prepare)(SessionHarness&) = nullptr;
};
inline std::ostream& operator<<(std::ostream& out, const Violation& violation) {
  return out << violation.name;
}

// What has happened by now. A connection error hides stream errors.
inline Outcome outcome_of(const H2Peer& peer) {
  if (const auto code = peer.goaway(); code.has_value() && *code != h2::kNoError) {
    return connection_error(*code);
  }
  for (const auto& [stream, answer] : peer.answers()) {
    if (answer.reset.has_value()) return stream_error(stream, *answer.reset);
  }
  return nothing();
}

}  // namespace layotto::tests
