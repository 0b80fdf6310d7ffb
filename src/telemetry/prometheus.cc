#include "telemetry/prometheus.h"

#include <charconv>
#include <cmath>

namespace layotto::telemetry {
namespace {

constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

std::string_view type_name(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

// Out has append(std::string_view).
template <class Out>
class PrometheusWriter final : public MetricsReader {
 public:
  explicit PrometheusWriter(Out& out) : out_(out) {}

  void on_family(const FamilySpec& family) override {
    put("# HELP ");
    put(family.name);
    put(" ");
    put_escaped(family.help, false);
    put("\n# TYPE ");
    put(family.name);
    put(" ");
    put(type_name(family.kind));
    put("\n");
  }

  void on_series(const FamilySpec& family, const SeriesView& series) override {
    if (series.histogram != nullptr) {
      put_histogram(family, series);
      return;
    }
    begin(family, series, "", "");
    put_number(series.value);
    put("\n");
  }

 private:
  void put(std::string_view text) { out_.append(text); }

  // In help texts backslash and newline are escaped, in label values the quote as well.
  void put_escaped(std::string_view text, bool quote) {
    while (!text.empty()) {
      const size_t clean = std::min(text.find_first_of(quote ? "\\\n\"" : "\\\n"), text.size());
      put(text.substr(0, clean));
      if (clean == text.size()) return;
      put(text[clean] == '\n' ? "\\n" : text[clean] == '"' ? "\\\"" : "\\\\");
      text.remove_prefix(clean + 1);
    }
  }

  // name_suffix{labels,le="…"} and a blank.
  void begin(const FamilySpec& family, const SeriesView& series, std::string_view suffix,
             std::string_view le) {
    put(family.name);
    put(suffix);
    std::string_view separator = "{";
    for (size_t i = 0; i < series.values.size(); ++i) {
      put(separator);
      put(family.labels[i]);
      put("=\"");
      put_escaped(series.values[i], true);
      put("\"");
      separator = ",";
    }
    if (!le.empty()) {
      put(separator);
      put("le=\"");
      put(le);
      put("\"");
      separator = ",";
    }
    put(separator == "{" ? " " : "} ");
  }

  void put_integer(uint64_t value) {
    std::array<char, 24> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    put({buffer.data(), end});
  }

  void put_number(double value) {
    if (std::isnan(value)) {
      put("NaN");
      return;
    }
    if (std::isinf(value)) {
      put(value > 0 ? "+Inf" : "-Inf");
      return;
    }
    std::array<char, 32> buffer;
    char* const last = buffer.data() + buffer.size();
    // Whole numbers without an exponent, as far as they are exact.
    const bool whole = std::abs(value) < 0x1.0p53 && value == std::trunc(value);
    const auto end = whole ? std::to_chars(buffer.data(), last, static_cast<int64_t>(value)).ptr
                           : std::to_chars(buffer.data(), last, value).ptr;
    put({buffer.data(), end});
  }

  // Nanoseconds as seconds, exactly: "0.0025".
  std::string_view seconds_text(uint64_t nanoseconds) {
    char* const first = text_.data();
    char* at = std::to_chars(first, first + text_.size(), nanoseconds / kNanosecondsPerSecond).ptr;
    uint64_t fraction = nanoseconds % kNanosecondsPerSecond;
    if (fraction != 0) {
      *at++ = '.';
      for (uint64_t unit = kNanosecondsPerSecond / 10; fraction != 0; unit /= 10) {
        *at++ = static_cast<char>('0' + fraction / unit);
        fraction %= unit;
      }
    }
    return {first, at};
  }

  std::string_view unit_text(Scale scale, uint64_t value) {
    if (scale == Scale::kSeconds) return seconds_text(value);
    char* const end = std::to_chars(text_.data(), text_.data() + text_.size(), value).ptr;
    return {text_.data(), end};
  }

  void put_histogram(const FamilySpec& family, const SeriesView& series) {
    const HistogramScale& scale = HistogramScale::of(family.scale);
    const HistogramTotals& totals = *series.histogram;
    uint64_t seen = 0;
    for (size_t i = 0; i + 1 < scale.buckets(); ++i) {
      seen += totals.counts[i];
      if (!scale.exported(i)) continue;
      begin(family, series, "_bucket", unit_text(family.scale, scale.bound(i)));
      put_integer(seen);
      put("\n");
    }
    seen += totals.counts[scale.buckets() - 1];
    begin(family, series, "_bucket", "+Inf");
    put_integer(seen);
    put("\n");
    begin(family, series, "_sum", "");
    put(unit_text(family.scale, totals.sum));
    put("\n");
    begin(family, series, "_count", "");
    put_integer(seen);
    put("\n");
  }

  Out& out_;
  std::array<char, 32> text_;
};

}  // namespace

void write_prometheus(Metrics& metrics, ByteChain& out) {
  PrometheusWriter<ByteChain> writer(out);
  metrics.collect(writer);
}

std::string prometheus_text(Metrics& metrics) {
  std::string text;
  PrometheusWriter<std::string> writer(text);
  metrics.collect(writer);
  return text;
}

}  // namespace layotto::telemetry
