// What a store does while it serves; its files are in files_test.cc.
#include "components/state/embedded/embedded.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "async/frame_pool.h"
#include "blocks/state.h"
#include "tests/conformance/embedded_store.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/turned_clock.h"

namespace layotto::components::state::embedded {
namespace {

using base::Code;
using blocks::StateItem;
using blocks::StateWrite;
using conformance::EmbeddedStore;
using std::chrono::hours;
using std::chrono::seconds;

class Embedded : public ::testing::Test {
 protected:
  EmbeddedStore& open(const EmbeddedSettings& settings = {}) {
    store_.reset();
    store_ = std::make_unique<EmbeddedStore>(folder_.path() + "/demo", clock_, settings);
    const Status opened = store_->open();
    CHECK(opened.ok(), opened.error().message());
    return *store_;
  }
  // All at once; gives the results.
  std::vector<Status> put_all(EmbeddedStore& store, const std::vector<std::string>& keys,
                              const std::string& value) {
    std::vector<tests::Later<Status>> results(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      store.loop().tasks().spawn_task(
          tell(store.store().write({.key = keys[i], .value = value}), &results[i]),
          store.loop().tasks().stop_source());
    }
    CHECK(store.loop().run_until([&] {
      return std::all_of(results.begin(), results.end(),
                         [](const auto& result) { return result.has_value(); });
    }));
    std::vector<Status> all;
    for (auto& result : results) all.push_back(std::move(*result));
    return all;
  }
  static Task<void> tell(Task<Status> task, tests::Later<Status>* result) {
    result->emplace(co_await std::move(task));
  }

  const tests::TemporaryFolder folder_;
  tests::TurnedClock clock_;
  std::unique_ptr<EmbeddedStore> store_;
};

std::vector<std::string> keys_of(int count) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) keys.push_back(fmt::format("key-{:06}", i));
  return keys;
}

// ---- group commit

TEST_F(Embedded, WritesInFlightShareCommits) {
  EmbeddedStore& store = open();
  constexpr int kRounds = 8;
  const auto keys = keys_of(64);
  const uint64_t before = store.engine().writer().counts().commits;
  for (int round = 0; round < kRounds; ++round) {
    for (const Status& status : put_all(store, keys, "v")) ASSERT_TRUE(status.ok());
  }
  const Writer::Counts counts = store.engine().writer().counts();
  EXPECT_EQ(counts.writes, kRounds * keys.size());
  EXPECT_LE((counts.commits - before) * 4, counts.writes) << "far fewer commits than writes";
  EXPECT_EQ(counts.keys, keys.size());
}

TEST_F(Embedded, OneAfterTheOtherHaveACommitEach) {
  EmbeddedStore& store = open();
  const uint64_t before = store.engine().writer().counts().commits;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.put("k", std::to_string(i)).ok());
  EXPECT_EQ(store.engine().writer().counts().commits - before, 10u);
  // What changes nothing costs no commit.
  ASSERT_TRUE(store.remove("missing").ok());
  ASSERT_FALSE(store.write({.key = "k", .precondition = blocks::Precondition::absent()}).ok());
  EXPECT_EQ(store.engine().writer().counts().commits - before, 10u);
}

TEST_F(Embedded, AReadIsAnsweredAtOnceAndAllocatesNothing) {
  EmbeddedStore& store = open();
  ASSERT_TRUE(store.put("k", std::string(500, 'v'), seconds(10)).ok());
  StateItem item;
  ASSERT_TRUE(store.get("k", item).ok());
  const uint64_t allocations = tests::allocations();
  const uint64_t frames = async::frames_allocated();
  Task<Status> task = store.store().get("k", blocks::Consistency::kDefault, item);
  EXPECT_EQ(tests::allocations(), allocations);
  EXPECT_EQ(async::frames_allocated(), frames);
  ASSERT_TRUE(task.is_ready());
  EXPECT_TRUE(std::move(task).take().ok());
  EXPECT_TRUE(item.found);
}

// ---- limits

TEST_F(Embedded, TheQueueIsBounded) {
  EmbeddedStore& store = open({.waiting_max = 10});
  int refused = 0;
  for (const Status& status : put_all(store, keys_of(100), "v")) {
    if (status.ok()) continue;
    ++refused;
    EXPECT_EQ(status.error().code(), Code::kResourceExhausted);
    EXPECT_NE(status.error().message().find("raise waiting_max"), std::string::npos);
    EXPECT_FALSE(status.error().outcome_unknown());
  }
  EXPECT_GT(refused, 0);
  EXPECT_TRUE(store.put("k", "v").ok());
  EXPECT_NE(store.metrics().find("layotto_state_embedded_full_total{store=\"demo\"}"),
            std::string::npos);
}

TEST_F(Embedded, ARequestLargerThanTheQueueIsRefused) {
  EmbeddedStore& store = open({.waiting_bytes_max = config::ByteSize::kib(64)});
  const Status status = store.put("k", std::string(70'000, 'v'));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::kResourceExhausted);
  EXPECT_NE(status.error().message().find("waiting_bytes_max"), std::string::npos);
  EXPECT_TRUE(store.put("k", std::string(60'000, 'v')).ok());
}

TEST_F(Embedded, TheMapGrowsWithTheFile) {
  EmbeddedStore& store = open();
  const std::string value(500'000, 'v');
  const auto keys = keys_of(60);
  for (const Status& status : put_all(store, keys, value)) ASSERT_TRUE(status.ok());
  for (const std::string& key : keys) EXPECT_EQ(store.value_of(key), value);
  EXPECT_NE(store.metrics().find("layotto_state_embedded_map_bytes{store=\"demo\"} 33554432"),
            std::string::npos)
      << store.metrics();
}

TEST_F(Embedded, WhenFullItRefusesAndStillDeletes) {
  EmbeddedStore& store = open({.bytes_max = config::ByteSize::mib(4)});
  const std::string value(90'000, 'v');
  std::vector<std::string> there;
  Status status;
  for (const std::string& key : keys_of(1000)) {
    status = store.put(key, value);
    if (!status.ok()) break;
    there.push_back(key);
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::kResourceExhausted);
  EXPECT_NE(status.error().message().find("bytes_max (4MiB)"), std::string::npos);
  EXPECT_FALSE(status.error().outcome_unknown());
  EXPECT_GT(there.size(), 20u);
  for (int round = 0; round < 3; ++round) {
    // Everything that was answered is there, and room comes back.
    for (const std::string& key : there) ASSERT_EQ(store.value_of(key), value);
    for (size_t i = 0; i < there.size() / 2; ++i) ASSERT_TRUE(store.remove(there[i]).ok()) << i;
    for (size_t i = 0; i < there.size() / 4; ++i) ASSERT_TRUE(store.put(there[i], value).ok());
    for (size_t i = 0; i < there.size() / 4; ++i) ASSERT_TRUE(store.remove(there[i]).ok());
    for (size_t i = 0; i < there.size() / 2; ++i) {
      status = store.put(there[i], value);
      if (!status.ok()) {
        there.erase(there.begin() + static_cast<std::ptrdiff_t>(i),
                    there.begin() + static_cast<std::ptrdiff_t>(there.size() / 2));
        break;
      }
    }
  }
  EXPECT_EQ(store.store().health().state, blocks::Health::State::kReady);
}

TEST_F(Embedded, WhatDoesNotFitFailsAloneInItsBatch) {
  EmbeddedStore& store = open({.bytes_max = config::ByteSize::mib(4)});
  const std::string large(6'000'000, 'v');
  const std::vector<StateWrite> writes = {
      {.key = "a", .value = "1"}, {.key = "large", .value = large}, {.key = "b", .value = "2"}};
  std::vector<Status> results(writes.size());
  ASSERT_TRUE(store.loop().run(store.store().write_bulk(writes, results)).ok());
  EXPECT_TRUE(results[0].ok());
  ASSERT_FALSE(results[1].ok());
  EXPECT_EQ(results[1].error().code(), Code::kResourceExhausted);
  EXPECT_TRUE(results[2].ok());
  EXPECT_EQ(store.value_of("b"), "2");
  EXPECT_EQ(store.loop().run(store.store().transact(writes)).error().code(),
            Code::kResourceExhausted);
}

TEST_F(Embedded, MakesRoomFromWhatHasExpired) {
  EmbeddedStore& store = open({.bytes_max = config::ByteSize::mib(4)});
  const std::string value(90'000, 'v');
  int count = 0;
  while (store.put(std::to_string(count), value, seconds(5)).ok()) ++count;
  ASSERT_GT(count, 20);
  clock_.advance(seconds(6));
  for (int i = 0; i < count / 2; ++i) ASSERT_TRUE(store.put("n" + std::to_string(i), value).ok());
}

// A file that may not grow stands for a disk that is full.
TEST_F(Embedded, AFullDiskIsAnErrorAndNothingIsLost) {
  EmbeddedStore& store = open();
  const std::string value(100'000, 'v');
  ASSERT_TRUE(store.put("before", value).ok());
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 1 << 20, .rlim_max = old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::vector<std::string> there;
  Status status;
  for (const std::string& key : keys_of(100)) {
    status = store.put(key, value);
    if (!status.ok()) break;
    there.push_back(key);
  }
  const blocks::Health full = store.store().health();
  const Status probed = store.loop().run(store.store().probe());
  const bool readable = store.value_of("before") == value;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, handler);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find("full"), std::string::npos) << status.error().message();
  EXPECT_TRUE(readable);
  EXPECT_EQ(full.state, blocks::Health::State::kDegraded);
  // Room again: the next probe finds out, nothing has to be restarted.
  EXPECT_TRUE(store.loop().run(store.store().probe()).ok() || probed.ok());
  EXPECT_EQ(store.store().health().state, blocks::Health::State::kReady);
  ASSERT_TRUE(store.put("after", value).ok());
  EmbeddedStore& again = open();
  for (const std::string& key : there) EXPECT_EQ(again.value_of(key), value);
  EXPECT_EQ(again.value_of("before"), value);
  EXPECT_EQ(again.value_of("after"), value);
}

TEST_F(Embedded, AFullFileSystemIsAnErrorAndNothingIsLost) {
  const tests::TemporaryFolder mounted;
  if (mount("tmpfs", mounted.path().c_str(), "tmpfs", 0, "size=2m") != 0) {
    GTEST_SKIP() << "only root can mount a small file system";
  }
  const std::string value(50'000, 'v');
  std::vector<std::string> there;
  {
    EmbeddedStore store(mounted.path() + "/demo", clock_);
    ASSERT_TRUE(store.open().ok());
    Status status;
    for (const std::string& key : keys_of(100)) {
      status = store.put(key, value);
      if (!status.ok()) break;
      there.push_back(key);
    }
    EXPECT_FALSE(status.ok());
    if (!status.ok()) {
      EXPECT_EQ(status.error().code(), Code::kResourceExhausted) << status.error().to_string();
    }
    for (const std::string& key : there) EXPECT_EQ(store.value_of(key), value);
  }
  {
    EmbeddedStore store(mounted.path() + "/demo", clock_);
    const Status opened = store.open();
    EXPECT_TRUE(opened.ok());
    if (opened.ok()) {
      for (const std::string& key : there) EXPECT_EQ(store.value_of(key), value);
    }
  }
  EXPECT_EQ(umount(mounted.path().c_str()), 0);
}

// ---- time

TEST_F(Embedded, DeletesWhatHasExpiredByItself) {
  EmbeddedStore& store = open();
  std::vector<std::string> keys = keys_of(3000);
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) {
    writes.push_back({.key = key, .value = "v", .ttl = seconds(2)});
  }
  std::vector<Status> results(writes.size());
  ASSERT_TRUE(store.loop().run(store.store().write_bulk(writes, results)).ok());
  ASSERT_TRUE(store.put("stays", "v").ok());
  EXPECT_EQ(store.engine().writer().counts().keys, 3001u);
  clock_.advance(seconds(4));
  EXPECT_TRUE(store.loop().run_until([&] { return store.engine().writer().counts().keys == 1; }));
  EXPECT_EQ(store.value_of("stays"), "v");
  EXPECT_NE(store.metrics().find("layotto_state_embedded_expired_total{store=\"demo\"} 3000"),
            std::string::npos);
}

TEST_F(Embedded, SettingTheWallClockExpiresNothing) {
  EmbeddedStore& store = open();
  ASSERT_TRUE(store.put("k", "v", seconds(100)).ok());
  clock_.step_wall(hours(1000));
  EXPECT_EQ(store.value_of("k"), "v");
  EXPECT_EQ(open().value_of("k"), "v") << "nor after an orderly restart";
  clock_.step_wall(-hours(5000));
  EXPECT_EQ(store_->value_of("k"), "v");
  EXPECT_EQ(open().value_of("k"), "v");
  clock_.advance(seconds(101));
  EXPECT_EQ(store_->value_of("k"), std::nullopt) << "nor does it keep anything";
}

TEST_F(Embedded, TimeGoesOnWhileItIsClosed) {
  ASSERT_TRUE(open().put("goes", "v", seconds(100)).ok());
  ASSERT_TRUE(store_->put("stays", "v", seconds(1000)).ok());
  store_.reset();
  clock_.advance(seconds(200));
  EXPECT_EQ(open().value_of("goes"), std::nullopt);
  EXPECT_EQ(store_->value_of("stays"), "v");
}

// ---- long keys

TEST_F(Embedded, LongKeysThatBeginAlikeAreTwoKeys) {
  EmbeddedStore& store = open();
  std::string a(4096, 'k');
  std::string b = a;
  b.back() = 'l';
  const std::string shorter = a.substr(0, 400);
  ASSERT_TRUE(store.put(a, "a").ok());
  ASSERT_TRUE(store.put(b, "b", seconds(5)).ok());
  ASSERT_TRUE(store.put(shorter, "s").ok());
  EXPECT_EQ(store.value_of(a), "a");
  EXPECT_EQ(store.value_of(b), "b");
  EXPECT_EQ(store.value_of(shorter), "s");
  ASSERT_TRUE(store.remove(a).ok());
  clock_.advance(seconds(6));
  EXPECT_EQ(store.value_of(a), std::nullopt);
  EXPECT_EQ(store.value_of(b), std::nullopt);
  EXPECT_EQ(open().value_of(shorter), "s");
}

TEST(EmbeddedSpec, HasItsNameAndKeepsThings) {
  const auto spec = embedded::spec();
  EXPECT_EQ(spec.type, "embedded");
  EXPECT_TRUE(spec.features.transactions && spec.features.ttl && spec.features.survives_restart);
}

}  // namespace
}  // namespace layotto::components::state::embedded
