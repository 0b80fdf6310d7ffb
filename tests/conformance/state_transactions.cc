// transact: all preconditions and writes in one atomic step, in order, or nothing.
#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

void all_of_it(StateCase& t) {
  t.must(put("gone", "v"));
  const std::string etag = t.must_put("changed", "1");
  ASSERT_TRUE(t.transact({put("a", "1"), create("b", "2"), put_if("changed", "2", etag),
                          del("gone"), del("missing")})
                  .ok());
  EXPECT_EQ(t.value_of("a"), "1");
  EXPECT_EQ(t.value_of("b"), "2");
  EXPECT_EQ(t.value_of("changed"), "2");
  EXPECT_FALSE(t.get("gone").found);
}

// The failing item first, in the middle and last, and of every kind: nothing has happened.
void or_nothing(StateCase& t) {
  const std::string there = t.must_put("there", "old");
  const std::string another = there + "x";
  const std::vector<StateWrite> failing = {put_if("missing", "x", there), create("there", "x"),
                                           del_if("missing", there), put_if("there", "x", another)};
  for (const StateWrite& bad : failing) {
    for (size_t place = 0; place < 3; ++place) {
      std::vector<StateWrite> writes = {put("a", "1"), del("there")};
      writes.insert(writes.begin() + static_cast<std::ptrdiff_t>(place), bad);
      // After `del there`, creating it would be right: put the delete behind it.
      if (bad.key == "there" && place == 2) std::swap(writes[1], writes[2]);
      EXPECT_EQ(code_of(t.transact(writes)), Code::kAborted);
      EXPECT_FALSE(t.get("a").found);
      EXPECT_FALSE(t.get("missing").found);
      EXPECT_EQ(t.get("there").etag, there);
      EXPECT_EQ(t.value_of("there"), "old");
    }
  }
}

void a_mismatch_names_the_key(StateCase& t) {
  t.must(put("the-key", "v"));
  const Status status = t.transact({put("a", "1"), create("the-key", "x")});
  ASSERT_EQ(code_of(status), Code::kAborted);
  EXPECT_NE(status.error().message().find("the-key"), std::string::npos);
  EXPECT_FALSE(status.error().outcome_unknown());
}

void the_same_key_twice(StateCase& t) {
  ASSERT_TRUE(t.transact({put("k", "1"), put("k", "2")}).ok());
  EXPECT_EQ(t.value_of("k"), "2");
  ASSERT_TRUE(t.transact({put("k", "3"), del("k")}).ok());
  EXPECT_FALSE(t.get("k").found);
  ASSERT_TRUE(t.transact({del("k"), put("k", "4"), put("k", "5")}).ok());
  EXPECT_EQ(t.value_of("k"), "5");
}

void delete_and_create_in_one(StateCase& t) {
  const std::string etag = t.must_put("k", "old");
  ASSERT_TRUE(t.transact({del_if("k", etag), create("k", "new")}).ok());
  const StateItem item = t.get("k");
  EXPECT_EQ(item.value, "new");
  EXPECT_NE(item.etag, etag);
}

// Preconditions are looked at in order: a later one sees what earlier writes of the same
// transaction did.
void preconditions_see_earlier_writes(StateCase& t) {
  EXPECT_EQ(code_of(t.transact({put("k", "1"), create("k", "2")})), Code::kAborted);
  EXPECT_FALSE(t.get("k").found);
  const std::string etag = t.must_put("k", "0");
  EXPECT_EQ(code_of(t.transact({put("k", "1"), put_if("k", "2", etag)})), Code::kAborted);
  EXPECT_EQ(code_of(t.transact({del("k"), put_if("k", "2", etag)})), Code::kAborted);
  EXPECT_EQ(code_of(t.transact({del("k"), del_if("k", etag)})), Code::kAborted);
  EXPECT_EQ(code_of(t.transact({create("n", "1"), create("n", "2")})), Code::kAborted);
  EXPECT_EQ(t.get("k").etag, etag);
  EXPECT_FALSE(t.get("n").found);
  ASSERT_TRUE(t.transact({put_if("k", "1", etag), del("k"), create("k", "2")}).ok());
  EXPECT_EQ(t.value_of("k"), "2");
}

void an_empty_list(StateCase& t) { EXPECT_TRUE(t.transact({}).ok()); }

void etags_are_new(StateCase& t) {
  const std::string before = t.must_put("a", "v");
  ASSERT_TRUE(t.transact({put("a", "v"), put("b", "v")}).ok());
  EXPECT_NE(t.etag_of("a"), before);
  EXPECT_NE(t.etag_of("a"), t.etag_of("b"));
  t.must(put_if("b", "w", t.etag_of("b")));
}

void many_items(StateCase& t) {
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i) keys.push_back("key-" + std::to_string(i % 150));
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) writes.push_back(put(key, "v"));
  ASSERT_TRUE(t.transact(writes).ok());
  for (const std::string& key : keys) EXPECT_EQ(t.value_of(key), "v");
  writes.clear();
  for (int i = 0; i < 150; ++i) writes.push_back(put(keys[static_cast<size_t>(i)], "w"));
  writes.push_back(create(keys[0], "x"));
  EXPECT_EQ(code_of(t.transact(writes)), Code::kAborted);
  for (const std::string& key : keys) EXPECT_EQ(t.value_of(key), "v");
}

void large_items(StateCase& t) {
  const std::string large(size_t{256} << 10, 'l');
  ASSERT_TRUE(t.transact({put("a", large), put("b", large), put("c", large)}).ok());
  EXPECT_EQ(t.value_of("c"), large);
  EXPECT_EQ(code_of(t.transact({put("a", "x"), del("b"), create("c", large)})), Code::kAborted);
  EXPECT_EQ(t.value_of("a"), large);
  EXPECT_EQ(t.value_of("b"), large);
}

void items_beyond_the_limits_fail_it(StateCase& t) {
  EXPECT_EQ(code_of(t.transact({put("a", "1"), put("", "x")})), Code::kInvalidArgument);
  EXPECT_FALSE(t.get("a").found);
}

void long_keys(StateCase& t) {
  const std::string key(4000, 'k');
  ASSERT_TRUE(t.transact({create(key, "1"), put(key, "2")}).ok());
  EXPECT_EQ(t.value_of(key), "2");
  EXPECT_EQ(code_of(t.transact({put("a", "1"), create(key, "3")})), Code::kAborted);
  ASSERT_TRUE(t.transact({del(key), create(key, "4")}).ok());
  EXPECT_EQ(t.value_of(key), "4");
}

void without_transactions_they_are_unimplemented(StateCase& t) {
  EXPECT_EQ(code_of(t.transact({put("k", "v")})), Code::kUnimplemented);
  EXPECT_FALSE(t.get("k").found);
}

constexpr StateNeeds kNeeded = {.transactions = true};

constexpr StateCaseSpec kCases[] = {
    {"TransactionIsAllOfIt", kNeeded, all_of_it},
    {"TransactionIsOrNothing", kNeeded, or_nothing},
    {"TransactionMismatchNamesTheKey", kNeeded, a_mismatch_names_the_key},
    {"TransactionWithTheSameKeyTwice", kNeeded, the_same_key_twice},
    {"TransactionDeletesAndCreatesInOne", kNeeded, delete_and_create_in_one},
    {"TransactionPreconditionsSeeEarlierWrites", kNeeded, preconditions_see_earlier_writes},
    {"TransactionOfNothing", kNeeded, an_empty_list},
    {"TransactionEtagsAreNew", kNeeded, etags_are_new},
    {"TransactionOfManyItems", kNeeded, many_items},
    {"TransactionOfLargeItems", kNeeded, large_items},
    {"TransactionItemsBeyondTheLimitsFailIt", kNeeded, items_beyond_the_limits_fail_it},
    {"TransactionOfLongKeys", kNeeded, long_keys},
    {"WithoutTransactionsTheyAreUnimplemented",
     {.no_transactions = true},
     without_transactions_they_are_unimplemented},
};

}  // namespace

std::span<const StateCaseSpec> transaction_cases() { return kCases; }

}  // namespace layotto::conformance
