#include "blocks/etag.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

namespace layotto::blocks {
namespace {

TEST(EtagSource, NeverRepeats) {
  Random random(1);
  EtagSource source(random);
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) seen.emplace(view_of(source.next()));
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST(EtagSource, IsFifteenPrintableCharacters) {
  Random random(2);
  EtagSource source(random);
  for (int i = 0; i < 1000; ++i) {
    const EtagSource::Etag etag = source.next();
    ASSERT_EQ(view_of(etag).size(), 15U);
    for (const char c : etag) ASSERT_TRUE(std::isalnum(c) || c == '-' || c == '_') << c;
  }
}

TEST(EtagSource, SourcesDoNotMeet) {
  Random random(3);
  EtagSource one(random);
  EtagSource other(random);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.emplace(view_of(one.next()));
    seen.emplace(view_of(other.next()));
  }
  EXPECT_EQ(seen.size(), 2000U);
}

TEST(EtagSource, ServesThreads) {
  Random random(4);
  EtagSource source(random);
  std::array<std::vector<std::string>, 2> drawn;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : drawn) {
      threads.emplace_back([&source, &mine] {
        for (int i = 0; i < 5000; ++i) mine.emplace_back(view_of(source.next()));
      });
    }
  }
  std::set<std::string> seen(drawn[0].begin(), drawn[0].end());
  seen.insert(drawn[1].begin(), drawn[1].end());
  EXPECT_EQ(seen.size(), 10'000U);
}

}  // namespace
}  // namespace layotto::blocks
