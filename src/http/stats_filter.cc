#include "http/stats_filter.h"

#include <algorithm>

namespace layotto::http {
namespace {

using telemetry::CounterFamily;
using telemetry::HistogramFamily;

constexpr CounterFamily kGrpcCalls("layotto_grpc_calls_total", "gRPC calls that have ended.",
                                   {"method", "code"});
constexpr CounterFamily kHttpRequests("layotto_http_requests_total",
                                      "HTTP requests, other than gRPC calls, that have ended.",
                                      {"operation", "status"});
constexpr HistogramFamily kSeconds("layotto_request_duration_seconds",
                                   "From a request's head to the last byte of its response.",
                                   telemetry::Scale::kSeconds, {"operation"});
constexpr CounterFamily kLayottoTotal("grpc_request_total", "gRPC calls, as Layotto counts them.",
                                      {"service"});
constexpr CounterFamily kLayottoOk("grpc_response_succ_total",
                                   "gRPC calls that succeeded, as Layotto counts them.",
                                   {"service"});
constexpr CounterFamily kLayottoFailed("grpc_response_fail_total",
                                       "gRPC calls that failed, as Layotto counts them.",
                                       {"service"});

constexpr std::array<std::string_view, 6> kClasses = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

}  // namespace

telemetry::Counter& OperationStats::by_grpc_code(int code) {
  auto& counter = grpc_codes_[static_cast<size_t>(std::clamp(code, 0, 16))];
  if (counter == nullptr) {
    counter = &shard_.counter(kGrpcCalls, operation_,
                              base::code_name(static_cast<Code>(std::clamp(code, 0, 16))));
  }
  return *counter;
}

telemetry::Counter& OperationStats::by_http_class(uint16_t status) {
  const size_t index = std::min<size_t>(status / 100U, 5);
  auto& counter = http_classes_[index];
  if (counter == nullptr) counter = &shard_.counter(kHttpRequests, operation_, kClasses[index]);
  return *counter;
}

void OperationStats::resolve() { seconds_ = &shard_.histogram(kSeconds, operation_); }

void OperationStats::record(const Exchange& exchange) {
  if (seconds_ == nullptr) [[unlikely]]
    resolve();
  seconds_->observe(exchange.duration);
  if (exchange.grpc_status < 0) {
    by_http_class(exchange.status).add();
    return;
  }
  by_grpc_code(exchange.grpc_status).add();
  if (layotto_total_ == nullptr) [[unlikely]] {
    layotto_total_ = &shard_.counter(kLayottoTotal, operation_);
    layotto_ok_ = &shard_.counter(kLayottoOk, operation_);
    layotto_failed_ = &shard_.counter(kLayottoFailed, operation_);
  }
  layotto_total_->add();
  (exchange.grpc_status == 0 ? layotto_ok_ : layotto_failed_)->add();
}

void StatsFilter::on_end(const Exchange& exchange) {
  OperationStats& stats = exchange.stats != nullptr ? *exchange.stats : other_;
  stats.record(exchange);
}

}  // namespace layotto::http
