// AccessLogFilter: one line per request when it has ended, by a format compiled at load. Put first
// in the chain, so that it sees every local reply.
#pragma once

#include "base/clock.h"
#include "http/filter.h"
#include "telemetry/access_log.h"
#include "telemetry/line_writer.h"

namespace layotto::http {

class AccessLogFilter final : public Filter {
 public:
  // Everything outlives the filter. The writer belongs to the worker.
  AccessLogFilter(const telemetry::AccessLogFormat& format, telemetry::LineWriter& writer,
                  const Clock& clock)
      : format_(format), writer_(writer), clock_(clock) {}

  void on_end(const Exchange& exchange) override;

 private:
  // Wall time of the loop's `now`, asked of the system once per pass at most.
  WallTime wall_of(TimePoint at);
  // What lines of requests with this head have in common, kept on the head's block.
  const telemetry::AccessLogFormat::Remembered* remembered(telemetry::AttributeValues& values,
                                                           const Exchange& exchange) const;

  const telemetry::AccessLogFormat& format_;
  telemetry::LineWriter& writer_;
  const Clock& clock_;
  TimePoint seen_{};
  WallTime seen_wall_{};
};

}  // namespace layotto::http
