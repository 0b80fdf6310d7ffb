// The files of a store: whose they are, of which format, damaged, copied.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/random.h"
#include "clients/lmdb/data_file.h"
#include "components/state/embedded/embedded.h"
#include "components/state/embedded/format.h"
#include "tests/conformance/embedded_store.h"
#include "tests/support/deep.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/turned_clock.h"

namespace layotto::components::state::embedded {
namespace {

using base::Code;
using blocks::StateItem;
using clients::lmdb::Environment;
using clients::lmdb::Outcome;
using clients::lmdb::Table;
using clients::lmdb::WriteTransaction;
using conformance::EmbeddedStore;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

class EmbeddedFiles : public ::testing::Test {
 protected:
  [[nodiscard]] std::string demo() const { return folder_ / "demo"; }
  [[nodiscard]] std::string data() const { return demo() + "/data.mdb"; }
  [[nodiscard]] std::unique_ptr<EmbeddedStore> made() const {
    return std::make_unique<EmbeddedStore>(demo(), clock_);
  }
  [[nodiscard]] std::unique_ptr<EmbeddedStore> opened() const {
    auto store = made();
    const Status status = store->open();
    CHECK(status.ok(), status.error().message());
    return store;
  }
  Error refused() const {
    auto store = made();
    Status status = store->open();
    CHECK(!status.ok(), "it was opened");
    EXPECT_EQ(store->store().health().state, blocks::Health::State::kFailed);
    EXPECT_EQ(store->store().health().reason, status.error().message());
    StateItem item;
    EXPECT_EQ(store->get("k", item).error().code(), Code::kUnavailable);
    return std::move(status).error();
  }
  // One change to what is in the file, as another program or version would make it.
  template <class F>
  void change(F function) const {
    std::filesystem::create_directories(demo());
    auto environment = Environment::open({.folder = demo()});
    CHECK(environment.ok());
    WriteTransaction transaction;
    CHECK(transaction.begin(**environment).ok());
    function(transaction);
    CHECK(transaction.commit().ok());
  }

  const tests::TemporaryFolder folder_;
  const tests::TurnedClock clock_;
};

TEST_F(EmbeddedFiles, AreForThisUserOnly) {
  const auto store = opened();
  struct stat found{};
  ASSERT_EQ(stat(demo().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700u);
  ASSERT_EQ(stat(data().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(EmbeddedFiles, ASecondStoreOnTheFolderIsRefused) {
  auto store = opened();
  ASSERT_TRUE(store->put("k", "v").ok());
  const Error error = refused();
  EXPECT_EQ(error.code(), Code::kUnavailable);
  EXPECT_NE(error.message().find(demo()), std::string::npos);
  EXPECT_NE(error.message().find("another component of this process"), std::string::npos);
  EXPECT_EQ(store->value_of("k"), "v") << "who has it goes on";
  store.reset();
  EXPECT_EQ(opened()->value_of("k"), "v");
}

TEST_F(EmbeddedFiles, MayBeOpenedAgainAfterStop) {
  auto store = opened();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store->put("k", std::to_string(i)).ok());
    store->close();
    StateItem item;
    EXPECT_EQ(store->get("k", item).error().code(), Code::kUnavailable);
    ASSERT_TRUE(store->open().ok());
    EXPECT_EQ(store->value_of("k"), std::to_string(i));
  }
}

TEST_F(EmbeddedFiles, OfAnotherProgramAreRefusedAndLeft) {
  change([](WriteTransaction& transaction) {
    Table table;
    ASSERT_TRUE(transaction.open("theirs", true, table).ok());
    ASSERT_TRUE(transaction.put(table, "k", "v").ok());
  });
  const std::string before = read_file(data());
  const Error error = refused();
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_NE(error.message().find("another program"), std::string::npos);
  EXPECT_EQ(read_file(data()), before);
}

TEST_F(EmbeddedFiles, ThatAreNoDatabaseAreRefusedAndLeft) {
  std::filesystem::create_directories(demo());
  write_file(data(), "this is somebody's text\n");
  EXPECT_EQ(refused().code(), Code::kDataLoss);
  EXPECT_EQ(read_file(data()), "this is somebody's text\n");
}

TEST_F(EmbeddedFiles, OfANewerFormatAreRefusedAndLeft) {
  ASSERT_TRUE(opened()->put("k", "v").ok());
  change([](WriteTransaction& transaction) {
    Table meta;
    ASSERT_TRUE(transaction.open("meta", false, meta).ok());
    const uint32_t newer = kFormat + 1;
    ASSERT_TRUE(
        transaction.put(meta, kFormatKey, {reinterpret_cast<const char*>(&newer), sizeof(newer)})
            .ok());
  });
  const std::string before = read_file(data());
  const Error error = refused();
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_NE(error.message().find("has format 2, this program knows up to 1"), std::string::npos);
  EXPECT_EQ(read_file(data()), before);
}

// There is no older format yet: a later program is played, with two steps.
TEST_F(EmbeddedFiles, OfAnOlderFormatAreBroughtUpToDate) {
  ASSERT_TRUE(opened()->put("k", "v").ok());
  constexpr Migration kSteps[] = {
      {1, [](WriteTransaction& transaction,
             Tables tables) { return transaction.put(tables.meta, "first", "done"); }},
      {2, [](WriteTransaction& transaction, Tables tables) {
         std::string_view value;
         const Outcome first = transaction.get(tables.meta, "first", value);
         return first.ok() ? transaction.put(tables.meta, "second", "done") : first;
       }}};
  {
    auto environment = Environment::open({.folder = demo()});
    ASSERT_TRUE(environment.ok());
    const auto gap = open_tables(**environment, 4, kSteps);
    ASSERT_FALSE(gap.ok()) << "no step from 3 to 4";
    EXPECT_EQ(gap.error().code(), Code::kFailedPrecondition);
    const auto tables = open_tables(**environment, 3, kSteps);
    ASSERT_TRUE(tables.ok()) << tables.error().message();
    WriteTransaction transaction;
    ASSERT_TRUE(transaction.begin(**environment).ok());
    std::string_view value;
    EXPECT_TRUE(transaction.get(tables->meta, "second", value).ok());
  }
  EXPECT_NE(refused().message().find("has format 3"), std::string::npos) << "it is written down";
}

TEST_F(EmbeddedFiles, DamagedOnesAreRefusedOrSayWhatIsDamaged) {
  constexpr int kKeys = 400;
  const auto value_of = [](int i) { return std::string(static_cast<size_t>(i % 40) * 100, 'v'); };
  {
    auto store = opened();
    std::vector<std::string> keys;
    std::vector<std::string> values;
    std::vector<blocks::StateWrite> writes;
    for (int i = 0; i < kKeys; ++i) keys.push_back(std::to_string(i));
    for (int i = 0; i < kKeys; ++i) values.push_back(value_of(i));
    for (size_t i = 0; i < kKeys; ++i) writes.push_back({.key = keys[i], .value = values[i]});
    std::vector<Status> results(writes.size());
    ASSERT_TRUE(store->loop().run(store->store().write_bulk(writes, results)).ok());
  }
  const std::string good = read_file(data());
  Random random(5);
  int refused = 0;
  int told = 0;
  for (int round = 0; round < tests::rounds(60, 3000); ++round) {
    std::string bad = good;
    const size_t at = 2 * 4096 + random.below(good.size() - 2 * 4096);
    for (size_t i = 0; i < 8 && at + i < bad.size(); ++i) bad[at + i] ^= 0x55;
    write_file(data(), bad);
    auto store = made();
    if (!store->open().ok()) {
      ++refused;
      continue;
    }
    for (int i = 0; i < kKeys; ++i) {
      StateItem item;
      const Status status = store->get(std::to_string(i), item);
      if (!status.ok()) {
        ++told;
        EXPECT_EQ(status.error().code(), Code::kDataLoss) << status.error().message();
      } else if (item.found) {
        ASSERT_EQ(item.value, value_of(i)) << "never a wrong value";
      }
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(told, 0);
}

TEST_F(EmbeddedFiles, ADamagedRecordCanBeReplaced) {
  const std::string value(10'000, 'v');
  ASSERT_TRUE(opened()->put("k", value).ok());
  std::string content = read_file(data());
  const size_t at = content.rfind(std::string(3000, 'v'));
  ASSERT_NE(at, std::string::npos);
  content[at + 1000] = 'w';
  write_file(data(), content);
  auto store = opened();
  StateItem item;
  const Status status = store->get("k", item);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::kDataLoss);
  EXPECT_FALSE(item.found);
  EXPECT_EQ(
      store->write({.key = "k", .precondition = blocks::Precondition::absent()}).error().code(),
      Code::kDataLoss)
      << "whether it is there, nobody knows";
  ASSERT_TRUE(store->put("k", "new").ok());
  EXPECT_EQ(store->value_of("k"), "new");
}

TEST_F(EmbeddedFiles, RemovedWhileInUseAreMissed) {
  auto store = opened();
  ASSERT_TRUE(store->put("k", "v").ok());
  EXPECT_TRUE(store->loop().run(store->store().probe()).ok());
  std::filesystem::rename(data(), data() + ".moved");
  EXPECT_EQ(store->loop().run(store->store().probe()).error().code(), Code::kDataLoss);
  EXPECT_EQ(store->store().health().state, blocks::Health::State::kFailed);
  EXPECT_EQ(store->value_of("k"), "v");
  std::filesystem::rename(data() + ".moved", data());
  EXPECT_TRUE(store->loop().run(store->store().probe()).ok());
  EXPECT_EQ(store->store().health().state, blocks::Health::State::kReady);
}

// ---- backup

TEST_F(EmbeddedFiles, AreCopiedWhileTheStoreServes) {
  auto store = opened();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->put(std::to_string(i), "before").ok());
  const std::string to = folder_ / "backup";
  tests::Later<Status> done;
  store->loop().tasks().spawn_task(
      [](Task<Status> task, tests::Later<Status>* result) -> Task<void> {
        result->emplace(co_await std::move(task));
      }(store->store().backup(to), &done),
      store->loop().tasks().stop_source());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->put(std::to_string(i), "after").ok());
  ASSERT_TRUE(store->loop().run_until([&] { return done.has_value(); }));
  ASSERT_TRUE(done->ok()) << done->error().message();

  EmbeddedStore copy(to, clock_);
  ASSERT_TRUE(copy.open().ok()) << "beside the original";
  // A moment of the original: once a value is the old one, all later ones are.
  bool old = false;
  for (int i = 0; i < 50; ++i) {
    const auto value = copy.value_of(std::to_string(i));
    ASSERT_TRUE(value == "before" || value == "after");
    EXPECT_FALSE(old && value == "after");
    old = value == "before";
  }
  // The two go on alone, and no etag of one is ever one of the other.
  ASSERT_TRUE(copy.put("k", "copy").ok());
  ASSERT_TRUE(store->put("k", "original").ok());
  StateItem mine;
  StateItem theirs;
  ASSERT_TRUE(store->get("k", mine).ok() && copy.get("k", theirs).ok());
  EXPECT_NE(mine.etag, theirs.etag);
  EXPECT_EQ(mine.value, "original");
}

TEST_F(EmbeddedFiles, AreNeverCopiedOverOthers) {
  auto store = opened();
  folder_.write("there", "x");
  const std::string to = folder_ / "full";
  std::filesystem::create_directories(to + "/data");
  for (const std::string& bad : {to, folder_ / "there", folder_ / "missing/below"}) {
    const Status status = store->loop().run(store->store().backup(bad));
    ASSERT_FALSE(status.ok()) << bad;
    EXPECT_EQ(status.error().code(), Code::kFailedPrecondition);
    EXPECT_NE(status.error().message().find(bad), std::string::npos);
  }
}

TEST_F(EmbeddedFiles, AtRestAreCopiedByWhoeverFindsThemFree) {
  auto store = opened();
  ASSERT_TRUE(store->put("k", "v").ok());
  const Status held = copy_at_rest(demo(), folder_ / "backup");
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code(), Code::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "backup"));
  store.reset();
  const Status copied = copy_at_rest(demo(), folder_ / "backup");
  ASSERT_TRUE(copied.ok()) << copied.error().message();
  EmbeddedStore copy(folder_ / "backup", clock_);
  ASSERT_TRUE(copy.open().ok());
  EXPECT_EQ(copy.value_of("k"), "v");
  EXPECT_EQ(copy_at_rest(folder_ / "missing", folder_ / "backup2").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace layotto::components::state::embedded
