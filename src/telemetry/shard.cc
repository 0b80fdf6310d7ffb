#include "telemetry/shard.h"

#include <functional>

#include "telemetry/series.h"

namespace layotto::telemetry {
namespace {

// Keeps what the source has counted; a gauge has no past.
void retire(Series& series, const Source& source) {
  if (series.kind == Kind::kCounter) {
    if (const auto* counter = std::get_if<Counter*>(&source.cell)) {
      series.retired += static_cast<double>((*counter)->read());
    } else if (const auto* tally = std::get_if<const base::Tally*>(&source.cell)) {
      series.retired += static_cast<double>((*tally)->read());
    }
  } else if (series.kind == Kind::kHistogram) {
    if (series.retired_histogram == nullptr) {
      series.retired_histogram = std::make_unique<HistogramTotals>();
    }
    std::get<Histogram*>(source.cell)->add_to(*series.retired_histogram);
  }
}

}  // namespace

Shard::Shard(Metrics& metrics) : metrics_(metrics) {
  const std::lock_guard lock(metrics_.mutex_);
  ++metrics_.shards_;
}

Shard::~Shard() {
  const std::lock_guard lock(metrics_.mutex_);
  --metrics_.shards_;
  for (Series* series : series_) {
    std::erase_if(series->sources, [&](const Source& source) {
      if (source.shard != this) return false;
      retire(*series, source);
      return true;
    });
  }
}

template <class T, class... A>
T& Shard::cell_of(Series& series, Cells<T>& cells, const A&... arguments) {
  for (const Source& source : series.sources) {
    if (source.shard != this) continue;
    if (auto* const* cell = std::get_if<T*>(&source.cell)) return **cell;
  }
  T& cell = cells.emplace_back(arguments...);
  series.sources.push_back({.shard = this, .cell = &cell});
  series_.push_back(&series);
  return cell;
}

Counter& Shard::counter(const FamilySpec& spec, std::span<const std::string_view> values) {
  CHECK(spec.kind == Kind::kCounter, "the family is no counter");
  const std::lock_guard lock(metrics_.mutex_);
  Series* series = metrics_.admit(spec, values);
  return series == nullptr ? spare_counter_ : cell_of(*series, counters_);
}

Gauge& Shard::gauge(const FamilySpec& spec, std::span<const std::string_view> values) {
  CHECK(spec.kind == Kind::kGauge, "the family is no gauge");
  const std::lock_guard lock(metrics_.mutex_);
  Series* series = metrics_.admit(spec, values);
  return series == nullptr ? spare_gauge_ : cell_of(*series, gauges_);
}

Histogram& Shard::histogram(const FamilySpec& spec, std::span<const std::string_view> values) {
  CHECK(spec.kind == Kind::kHistogram, "the family is no histogram");
  const std::lock_guard lock(metrics_.mutex_);
  Series* series = metrics_.admit(spec, values);
  if (series != nullptr) return cell_of(*series, histograms_, spec.scale);
  return spec.scale == Scale::kSeconds ? spare_seconds_ : spare_size_;
}

void Shard::expose(const base::Tally& tally, const FamilySpec& spec,
                   std::span<const std::string_view> values) {
  CHECK(spec.kind != Kind::kHistogram, "a Tally is no histogram");
  const std::lock_guard lock(metrics_.mutex_);
  Series* series = metrics_.admit(spec, values);
  if (series == nullptr) return;
  series->sources.push_back({.shard = this, .cell = &tally});
  series_.push_back(series);
}

void Shard::withdraw(const void* begin, size_t size) {
  const auto* first = static_cast<const char*>(begin);
  const auto inside = [&](const base::Tally* tally) {
    const auto* at = reinterpret_cast<const char*>(tally);
    return !std::less<>()(at, first) && std::less<>()(at, first + size);
  };
  const std::lock_guard lock(metrics_.mutex_);
  std::erase_if(series_, [&](Series* series) {
    const size_t erased = std::erase_if(series->sources, [&](const Source& source) {
      const auto* tally = std::get_if<const base::Tally*>(&source.cell);
      if (source.shard != this || tally == nullptr || !inside(*tally)) return false;
      retire(*series, source);
      return true;
    });
    return erased > 0 && std::ranges::none_of(series->sources, [this](const Source& source) {
             return source.shard == this;
           });
  });
}

}  // namespace layotto::telemetry
