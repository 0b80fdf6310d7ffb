// Families: the name, help text and label names of a metric, written once as a constant and checked
// when compiled.
//
//   constexpr CounterFamily kRequests("layotto_http_requests_total", "Requests answered.",
//                                     {"protocol", "code"});
//   constexpr HistogramFamily kLatency("layotto_http_request_duration_seconds",
//                                      "From the head's last byte to the response's.",
//                                      Scale::kSeconds, {"protocol"});
//
// Names of ours are layotto_<module>_<noun>_<unit>, counters end in _total. Other prefixes
// (istio_requests_total, process_…) are held to Prometheus' character set only; what is named at
// run time is a FamilySpec and goes through Metrics::declare first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/histogram.h"
#include "telemetry/limits.h"

namespace layotto::telemetry {

enum class Kind : uint8_t { kCounter, kGauge, kHistogram };

// Borrowed texts; Metrics copies what it keeps.
struct FamilySpec {
  std::string_view name;
  std::string_view help;
  Kind kind = Kind::kCounter;
  std::span<const std::string_view> labels;
  Scale scale = Scale::kSeconds;  // of histograms
};

constexpr bool is_label_name(std::string_view text) {
  if (text.empty() || text.starts_with("__") || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (c < '0' || c > '9')) return false;
  }
  return true;
}

// What is wrong with the spec as a sentence, nullptr when nothing is.
constexpr const char* problem_of(const FamilySpec& spec) {
  if (spec.name.empty() || (spec.name[0] >= '0' && spec.name[0] <= '9')) {
    return "a metric name begins with a letter";
  }
  for (const char c : spec.name) {
    const bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!lower && c != ':' && (c < 'A' || c > 'Z')) {
      return "a metric name has letters, digits, '_' and ':' only";
    }
    if (!lower && spec.name.starts_with("layotto_")) {
      return "names of ours have lower-case letters, digits and '_' only";
    }
  }
  if (spec.name.starts_with("layotto_")) {
    const std::string_view rest = spec.name.substr(8);
    if (rest.find('_') == std::string_view::npos || rest.starts_with('_')) {
      return "names of ours are layotto_<module>_<noun>";
    }
    if ((spec.kind == Kind::kCounter) != spec.name.ends_with("_total")) {
      return "counters of ours end in _total, others do not";
    }
    if (spec.kind == Kind::kHistogram && spec.scale == Scale::kSeconds &&
        !spec.name.ends_with("_seconds")) {
      return "latencies of ours end in _seconds";
    }
  }
  if (spec.help.empty()) return "a metric needs a help text";
  if (spec.labels.size() > kLabelsMax) return "too many labels";
  for (size_t i = 0; i < spec.labels.size(); ++i) {
    if (!is_label_name(spec.labels[i])) {
      return "a label name has letters, digits and '_' and begins with no digit and no '__'";
    }
    if (spec.kind == Kind::kHistogram && spec.labels[i] == "le") {
      return "the label le belongs to the buckets";
    }
    for (size_t j = 0; j < i; ++j) {
      if (spec.labels[i] == spec.labels[j]) return "a label name is there twice";
    }
  }
  return nullptr;
}

// Not constexpr and never defined: naming it while compiling is how a bad constant is refused.
void family_is_not_valid(const char* why);

// What the three kinds share; N label names.
template <size_t N>
class Family {
 public:
  [[nodiscard]] constexpr FamilySpec spec() const { return {name_, help_, kind_, labels_, scale_}; }

 protected:
  consteval Family(Kind kind, std::string_view name, std::string_view help,
                   const std::string_view* labels, Scale scale = Scale::kSeconds)
      : name_(name), help_(help), kind_(kind), scale_(scale) {
    for (size_t i = 0; i < N; ++i) labels_[i] = labels[i];
    if (const char* problem = problem_of(spec())) family_is_not_valid(problem);
  }

 private:
  std::string_view name_;
  std::string_view help_;
  Kind kind_;
  Scale scale_;
  std::array<std::string_view, N> labels_{};
};

template <size_t N>
class CounterFamily : public Family<N> {
 public:
  consteval CounterFamily(std::string_view name, std::string_view help)
      : Family<N>(Kind::kCounter, name, help, nullptr) {}
  template <size_t M>
  consteval CounterFamily(std::string_view name, std::string_view help,
                          const std::string_view (&labels)[M])
      : Family<N>(Kind::kCounter, name, help, labels) {}
};
CounterFamily(std::string_view, std::string_view) -> CounterFamily<0>;
template <size_t M>
CounterFamily(std::string_view, std::string_view, const std::string_view (&)[M])
    -> CounterFamily<M>;

template <size_t N>
class GaugeFamily : public Family<N> {
 public:
  consteval GaugeFamily(std::string_view name, std::string_view help)
      : Family<N>(Kind::kGauge, name, help, nullptr) {}
  template <size_t M>
  consteval GaugeFamily(std::string_view name, std::string_view help,
                        const std::string_view (&labels)[M])
      : Family<N>(Kind::kGauge, name, help, labels) {}
};
GaugeFamily(std::string_view, std::string_view) -> GaugeFamily<0>;
template <size_t M>
GaugeFamily(std::string_view, std::string_view, const std::string_view (&)[M]) -> GaugeFamily<M>;

template <size_t N>
class HistogramFamily : public Family<N> {
 public:
  consteval HistogramFamily(std::string_view name, std::string_view help, Scale scale)
      : Family<N>(Kind::kHistogram, name, help, nullptr, scale) {}
  template <size_t M>
  consteval HistogramFamily(std::string_view name, std::string_view help, Scale scale,
                            const std::string_view (&labels)[M])
      : Family<N>(Kind::kHistogram, name, help, labels, scale) {}
};
HistogramFamily(std::string_view, std::string_view, Scale) -> HistogramFamily<0>;
template <size_t M>
HistogramFamily(std::string_view, std::string_view, Scale, const std::string_view (&)[M])
    -> HistogramFamily<M>;

}  // namespace layotto::telemetry
