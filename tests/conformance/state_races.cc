// Races: two workers, each with its own thread, loop and front, want the same keys. Counting who
// won shows whether a check and its write are one step.
#include <charconv>
#include <string>

#include "tests/conformance/front_thread.h"
#include "tests/conformance/state_cases.h"
#include "tests/support/deep.h"

namespace layotto::conformance {
namespace {

using blocks::Consistency;
using Codes = std::vector<Code>;

size_t keys_raced_for() { return static_cast<size_t>(tests::rounds(300, 5000)); }

std::vector<std::string> keys_of(std::string_view name) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < keys_raced_for(); ++i) keys.push_back(fmt::format("{}-{}", name, i));
  return keys;
}

// One after the other: the two fronts run side by side all the while.
Task<Result<Codes>> write_all(StateStore* store, const std::vector<StateWrite>* writes) {
  Codes codes;
  for (const StateWrite& write : *writes) codes.push_back(code_of(co_await store->write(write)));
  co_return codes;
}

Task<Result<Codes>> transact_all(StateStore* store,
                                 const std::vector<std::vector<StateWrite>>* transactions) {
  Codes codes;
  for (const auto& writes : *transactions) {
    codes.push_back(code_of(co_await store->transact(writes)));
  }
  co_return codes;
}

// Exactly one of the two won each key, and the loser was told so.
void expect_one_winner(StateCase& t, const std::vector<std::string>& keys, const Codes& mine,
                       const Codes& theirs) {
  ASSERT_EQ(mine.size(), keys.size());
  ASSERT_EQ(theirs.size(), keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_TRUE((mine[i] == Code::kOk && theirs[i] == Code::kAborted) ||
                (mine[i] == Code::kAborted && theirs[i] == Code::kOk))
        << keys[i] << ": " << base::code_name(mine[i]) << " and " << base::code_name(theirs[i]);
    ASSERT_EQ(t.value_of(keys[i]), mine[i] == Code::kOk ? "mine" : "theirs");
  }
}

void two_creators(StateCase& t) {
  FrontThread other(t.backend());
  const std::vector<std::string> keys = keys_of("created");
  std::vector<StateWrite> mine;
  std::vector<StateWrite> theirs;
  for (const std::string& key : keys) mine.push_back(create(key, "mine"));
  for (const std::string& key : keys) theirs.push_back(create(key, "theirs"));
  const auto other_codes =
      other.begin([&theirs](StateStore& store) { return write_all(&store, &theirs); });
  const Codes codes = *t.main().run(write_all(&t.store(), &mine));
  expect_one_winner(t, keys, codes, *other_codes->take());
}

void two_etag_writers(StateCase& t) {
  FrontThread other(t.backend());
  const std::vector<std::string> keys = keys_of("etag");
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) writes.push_back(put(key, "0"));
  for (const Status& status : t.bulk(writes)) ASSERT_TRUE(status.ok());
  std::vector<std::string> etags;
  for (const std::string& key : keys) etags.push_back(t.etag_of(key));
  std::vector<StateWrite> mine;
  std::vector<StateWrite> theirs;
  for (size_t i = 0; i < keys.size(); ++i) {
    mine.push_back(put_if(keys[i], "mine", etags[i]));
    theirs.push_back(put_if(keys[i], "theirs", etags[i]));
  }
  const auto other_codes =
      other.begin([&theirs](StateStore& store) { return write_all(&store, &theirs); });
  const Codes codes = *t.main().run(write_all(&t.store(), &mine));
  expect_one_winner(t, keys, codes, *other_codes->take());
}

void one_delete_of_two(StateCase& t) {
  FrontThread other(t.backend());
  const std::vector<std::string> keys = keys_of("deleted");
  std::vector<StateWrite> writes;
  for (const std::string& key : keys) writes.push_back(put(key, "0"));
  for (const Status& status : t.bulk(writes)) ASSERT_TRUE(status.ok());
  std::vector<std::string> etags;
  for (const std::string& key : keys) etags.push_back(t.etag_of(key));
  std::vector<StateWrite> deletes;
  for (size_t i = 0; i < keys.size(); ++i) deletes.push_back(del_if(keys[i], etags[i]));
  const auto other_codes =
      other.begin([&deletes](StateStore& store) { return write_all(&store, &deletes); });
  const Codes mine = *t.main().run(write_all(&t.store(), &deletes));
  const Codes theirs = *other_codes->take();
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_NE(mine[i] == Code::kOk, theirs[i] == Code::kOk) << keys[i];
    ASSERT_FALSE(t.get(keys[i]).found);
  }
}

// A transaction that creates two keys against a write that creates one of them: when the write
// wins, nothing of the transaction is there.
void a_transaction_against_a_put(StateCase& t) {
  FrontThread other(t.backend());
  const std::vector<std::string> first = keys_of("first");
  const std::vector<std::string> second = keys_of("second");
  std::vector<std::vector<StateWrite>> transactions;
  std::vector<StateWrite> writes;
  for (size_t i = 0; i < first.size(); ++i) {
    transactions.push_back({create(first[i], "mine"), create(second[i], "mine")});
    writes.push_back(create(second[i], "theirs"));
  }
  const auto other_codes =
      other.begin([&writes](StateStore& store) { return write_all(&store, &writes); });
  const Codes mine = *t.main().run(transact_all(&t.store(), &transactions));
  const Codes theirs = *other_codes->take();
  expect_one_winner(t, second, mine, theirs);
  for (size_t i = 0; i < first.size(); ++i) {
    ASSERT_EQ(t.get(first[i]).found, mine[i] == Code::kOk) << first[i];
  }
}

int number_of(const StateItem& item) {
  int number = 0;
  std::from_chars(item.value.data(), item.value.data() + item.value.size(), number);
  return number;
}

// Adds one `times` times, by reading and writing under the etag read; tries again when somebody
// else was faster.
Task<Status> count_up(StateStore* store, std::string_view key, int times) {
  while (times > 0) {
    StateItem item;
    CO_TRY(co_await store->get(key, Consistency::kStrong, item));
    const std::string value = std::to_string(number_of(item) + 1);
    const Status written = co_await store->write(put_if(key, value, item.etag));
    if (written.ok()) --times;
    if (!written.ok() && written.error().code() != Code::kAborted)
      co_return written.error().clone();
  }
  co_return Status{};
}

void no_update_is_lost(StateCase& t) {
  const int times = tests::rounds(200, 3000);
  FrontThread other(t.backend());
  t.must(put("counter", "0"));
  const auto theirs =
      other.begin([times](StateStore& store) { return count_up(&store, "counter", times); });
  ASSERT_TRUE(t.main().run(count_up(&t.store(), "counter", times)).ok());
  ASSERT_TRUE(theirs->take().ok());
  EXPECT_EQ(t.value_of("counter"), std::to_string(2 * times));
}

// Moves one from `from` to `to`, `times` times, as one transaction each.
Task<Status> transfer(StateStore* store, std::string_view from, std::string_view to, int times) {
  while (times > 0) {
    StateItem a;
    StateItem b;
    CO_TRY(co_await store->get(from, Consistency::kStrong, a));
    CO_TRY(co_await store->get(to, Consistency::kStrong, b));
    const std::string less = std::to_string(number_of(a) - 1);
    const std::string more = std::to_string(number_of(b) + 1);
    const std::array<StateWrite, 2> writes = {put_if(from, less, a.etag), put_if(to, more, b.etag)};
    const Status moved = co_await store->transact(writes);
    if (moved.ok()) --times;
    if (!moved.ok() && moved.error().code() != Code::kAborted) co_return moved.error().clone();
  }
  co_return Status{};
}

void transfers_keep_the_sum(StateCase& t) {
  const int times = tests::rounds(150, 2000);
  FrontThread other(t.backend());
  for (const char* key : {"a", "b", "c"}) t.must(put(key, "1000"));
  const auto theirs =
      other.begin([times](StateStore& store) { return transfer(&store, "a", "b", times); });
  ASSERT_TRUE(t.main().run(transfer(&t.store(), "b", "c", times)).ok());
  ASSERT_TRUE(theirs->take().ok());
  EXPECT_EQ(number_of(t.get("a")), 1000 - times);
  EXPECT_EQ(number_of(t.get("b")), 1000);
  EXPECT_EQ(number_of(t.get("c")), 1000 + times);
}

// A value is read as it was written, never a mixture of two.
Task<Result<int>> read_until(StateStore* store, const std::atomic<bool>* over) {
  int torn = 0;
  do {
    StateItem item;
    CO_TRY(co_await store->get("k", Consistency::kStrong, item));
    for (const char c : item.value) torn += c != item.value.front() ? 1 : 0;
  } while (!over->load());
  co_return torn;
}

void values_are_not_torn(StateCase& t) {
  FrontThread other(t.backend());
  t.must(put("k", std::string(20'000, '0')));
  std::atomic<bool> over = false;
  const auto torn = other.begin([&over](StateStore& store) { return read_until(&store, &over); });
  for (int i = 0; i < tests::rounds(100, 2000); ++i) {
    const std::string value(static_cast<size_t>(1 + (i * 7919) % 40'000),
                            static_cast<char>('0' + i % 10));
    t.must(put("k", value));
  }
  over = true;
  EXPECT_EQ(*torn->take(), 0);
}

constexpr StateCaseSpec kCases[] = {
    {"RaceOfTwoCreators", {}, two_creators},
    {"RaceOfTwoEtagWriters", {}, two_etag_writers},
    {"RaceOfTwoDeletes", {}, one_delete_of_two},
    {"RaceOfATransactionAndAPut", {.transactions = true}, a_transaction_against_a_put},
    {"RaceLosesNoUpdate", {}, no_update_is_lost},
    {"RaceOfTransfersKeepsTheSum", {.transactions = true}, transfers_keep_the_sum},
    {"RaceTearsNoValue", {}, values_are_not_torn},
};

}  // namespace

std::span<const StateCaseSpec> race_cases() { return kCases; }

}  // namespace layotto::conformance
