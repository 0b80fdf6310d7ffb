// Fault: why a message is refused, each with the status it is answered with. RFC 9112 leaves some
// of these to the recipient's mercy; two parsers that read one message differently are how requests
// are smuggled, so there is none here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace layotto::http::h1 {

#define LAYOTTO_H1_FAULTS(X)                                                               \
  X(kBareCr, 400, "a CR without LF")                                                       \
  X(kBareLf, 400, "an LF without CR")                                                      \
  X(kControlCharacter, 400, "a control character")                                         \
  X(kRequestLine, 400, "a request line that is not METHOD TARGET VERSION")                 \
  X(kMethod, 400, "a method that is no token")                                             \
  X(kTarget, 400, "a target that does not fit the method")                                 \
  X(kVersion, 400, "a version that is none of HTTP")                                       \
  X(kVersionNotSupported, 505, "a version other than HTTP/1.0 and HTTP/1.1")               \
  X(kFolded, 400, "a folded header field")                                                 \
  X(kFieldWithoutColon, 400, "a header line without colon")                                \
  X(kFieldName, 400, "a header name that is no token")                                     \
  X(kFieldValue, 400, "a header value with a control character")                           \
  X(kNoHost, 400, "no Host")                                                               \
  X(kSeveralHosts, 400, "more than one Host")                                              \
  X(kHost, 400, "a Host that names none")                                                  \
  X(kContentLength, 400, "a Content-Length that is no number")                             \
  X(kContentLengthsDiffer, 400, "several Content-Length that differ")                      \
  X(kContentTooLarge, 413, "more content than can be counted")                             \
  X(kLengthAndEncoding, 400, "Content-Length and Transfer-Encoding")                       \
  X(kEncodingInHttp10, 400, "Transfer-Encoding in HTTP/1.0")                               \
  X(kEncodingNotChunked, 400, "a Transfer-Encoding that does not end in a single chunked") \
  X(kEncodingNotSupported, 501, "a transfer coding other than chunked")                    \
  X(kExpectation, 417, "an expectation other than 100-continue")                           \
  X(kConnect, 501, "CONNECT, which is not served here")                                    \
  X(kRequestLineTooLong, 414, "a request line that is too long")                           \
  X(kFieldsTooLarge, 431, "too many header fields, or too large ones")                     \
  X(kChunkSize, 400, "a chunk size that is no hexadecimal number")                         \
  X(kChunkEnd, 400, "a chunk that does not end where it says")                             \
  X(kChunkExtensions, 400, "chunk extensions without measure")

enum class Fault : uint8_t {
  kNone,
#define LAYOTTO_X(id, status, text) id,
  LAYOTTO_H1_FAULTS(LAYOTTO_X)
#undef LAYOTTO_X
};

struct FaultRow {
  uint16_t status;
  std::string_view text;
};
inline constexpr auto kFaultRows = std::to_array<FaultRow>({{0, ""},
#define LAYOTTO_X(id, status, text) {status, text},
                                                            LAYOTTO_H1_FAULTS(LAYOTTO_X)
#undef LAYOTTO_X
});

constexpr uint16_t fault_status(Fault fault) {
  return kFaultRows[static_cast<size_t>(fault)].status;
}
// What the request had, in words: "a CR without LF".
constexpr std::string_view fault_text(Fault fault) {
  return kFaultRows[static_cast<size_t>(fault)].text;
}

// A limit was reached, no rule broken.
constexpr bool is_limit(Fault fault) {
  return fault == Fault::kRequestLineTooLong || fault == Fault::kFieldsTooLarge;
}

}  // namespace layotto::http::h1
