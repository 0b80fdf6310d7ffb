// The attributes of a request, each named once, for whoever shows or matches them: the access log
// now; rules, statistics and functions later. Names are those of Envoy's access log where it has
// them.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/exchange.h"
#include "telemetry/access_log.h"

namespace layotto::http {

#define LAYOTTO_ATTRIBUTES(X)                                                                      \
  X(kStartTime, "START_TIME", "when the request's head had arrived, UTC")                          \
  X(kRequestHeader, "REQ", "a request header: REQ(name); :METHOD, :PATH, :AUTHORITY, :SCHEME too") \
  X(kProtocol, "PROTOCOL", "HTTP/1.0, HTTP/1.1 or HTTP/2")                                         \
  X(kResponseCode, "RESPONSE_CODE", "HTTP status of the response; 0 when there was none")          \
  X(kResponseCodeDetails, "RESPONSE_CODE_DETAILS", "why the sidecar answered by itself")           \
  X(kResponseFlags, "RESPONSE_FLAGS", "short flag of what went wrong, as in Envoy")                \
  X(kGrpcStatus, "GRPC_STATUS", "name of the gRPC status, such as NOT_FOUND")                      \
  X(kGrpcStatusNumber, "GRPC_STATUS_NUMBER", "number of the gRPC status")                          \
  X(kBytesReceived, "BYTES_RECEIVED", "payload bytes of the request")                              \
  X(kBytesSent, "BYTES_SENT", "payload bytes of the response")                                     \
  X(kDuration, "DURATION", "milliseconds from the head to the last byte")                          \
  X(kRemoteAddress, "DOWNSTREAM_REMOTE_ADDRESS", "the peer, with port")                            \
  X(kLocalAddress, "DOWNSTREAM_LOCAL_ADDRESS", "where it connected to")                            \
  X(kTlsVersion, "DOWNSTREAM_TLS_VERSION", "TLS version of the connection")                        \
  X(kPeerSubject, "DOWNSTREAM_PEER_SUBJECT", "subject of the client's certificate")                \
  X(kOperation, "OPERATION", "what handled the request: the rpc, or the page")                     \
  X(kTraceId, "TRACE_ID", "W3C trace id of the request")

enum class AttributeId : int32_t {
#define LAYOTTO_X(id, name, doc) id,
  LAYOTTO_ATTRIBUTES(LAYOTTO_X)
#undef LAYOTTO_X
};

// Resolves operators of an access-log format.
class AttributeTable final : public telemetry::AttributeLookup {
 public:
  Result<std::optional<telemetry::Attribute>> find(std::string_view name,
                                                   std::string_view argument) override;
  [[nodiscard]] std::vector<std::string_view> names() const override;
};

// The attributes of one request that has ended.
class ExchangeAttributes final : public telemetry::AttributeValues {
 public:
  ExchangeAttributes(const Exchange& exchange, WallTime started)
      : exchange_(exchange), started_(started) {}
  void append(int32_t id, std::string_view argument, telemetry::Line& out) override;

 private:
  const Exchange& exchange_;
  WallTime started_;
};

// One line per request when nothing else is configured.
inline constexpr std::string_view kDefaultAccessLogFormat =
    "%START_TIME% \"%REQ(:METHOD)% %REQ(:PATH):256% %PROTOCOL%\" %RESPONSE_CODE% %GRPC_STATUS% "
    "%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS% "
    "\"%REQ(user-agent):128%\" %TRACE_ID%";

}  // namespace layotto::http
