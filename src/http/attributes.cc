#include "http/attributes.h"

#include <algorithm>
#include <array>

#include "base/nearest_name.h"
#include "http/message.h"

namespace layotto::http {
namespace {

struct Row {
  std::string_view name;
  AttributeId id;
};
constexpr auto kRows = std::to_array<Row>({
#define LAYOTTO_X(id, name, doc) {name, AttributeId::id},
    LAYOTTO_ATTRIBUTES(LAYOTTO_X)
#undef LAYOTTO_X
});

bool is_number(AttributeId id) {
  switch (id) {
    case AttributeId::kResponseCode:
    case AttributeId::kGrpcStatusNumber:
    case AttributeId::kBytesReceived:
    case AttributeId::kBytesSent:
    case AttributeId::kDuration:
      return true;
    default:
      return false;
  }
}

bool is_of_head(AttributeId id) {
  switch (id) {
    case AttributeId::kRequestHeader:
    case AttributeId::kProtocol:
    case AttributeId::kRemoteAddress:
    case AttributeId::kLocalAddress:
    case AttributeId::kTlsVersion:
    case AttributeId::kPeerSubject:
      return true;
    default:
      return false;
  }
}

bool is_short(AttributeId id) {
  switch (id) {
    case AttributeId::kStartTime:
    case AttributeId::kResponseCode:
    case AttributeId::kResponseFlags:
    case AttributeId::kGrpcStatus:
    case AttributeId::kBytesReceived:
    case AttributeId::kBytesSent:
    case AttributeId::kDuration:
    case AttributeId::kTraceId:
      return true;
    default:
      return false;
  }
}

void append_request(const RequestHead& head, std::string_view argument, telemetry::Line& out) {
  if (argument.starts_with(':')) {
    if (argument == ":method") out.text(head.method_text());
    if (argument == ":path") out.text(head.path());
    if (argument == ":authority") out.text(head.authority());
    if (argument == ":scheme") out.text(head.scheme());
    return;
  }
  if (const auto value = head.headers.get(argument); value.has_value()) out.text(*value);
}

bool is_pseudo(std::string_view name) {
  return std::ranges::any_of(
      std::array{":method", ":path", ":authority", ":scheme"},
      [name](std::string_view known) { return base::equal_but_case(name, known); });
}

}  // namespace

Result<std::optional<telemetry::Attribute>> AttributeTable::find(std::string_view name,
                                                                 std::string_view argument) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    const bool wants_argument = row.id == AttributeId::kRequestHeader;
    if (wants_argument) {
      if (!is_pseudo(argument) && !is_header_name(argument, /*lower_only=*/false)) {
        return base::invalid_argument("REQ wants a header's name, as REQ(user-agent)");
      }
    } else if (!argument.empty()) {
      return base::invalid_argument("{} takes no argument", name);
    }
    return std::optional(telemetry::Attribute{.id = static_cast<int32_t>(row.id),
                                              .is_number = is_number(row.id),
                                              .argument_in_lower_case = wants_argument,
                                              .of_head = is_of_head(row.id),
                                              .is_short = is_short(row.id)});
  }
  return std::optional<telemetry::Attribute>();
}

std::vector<std::string_view> AttributeTable::names() const {
  std::vector<std::string_view> all;
  for (const Row& row : kRows) all.push_back(row.name);
  return all;
}

void ExchangeAttributes::append(int32_t id, std::string_view argument, telemetry::Line& out) {
  const auto tls = [this] {
    return exchange_.connection != nullptr ? exchange_.connection->tls() : nullptr;
  };
  switch (static_cast<AttributeId>(id)) {
    case AttributeId::kRequestHeader:
      if (exchange_.request != nullptr) append_request(*exchange_.request, argument, out);
      return;
    case AttributeId::kProtocol:
      if (exchange_.request != nullptr) out.raw(protocol_name(exchange_.request->protocol()));
      return;
    case AttributeId::kResponseCodeDetails:
      out.raw(exchange_.failure_reason);
      return;
    case AttributeId::kGrpcStatusNumber:
      if (exchange_.grpc_status >= 0) out.integer(exchange_.grpc_status);
      return;
    case AttributeId::kRemoteAddress:
      if (exchange_.connection != nullptr) out.text(exchange_.connection->peer_text());
      return;
    case AttributeId::kLocalAddress:
      if (exchange_.connection != nullptr) out.text(exchange_.connection->local().to_string());
      return;
    case AttributeId::kTlsVersion:
      if (const auto* identity = tls(); identity != nullptr) out.text(identity->protocol);
      return;
    case AttributeId::kPeerSubject:
      if (const auto* identity = tls(); identity != nullptr) out.text(identity->peer_subject);
      return;
    case AttributeId::kOperation:
      out.text(exchange_.operation);
      return;
    // Short ones that are cut to less.
    case AttributeId::kStartTime:
      out.timestamp(started_);
      return;
    case AttributeId::kResponseCode:
      out.integer(static_cast<unsigned>(exchange_.status));
      return;
    case AttributeId::kGrpcStatus:
      out.raw(grpc_status());
      return;
    case AttributeId::kResponseFlags:
      if (exchange_.failure.has_value()) out.raw(exchange_.failure->response_flag());
      return;
    case AttributeId::kBytesReceived:
      out.integer(exchange_.request_bytes);
      return;
    case AttributeId::kBytesSent:
      out.integer(exchange_.response_bytes);
      return;
    case AttributeId::kDuration:
      out.integer(milliseconds());
      return;
    case AttributeId::kTraceId:
      if (exchange_.span.present()) out.hex(exchange_.span.trace_id);
      return;
  }
}

char* ExchangeAttributes::put_trace_id(char* to) const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const uint8_t byte : exchange_.span.trace_id) {
    *to++ = kDigits[byte >> 4];
    *to++ = kDigits[byte & 15];
  }
  return to;
}

}  // namespace layotto::http
