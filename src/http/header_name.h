// The header names this product looks at, each with a number, so that finding one is a bit test and
// a scan of integers. Names are lower case, as on the wire of HTTP/2.
#pragma once

#include <cstdint>
#include <string_view>

namespace layotto::http {

#define LAYOTTO_HEADER_NAMES(X)                       \
  X(kAccept, "accept")                                \
  X(kAcceptEncoding, "accept-encoding")               \
  X(kAllow, "allow")                                  \
  X(kAuthorization, "authorization")                  \
  X(kCacheControl, "cache-control")                   \
  X(kConnection, "connection")                        \
  X(kContentEncoding, "content-encoding")             \
  X(kContentLength, "content-length")                 \
  X(kContentType, "content-type")                     \
  X(kCookie, "cookie")                                \
  X(kDate, "date")                                    \
  X(kExpect, "expect")                                \
  X(kGrpcAcceptEncoding, "grpc-accept-encoding")      \
  X(kGrpcEncoding, "grpc-encoding")                   \
  X(kGrpcMessage, "grpc-message")                     \
  X(kGrpcStatus, "grpc-status")                       \
  X(kGrpcStatusDetailsBin, "grpc-status-details-bin") \
  X(kGrpcTimeout, "grpc-timeout")                     \
  X(kHost, "host")                                    \
  X(kKeepAlive, "keep-alive")                         \
  X(kLocation, "location")                            \
  X(kOrigin, "origin")                                \
  X(kProxyConnection, "proxy-connection")             \
  X(kServer, "server")                                \
  X(kTe, "te")                                        \
  X(kTraceparent, "traceparent")                      \
  X(kTracestate, "tracestate")                        \
  X(kTrailer, "trailer")                              \
  X(kTransferEncoding, "transfer-encoding")           \
  X(kUpgrade, "upgrade")                              \
  X(kUserAgent, "user-agent")                         \
  X(kVary, "vary")                                    \
  X(kWwwAuthenticate, "www-authenticate")             \
  X(kXForwardedFor, "x-forwarded-for")                \
  X(kXForwardedProto, "x-forwarded-proto")            \
  X(kXRequestId, "x-request-id")

enum class HeaderId : uint8_t {
  kOther = 0,
#define LAYOTTO_X(id, name) id,
  LAYOTTO_HEADER_NAMES(LAYOTTO_X)
#undef LAYOTTO_X
      kCount
};
static_assert(static_cast<int>(HeaderId::kCount) <= 64, "the presence mask has 64 bits");

// kOther for names not in the table. `name` is lower case.
HeaderId header_id(std::string_view name);
// Empty for kOther.
std::string_view header_name(HeaderId id);

// RFC 9110 §5.6.2: a non-empty token. `lower_only` refuses A–Z, as HTTP/2 does.
bool is_header_name(std::string_view name, bool lower_only);
// RFC 9110 §5.5: no NUL, CR, LF or other control characters than HTAB; no space around it.
bool is_header_value(std::string_view value);

}  // namespace layotto::http
