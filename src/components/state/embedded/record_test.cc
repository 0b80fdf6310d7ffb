#include "components/state/embedded/record.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace layotto::components::state::embedded {
namespace {

std::string stored(const Record& record, std::string_view key) {
  std::string bytes(record.stored_bytes(), '\0');
  record.write_to(bytes.data(), key);
  return bytes;
}

Record make(std::string_view value) {
  Random random(3);
  blocks::EtagSource etags(random);
  return {.etag = etags.next(), .key = {}, .value = value};
}

TEST(EmbeddedStoredKey, IsTheKeyUpToFourHundredBytes) {
  const std::string key(400, 'k');
  EXPECT_EQ(StoredKey(key).view(), key);
  EXPECT_TRUE(StoredKey(key).is_whole());
}

TEST(EmbeddedStoredKey, CutsLongOnesAndTellsThemApart) {
  const std::string a(4096, 'k');
  std::string b = a;
  b.back() = 'l';
  const StoredKey first(a);
  const StoredKey second(b);
  EXPECT_FALSE(first.is_whole());
  EXPECT_EQ(first.view().size(), 432u);
  EXPECT_EQ(first.view().substr(0, 400), std::string(400, 'k'));
  EXPECT_NE(first.view(), second.view());
  // No whole key can be one of these.
  EXPECT_GT(first.view().size(), kKeyBytesWhole);
}

TEST(EmbeddedRecord, SaysWhatItWasGiven) {
  Record record = make("value");
  const std::string plain = stored(record, "key");
  Record read;
  ASSERT_TRUE(read.read_from(plain, "key"));
  EXPECT_EQ(read.value, "value");
  EXPECT_EQ(read.etag, record.etag);
  EXPECT_EQ(read.expires, kNever);
  EXPECT_EQ(read.key, "");
  record.expires = 17;
  record.expires_wall = 18;
  record.key = "the whole key";
  const std::string full = stored(record, "cut");
  ASSERT_TRUE(read.read_from(full, "cut"));
  EXPECT_EQ(read.expires, 17);
  EXPECT_EQ(read.expires_wall, 18);
  EXPECT_EQ(read.key, "the whole key");
  EXPECT_EQ(read.value, "value");
}

TEST(EmbeddedRecord, KnowsWhenAnyBitHasChanged) {
  Record record = make("some value that is longer than a few words");
  record.expires = 17;
  const std::string good = stored(record, "key");
  Record read;
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(read.read_from(bad, "key")) << i;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(read.read_from(std::string_view(good).substr(0, size), "key"));
  }
  EXPECT_FALSE(read.read_from(good, "kez")) << "of another key";
}

TEST(EmbeddedExpiryKey, IsInTheOrderOfTime) {
  const int64_t times[] = {INT64_MIN, -1, 0, 1, 255, 256, 1'700'000'000'000'000'000};
  for (size_t i = 1; i < std::size(times); ++i) {
    EXPECT_LT(ExpiryKey(times[i - 1], "z").view(), ExpiryKey(times[i], "a").view());
  }
  int64_t time = 0;
  std::string_view key;
  const ExpiryKey stored(-5, "key");
  ASSERT_TRUE(ExpiryKey::parse(stored.view(), time, key));
  EXPECT_EQ(time, -5);
  EXPECT_EQ(key, "key");
  EXPECT_FALSE(ExpiryKey::parse("short", time, key));
}

}  // namespace
}  // namespace layotto::components::state::embedded
