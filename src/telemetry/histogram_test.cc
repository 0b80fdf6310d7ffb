#include "telemetry/histogram.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace layotto::telemetry {
namespace {

constexpr std::array<Scale, 2> kScales = {Scale::kSeconds, Scale::kSize};

size_t bucket_by_search(const HistogramScale& scale, uint64_t value) {
  size_t i = 0;
  while (i + 1 < scale.buckets() && scale.bound(i) < value) ++i;
  return i;
}

TEST(Histogram, PutsEveryBoundIntoItsOwnBucketAndTheNextValueIntoTheNext) {
  for (const Scale name : kScales) {
    const HistogramScale& scale = HistogramScale::of(name);
    for (size_t i = 0; i + 1 < scale.buckets(); ++i) {
      EXPECT_EQ(scale.bucket(scale.bound(i)), i);
      EXPECT_EQ(scale.bucket(scale.bound(i) + 1), i + 1);
    }
    EXPECT_EQ(scale.bucket(0), 0U);
    EXPECT_EQ(scale.bucket(UINT64_MAX), scale.buckets() - 1);
  }
}

TEST(Histogram, FindsTheSameBucketAsASearch) {
  Random random(7);
  for (const Scale name : kScales) {
    const HistogramScale& scale = HistogramScale::of(name);
    for (int i = 0; i < 100'000; ++i) {
      const uint64_t value = random.next() >> random.below(64);
      ASSERT_EQ(scale.bucket(value), bucket_by_search(scale, value)) << value;
    }
  }
}

TEST(Histogram, HasTheLatencyBoundsPeopleWriteIntoAlerts) {
  const HistogramScale& scale = HistogramScale::of(Scale::kSeconds);
  EXPECT_EQ(scale.buckets(), 57U);
  size_t exported = 0;
  for (size_t i = 0; i + 1 < scale.buckets(); ++i) exported += scale.exported(i) ? 1 : 0;
  EXPECT_EQ(exported, 25U);
  for (const uint64_t microseconds : std::initializer_list<uint64_t>{
           1,       5,         10,        25,        50,         100,       250,     500,
           1'000,   2'500,     5'000,     10'000,    25'000,     50'000,    100'000, 250'000,
           500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 60'000'000}) {
    const size_t i = scale.bucket(microseconds * 1'000);
    EXPECT_EQ(scale.bound(i), microseconds * 1'000);
    EXPECT_TRUE(scale.exported(i)) << microseconds;
  }
}

TEST(Histogram, AddsUp) {
  Histogram histogram(Scale::kSeconds);
  histogram.observe(std::chrono::microseconds(3));
  histogram.observe(std::chrono::milliseconds(3));
  histogram.observe(std::chrono::hours(1));
  histogram.observe(Duration(-5));
  HistogramTotals totals;
  histogram.add_to(totals);
  EXPECT_EQ(totals.count(), 4U);
  EXPECT_EQ(totals.sum, 3'000U + 3'000'000U + 3'600'000'000'000U);
  EXPECT_EQ(totals.counts[0], 1U);
  EXPECT_EQ(totals.counts[56], 1U);
}

TEST(Histogram, KnowsItsQuantiles) {
  const HistogramScale& scale = HistogramScale::of(Scale::kSize);
  HistogramTotals totals;
  EXPECT_EQ(totals.quantile(0.5, scale), 0U);
  Histogram histogram(Scale::kSize);
  for (uint64_t i = 1; i <= 100; ++i) histogram.observe(i);
  histogram.add_to(totals);
  EXPECT_EQ(totals.quantile(0, scale), 1U);
  EXPECT_EQ(totals.quantile(0.5, scale), 64U);
  EXPECT_EQ(totals.quantile(0.99, scale), 128U);
  histogram.observe(UINT64_MAX);
  HistogramTotals more;
  histogram.add_to(more);
  EXPECT_EQ(more.quantile(1, scale), UINT64_MAX);
}

}  // namespace
}  // namespace layotto::telemetry
