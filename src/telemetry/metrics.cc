#include "telemetry/metrics.h"

#include <algorithm>

#include "telemetry/series.h"
#include "telemetry/utf8.h"

namespace layotto::telemetry {
namespace {

constexpr std::string_view kOther = "other";

constexpr CounterFamily kSeriesDropped(
    "layotto_telemetry_series_dropped_total",
    "Series refused beyond a limit; their values are in the series other of the family.",
    {"family"});

std::vector<std::string> texts_of(std::span<const std::string_view> values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const std::string_view value : values) {
    texts.push_back(valid_utf8(value, kLabelValueBytesMax));
  }
  return texts;
}

// Unambiguous: the values are UTF-8, in which the separator does not occur.
std::string key_of(std::span<const std::string> values) {
  std::string key;
  for (const std::string& value : values) key.append(value).push_back('\xFF');
  return key;
}

bool same(const FamilyRecord& family, const FamilySpec& spec) {
  return family.kind == spec.kind &&
         (spec.kind != Kind::kHistogram || family.scale == spec.scale) &&
         std::ranges::equal(family.labels, spec.labels);
}

struct Snapshot {
  explicit Snapshot(const Series& of) : series(&of), value(of.retired + of.pulled) {
    if (of.retired_histogram != nullptr) histogram = *of.retired_histogram;
    for (const Source& source : of.sources) {
      std::visit([this](const auto* cell) { add(*cell); }, source.cell);
    }
  }
  void add(const Counter& counter) { value += static_cast<double>(counter.read()); }
  void add(const Gauge& gauge) { value += static_cast<double>(gauge.read()); }
  void add(const base::Tally& tally) { value += static_cast<double>(tally.read()); }
  void add(const Histogram& cell) { cell.add_to(histogram); }

  const Series* series;
  double value;
  HistogramTotals histogram;
};

// A gauge nobody feeds any more has no value; totals stay.
bool is_shown(const Series& series) {
  return series.kind != Kind::kGauge || !series.sources.empty() || series.pulls > 0;
}

}  // namespace

PulledSeries::~PulledSeries() {
  if (metrics_ != nullptr) metrics_->withdraw(id_);
}

Metrics::Metrics(MetricsLimits limits) : limits_(limits) {
  const std::lock_guard lock(mutex_);
  auto family = find_or_add(kSeriesDropped.spec());
  CHECK(family.ok(), "the first family fits");
  series_of(**family, {std::string(kOther)});  // alerts need the zero
}

Metrics::~Metrics() {
  CHECK(shards_ == 0, "Metrics destroyed before its shards");
  CHECK(pulls_.empty(), "Metrics destroyed before a PulledSeries");
}

Status Metrics::declare(const FamilySpec& spec) {
  if (const char* problem = problem_of(spec)) {
    return base::invalid_argument("metric '{}': {}", spec.name, problem);
  }
  const std::lock_guard lock(mutex_);
  TRY(find_or_add(spec));
  return {};
}

Result<FamilyRecord*> Metrics::find_or_add(const FamilySpec& spec) {
  if (const auto found = families_.find(spec.name); found != families_.end()) {
    if (same(*found->second, spec)) return found->second.get();
    return base::already_exists("metric '{}' exists with another kind or other labels", spec.name);
  }
  // The family that counts the dropped ones came first and is not counted itself.
  if (families_.size() > limits_.families_max) {
    count_dropped(std::string(kOther));
    return base::resource_exhausted("metric '{}': there are {} metrics already, the limit",
                                    spec.name, limits_.families_max);
  }
  auto record = std::make_unique<FamilyRecord>();
  record->name = spec.name;
  record->help = valid_utf8(spec.help, spec.help.size() * kReplacementCharacter.size());
  record->label_texts.assign(spec.labels.begin(), spec.labels.end());
  record->labels.assign(record->label_texts.begin(), record->label_texts.end());
  record->kind = spec.kind;
  record->scale = spec.scale;
  return families_.emplace(spec.name, std::move(record)).first->second.get();
}

Series& Metrics::series_of(FamilyRecord& family, std::vector<std::string> values) {
  const auto [at, added] = family.series.try_emplace(key_of(values));
  if (added) {
    ++series_count_;
    at->second.kind = family.kind;
    at->second.values = std::move(values);
  }
  return at->second;
}

void Metrics::count_dropped(std::string family) {
  const auto counting = families_.find(kSeriesDropped.spec().name);
  series_of(*counting->second, {std::move(family)}).retired += 1;
}

Series* Metrics::admit(const FamilySpec& spec, std::span<const std::string_view> values) {
  CHECK(values.size() == spec.labels.size(), "as many label values as labels");
  auto found = find_or_add(spec);
  if (!found.ok()) {
    CHECK(found.error().code() == Code::kResourceExhausted, found.error().message());
    return nullptr;
  }
  FamilyRecord& family = **found;
  std::vector<std::string> texts = texts_of(values);
  // A family without labels has one series and is bounded by the number of families.
  const bool full = !texts.empty() && (family.series.size() >= limits_.series_per_family_max ||
                                       series_count_ >= limits_.series_max);
  if (full && !family.series.contains(key_of(texts))) {
    count_dropped(family.name);
    texts.assign(texts.size(), std::string(kOther));
  }
  return &series_of(family, std::move(texts));
}

PulledSeries Metrics::pull(const FamilySpec& spec, std::span<const std::string_view> values,
                           std::function<double()> read) {
  CHECK(spec.kind != Kind::kHistogram, "a histogram cannot be pulled");
  const std::lock_guard pulls_lock(pulls_mutex_);
  const std::lock_guard lock(mutex_);
  Series* series = admit(spec, values);
  if (series != nullptr) ++series->pulls;
  pulls_.push_back({.id = ++last_pull_id_, .series = series, .read = std::move(read)});
  return {*this, last_pull_id_};
}

void Metrics::withdraw(uint64_t pull_id) {
  const std::lock_guard pulls_lock(pulls_mutex_);
  const auto gone = std::ranges::find(pulls_, pull_id, &Pull::id);
  CHECK(gone != pulls_.end());
  Series* series = gone->series;
  const double last = gone->last;
  pulls_.erase(gone);
  if (series == nullptr) return;

  const std::lock_guard lock(mutex_);
  --series->pulls;
  if (series->kind == Kind::kCounter) series->retired += last;
  series->pulled = 0;
  for (const Pull& pull : pulls_) {
    if (pull.series == series) series->pulled += pull.last;
  }
}

void Metrics::read_callbacks() {
  const std::lock_guard pulls_lock(pulls_mutex_);
  for (Pull& pull : pulls_) pull.last = pull.read();
  const std::lock_guard lock(mutex_);
  for (Pull& pull : pulls_) {
    if (pull.series != nullptr) pull.series->pulled = 0;
  }
  for (const Pull& pull : pulls_) {
    if (pull.series != nullptr) pull.series->pulled += pull.last;
  }
}

void Metrics::collect(MetricsReader& reader) {
  read_callbacks();
  std::vector<Snapshot> batch;
  batch.reserve(kSeriesPerLockMax);
  // Families and series are never erased, so iterators stay valid while the lock is not held.
  std::unique_lock lock(mutex_);
  for (auto family = families_.begin(); family != families_.end(); ++family) {
    const FamilyRecord& record = *family->second;
    bool announced = false;
    for (auto at = record.series.begin(); at != record.series.end();) {
      batch.clear();
      for (; at != record.series.end() && batch.size() < kSeriesPerLockMax; ++at) {
        if (is_shown(at->second)) batch.emplace_back(at->second);
      }
      lock.unlock();
      const FamilySpec spec = record.spec();
      for (const Snapshot& snapshot : batch) {
        if (!std::exchange(announced, true)) reader.on_family(spec);
        reader.on_series(
            spec, {.values = snapshot.series->values,
                   .value = snapshot.value,
                   .histogram = record.kind == Kind::kHistogram ? &snapshot.histogram : nullptr});
      }
      lock.lock();
    }
  }
}

}  // namespace layotto::telemetry
