#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"
#include "clients/lmdb/data_file.h"
#include "clients/lmdb/environment.h"
#include "tests/support/deep.h"
#include "tests/support/temporary_folder.h"

namespace layotto::clients::lmdb {
namespace {

using base::Code;

constexpr size_t kPageBytes = 4096;

std::string key_of(int i) { return fmt::format("key-{:05}", i * 7919 % 3000); }

// Three thousand keys, some of them deleted, a few large values, written in several commits.
void fill(const std::string& folder) {
  auto environment = Environment::open({.folder = folder, .map_bytes = 64 << 20});
  ASSERT_TRUE(environment.ok()) << environment.error().message();
  for (int round = 0; round < 4; ++round) {
    WriteTransaction transaction;
    ASSERT_TRUE(transaction.begin(**environment).ok());
    Table table;
    ASSERT_TRUE(transaction.open("things", true, table).ok());
    for (int i = round; i < 3000; i += 2) {
      const std::string value(i % 50 == 0 ? 9000 : 40, 'v');
      ASSERT_TRUE(transaction.put(table, key_of(i), value).ok());
    }
    for (int i = 0; i < 3000; i += 5) {
      const Outcome erased = transaction.erase(table, key_of(i));
      ASSERT_TRUE(erased.ok() || erased.not_found());
    }
    ASSERT_TRUE(transaction.commit().ok());
  }
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Opens it, reads all and writes a little: whatever comes of it, the process lives.
void use(const std::string& folder) {
  auto environment = Environment::open({.folder = folder, .map_bytes = 64 << 20});
  if (!environment.ok()) return;
  WriteTransaction transaction;
  Table table;
  if (!transaction.begin(**environment).ok() || !transaction.open("things", false, table).ok()) {
    return;
  }
  std::string_view value;
  for (int i = 0; i < 3000; ++i) {
    if (transaction.get(table, key_of(i), value).ok()) ASSERT_LE(value.size(), 9000u);
  }
  for (int i = 0; i < 20; ++i) {
    if (!transaction.put(table, key_of(i), "new").ok()) return;
  }
  static_cast<void>(transaction.commit());
}

class LmdbDataFile : public ::testing::Test {
 protected:
  void SetUp() override {
    fill(folder_.path());
    good_ = read_file(folder_ / kDataFile);
    ASSERT_GT(good_.size(), 30 * kPageBytes);
  }
  Status check(const std::string& content) {
    folder_.write(kDataFile, content);
    return check_data_file(folder_.path());
  }

  tests::TemporaryFolder folder_;
  std::string good_;
};

TEST_F(LmdbDataFile, IsFineAsItWasWritten) {
  EXPECT_TRUE(check(good_).ok());
  EXPECT_TRUE(check("").ok()) << "made, but not begun";
  const tests::TemporaryFolder empty;
  EXPECT_TRUE(check_data_file(empty.path()).ok());
}

// LMDB leaves a value in the pages of a larger one that was written in the same transaction.
TEST_F(LmdbDataFile, IsFineWithValuesThatShrank) {
  {
    auto environment = Environment::open({.folder = folder_.path(), .map_bytes = 64 << 20});
    ASSERT_TRUE(environment.ok());
    WriteTransaction transaction;
    Table table;
    ASSERT_TRUE(transaction.begin(**environment).ok());
    ASSERT_TRUE(transaction.open("things", false, table).ok());
    for (const size_t last : {size_t{9000}, size_t{10}, size_t{0}}) {
      for (const size_t size : {size_t{40'000}, last}) {
        const std::string value(size, 'v');
        ASSERT_TRUE(transaction.put(table, fmt::format("shrank-{}", last), value).ok());
      }
    }
    ASSERT_TRUE(transaction.commit().ok());
  }
  const Status status = check_data_file(folder_.path());
  EXPECT_TRUE(status.ok()) << status.error().message();
}

TEST_F(LmdbDataFile, OfSomethingElseIsRefused) {
  for (const std::string& content : {std::string("text"), std::string(100'000, 'x'),
                                     std::string(100'000, '\0'), good_.substr(0, 100)}) {
    const Status status = check(content);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), Code::kDataLoss) << status.error().message();
    EXPECT_EQ(read_file(folder_ / kDataFile), content) << "left as it was";
  }
}

TEST_F(LmdbDataFile, CutShortIsRefused) {
  int refused = 0;
  for (size_t size = kPageBytes; size < good_.size(); size += kPageBytes) {
    const Status status = check(good_.substr(0, size));
    if (!status.ok()) {
      ++refused;
      EXPECT_EQ(status.error().code(), Code::kDataLoss);
    } else {
      use(folder_.path());
    }
  }
  EXPECT_GT(refused, 10);
}

TEST_F(LmdbDataFile, APageOfZerosIsRefusedOrNotInUse) {
  int refused = 0;
  for (size_t at = 0; at < good_.size(); at += kPageBytes) {
    std::string content = good_;
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), kPageBytes, '\0');
    if (check(content).ok()) {
      use(folder_.path());
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 10);
}

TEST_F(LmdbDataFile, PagesThatChangedPlacesAreRefusedOrNotInUse) {
  Random random(11);
  for (int i = 0; i < 100; ++i) {
    std::string content = good_;
    const auto from = random.below(good_.size() / kPageBytes) * kPageBytes;
    const auto to = random.below(good_.size() / kPageBytes) * kPageBytes;
    content.replace(to, kPageBytes, good_, from, kPageBytes);
    if (check(content).ok()) use(folder_.path());
  }
}

// The heads of pages and entries are where it hurts.
TEST_F(LmdbDataFile, ChangedBytesDoNotEndTheProcess) {
  Random random(23);
  const int rounds = tests::rounds(300, 20'000);
  int refused = 0;
  for (int i = 0; i < rounds; ++i) {
    std::string content = good_;
    const uint64_t page = 2 + random.below(good_.size() / kPageBytes - 2);
    const uint64_t at = page * kPageBytes + random.below(i % 2 == 0 ? 64 : kPageBytes);
    content[at] = static_cast<char>(random.next());
    if (check(content).ok()) {
      use(folder_.path());
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, rounds / 50);
}

TEST(LmdbOutcome, SaysWhatToDo) {
  const Error full = Outcome(ENOSPC).error("commit", "/data/demo");
  EXPECT_EQ(full.code(), Code::kResourceExhausted);
  EXPECT_EQ(full.message(),
            "/data/demo: cannot commit: No space left on device; free some space on the disk");
  EXPECT_EQ(Outcome(EACCES).error("read", "/data").code(), Code::kPermissionDenied);
  EXPECT_EQ(Outcome(EIO).error("read", "/data").code(), Code::kUnavailable);
  EXPECT_TRUE(Outcome().ok());
}

TEST(LmdbEnvironment, GrowsAndSaysSo) {
  const tests::TemporaryFolder folder;
  auto environment = Environment::open({.folder = folder.path(), .map_bytes = 1 << 20});
  ASSERT_TRUE(environment.ok());
  const std::string value(3000, 'v');
  Outcome done;
  int i = 0;
  while (!done.map_full()) {
    WriteTransaction transaction;
    Table table;
    ASSERT_TRUE(transaction.begin(**environment).ok());
    ASSERT_TRUE(transaction.open("things", true, table).ok());
    done = transaction.put(table, std::to_string(i++), value);
    if (done.ok()) done = transaction.commit();
    ASSERT_TRUE(done.ok() || done.map_full());
  }
  EXPECT_GT(i, 100);
  ASSERT_TRUE((*environment)->resize(2 << 20).ok());
  EXPECT_EQ((*environment)->map_bytes(), uint64_t{2} << 20);
  ReadTransaction reading;
  ASSERT_TRUE(reading.renew(**environment).ok());
}

}  // namespace
}  // namespace layotto::clients::lmdb
