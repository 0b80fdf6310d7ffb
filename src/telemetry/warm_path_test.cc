// What happens per request does not allocate: counted by a hook of the sanitizers' malloc, so this
// test says something under dev and tsan only.
#include <gtest/gtest.h>
#include <sanitizer/allocator_interface.h>

#include <atomic>

#include "async/test_loop.h"
#include "telemetry/access_log.h"
#include "telemetry/log.h"
#include "telemetry/log_test_support.h"
#include "telemetry/shard.h"
#include "telemetry/trace.h"

namespace layotto::telemetry {
namespace {

constexpr CounterFamily kRequests("layotto_warm_requests_total", "Requests.", {"code"});
constexpr HistogramFamily kLatency("layotto_warm_request_seconds", "Latency.", Scale::kSeconds);

class NumberedAttributes final : public AttributeLookup {
 public:
  Result<std::optional<Attribute>> find(std::string_view, std::string_view) override {
    return std::optional(Attribute{.id = next_++});
  }
  [[nodiscard]] std::vector<std::string_view> names() const override { return {}; }

 private:
  int32_t next_ = 0;
};

class SomeValues final : public AttributeValues {
 public:
  void append(int32_t id, std::string_view argument, Line& out) override {
    if (id % 3 == 0) out.integer(id);
    if (id % 3 == 1) out.text("caf\xC3\xA9 \"au lait\"");
    if (id % 3 == 2) out.raw(argument);
  }
};

std::atomic<uint64_t> allocations = 0;

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
bool count_allocations() {
  // lint: allow(volatile) the type of the hooks
  const auto on_malloc = [](const volatile void*, size_t) {
    allocations.fetch_add(1, std::memory_order_relaxed);
  };
  // lint: allow(volatile) the type of the hooks
  const auto on_free = [](const volatile void*) {};
  return __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0;
}
#else
bool count_allocations() { return false; }
#endif

using WarmPath = LogFolder;

TEST_F(WarmPath, DoesNotAllocate) {
  if (!count_allocations()) GTEST_SKIP() << "no malloc hook in this build";
  Metrics metrics;
  Shard shard(metrics);
  Counter& requests = shard.counter(kRequests, "200");
  Histogram& latency = shard.histogram(kLatency);

  async::TestLoop test;
  const auto file = open(path("log"));
  Logger logger(*file, test.clock(), {.level = Level::kDebug});
  logger.flush_on(test.loop());
  const Log log = logger.log("http");
  LineWriter writer(*file, test.loop());
  NumberedAttributes attributes;
  const auto format = AccessLogFormat::compile("%A% %B% %C(x)% %D:5% %E:3% %F%", attributes);
  ASSERT_TRUE(format.ok());
  SomeValues values;
  Random random(1);

  ASSERT_GT(allocations, 0U);
  const uint64_t before = allocations;
  for (int i = 0; i < 3000; ++i) {
    requests.add();
    latency.observe(std::chrono::microseconds(i));
    const auto parent =
        parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    const Span span = Span::continued(parent.value_or(TraceParent{}), random).child(random);
    std::array<char, kTraceparentBytes> header;
    span.format(header);
    format->write(values, writer);
    log.debug("request_done", {{"path", "/a b"}, {"took", std::chrono::milliseconds(i)}});
    log.warn("too_often", {{"n", i}});
    log.trace("disabled", {{"n", i}});
    if (i % 1000 == 0) {
      test.clock().advance(std::chrono::seconds(1));
      test.loop().run_once(Duration(0));
    }
  }
  EXPECT_EQ(allocations, before);
  EXPECT_GT(file->counters().bytes.read(), 100'000U);
  logger.flush_off();
}

}  // namespace
}  // namespace layotto::telemetry
