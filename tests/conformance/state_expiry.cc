// Expiry: a key whose time is over is absent for every operation at once. TTLs are a second or two,
// so that a store with a clock of its own does not hold the suite up.
#include <array>

#include "tests/conformance/front_thread.h"
#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

constexpr seconds kTtl(1);
constexpr milliseconds kOver(1100);

void lives_until_then(StateCase& t) {
  t.must(expiring(put("k", "v"), seconds(100)));
  const StateItem item = t.get("k");
  ASSERT_TRUE(item.found);
  EXPECT_EQ(item.value, "v");
  ASSERT_TRUE(item.expires_at.has_value());
  const Duration left = *item.expires_at - t.backend().clock().wall_now();
  EXPECT_GT(left, seconds(90));
  EXPECT_LT(left, seconds(110));
}

void is_absent_for_a_read(StateCase& t) {
  t.must(expiring(put("k", "v"), kTtl));
  t.must(put("stays", "v"));
  t.let_pass(kOver);
  EXPECT_FALSE(t.get("k").found);
  EXPECT_TRUE(t.get("stays").found);
}

void is_absent_for_preconditions(StateCase& t) {
  std::array<std::string, 3> etags;
  const std::array<std::string_view, 3> keys = {"put", "delete", "create"};
  for (size_t i = 0; i < keys.size(); ++i) {
    t.must(expiring(put(keys[i], "v"), kTtl));
    etags[i] = t.etag_of(keys[i]);
  }
  t.let_pass(kOver);
  EXPECT_EQ(code_of(t.write(put_if("put", "x", etags[0]))), Code::kAborted);
  EXPECT_EQ(code_of(t.write(del_if("delete", etags[1]))), Code::kAborted);
  EXPECT_EQ(code_of(t.write(create("create", "new"))), Code::kOk);
  EXPECT_FALSE(t.get("put").found);
  EXPECT_FALSE(t.get("delete").found);
  EXPECT_EQ(t.value_of("create"), "new");
  EXPECT_FALSE(t.get("create").expires_at.has_value());
}

void is_absent_for_a_delete(StateCase& t) {
  t.must(expiring(put("k", "v"), kTtl));
  t.let_pass(kOver);
  t.must(del("k"));
  EXPECT_FALSE(t.get("k").found);
}

void is_absent_for_a_bulk(StateCase& t) {
  t.must(expiring(put("a", "v"), kTtl));
  t.must(expiring(put("b", "v"), kTtl));
  const std::string etag = t.etag_of("a");
  t.let_pass(kOver);
  const auto results =
      t.bulk({put_if("a", "x", etag), create("b", "new"), del("a"), create("a", "new")});
  EXPECT_EQ(code_of(results[0]), Code::kAborted);
  EXPECT_EQ(code_of(results[1]), Code::kOk);
  EXPECT_EQ(code_of(results[2]), Code::kOk);
  EXPECT_EQ(code_of(results[3]), Code::kOk);
  EXPECT_EQ(t.value_of("b"), "new");
}

void is_absent_for_a_transaction(StateCase& t) {
  t.must(expiring(put("a", "v"), kTtl));
  t.must(expiring(put("b", "v"), kTtl));
  const std::string etag = t.etag_of("a");
  t.let_pass(kOver);
  EXPECT_EQ(code_of(t.transact({put("c", "x"), put_if("a", "x", etag)})), Code::kAborted);
  EXPECT_FALSE(t.get("c").found);
  EXPECT_EQ(code_of(t.transact({create("a", "new"), create("b", "new")})), Code::kOk);
  EXPECT_EQ(t.value_of("a"), "new");
  EXPECT_EQ(t.value_of("b"), "new");
}

void etag_is_not_reused_after_expiry(StateCase& t) {
  t.must(expiring(put("k", "v"), kTtl));
  const std::string first = t.etag_of("k");
  t.let_pass(kOver);
  EXPECT_NE(t.must_put("k", "v"), first);
}

void put_clears_the_ttl(StateCase& t) {
  t.must(expiring(put("plain", "1"), kTtl));
  t.must(expiring(put("conditional", "1"), kTtl));
  t.must(expiring(put("bulk", "1"), kTtl));
  t.must(put("plain", "2"));
  t.must(put_if("conditional", "2", t.etag_of("conditional")));
  EXPECT_EQ(code_of(t.bulk({put("bulk", "2")})[0]), Code::kOk);
  if (t.bed().features().transactions) {
    t.must(expiring(put("transaction", "1"), kTtl));
    ASSERT_TRUE(t.transact({put("transaction", "2")}).ok());
  }
  EXPECT_FALSE(t.get("plain").expires_at.has_value());
  t.let_pass(kOver);
  EXPECT_EQ(t.value_of("plain"), "2");
  EXPECT_EQ(t.value_of("conditional"), "2");
  EXPECT_EQ(t.value_of("bulk"), "2");
  if (t.bed().features().transactions) EXPECT_EQ(t.value_of("transaction"), "2");
}

void a_new_ttl_replaces_the_old(StateCase& t) {
  t.must(expiring(put("longer", "v"), kTtl));
  t.must(expiring(put("longer", "v"), seconds(100)));
  t.must(expiring(put("shorter", "v"), seconds(100)));
  t.must(expiring(put("shorter", "v"), kTtl));
  t.must(put("begins", "v"));
  t.must(expiring(put("begins", "v"), kTtl));
  t.let_pass(kOver);
  EXPECT_TRUE(t.get("longer").found);
  EXPECT_FALSE(t.get("shorter").found);
  EXPECT_FALSE(t.get("begins").found);
}

void a_refused_put_leaves_the_ttl(StateCase& t) {
  t.must(expiring(put("k", "v"), kTtl));
  EXPECT_EQ(code_of(t.write(create("k", "x"))), Code::kAborted);
  EXPECT_EQ(code_of(t.write(expiring(put_if("k", "x", "e"), seconds(100)))), Code::kAborted);
  t.let_pass(kOver);
  EXPECT_FALSE(t.get("k").found);
}

void a_key_may_expire_again_and_again(StateCase& t) {
  for (int i = 0; i < 3; ++i) {
    t.must(expiring(create("k", std::to_string(i)), kTtl));
    EXPECT_EQ(t.value_of("k"), std::to_string(i));
    t.let_pass(kOver);
    EXPECT_FALSE(t.get("k").found);
  }
}

void writes_of_every_kind_may_expire(StateCase& t) {
  t.must(expiring(create("create", "v"), kTtl));
  const std::string etag = t.must_put("conditional", "v");
  t.must(expiring(put_if("conditional", "v", etag), kTtl));
  EXPECT_TRUE(t.bulk({expiring(put("bulk", "v"), kTtl)})[0].ok());
  const bool transactions = t.bed().features().transactions;
  if (transactions) ASSERT_TRUE(t.transact({expiring(put("transaction", "v"), kTtl)}).ok());
  for (const char* key : {"create", "conditional", "bulk"}) EXPECT_TRUE(t.get(key).found);
  t.let_pass(kOver);
  for (const char* key : {"create", "conditional", "bulk", "transaction"}) {
    EXPECT_FALSE(t.get(key).found) << key;
  }
}

void long_keys_expire(StateCase& t) {
  const std::string key(3000, 'k');
  t.must(expiring(put(key, "v"), kTtl));
  EXPECT_TRUE(t.get(key).found);
  t.let_pass(kOver);
  EXPECT_FALSE(t.get(key).found);
  t.must(create(key, "new"));
  EXPECT_EQ(t.value_of(key), "new");
}

void the_longest_ttl(StateCase& t) {
  t.must(expiring(put("k", "v"), blocks::kStateTtlMax));
  const StateItem item = t.get("k");
  ASSERT_TRUE(item.expires_at.has_value());
  EXPECT_GT(*item.expires_at - t.backend().clock().wall_now(), std::chrono::hours(9 * 365 * 24));
}

// What was collected, or is still to be, is no key to anyone; what is alive stays.
void the_collector_takes_what_has_expired_only(StateCase& t) {
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key-" + std::to_string(i);
    if (i % 3 == 0) {
      t.must(put(key, "stays"));
    } else if (i % 3 == 1) {
      t.must(expiring(put(key, "stays"), seconds(1000)));
    } else {
      t.must(expiring(put(key, "goes"), kTtl));
    }
  }
  t.let_pass(kOver);
  // Gives a collector that runs on this loop a chance to run in between.
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(t.get("key-" + std::to_string(i)).found, i % 3 != 2) << i;
  }
  t.let_pass(kOver);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(t.get("key-" + std::to_string(i)).found, i % 3 != 2) << i;
  }
}

void expiry_survives_a_restart(StateCase& t) {
  t.must(expiring(put("goes", "v"), seconds(2)));
  t.must(expiring(put("stays", "v"), seconds(1000)));
  t.restart();
  EXPECT_TRUE(t.get("goes").found);
  EXPECT_TRUE(t.get("stays").found);
  t.let_pass(milliseconds(2100));
  EXPECT_FALSE(t.get("goes").found);
  t.restart();
  EXPECT_FALSE(t.get("goes").found);
  EXPECT_TRUE(t.get("stays").found);
}

// Once a front has seen that a key is gone, no other front sees it again.
void every_front_sees_it_at_once(StateCase& t) {
  FrontThread other(t.backend());
  for (int round = 0; round < 3; ++round) {
    t.must(expiring(put("k", "v"), kTtl));
    t.let_pass(kOver);
    EXPECT_FALSE(t.get("k").found);
    StateItem item;
    const auto got = other.begin(
        [&item](StateStore& store) { return store.get("k", blocks::Consistency::kStrong, item); });
    ASSERT_TRUE(got->take().ok());
    EXPECT_FALSE(item.found);
    const auto created =
        other.begin([](StateStore& store) { return store.write(create("k", "new")); });
    EXPECT_EQ(code_of(created->take()), Code::kOk);
    EXPECT_EQ(t.value_of("k"), "new");
  }
}

void a_ttl_beyond_the_limits_is_refused(StateCase& t) {
  for (const seconds ttl : {seconds(0), seconds(-1), blocks::kStateTtlMax + seconds(1)}) {
    EXPECT_EQ(code_of(t.write(expiring(put("k", "v"), ttl))), Code::kInvalidArgument);
  }
  EXPECT_FALSE(t.get("k").found);
}

void without_ttls_they_are_unimplemented(StateCase& t) {
  EXPECT_EQ(code_of(t.write(expiring(put("k", "v"), kTtl))), Code::kUnimplemented);
  EXPECT_FALSE(t.get("k").found);
}

constexpr StateNeeds kTtlNeeded = {.ttl = true};
constexpr StateNeeds kBoth = {.transactions = true, .ttl = true};

constexpr StateCaseSpec kCases[] = {
    {"ExpiryLivesUntilThen", kTtlNeeded, lives_until_then},
    {"ExpiredIsAbsentForARead", kTtlNeeded, is_absent_for_a_read},
    {"ExpiredIsAbsentForPreconditions", kTtlNeeded, is_absent_for_preconditions},
    {"ExpiredIsAbsentForADelete", kTtlNeeded, is_absent_for_a_delete},
    {"ExpiredIsAbsentForABulk", kTtlNeeded, is_absent_for_a_bulk},
    {"ExpiredIsAbsentForATransaction", kBoth, is_absent_for_a_transaction},
    {"EtagIsNotReusedAfterExpiry", kTtlNeeded, etag_is_not_reused_after_expiry},
    {"PutClearsTheTtl", kTtlNeeded, put_clears_the_ttl},
    {"ANewTtlReplacesTheOld", kTtlNeeded, a_new_ttl_replaces_the_old},
    {"ARefusedPutLeavesTheTtl", kTtlNeeded, a_refused_put_leaves_the_ttl},
    {"AKeyMayExpireAgainAndAgain", kTtlNeeded, a_key_may_expire_again_and_again},
    {"WritesOfEveryKindMayExpire", kTtlNeeded, writes_of_every_kind_may_expire},
    {"LongKeysExpire", kTtlNeeded, long_keys_expire},
    {"TheLongestTtl", kTtlNeeded, the_longest_ttl},
    {"TheCollectorTakesWhatHasExpiredOnly", kTtlNeeded, the_collector_takes_what_has_expired_only},
    {"ExpirySurvivesARestart", {.ttl = true, .survives_restart = true}, expiry_survives_a_restart},
    {"EveryFrontSeesExpiryAtOnce", kTtlNeeded, every_front_sees_it_at_once},
    {"ATtlBeyondTheLimitsIsRefused", kTtlNeeded, a_ttl_beyond_the_limits_is_refused},
    {"WithoutTtlsTheyAreUnimplemented", {.no_ttl = true}, without_ttls_they_are_unimplemented},
};

}  // namespace

std::span<const StateCaseSpec> expiry_cases() { return kCases; }

}  // namespace layotto::conformance
