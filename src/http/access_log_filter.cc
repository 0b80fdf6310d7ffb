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

const telemetry::AccessLogFormat::Remembered* AccessLogFilter::remembered(
    telemetry::AttributeValues& values, const Exchange& exchange) const {
  HeaderBlock* const block = exchange.head_block.get();
  if (block == nullptr || !block->shared()) return nullptr;
  if (const void* known = block->note(this); known != nullptr) [[likely]] {
    return static_cast<const telemetry::AccessLogFormat::Remembered*>(known);
  }
  const auto* made = format_.remember(values, block->arena());
  block->set_note(this, made);
  return made;
}

void AccessLogFilter::on_end(const Exchange& exchange) {
  ExchangeAttributes values(exchange, wall_of(exchange.start));
  format_.write(values, writer_, remembered(values, exchange));
}

}  // namespace layotto::http
