// Prometheus text: everything in Metrics in the exposition format 0.0.4, which Prometheus, its
// agents and OpenTelemetry collectors scrape. Families by name, series by label values, so that two
// scrapes differ in numbers only. A histogram shows the exported bounds of its scale; latencies are
// in seconds.
//
// Any thread; allocates; meant for a scrape every few seconds, not for a request.
#pragma once

#include <string>
#include <string_view>

#include "base/byte_chain.h"
#include "telemetry/metrics.h"

namespace layotto::telemetry {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

// Appends to `out`, piece by piece: the whole text is never in one buffer.
void write_prometheus(Metrics& metrics, ByteChain& out);
std::string prometheus_text(Metrics& metrics);

}  // namespace layotto::telemetry
