// StatsFilter: counts and times every request by operation and outcome. What is counted of an
// operation was resolved when it was mounted (OperationStats); a request costs a few loads and
// stores.
#pragma once

#include <array>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "http/filter.h"
#include "telemetry/shard.h"

namespace layotto::http {

// The cells of one operation ("/pkg.Service/Method", or a page) on one worker.
class OperationStats {
 public:
  // `operation` outlives the stats (static text, or the method's path).
  OperationStats(telemetry::Shard& shard, std::string_view operation)
      : shard_(shard), operation_(operation) {}

  void record(const Exchange& exchange);

 private:
  telemetry::Counter& by_grpc_code(int code);
  telemetry::Counter& by_http_class(uint16_t status);
  void resolve();

  telemetry::Shard& shard_;
  std::string_view operation_;
  telemetry::Histogram* seconds_ = nullptr;
  std::array<telemetry::Counter*, 17> grpc_codes_{};
  std::array<telemetry::Counter*, 6> http_classes_{};
  // Layotto's names, for dashboards that exist: grpc_request_total and its like.
  telemetry::Counter* layotto_total_ = nullptr;
  telemetry::Counter* layotto_ok_ = nullptr;
  telemetry::Counter* layotto_failed_ = nullptr;
};

class StatsFilter final : public Filter {
 public:
  explicit StatsFilter(telemetry::Shard& shard) : other_(shard, "other") {}

  void on_end(const Exchange& exchange) override;

 private:
  OperationStats other_;  // of requests nothing was mounted for
};

}  // namespace layotto::http
