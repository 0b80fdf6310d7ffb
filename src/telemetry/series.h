// What Metrics keeps of one family and of one series. Private to metrics.cc and shard.cc;
// everything here is read and written under the lock of Metrics, but for the names and label
// values, which never change once they are there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/tally.h"
#include "telemetry/counter.h"
#include "telemetry/family.h"
#include "telemetry/histogram.h"

namespace layotto::telemetry {

class Shard;

// One worker's cell of a series, or a Tally some room keeps itself.
struct Source {
  const Shard* shard;
  std::variant<Counter*, Gauge*, Histogram*, const base::Tally*> cell;
};

struct Series {
  Kind kind;
  std::vector<std::string> values;
  std::vector<Source> sources;
  // What the sources that are gone had counted.
  double retired = 0;
  std::unique_ptr<HistogramTotals> retired_histogram;
  // Of callbacks: how many there are and their sum at the last scrape.
  size_t pulls = 0;
  double pulled = 0;
};

struct FamilyRecord {
  std::string name;
  std::string help;
  std::vector<std::string> label_texts;
  std::vector<std::string_view> labels;
  Kind kind;
  Scale scale;
  // By the label values, joined: the order in which they are shown. Never erased.
  std::map<std::string, Series, std::less<>> series;

  [[nodiscard]] FamilySpec spec() const { return {name, help, kind, labels, scale}; }
};

}  // namespace layotto::telemetry
