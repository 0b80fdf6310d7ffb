// Keys and values: which there may be, and that they come back as they were.
#include <set>

#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

void missing_key_is_not_an_error(StateCase& t) {
  StateItem item;
  item.found = true;
  item.value = "left over";
  item.etag = "left over";
  item.expires_at = WallTime();
  ASSERT_TRUE(t.get("missing", item).ok());
  EXPECT_FALSE(item.found);
  EXPECT_TRUE(item.value.empty());
  EXPECT_TRUE(item.etag.empty());
  EXPECT_FALSE(item.expires_at.has_value());
}

void put_then_get(StateCase& t) {
  t.must(put("k", "v"));
  const StateItem item = t.get("k");
  EXPECT_TRUE(item.found);
  EXPECT_EQ(item.value, "v");
  EXPECT_FALSE(item.etag.empty());
  EXPECT_LE(item.etag.size(), blocks::kEtagBytesMax);
  EXPECT_FALSE(item.expires_at.has_value());
}

void put_overwrites(StateCase& t) {
  for (const char* value : {"one", "a longer one than before", "", "x"}) {
    t.must(put("k", value));
    EXPECT_EQ(t.value_of("k"), value);
  }
}

void get_fills_a_used_item(StateCase& t) {
  t.must(put("long", std::string(1000, 'l')));
  t.must(put("short", "s"));
  StateItem item;
  ASSERT_TRUE(t.get("long", item).ok());
  ASSERT_TRUE(t.get("short", item).ok());
  EXPECT_EQ(item.value, "s");
}

void empty_value(StateCase& t) {
  t.must(put("k", ""));
  const StateItem item = t.get("k");
  EXPECT_TRUE(item.found) << "an empty value is a value";
  EXPECT_TRUE(item.value.empty());
  EXPECT_FALSE(item.etag.empty());
}

void binary_values(StateCase& t) {
  const std::string bytes = all_bytes();
  t.must(put("bytes", bytes));
  EXPECT_EQ(t.value_of("bytes"), bytes);
  t.must(put("nul", std::string_view("\0", 1)));
  EXPECT_EQ(t.value_of("nul"), std::string_view("\0", 1));
}

void large_values(StateCase& t) {
  std::string value;
  for (size_t i = 0; value.size() < size_t{1} << 20; ++i) value += std::to_string(i) + all_bytes();
  t.must(put("large", value));
  EXPECT_EQ(t.value_of("large"), value);
  const std::string other(value.rbegin(), value.rend());
  t.must(put("large", other));
  EXPECT_EQ(t.value_of("large"), other);
  t.must(put("large", "small"));
  EXPECT_EQ(t.value_of("large"), "small");
  t.must(del("large"));
  EXPECT_EQ(t.value_of("large"), std::nullopt);
}

// Around the lengths at which stores change how they keep a key.
void key_lengths(StateCase& t) {
  const std::vector<size_t> lengths = {1,   2,   199,  200,  249,  250,  251,  255,
                                       256, 399, 400,  401,  432,  433,  510,  511,
                                       512, 513, 1023, 1024, 1025, 2048, 4095, 4096};
  for (const size_t length : lengths) {
    t.must(put(std::string(length, 'k'), std::to_string(length)));
  }
  for (const size_t length : lengths) {
    EXPECT_EQ(t.value_of(std::string(length, 'k')), std::to_string(length));
  }
  t.must(del(std::string(401, 'k')));
  EXPECT_EQ(t.value_of(std::string(401, 'k')), std::nullopt);
  EXPECT_EQ(t.value_of(std::string(400, 'k')), "400");
  EXPECT_EQ(t.value_of(std::string(432, 'k')), "432");
}

// Long keys that differ in one byte, at either end, are different keys.
void long_keys_are_told_apart(StateCase& t) {
  std::vector<std::string> keys;
  for (const size_t at : {size_t{0}, size_t{399}, size_t{400}, size_t{2047}, size_t{4095}}) {
    std::string key(4096, 'a');
    key[at] = 'b';
    keys.push_back(std::move(key));
  }
  for (size_t i = 0; i < keys.size(); ++i) t.must(put(keys[i], std::to_string(i)));
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(t.value_of(keys[i]), std::to_string(i));
  EXPECT_EQ(t.value_of(std::string(4096, 'a')), std::nullopt);
  const std::string etag = t.etag_of(keys[0]);
  EXPECT_EQ(code_of(t.write(put_if(keys[1], "x", etag))), Code::kAborted);
  EXPECT_EQ(code_of(t.write(put_if(keys[0], "x", etag))), Code::kOk);
}

void keys_are_bytes(StateCase& t) {
  const std::vector<std::string> keys = {"key",
                                         "Key",
                                         "KEY",
                                         "key ",
                                         "key  ",
                                         " key",
                                         "key\t",
                                         "key\n",
                                         std::string("key\0", 4),
                                         std::string("\0key", 4),
                                         std::string("\0", 1),
                                         "\xff\xfe",
                                         "\xc3\x28",
                                         "sch\xc3\xb6n",
                                         "scho\xcc\x88n",
                                         "a/b",
                                         "a:b",
                                         "{a}b",
                                         "*",
                                         "?",
                                         "key%00",
                                         "..",
                                         "a||b",
                                         "\xf0\x9f\x94\x91",
                                         "'; --",
                                         "$",
                                         all_bytes()};
  for (size_t i = 0; i < keys.size(); ++i) t.must(put(keys[i], std::to_string(i)));
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(t.value_of(keys[i]), std::to_string(i)) << "key " << i;
  }
  for (size_t i = 0; i < keys.size(); i += 2) t.must(del(keys[i]));
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(t.value_of(keys[i]).has_value(), i % 2 == 1) << "key " << i;
  }
}

void keys_beyond_the_limits_are_refused(StateCase& t) {
  const std::string long_key(blocks::kStateKeyBytesMax + 1, 'k');
  for (const std::string_view key : {std::string_view(), std::string_view(long_key)}) {
    StateItem item;
    EXPECT_EQ(code_of(t.get(key, item)), Code::kInvalidArgument);
    EXPECT_EQ(code_of(t.write(put(key, "v"))), Code::kInvalidArgument);
    EXPECT_EQ(code_of(t.write(del(key))), Code::kInvalidArgument);
  }
}

void delete_removes(StateCase& t) {
  t.must(put("k", "v"));
  t.must(del("k"));
  EXPECT_FALSE(t.get("k").found);
  t.must(put("k", "again"));
  EXPECT_EQ(t.value_of("k"), "again");
}

void delete_of_a_missing_key_succeeds(StateCase& t) {
  t.must(del("missing"));
  t.must(put("k", "v"));
  t.must(del("k"));
  t.must(del("k"));
}

void many_keys(StateCase& t) {
  for (int i = 0; i < 500; ++i) t.must(put("key-" + std::to_string(i), std::to_string(i * i)));
  for (int i = 0; i < 500; i += 3) t.must(del("key-" + std::to_string(i)));
  for (int i = 0; i < 500; ++i) {
    const auto value = t.value_of("key-" + std::to_string(i));
    if (i % 3 == 0) {
      EXPECT_EQ(value, std::nullopt);
    } else {
      EXPECT_EQ(value, std::to_string(i * i));
    }
  }
}

// A read that begins after a write was answered sees it, on every front.
void every_front_reads_what_was_written(StateCase& t) {
  StateFront other = t.another_front();
  ASSERT_TRUE(t.main().run(other.store->start()).ok());
  for (int i = 0; i < 50; ++i) {
    t.must(put("k", std::to_string(i)));
    StateItem item;
    ASSERT_TRUE(t.main().run(other.store->get("k", blocks::Consistency::kStrong, item)).ok());
    EXPECT_EQ(item.value, std::to_string(i));
  }
  const auto stop = [](StateStore* store) -> Task<bool> {
    co_await store->stop();
    co_return true;
  };
  t.main().run((+stop)(other.store.get()));
}

void get_bulk_reads_each(StateCase& t) {
  std::vector<std::string> keys;
  std::vector<std::string_view> views;
  for (int i = 0; i < 40; ++i) keys.push_back("key-" + std::to_string(i));
  for (const std::string& key : keys) views.push_back(key);
  for (size_t i = 0; i < keys.size(); i += 2) t.must(put(keys[i], std::to_string(i)));
  std::vector<StateItem> items(keys.size());
  std::vector<Status> results(keys.size());
  for (const size_t parallelism : {size_t{0}, size_t{1}, size_t{10}, size_t{1000}}) {
    const Status whole =
        t.main().run(blocks::get_bulk(t.main().loop(), t.store(), views,
                                      blocks::Consistency::kDefault, parallelism, items, results));
    ASSERT_TRUE(whole.ok());
    for (size_t i = 0; i < keys.size(); ++i) {
      ASSERT_TRUE(results[i].ok());
      EXPECT_EQ(items[i].found, i % 2 == 0);
      if (items[i].found) EXPECT_EQ(items[i].value, std::to_string(i));
    }
  }
}

constexpr StateCaseSpec kCases[] = {
    {"MissingKeyIsNotAnError", {}, missing_key_is_not_an_error},
    {"PutThenGet", {}, put_then_get},
    {"PutOverwrites", {}, put_overwrites},
    {"GetFillsAUsedItem", {}, get_fills_a_used_item},
    {"EmptyValue", {}, empty_value},
    {"BinaryValues", {}, binary_values},
    {"LargeValues", {}, large_values},
    {"KeyLengths", {}, key_lengths},
    {"LongKeysAreToldApart", {}, long_keys_are_told_apart},
    {"KeysAreBytes", {}, keys_are_bytes},
    {"KeysBeyondTheLimitsAreRefused", {}, keys_beyond_the_limits_are_refused},
    {"DeleteRemoves", {}, delete_removes},
    {"DeleteOfAMissingKeySucceeds", {}, delete_of_a_missing_key_succeeds},
    {"ManyKeys", {}, many_keys},
    {"EveryFrontReadsWhatWasWritten", {}, every_front_reads_what_was_written},
    {"GetBulkReadsEach", {}, get_bulk_reads_each},
};

}  // namespace

std::span<const StateCaseSpec> value_cases() { return kCases; }

}  // namespace layotto::conformance
