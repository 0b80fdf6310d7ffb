// write_bulk: independent items, each with its own result, in order for equal keys.
#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

void writes_every_item(StateCase& t) {
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("key-" + std::to_string(i));
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) writes.push_back(put(key, key));
  for (const Status& status : t.bulk(writes)) EXPECT_TRUE(status.ok());
  for (const std::string& key : keys) EXPECT_EQ(t.value_of(key), key);
  writes.clear();
  for (const std::string& key : keys) writes.push_back(del(key));
  for (const Status& status : t.bulk(writes)) EXPECT_TRUE(status.ok());
  for (const std::string& key : keys) EXPECT_FALSE(t.get(key).found);
}

void an_item_fails_alone(StateCase& t) {
  t.must(put("there", "old"));
  const auto results =
      t.bulk({put("a", "1"), create("there", "x"), put("b", "2"), put_if("missing", "x", "e"),
              del_if("there", "e"), put("c", "3"), del("missing")});
  const std::vector<Code> wanted = {Code::kOk,      Code::kAborted, Code::kOk, Code::kAborted,
                                    Code::kAborted, Code::kOk,      Code::kOk};
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(code_of(results[i]), wanted[i]) << i;
  EXPECT_EQ(t.value_of("a"), "1");
  EXPECT_EQ(t.value_of("b"), "2");
  EXPECT_EQ(t.value_of("c"), "3");
  EXPECT_EQ(t.value_of("there"), "old");
}

void equal_keys_in_order(StateCase& t) {
  const auto results = t.bulk({put("k", "1"), put("k", "2"), put("k", "3")});
  for (const Status& status : results) EXPECT_TRUE(status.ok());
  EXPECT_EQ(t.value_of("k"), "3");
}

void later_items_see_earlier_ones(StateCase& t) {
  const std::string etag = t.must_put("k", "0");
  const auto results = t.bulk({put_if("k", "1", etag), put_if("k", "2", etag), create("k", "3"),
                               del("k"), create("k", "4"), create("k", "5")});
  const std::vector<Code> wanted = {Code::kOk, Code::kAborted, Code::kAborted,
                                    Code::kOk, Code::kOk,      Code::kAborted};
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(code_of(results[i]), wanted[i]) << i;
  EXPECT_EQ(t.value_of("k"), "4");
}

void an_empty_list(StateCase& t) { EXPECT_TRUE(t.bulk({}).empty()); }

void items_beyond_the_limits_fail_alone(StateCase& t) {
  const std::string long_key(blocks::kStateKeyBytesMax + 1, 'k');
  const auto results = t.bulk({put("a", "1"), put("", "x"), put(long_key, "x"), put("b", "2")});
  EXPECT_EQ(code_of(results[0]), Code::kOk);
  EXPECT_EQ(code_of(results[1]), Code::kInvalidArgument);
  EXPECT_EQ(code_of(results[2]), Code::kInvalidArgument);
  EXPECT_EQ(code_of(results[3]), Code::kOk);
}

void each_item_gets_an_etag_of_its_own(StateCase& t) {
  t.bulk({put("a", "v"), put("b", "v")});
  EXPECT_NE(t.etag_of("a"), t.etag_of("b"));
  const std::string before = t.etag_of("a");
  t.bulk({put("a", "v"), put("a", "v")});
  EXPECT_NE(t.etag_of("a"), before);
}

void large_items(StateCase& t) {
  const std::string large(size_t{256} << 10, 'l');
  std::vector<std::string> keys;
  for (int i = 0; i < 8; ++i) keys.push_back("key-" + std::to_string(i));
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) writes.push_back(put(key, large));
  for (const Status& status : t.bulk(writes)) EXPECT_TRUE(status.ok());
  for (const std::string& key : keys) EXPECT_EQ(t.value_of(key), large);
}

constexpr StateCaseSpec kCases[] = {
    {"BulkWritesEveryItem", {}, writes_every_item},
    {"BulkItemFailsAlone", {}, an_item_fails_alone},
    {"BulkEqualKeysInOrder", {}, equal_keys_in_order},
    {"BulkLaterItemsSeeEarlierOnes", {}, later_items_see_earlier_ones},
    {"BulkOfNothing", {}, an_empty_list},
    {"BulkItemsBeyondTheLimitsFailAlone", {}, items_beyond_the_limits_fail_alone},
    {"BulkItemsGetEtagsOfTheirOwn", {}, each_item_gets_an_etag_of_its_own},
    {"BulkOfLargeItems", {}, large_items},
};

}  // namespace

std::span<const StateCaseSpec> bulk_cases() { return kCases; }

}  // namespace layotto::conformance
