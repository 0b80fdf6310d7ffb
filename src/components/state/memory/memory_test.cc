#include "components/state/memory/memory.h"

#include <gtest/gtest.h>

#include "async/frame_pool.h"
#include "async/test_loop.h"
#include "components/state/memory/memory_state_store.h"
#include "components/state/memory/shared_map.h"
#include "telemetry/prometheus.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/component_environment.h"

namespace layotto::components::state::memory {
namespace {

using base::Code;
using blocks::StateItem;
using blocks::StateWrite;
using std::chrono::milliseconds;
using std::chrono::seconds;

class MemoryState : public ::testing::Test {
 protected:
  void make(SharedMap::Limits limits) {
    map_ = std::make_unique<SharedMap>(limits, "demo", process_.metrics());
    const blocks::WorkerEnv env = worker_.env("demo");
    store_ = std::make_unique<MemoryStateStore>(*map_, env);
    CHECK(loop_.run(store_->start()).ok());
  }
  Status put(std::string_view key, std::string_view value,
             std::optional<seconds> ttl = std::nullopt) {
    return loop_.run(store_->write({.key = key, .value = value, .ttl = ttl}));
  }
  Status remove(std::string_view key) {
    return loop_.run(store_->write({.kind = StateWrite::Kind::kDelete, .key = key}));
  }
  bool found(std::string_view key) {
    StateItem item;
    EXPECT_TRUE(loop_.run(store_->get(key, blocks::Consistency::kDefault, item)).ok());
    return item.found;
  }
  std::string metrics() { return telemetry::prometheus_text(process_.metrics()); }

  async::TestLoop loop_;
  tests::ComponentProcess process_{loop_.clock()};
  tests::ComponentWorker worker_{process_, loop_.loop()};
  std::unique_ptr<SharedMap> map_;
  std::unique_ptr<MemoryStateStore> store_;
};

constexpr size_t kEach = SharedMap::kEntryOverheadBytes;

TEST_F(MemoryState, IsBoundedInBytes) {
  make({.bytes_max = 3 * (kEach + 101), .keys_max = 1000});
  const std::string value(100, 'v');
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(put(key, value).ok());
  const Status refused = put("d", "");
  ASSERT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_NE(refused.error().message().find("raise bytes_max"), std::string::npos);
  EXPECT_FALSE(found("d"));
  EXPECT_FALSE(put("a", value + "longer").ok()) << "a larger value for a key that is there";
  EXPECT_TRUE(put("a", "smaller").ok()) << "what frees is never refused";
  EXPECT_TRUE(put("b", value + "longer").ok());
  EXPECT_TRUE(remove("c").ok());
  EXPECT_TRUE(put("d", "").ok());
  EXPECT_NE(metrics().find("layotto_state_memory_full_total{store=\"demo\"} 2"), std::string::npos);
}

TEST_F(MemoryState, IsBoundedInKeys) {
  make({.bytes_max = 1 << 20, .keys_max = 2});
  ASSERT_TRUE(put("a", "1").ok());
  ASSERT_TRUE(put("b", "1").ok());
  const Status refused = put("c", "1");
  ASSERT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_NE(refused.error().message().find("raise keys_max"), std::string::npos);
  EXPECT_TRUE(put("a", "2").ok());
  EXPECT_TRUE(remove("a").ok());
  EXPECT_TRUE(put("c", "1").ok());
}

TEST_F(MemoryState, ATransactionIsCountedWhole) {
  make({.bytes_max = 2 * (kEach + 10), .keys_max = 2});
  ASSERT_TRUE(put("a", "123").ok());
  const std::array three = {StateWrite{.key = "b", .value = "1"},
                            StateWrite{.key = "c", .value = "1"},
                            StateWrite{.key = "d", .value = "1"}};
  EXPECT_EQ(loop_.run(store_->transact(three)).error().code(), Code::kResourceExhausted);
  EXPECT_EQ(map_->keys(), 1);
  const std::array exchange = {StateWrite{.key = "b", .value = "1"},
                               StateWrite{.key = "c", .value = "1"},
                               StateWrite{.kind = StateWrite::Kind::kDelete, .key = "a"}};
  EXPECT_TRUE(loop_.run(store_->transact(exchange)).ok()) << "the sum fits";
  EXPECT_EQ(map_->keys(), 2);
  EXPECT_EQ(map_->bytes(), static_cast<int64_t>(2 * (kEach + 2)));
}

TEST_F(MemoryState, AccountsComeBackToZero) {
  make({.bytes_max = 1 << 20, .keys_max = 1000});
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      const std::optional<seconds> ttl = i % 2 == 0 ? std::optional(seconds(5)) : std::nullopt;
      ASSERT_TRUE(put(std::to_string(i), std::string(static_cast<size_t>(i), 'v'), ttl).ok());
    }
    EXPECT_EQ(map_->keys(), 100);
    EXPECT_EQ(map_->expiring(), 50);
    for (int i = 1; i < 100; i += 2) ASSERT_TRUE(remove(std::to_string(i)).ok());
    loop_.advance(seconds(7));
    EXPECT_EQ(map_->keys(), 0);
    EXPECT_EQ(map_->bytes(), 0);
    EXPECT_EQ(map_->expiring(), 0);
  }
}

TEST_F(MemoryState, FreesWhatHasExpired) {
  make({.bytes_max = 64 << 20, .keys_max = 100'000});
  constexpr int kCount = 5000;
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(put(std::to_string(i), "v", seconds(2)).ok());
  ASSERT_TRUE(put("stays", "v").ok());
  loop_.advance(milliseconds(1900));
  EXPECT_EQ(map_->keys(), kCount + 1);
  loop_.advance(seconds(3));
  EXPECT_EQ(map_->keys(), 1) << "without anyone asking for the keys";
  EXPECT_TRUE(found("stays"));
}

TEST_F(MemoryState, FreesAPortionAPass) {
  make({.bytes_max = 64 << 20, .keys_max = 100'000});
  constexpr int64_t kPortion = MemoryStateStore::kCollectedPerPass;
  for (int64_t i = 0; i < 3 * kPortion; ++i) {
    ASSERT_TRUE(put(std::to_string(i), "v", seconds(1)).ok());
  }
  loop_.clock().advance(milliseconds(1100));
  loop_.loop().run_once(Duration(0));
  EXPECT_EQ(map_->keys(), 2 * kPortion);
  loop_.advance(milliseconds(20));
  EXPECT_EQ(map_->keys(), 0);
}

TEST_F(MemoryState, MakesRoomFromWhatHasExpired) {
  make({.bytes_max = 1 << 20, .keys_max = 100});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(put(std::to_string(i), "v", seconds(1)).ok());
  ASSERT_FALSE(put("new", "v").ok());
  // The map is asked itself: the loop's timer shall not have been before.
  const TimePoint later = loop_.loop().now() + seconds(2);
  EXPECT_TRUE(map_->write({.key = "new", .value = "v"}, later, {}).ok());
  EXPECT_EQ(map_->keys(), 1);
}

TEST_F(MemoryState, OnceSeenExpiredItIsGoneForSlowerClocks) {
  make({.bytes_max = 1 << 20, .keys_max = 100});
  const TimePoint now = loop_.loop().now();
  ASSERT_TRUE(map_->write({.key = "k", .value = "v", .ttl = seconds(1)}, now, {}).ok());
  StateItem item;
  map_->get("k", now + milliseconds(999), item);
  EXPECT_TRUE(item.found);
  map_->get("k", now + seconds(1), item);
  EXPECT_FALSE(item.found);
  map_->get("k", now + milliseconds(999), item);
  EXPECT_FALSE(item.found) << "another worker whose pass began earlier";
}

TEST_F(MemoryState, ExpiryOfManyInAnyOrder) {
  make({.bytes_max = 64 << 20, .keys_max = 100'000});
  Random random(7);
  const TimePoint now = loop_.loop().now();
  std::vector<int64_t> ttls;
  for (int i = 0; i < 2000; ++i) {
    ttls.push_back(1 + static_cast<int64_t>(random.below(1000)));
    ASSERT_TRUE(
        map_->write({.key = std::to_string(i), .value = "v", .ttl = seconds(ttls.back())}, now, {})
            .ok());
  }
  // Some change their time, some go.
  for (size_t i = 0; i < ttls.size(); i += 3) {
    ttls[i] = 1 + static_cast<int64_t>(random.below(1000));
    ASSERT_TRUE(
        map_->write({.key = std::to_string(i), .value = "v", .ttl = seconds(ttls[i])}, now, {})
            .ok());
  }
  for (size_t i = 1; i < ttls.size(); i += 7) {
    ttls[i] = 0;
    const std::string key = std::to_string(i);
    ASSERT_TRUE(map_->write({.kind = StateWrite::Kind::kDelete, .key = key}, now, {}).ok());
  }
  for (int64_t at = 0; at <= 1000; at += 50) {
    while (map_->collect(now + seconds(at), 100) > 0) {
    }
    const auto left = std::count_if(ttls.begin(), ttls.end(), [at](int64_t t) { return t > at; });
    ASSERT_EQ(map_->keys(), left) << at;
  }
}

TEST_F(MemoryState, AWarmReadCostsNoFrameAndNoAllocation) {
  make({.bytes_max = 1 << 20, .keys_max = 100});
  ASSERT_TRUE(put("k", std::string(500, 'v'), seconds(10)).ok());
  StateItem item;
  ASSERT_TRUE(loop_.run(store_->get("k", blocks::Consistency::kDefault, item)).ok());
  const uint64_t allocations = tests::allocations();
  const uint64_t frames = async::frames_allocated();
  Task<Status> task = store_->get("k", blocks::Consistency::kDefault, item);
  EXPECT_EQ(tests::allocations(), allocations);
  EXPECT_EQ(async::frames_allocated(), frames);
  ASSERT_TRUE(task.is_ready());
  EXPECT_TRUE(std::move(task).take().ok());
  EXPECT_TRUE(item.found);
}

TEST_F(MemoryState, WritesAreAnsweredAtOnce) {
  make({.bytes_max = 1 << 20, .keys_max = 100});
  Task<Status> task = store_->write({.key = "k", .value = "v"});
  ASSERT_TRUE(task.is_ready());
  EXPECT_TRUE(std::move(task).take().ok());
}

TEST_F(MemoryState, ShowsItsSize) {
  make({.bytes_max = 1 << 20, .keys_max = 100});
  ASSERT_TRUE(put("key", "value").ok());
  EXPECT_NE(metrics().find("layotto_state_memory_keys{store=\"demo\"} 1\n"), std::string::npos);
  EXPECT_NE(
      metrics().find(fmt::format("layotto_state_memory_bytes{{store=\"demo\"}} {}\n", kEach + 8)),
      std::string::npos);
}

TEST(MemorySpec, HasLayottosName) {
  const auto spec = memory::spec();
  EXPECT_EQ(spec.type, "memory");
  EXPECT_EQ(spec.aliases, std::vector<std::string_view>{"in-memory"});
  EXPECT_TRUE(spec.features.transactions && spec.features.ttl);
  EXPECT_FALSE(spec.features.survives_restart);
}

}  // namespace
}  // namespace layotto::components::state::memory
