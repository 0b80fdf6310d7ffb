// The attributes of a request, each named once, for whoever shows or matches them: the access log
// now; rules, statistics and functions later. Names are those of Envoy's access log where it has
// them.
#pragma once

#include <algorithm>
#include <cstring>
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
  // Inlined into the loop that writes lines.
  [[gnu::always_inline]] char* append_short(int32_t id, char* to,
                                            telemetry::TimeText& times) override {
    switch (static_cast<AttributeId>(id)) {
      case AttributeId::kStartTime:
        std::memcpy(to, times.at(started_), telemetry::TimeText::kBytes);
        return to + telemetry::TimeText::kBytes;
      case AttributeId::kResponseCode:
        return telemetry::put_unsigned(to, exchange_.status);
      case AttributeId::kGrpcStatus:
        if (exchange_.grpc_status != 0) return put_name(to, grpc_status());
        std::memcpy(to, "OK", 2);
        return to + 2;
      case AttributeId::kResponseFlags:
        return exchange_.failure.has_value() ? put_name(to, exchange_.failure->response_flag())
                                             : to;
      case AttributeId::kBytesReceived:
        return telemetry::put_unsigned(to, exchange_.request_bytes);
      case AttributeId::kBytesSent:
        return telemetry::put_unsigned(to, exchange_.response_bytes);
      case AttributeId::kDuration:
        return telemetry::put_unsigned(to, milliseconds());
      case AttributeId::kTraceId:
        return exchange_.span.present() ? put_trace_id(to) : to;
      default:
        return to;
    }
  }

 private:
  // 0 bytes when the request is not gRPC.
  [[nodiscard]] std::string_view grpc_status() const {
    if (exchange_.grpc_status == 0) return "OK";
    if (exchange_.grpc_status < 0) return {};
    return base::code_name(static_cast<Code>(exchange_.grpc_status));
  }
  [[nodiscard]] uint64_t milliseconds() const {
    return static_cast<uint64_t>(std::max<int64_t>(exchange_.duration.count(), 0)) / 1'000'000;
  }
  // A short constant.
  static char* put_name(char* to, std::string_view name) {
    return std::copy(name.begin(), name.end(), to);
  }
  char* put_trace_id(char* to) const;

  const Exchange& exchange_;
  WallTime started_;
};

// One line per request when nothing else is configured.
inline constexpr std::string_view kDefaultAccessLogFormat =
    "%START_TIME% \"%REQ(:METHOD)% %REQ(:PATH):256% %PROTOCOL%\" %RESPONSE_CODE% %GRPC_STATUS% "
    "%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS% "
    "\"%REQ(user-agent):128%\" %TRACE_ID%";

}  // namespace layotto::http
