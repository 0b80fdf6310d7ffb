// StateApi, failures: the status table, the rules for keys, partial failures, unknown outcomes,
// and which store is meant.
#include <gtest/gtest.h>

#include "tests/support/later.h"
#include "tests/support/state_api_harness.h"

namespace layotto::api {
namespace {

using blocks::FakeStateStore;
using std::chrono::seconds;
using tests::code_of;
using tests::item;
using tests::said;

class StateApiStatus : public tests::StateApiTest {
 protected:
  // Every rpc once, with this key, to this store.
  std::vector<std::pair<std::string, Status>> everything(const std::string& key,
                                                         const std::string& store = "demo") {
    std::vector<std::pair<std::string, Status>> all;
    get(key, store);
    all.emplace_back("GetState", std::move(status));
    get_bulk({key}, 1, store);
    all.emplace_back("GetBulkState", std::move(status));
    all.emplace_back("SaveState", save({item({.key = key})}, store));
    all.emplace_back("SaveState of two", save({item({.key = key}), item({.key = "b"})}, store));
    all.emplace_back("DeleteState", remove({.key = key}, store));
    all.emplace_back("DeleteBulkState", remove_bulk({item({.key = key})}, store));
    all.emplace_back("ExecuteStateTransaction", transact({{"upsert", item({.key = key})}}, store));
    return all;
  }
  static Task<void> keep(Task<Status> task, tests::Later<Status>* result) {
    result->emplace(co_await std::move(task));
  }

  FakeStateStore fake{test.loop()};
  Empty empty;
  tests::Later<Status> result;
};

// ---- which store

TEST_F(StateApiStatus, WithoutAnyStoreThePreconditionFails) {
  for (const auto& [rpc, answer] : everything("a")) {
    EXPECT_EQ(said(answer), "FAILED_PRECONDITION: state store is not configured") << rpc;
  }
}

TEST_F(StateApiStatus, AnUnknownStoreIsAMistakeOfTheCaller) {
  add_memory();
  for (const auto& [rpc, answer] : everything("a", "nobody")) {
    EXPECT_EQ(said(answer), "INVALID_ARGUMENT: state store nobody is not found") << rpc;
  }
  for (const char* name : {"", "Demo", "demo ", "memory"}) {
    EXPECT_EQ(code_of(save({item({.key = "a"})}, name)), "INVALID_ARGUMENT") << name;
  }
  // It is looked for before anything else is.
  for (const auto& [rpc, answer] : everything("a||b", "nobody")) {
    EXPECT_EQ(code_of(answer), "INVALID_ARGUMENT") << rpc;
  }
}

TEST_F(StateApiStatus, StoresAreToldApartByTheirNames) {
  add_memory({.name = "one"});
  add_memory({.name = "two"});
  EXPECT_EQ(said(save({item({.key = "a", .value = "1"})}, "one")), "OK");
  EXPECT_EQ(get("a", "one").data(), "1");
  EXPECT_EQ(get("a", "two").etag(), "");
}

// ---- rules for keys

TEST_F(StateApiStatus, AKeyHasOneByteTo4KiB) {
  add_memory();
  for (const size_t size : {size_t{0}, size_t{4097}, size_t{1} << 20}) {
    for (const auto& [rpc, answer] : everything(std::string(size, 'k'))) {
      EXPECT_EQ(code_of(answer), "INVALID_ARGUMENT") << rpc << " " << size;
    }
  }
  for (const size_t size : {size_t{1}, size_t{4096}}) {
    for (const auto& [rpc, answer] : everything(std::string(size, 'k'))) {
      EXPECT_EQ(said(answer), "OK") << rpc << " " << size;
    }
  }
  EXPECT_EQ(said(save({.key = std::string(4097, 'k')})),
            "INVALID_ARGUMENT: failed saving state in state store demo: the key has 4097 bytes, "
            "the limit is 4096");
}

TEST_F(StateApiStatus, BarsInAKeyAreUnknownInLayottosWords) {
  add_memory();
  for (const char* key : {"a||b", "||", "a||", "|||"}) {
    for (const auto& [rpc, answer] : everything(key)) {
      EXPECT_EQ(code_of(answer), "UNKNOWN") << rpc << " " << key;
      const std::string text = fmt::format("input key/keyPrefix '{}' can't contain '||'", key);
      EXPECT_NE(said(answer).find(text), std::string::npos) << rpc << " " << said(answer);
    }
  }
  get("a||b");
  EXPECT_EQ(said(status), "UNKNOWN: input key/keyPrefix 'a||b' can't contain '||'");
  for (const auto& [rpc, answer] : everything("a|b")) EXPECT_EQ(said(answer), "OK") << rpc;
}

// ---- the status table

TEST_F(StateApiStatus, EveryCodeOfAStoreHasOneAnswerOnEveryRpc) {
  wire(fake);
  struct Case {
    Code of_store;
    std::string_view answer;
  };
  for (const Case c :
       {Case{Code::kCancelled, "CANCELLED"}, Case{Code::kInvalidArgument, "INVALID_ARGUMENT"},
        Case{Code::kDeadlineExceeded, "INTERNAL"}, Case{Code::kNotFound, "INTERNAL"},
        Case{Code::kAlreadyExists, "INTERNAL"}, Case{Code::kPermissionDenied, "INTERNAL"},
        Case{Code::kResourceExhausted, "RESOURCE_EXHAUSTED"},
        Case{Code::kFailedPrecondition, "INTERNAL"}, Case{Code::kAborted, "ABORTED"},
        Case{Code::kOutOfRange, "INTERNAL"}, Case{Code::kUnimplemented, "UNIMPLEMENTED"},
        Case{Code::kInternal, "INTERNAL"}, Case{Code::kUnavailable, "INTERNAL"},
        Case{Code::kDataLoss, "INTERNAL"}, Case{Code::kUnauthenticated, "INTERNAL"}}) {
    const auto answer_with = [&](int times) {
      for (int i = 0; i < times; ++i) fake.will_answer(Error(c.of_store, "the words"));
    };
    const std::string code(c.answer);
    answer_with(1);
    get("a");
    EXPECT_EQ(said(status), code + ": fail to get a from state store demo: the words");
    answer_with(1);
    EXPECT_EQ(said(save({.key = "a"})),
              code + ": failed saving state in state store demo: the words");
    answer_with(2);
    EXPECT_EQ(said(save({item({.key = "a"}), item({.key = "b"})})),
              code +
                  ": failed saving state in state store demo: 2 of 2 items failed: item 0 (key "
                  "'a'): the words; item 1 (key 'b'): the words");
    answer_with(1);
    EXPECT_EQ(said(remove({.key = "a"})), code + ": failed deleting state with key a: the words");
    answer_with(1);
    EXPECT_EQ(said(remove_bulk({item({.key = "a"})})),
              code +
                  ": failed deleting state in state store demo: 1 of 1 items failed: item 0 "
                  "(key 'a'): the words");
    answer_with(1);
    EXPECT_EQ(said(transact({{"upsert", item({.key = "a"})}})),
              code + ": error while executing state transaction: the words");
  }
}

TEST_F(StateApiStatus, AKeyThatCannotBeReadDoesNotFailTheOthers) {
  wire(fake);
  fake.will_answer({});
  fake.will_answer(base::unavailable("the words"));
  const auto got = get_bulk({"a", "b"}, 1);
  EXPECT_EQ(said(status), "OK");
  ASSERT_EQ(got.items_size(), 2);
  EXPECT_EQ(got.items(0).data(), "v");
  EXPECT_EQ(got.items(0).error(), "");
  EXPECT_EQ(got.items(1).data(), "");
  EXPECT_EQ(got.items(1).error(), "fail to get b from state store demo: the words");
}

// ---- partial failures

TEST_F(StateApiStatus, EveryItemIsTriedInOrder) {
  wire(fake);
  fake.will_answer({});
  fake.will_answer(base::unavailable("gone"));
  fake.will_answer({});
  EXPECT_EQ(said(save({item({.key = "a"}), item({.key = "b"}), item({.key = "c"})})),
            "INTERNAL: failed saving state in state store demo: 1 of 3 items failed: item 1 (key "
            "'b'): gone");
  EXPECT_EQ(fake.asked, (std::vector<std::string>{"bulk:", "put a=v", "put b=v", "put c=v"}));
}

TEST_F(StateApiStatus, TheFirstErrorsCodeIsTheAnswer) {
  add_memory();
  const runtime::StateItem mismatch = item({.key = "m", .etag = "wrong"});
  const runtime::StateItem no_ttl = item({.key = "t", .ttl = "text"});
  const runtime::StateItem no_key = item({.key = ""});
  const runtime::StateItem bars = item({.key = "a||b"});
  const runtime::StateItem good = item({.key = "good"});
  EXPECT_EQ(code_of(save({good, mismatch, no_ttl})), "ABORTED");
  EXPECT_EQ(code_of(save({good, no_ttl, mismatch})), "INVALID_ARGUMENT");
  EXPECT_EQ(code_of(save({no_key, mismatch})), "INVALID_ARGUMENT");
  EXPECT_EQ(code_of(remove_bulk({mismatch, no_key})), "ABORTED");
  EXPECT_EQ(said(save({good, bars, mismatch})),
            "UNKNOWN: failed saving state in state store demo: 2 of 3 items failed: item 1 (key "
            "'a||b'): input key/keyPrefix 'a||b' can't contain '||'; item 2 (key 'm'): etag "
            "mismatch: key 'm' is missing or has another etag");
  EXPECT_NE(etag("good"), "");
}

TEST_F(StateApiStatus, WhatFollowsAFailureIsDone) {
  add_memory();
  EXPECT_EQ(code_of(save({item({.key = "", .value = "0"}), item({.key = "a", .ttl = "x"}),
                          item({.key = "b", .value = "2"})})),
            "INVALID_ARGUMENT");
  EXPECT_EQ(etag("a"), "");
  EXPECT_EQ(value("b"), "2");
  EXPECT_EQ(code_of(remove_bulk({item({.key = "b", .etag = "wrong"}), item({.key = "b"})})),
            "ABORTED");
  EXPECT_EQ(etag("b"), "");
}

TEST_F(StateApiStatus, UpToTenFailedItemsAreNamed) {
  add_memory();
  const auto failing = [](int count) {
    std::vector<runtime::StateItem> items;
    for (int i = 0; i < count; ++i) {
      items.push_back(item({.key = fmt::format("key-{}", i), .etag = "wrong"}));
      items.push_back(item({.key = fmt::format("good-{}", i)}));
    }
    return items;
  };
  for (const bool deleting : {false, true}) {
    std::string text = said(deleting ? remove_bulk(failing(10)) : save(failing(10)));
    EXPECT_NE(text.find("10 of 20 items failed"), std::string::npos) << text;
    for (int i = 0; i < 10; ++i) {
      EXPECT_NE(text.find(fmt::format("item {} (key 'key-{}')", 2 * i, i)), std::string::npos) << i;
    }
    EXPECT_EQ(text.find("more"), std::string::npos) << text;
    text = said(deleting ? remove_bulk(failing(12)) : save(failing(12)));
    EXPECT_NE(text.find("12 of 24 items failed"), std::string::npos) << text;
    EXPECT_NE(text.find("key-9"), std::string::npos) << text;
    EXPECT_EQ(text.find("key-10"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("; and 2 more")) << text;
  }
}

// ---- unknown outcomes

TEST_F(StateApiStatus, AnUnknownOutcomeIsTheFirstThingSaid) {
  wire(fake);
  const auto lost = [] { return Status(base::unavailable("no answer").unknown_outcome()); };
  fake.will_answer(lost());
  EXPECT_EQ(said(save({.key = "a"})),
            "INTERNAL: outcome unknown: failed saving state in state store demo: no answer");
  fake.will_answer(lost());
  EXPECT_EQ(said(remove({.key = "a"})),
            "INTERNAL: outcome unknown: failed deleting state with key a: no answer");
  fake.will_answer(lost());
  EXPECT_EQ(said(transact({{"upsert", item({.key = "a"})}})),
            "INTERNAL: outcome unknown: error while executing state transaction: no answer");
  fake.will_answer({});
  fake.will_answer(lost());
  EXPECT_EQ(said(save({item({.key = "a"}), item({.key = "b"})})),
            "INTERNAL: outcome unknown: failed saving state in state store demo: 1 of 2 items "
            "failed: item 1 (key 'b'): outcome unknown: no answer");
}

TEST_F(StateApiStatus, AWriteThatTakesTooLongHasAnUnknownOutcome) {
  wire(fake);
  fake.hold();
  runtime::SaveStateRequest request;
  request.set_store_name("demo");
  for (const char* key : {"a", "b"}) {
    *request.add_states() = item({.key = key});
    result.reset();
    test.tasks().spawn(&keep, api.save_state(request, empty, exchange), &result);
    test.advance(seconds(4));
    EXPECT_FALSE(result.has_value()) << request.states_size();
    test.advance(seconds(1));
    EXPECT_TRUE(said(*result).starts_with(
        "INTERNAL: outcome unknown: failed saving state in state store demo: "))
        << said(*result);
  }
}

TEST_F(StateApiStatus, AReadThatTakesTooLongIsAFailureOfTheStore) {
  wire(fake);
  fake.hold();
  const tests::GetCall call(get_request("a"));
  test.tasks().spawn(&keep, api.get_state(call.request, call.reply, exchange), &result);
  test.advance(seconds(5));
  EXPECT_TRUE(said(*result).starts_with("INTERNAL: fail to get a from state store demo: "))
      << said(*result);
}

TEST_F(StateApiStatus, ACallerWhoHasGoneIsNoFailureOfTheStore) {
  wire(fake);
  fake.hold();
  const tests::GetCall call(get_request("a"));
  async::StopSource caller;
  test.tasks().spawn_under(caller, &keep, api.get_state(call.request, call.reply, exchange),
                           &result);
  test.run();
  caller.fire(async::StopReason::kCancelled);
  test.run();
  EXPECT_EQ(code_of(*result), "CANCELLED");
}

}  // namespace
}  // namespace layotto::api
