// StateApi, writes: SaveState, DeleteState and DeleteBulkState: etags, options, time to live.
#include <gtest/gtest.h>

#include "tests/support/state_api_harness.h"

namespace layotto::api {
namespace {

using blocks::Consistency;
using blocks::Precondition;
using blocks::StateWrite;
using std::chrono::seconds;
using tests::code_of;
using tests::item;
using tests::kFirstWrite;
using tests::kLastWrite;
using tests::kUnnamed;
using tests::said;

constexpr auto kTenYears = std::chrono::seconds(315'360'000);

// Remembers the last write.
class WriteStore final : public blocks::StateStore {
 public:
  Task<Status> start() override { return async::ready_ok(); }
  [[nodiscard]] blocks::Health health() const override { return {}; }
  Task<Status> get(std::string_view, Consistency, blocks::StateItem& out) override {
    out.clear();
    return async::ready_ok();
  }
  Task<Status> write(StateWrite write) override {
    last = write;
    etag = std::string(write.precondition.etag);
    return async::ready_ok();
  }

  StateWrite last;   // its texts are gone
  std::string etag;  // that of `last`
};

class StateApiWrites : public tests::StateApiTest {};

// ---- SaveState

TEST_F(StateApiWrites, SavesOneAndSeveral) {
  add_memory();
  EXPECT_EQ(said(save({.key = "a", .value = "1"})), "OK");
  EXPECT_EQ(said(save({item({.key = "a", .value = "2"}), item({.key = "b", .value = "3"})})), "OK");
  EXPECT_EQ(value("a"), "2");
  EXPECT_EQ(value("b"), "3");
}

TEST_F(StateApiWrites, SavingNothingIsOk) {
  add_memory();
  EXPECT_EQ(said(save(std::vector<runtime::StateItem>())), "OK");
  EXPECT_EQ(said(remove_bulk({})), "OK");
}

TEST_F(StateApiWrites, EqualKeysOfOneRequestAreWrittenInOrder) {
  add_memory();
  EXPECT_EQ(said(save({item({.key = "a", .value = "1"}), item({.key = "b"}),
                       item({.key = "a", .value = "2"})})),
            "OK");
  EXPECT_EQ(value("a"), "2");
}

// ---- etags

TEST_F(StateApiWrites, AnEtagIsCompared) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a", .value = "1"})), "OK");
  const std::string first = etag("a");
  EXPECT_EQ(said(save({.key = "a", .value = "2", .etag = first})), "OK");
  EXPECT_NE(etag("a"), first);
  EXPECT_EQ(
      said(save({.key = "a", .value = "3", .etag = first})),
      "ABORTED: failed saving state in state store demo: etag mismatch: key 'a' is missing or "
      "has another etag");
  EXPECT_EQ(code_of(save({.key = "a", .value = "3", .etag = first, .concurrency = kFirstWrite})),
            "ABORTED");
  EXPECT_EQ(code_of(save({.key = "nobody", .etag = first})), "ABORTED");
  EXPECT_EQ(value("a"), "2");
  EXPECT_EQ(etag("nobody"), "");
}

TEST_F(StateApiWrites, UnderLastWriteAnEtagIsNotCompared) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a"})), "OK");
  EXPECT_EQ(said(save({.key = "a", .value = "2", .etag = "wrong", .concurrency = kLastWrite})),
            "OK");
  EXPECT_EQ(value("a"), "2");
  EXPECT_EQ(said(remove({.key = "a", .etag = "wrong", .concurrency = kLastWrite})), "OK");
  EXPECT_EQ(etag("a"), "");
}

TEST_F(StateApiWrites, FirstWriteWithoutAnEtagOnlyCreates) {
  add_memory();
  EXPECT_EQ(said(save({.key = "a", .value = "1", .concurrency = kFirstWrite})), "OK");
  EXPECT_EQ(said(save({.key = "a", .value = "2", .concurrency = kFirstWrite})),
            "ABORTED: failed saving state in state store demo: etag mismatch: key 'a' exists "
            "already, first-write refused");
  EXPECT_EQ(code_of(save({.key = "a", .value = "2", .etag = "", .concurrency = kFirstWrite})),
            "ABORTED");
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(said(save({.key = "a", .value = "3"})), "OK") << "an unconditional write";
  EXPECT_EQ(said(save({.key = "a", .value = "4", .etag = etag("a"), .concurrency = kFirstWrite})),
            "OK");
  EXPECT_EQ(value("a"), "4");
}

TEST_F(StateApiWrites, AnAbsentAndAnEmptyEtagAreTheSame) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a", .value = "1"})), "OK");
  EXPECT_EQ(said(save({.key = "a", .value = "2", .etag = ""})), "OK");
  EXPECT_EQ(said(remove({.key = "a", .etag = ""})), "OK");
  EXPECT_EQ(etag("a"), "");
}

TEST_F(StateApiWrites, AnEtagIsNeverUsedAgain) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a"})), "OK");
  const std::string old = etag("a");
  ASSERT_EQ(said(remove({.key = "a"})), "OK");
  ASSERT_EQ(said(save({.key = "a"})), "OK");
  EXPECT_EQ(code_of(save({.key = "a", .etag = old})), "ABORTED");
}

TEST_F(StateApiWrites, AMalformedEtagIsAMismatchAndATooLongOneAMistake) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a"})), "OK");
  for (const std::string& malformed :
       {std::string("0"), std::string(" "), std::string("\0\xff", 2), std::string(256, 'e')}) {
    EXPECT_EQ(code_of(save({.key = "a", .etag = malformed})), "ABORTED");
    EXPECT_EQ(code_of(remove({.key = "a", .etag = malformed})), "ABORTED");
    EXPECT_EQ(code_of(transact({{"upsert", item({.key = "a", .etag = malformed})}})), "ABORTED");
  }
  const std::string long_one(257, 'e');
  EXPECT_EQ(
      said(save({.key = "a", .etag = long_one})),
      "INVALID_ARGUMENT: failed saving state in state store demo: the etag has 257 bytes, the "
      "limit is 256");
  EXPECT_EQ(code_of(remove({.key = "a", .etag = long_one})), "INVALID_ARGUMENT");
  EXPECT_EQ(code_of(remove_bulk({item({.key = "a", .etag = long_one})})), "INVALID_ARGUMENT");
  EXPECT_EQ(code_of(transact({{"delete", item({.key = "a", .etag = long_one})}})),
            "INVALID_ARGUMENT");
}

// ---- options

TEST_F(StateApiWrites, EveryOptionBecomesOnePrecondition) {
  WriteStore store;
  wire(store);
  using Kind = Precondition::Kind;
  struct Case {
    int concurrency;
    std::optional<std::string> etag;
    Kind of_put;
    Kind of_delete;
  };
  for (const Case& c :
       {Case{0, {}, Kind::kNone, Kind::kNone}, Case{0, "", Kind::kNone, Kind::kNone},
        Case{0, "e", Kind::kEtag, Kind::kEtag}, Case{kFirstWrite, {}, Kind::kAbsent, Kind::kNone},
        Case{kFirstWrite, "", Kind::kAbsent, Kind::kNone},
        Case{kFirstWrite, "e", Kind::kEtag, Kind::kEtag},
        Case{kLastWrite, {}, Kind::kNone, Kind::kNone},
        Case{kLastWrite, "e", Kind::kNone, Kind::kNone},
        Case{kUnnamed, {}, Kind::kNone, Kind::kNone}, Case{kUnnamed, "e", Kind::kEtag, Kind::kEtag},
        Case{-1, "e", Kind::kEtag, Kind::kEtag}}) {
    const tests::ItemWords words{.key = "a", .etag = c.etag, .concurrency = c.concurrency};
    const std::string named = fmt::format("{} '{}'", c.concurrency, c.etag.value_or("absent"));
    EXPECT_EQ(said(save(words)), "OK");
    EXPECT_EQ(store.last.kind, StateWrite::Kind::kPut);
    EXPECT_EQ(store.last.precondition.kind, c.of_put) << named;
    EXPECT_EQ(store.etag, c.of_put == Kind::kEtag ? "e" : "") << named;
    EXPECT_EQ(said(save({item(words), item(words)})), "OK");
    EXPECT_EQ(store.last.precondition.kind, c.of_put) << named << " of several";
    EXPECT_EQ(said(remove(words)), "OK");
    EXPECT_EQ(store.last.kind, StateWrite::Kind::kDelete);
    EXPECT_EQ(store.last.precondition.kind, c.of_delete) << named;
    EXPECT_EQ(said(remove_bulk({item(words)})), "OK");
    EXPECT_EQ(store.last.kind, StateWrite::Kind::kDelete);
    EXPECT_EQ(store.last.precondition.kind, c.of_delete) << named << " in a bulk";
  }
}

TEST_F(StateApiWrites, PassesTheConsistencyOn) {
  WriteStore store;
  wire(store);
  const std::pair<int, Consistency> cases[] = {{0, Consistency::kDefault},
                                               {1, Consistency::kEventual},
                                               {2, Consistency::kStrong},
                                               {kUnnamed, Consistency::kDefault}};
  for (const auto& [number, expected] : cases) {
    EXPECT_EQ(said(save({.key = "a", .consistency = number})), "OK");
    EXPECT_EQ(store.last.consistency, expected) << number;
    store.last = {};
    EXPECT_EQ(said(remove({.key = "a", .consistency = number})), "OK");
    EXPECT_EQ(store.last.consistency, expected) << number;
  }
}

TEST_F(StateApiWrites, WithoutOptionsEverythingIsTheDefault) {
  WriteStore store;
  wire(store);
  runtime::StateItem bare;
  bare.set_key("a");
  EXPECT_EQ(said(save({bare})), "OK");
  EXPECT_EQ(store.last.precondition.kind, Precondition::Kind::kNone);
  EXPECT_EQ(store.last.consistency, Consistency::kDefault);
  EXPECT_EQ(store.last.ttl, std::nullopt);
}

// ---- deletes

TEST_F(StateApiWrites, DeletesWithoutAnEtagUnconditionally) {
  add_memory();
  ASSERT_EQ(said(save({item({.key = "a"}), item({.key = "b"}), item({.key = "c"})})), "OK");
  EXPECT_EQ(said(remove({.key = "a"})), "OK");
  EXPECT_EQ(said(remove({.key = "b", .concurrency = kFirstWrite})), "OK");
  EXPECT_EQ(said(remove_bulk({item({.key = "c"}), item({.key = "nobody"})})), "OK");
  for (const char* key : {"a", "b", "c"}) EXPECT_EQ(etag(key), "") << key;
  EXPECT_EQ(said(remove({.key = "a"})), "OK") << "a missing key";
}

TEST_F(StateApiWrites, DeletesWithAnEtagOnlyThatItem) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a"})), "OK");
  EXPECT_EQ(said(remove({.key = "a", .etag = "wrong"})),
            "ABORTED: failed deleting state with key a: etag mismatch: key 'a' is missing or has "
            "another etag");
  EXPECT_EQ(code_of(remove_bulk({item({.key = "a", .etag = "wrong"})})), "ABORTED");
  EXPECT_EQ(code_of(remove({.key = "nobody", .etag = "wrong"})), "ABORTED");
  EXPECT_EQ(said(remove({.key = "a", .etag = etag("a")})), "OK");
  EXPECT_EQ(etag("a"), "");
}

// ---- time to live

TEST_F(StateApiWrites, AnItemExpires) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a", .ttl = "10"})), "OK");
  test.advance(seconds(9));
  EXPECT_EQ(value("a"), "v");
  test.advance(seconds(1));
  EXPECT_EQ(etag("a"), "");
  EXPECT_EQ(said(save({.key = "a", .concurrency = kFirstWrite})), "OK");
}

TEST_F(StateApiWrites, APutWithoutATtlClearsIt) {
  add_memory();
  ASSERT_EQ(said(save({.key = "a", .ttl = "10"})), "OK");
  ASSERT_EQ(said(save({.key = "a", .value = "kept"})), "OK");
  test.advance(seconds(11));
  EXPECT_EQ(value("a"), "kept");
}

TEST_F(StateApiWrites, ATtlIsAWholeNumberOfSecondsUpToTenYears) {
  WriteStore store;
  wire(store);
  struct Case {
    const char* text;
    std::optional<seconds> ttl;
  };
  for (const Case& c : {Case{"1", seconds(1)}, Case{"0060", seconds(60)},
                        Case{"315360000", kTenYears}, Case{"0", {}}, Case{"-0", {}}, Case{"-1", {}},
                        Case{"-9223372036854775808", {}}, Case{"-99999999999999999999999", {}}}) {
    EXPECT_EQ(said(save({.key = "a", .ttl = c.text})), "OK") << c.text;
    EXPECT_EQ(store.last.ttl, c.ttl) << c.text;
  }
}

TEST_F(StateApiWrites, EveryOtherTtlIsRefused) {
  add_memory();
  const std::string prefix = "INVALID_ARGUMENT: failed saving state in state store demo: ";
  for (const char* text : {"", "text", "1.5", "1s", " 1", "1 ", "+1", "0x10", "1e3", "--1", "-",
                           "99999999999999999999s", "999999999999 years"}) {
    EXPECT_EQ(said(save({.key = "a", .ttl = text})),
              fmt::format("{}ttlInSeconds '{}' is not a whole number of seconds", prefix, text));
  }
  for (const char* text : {"315360001", "9223372036854775807", "99999999999999999999"}) {
    EXPECT_EQ(said(save({.key = "a", .ttl = text})),
              fmt::format("{}ttlInSeconds '{}' is more than 10 years", prefix, text));
    EXPECT_EQ(code_of(transact({{"upsert", item({.key = "a", .ttl = text})}})), "INVALID_ARGUMENT");
  }
  EXPECT_EQ(etag("a"), "") << "nothing was written";
}

TEST_F(StateApiWrites, ADeleteHasNoTtl) {
  add_memory();
  EXPECT_EQ(said(remove_bulk({item({.key = "a", .ttl = "nonsense"})})), "OK");
  EXPECT_EQ(said(transact({{"delete", item({.key = "a", .ttl = "nonsense"})}})), "OK");
}

TEST_F(StateApiWrites, TheStoresTtlIsForPutsThatSayNone) {
  WriteStore store;
  wire(store, {.default_ttl = seconds(30)});
  EXPECT_EQ(said(save({.key = "a"})), "OK");
  EXPECT_EQ(store.last.ttl, seconds(30));
  EXPECT_EQ(said(save({.key = "a", .ttl = "5"})), "OK");
  EXPECT_EQ(store.last.ttl, seconds(5));
  for (const char* none : {"0", "-1"}) {
    EXPECT_EQ(said(save({.key = "a", .ttl = none})), "OK");
    EXPECT_EQ(store.last.ttl, std::nullopt) << none;
  }
  EXPECT_EQ(said(remove({.key = "a"})), "OK");
  EXPECT_EQ(store.last.ttl, std::nullopt);
}

}  // namespace
}  // namespace layotto::api
