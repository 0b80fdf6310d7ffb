// TraceFilter: takes the W3C trace context a request comes with, so that the access log and every
// further leg carry the same ids. Requests without one have no ids (sampling comes with the
// exporters).
#pragma once

#include "base/random.h"
#include "http/filter.h"

namespace layotto::http {

class TraceFilter final : public Filter {
 public:
  explicit TraceFilter(Random& random) : random_(random) {}

  std::optional<Response> on_request(RequestHead& head, Exchange& exchange) override {
    const auto value = head.headers.get(HeaderId::kTraceparent);
    if (!value.has_value()) return {};
    if (const auto parent = telemetry::parse_traceparent(*value); parent.has_value()) {
      exchange.span = telemetry::Span::continued(*parent, random_);
    }
    return {};
  }

 private:
  Random& random_;
};

}  // namespace layotto::http
