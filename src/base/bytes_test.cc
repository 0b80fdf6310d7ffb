#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/arena.h"
#include "base/byte_chain.h"

namespace layotto::base {
namespace {

std::string text_of(const ByteChain& chain) {
  std::array<iovec, 64> vectors;
  const size_t n = chain.gather(vectors);
  std::string text;
  for (size_t i = 0; i < n; ++i) {
    text.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
  }
  return text;
}

TEST(Bytes, SharesOneSlabAmongSlices) {
  Bytes whole = Bytes::copy("hello world");
  Bytes front = whole.split_prefix(5);
  EXPECT_EQ(front.view(), "hello");
  EXPECT_EQ(whole.view(), " world");
  Bytes copy = front;
  front = Bytes();
  EXPECT_EQ(copy.view(), "hello");
}

TEST(Bytes, KeepsABoundedNumberOfSlabs) {
  trim_slabs();
  std::vector<Bytes> many;
  const std::string text(kSlabCapacity, 'x');
  for (size_t i = 0; i < kSlabsKeptMax + 10; ++i) many.push_back(Bytes::copy(text));
  many.clear();
  EXPECT_EQ(slab_bytes_kept(), kSlabsKeptMax * kSlabBytes);
  trim_slabs();
  EXPECT_EQ(slab_bytes_kept(), 0U);
}

TEST(ByteChain, CoalescesSmallPieces) {
  ByteChain chain;
  chain.append(ByteView("ab"));
  chain.append(Bytes::copy("cd"));
  std::memcpy(chain.reserve(2), "ef", 2);
  chain.commit(2);
  std::array<iovec, 4> vectors;
  EXPECT_EQ(chain.gather(vectors), 1U);
  EXPECT_EQ(text_of(chain), "abcdef");
}

TEST(ByteChain, KeepsALittleInMemoryOfItsSize) {
  trim_slabs();
  ByteChain chain;
  chain.append_compact("little");
  EXPECT_EQ(chain.size(), 6);
  chain.append(" by little");
  chain.append_compact(", too");
  EXPECT_EQ(chain.take_front(100).view(), "little");
  EXPECT_EQ(slab_bytes_kept(), 0) << "a slab of the usual size would be kept";
  EXPECT_EQ(chain.take_all().view(), " by little, too");
}

TEST(ByteChain, LinksLargeSlicesWithoutCopying) {
  Bytes large = Bytes::copy(std::string(10'000, 'L'));
  const char* where = large.data();
  ByteChain chain;
  chain.append(ByteView("<"));
  chain.append(std::move(large));
  chain.append(ByteView(">"));
  std::array<iovec, 4> vectors;
  ASSERT_EQ(chain.gather(vectors), 3U);
  EXPECT_EQ(vectors[1].iov_base, where);
  EXPECT_EQ(chain.size(), 10'002U);
}

TEST(ByteChain, ConsumesAcrossPieces) {
  ByteChain chain;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(static_cast<size_t>(i * 37 % 5000), static_cast<char>('a' + i % 26));
    expected += piece;
    if (i % 2 == 0) {
      chain.append(ByteView(piece));
    } else {
      chain.append(Bytes::copy(piece));
    }
  }
  std::string seen;
  size_t step = 1;
  while (!chain.empty()) {
    std::array<iovec, 64> vectors;
    const size_t n = chain.gather(vectors);
    ASSERT_GT(n, 0U);
    const size_t take = std::min(step, vectors[0].iov_len);
    seen.append(static_cast<const char*>(vectors[0].iov_base), take);
    chain.consume(take);
    step = step * 3 % 7001 + 1;
  }
  EXPECT_EQ(seen, expected);
}

TEST(ByteChain, TakesAllAsOneSlice) {
  ByteChain chain;
  chain.append(ByteView("a"));
  chain.append(Bytes::copy(std::string(5000, 'b')));
  EXPECT_EQ(chain.take_all().view(), "a" + std::string(5000, 'b'));
  EXPECT_TRUE(chain.empty());
  EXPECT_TRUE(chain.take_all().empty());
}

TEST(Arena, RunsDestructorsInReverseOrderAndReusesItsChunk) {
  std::string order;
  struct Noisy {
    Noisy(std::string* out, char name_in) : log(out), name(name_in) {}
    ~Noisy() { log->push_back(name); }
    std::string* log;
    char name;
  };
  Arena arena;
  EXPECT_EQ(arena.bytes_held(), 0U);
  arena.make<Noisy>(&order, 'a');
  arena.make<Noisy>(&order, 'b');
  EXPECT_EQ(arena.bytes_held(), kArenaChunkBytes);
  arena.reset();
  EXPECT_EQ(order, "ba");
  EXPECT_EQ(arena.bytes_held(), 0U);
}

TEST(Arena, ServesLargeAndAlignedRequests) {
  Arena arena;
  const std::string_view small = arena.copy("small");
  void* large = arena.allocate(100'000, 64);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % 64, 0U);
  std::memset(large, 1, 100'000);
  const std::string_view after = arena.copy("after");
  EXPECT_EQ(small, "small");
  EXPECT_EQ(after, "after");
  EXPECT_EQ(after.data(), small.data() + small.size());  // still the first chunk
}

}  // namespace
}  // namespace layotto::base
