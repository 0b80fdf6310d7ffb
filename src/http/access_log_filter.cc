#include "http/access_log_filter.h"

#include "http/attributes.h"

namespace layotto::http {
namespace {

// How far the wall clock's reading may be extended by the monotonic one before it is read again.
constexpr auto kWallReadInterval = std::chrono::seconds(1);

}  // namespace

WallTime AccessLogFilter::wall_of(TimePoint at) {
  if (at - seen_ > kWallReadInterval || seen_ == TimePoint{}) {
    seen_ = at;
    seen_wall_ = clock_.wall_now();
  }
  return seen_wall_ + (at - seen_);
}

void AccessLogFilter::on_end(const Exchange& exchange) {
  ExchangeAttributes values(exchange, wall_of(exchange.start),
                            ticks_.elapsed(exchange.start_ticks, ticks_.ticks()));
  format_.write(values, writer_);
}

}  // namespace layotto::http
