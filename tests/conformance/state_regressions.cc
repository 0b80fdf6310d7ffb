// Defects of the Redis stores of Dapr (components-contrib) and Layotto that were reproduced against
// a real server, as cases for every store: the same application code must see none of them here.
#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

// The etag was a counter that began anew with the key: after delete and create the same etag came
// back, and a writer with a stale one won.
void etag_reuse(StateCase& t) {
  const std::string stale = t.must_put("k", "1");
  t.must(del("k"));
  t.must(put("k", "2"));
  EXPECT_NE(t.etag_of("k"), stale);
  EXPECT_EQ(code_of(t.write(put_if("k", "stale", stale))), Code::kAborted);
  EXPECT_EQ(code_of(t.write(del_if("k", stale))), Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "2");
}

// A put with an etag on a key that was deleted succeeded and brought the key back.
void etag_put_resurrects(StateCase& t) {
  const std::string etag = t.must_put("k", "1");
  t.must(del("k"));
  EXPECT_EQ(code_of(t.write(put_if("k", "2", etag))), Code::kAborted);
  EXPECT_FALSE(t.get("k").found);
  EXPECT_EQ(code_of(t.write(put_if("never-there", "2", "1"))), Code::kAborted);
  EXPECT_FALSE(t.get("never-there").found);
}

// First-write without an etag overwrote a key that had last been written plainly.
void first_write_overwrites(StateCase& t) {
  t.must(put("k", "plain"));
  EXPECT_EQ(code_of(t.write(create("k", "first"))), Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "plain");
}

// Once a key had been written with first-write, a plain put failed ever after.
void first_write_poisons(StateCase& t) {
  t.must(create("k", "first"));
  t.must(put("k", "plain"));
  t.must(put("k", "plain again"));
  t.must(put_if("k", "conditional", t.etag_of("k")));
  t.must(put("k", "plain once more"));
  EXPECT_EQ(t.value_of("k"), "plain once more");
}

// One mismatch in a transaction, and the other writes were applied all the same.
void transaction_partly_applied(StateCase& t) {
  t.must(put("b", "old"));
  t.must(put("d", "old"));
  EXPECT_EQ(code_of(t.transact(
                {put("a", "new"), put_if("b", "new", "wrong"), put("c", "new"), del("d")})),
            Code::kAborted);
  EXPECT_FALSE(t.get("a").found);
  EXPECT_EQ(t.value_of("b"), "old");
  EXPECT_FALSE(t.get("c").found);
  EXPECT_EQ(t.value_of("d"), "old");
}

// The first-write flag was not passed on inside transactions.
void first_write_ignored_in_transactions(StateCase& t) {
  t.must(put("k", "old"));
  EXPECT_EQ(code_of(t.transact({create("k", "new")})), Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "old");
}

// A put without TTL left the TTL of the value before, and fresh data disappeared.
void overwrite_keeps_ttl(StateCase& t) {
  t.must(expiring(put("k", "old"), seconds(1)));
  t.must(put("k", "fresh"));
  EXPECT_FALSE(t.get("k").expires_at.has_value());
  t.let_pass(milliseconds(1100));
  EXPECT_EQ(t.value_of("k"), "fresh");
}

// Any failure of a put with an etag, and of every delete, was called an etag mismatch.
void errors_reported_as_mismatch(StateCase& t) {
  const StateFront not_started = t.another_front();
  EXPECT_EQ(code_of(t.main().run(not_started.store->write(put_if("k", "v", "e")))),
            Code::kUnavailable);
  EXPECT_EQ(code_of(t.main().run(not_started.store->write(del("k")))), Code::kUnavailable);
  EXPECT_EQ(code_of(t.main().run(not_started.store->write(del_if("k", "e")))), Code::kUnavailable);
  if (!t.backend().take_away()) return;
  for (const StateWrite& write : {put_if("k", "v", "e"), del("k"), del_if("k", "e")}) {
    const Status status = t.write(write);
    EXPECT_FALSE(status.ok());
    EXPECT_NE(code_of(status), Code::kAborted);
  }
  t.backend().bring_back();
}

// A delete without an etag failed on a key that had a version.
void delete_without_etag_fails(StateCase& t) {
  t.must(put("k", "1"));
  t.must(put("k", "2"));
  t.must(del("k"));
  EXPECT_FALSE(t.get("k").found);
  t.must(create("k", "3"));
  t.must(del("k"));
  EXPECT_FALSE(t.get("k").found);
  for (const Status& status : t.bulk({put("k", "4"), del("k")})) EXPECT_TRUE(status.ok());
  EXPECT_FALSE(t.get("k").found);
}

// A delete with an etag that matched nothing succeeded or failed depending on the back end.
void delete_of_a_missing_key_with_an_etag(StateCase& t) {
  EXPECT_EQ(code_of(t.write(del_if("missing", "1"))), Code::kAborted);
}

constexpr StateCaseSpec kCases[] = {
    {"RedisEtagReuse", {}, etag_reuse},
    {"RedisEtagPutResurrects", {}, etag_put_resurrects},
    {"RedisFirstWriteOverwrites", {}, first_write_overwrites},
    {"RedisFirstWritePoisons", {}, first_write_poisons},
    {"RedisTransactionPartlyApplied", {.transactions = true}, transaction_partly_applied},
    {"RedisFirstWriteIgnoredInTransactions",
     {.transactions = true},
     first_write_ignored_in_transactions},
    {"RedisOverwriteKeepsTtl", {.ttl = true}, overwrite_keeps_ttl},
    {"RedisErrorsReportedAsMismatch", {}, errors_reported_as_mismatch},
    {"LayottoDeleteWithoutEtagFails", {}, delete_without_etag_fails},
    {"LayottoDeleteOfAMissingKeyWithAnEtag", {}, delete_of_a_missing_key_with_an_etag},
};

}  // namespace

std::span<const StateCaseSpec> regression_cases() { return kCases; }

}  // namespace layotto::conformance
