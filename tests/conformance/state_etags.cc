// Etags and preconditions: who may write, and that an etag never means anything but the one write
// that made it.
#include <set>

#include "tests/conformance/state_cases.h"

namespace layotto::conformance {
namespace {

void every_write_makes_a_new_etag(StateCase& t) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    const std::string etag = t.must_put("k", "the same value");
    EXPECT_TRUE(seen.insert(etag).second) << "etag " << etag << " was given before";
    EXPECT_EQ(t.etag_of("k"), etag) << "reading changes nothing";
  }
}

void etag_is_not_reused_after_delete(StateCase& t) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(seen.insert(t.must_put("k", "v")).second);
    t.must(del("k"));
  }
}

void etag_is_not_reused_after_restart(StateCase& t) {
  std::set<std::string> seen;
  for (int restart = 0; restart < 4; ++restart) {
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(seen.insert(t.must_put("k", "v")).second);
    t.must(del("k"));
    t.restart();
  }
}

void put_with_the_right_etag(StateCase& t) {
  const std::string first = t.must_put("k", "1");
  t.must(put_if("k", "2", first));
  const StateItem item = t.get("k");
  EXPECT_EQ(item.value, "2");
  EXPECT_NE(item.etag, first);
  t.must(put_if("k", "3", item.etag));
  EXPECT_EQ(t.value_of("k"), "3");
}

void put_with_an_old_etag_is_refused(StateCase& t) {
  const std::string first = t.must_put("k", "1");
  const std::string second = t.must_put("k", "2");
  EXPECT_EQ(code_of(t.write(put_if("k", "x", first))), Code::kAborted);
  EXPECT_EQ(t.get("k").etag, second) << "nothing has changed";
  EXPECT_EQ(t.value_of("k"), "2");
}

void put_with_an_etag_on_a_missing_key_is_refused(StateCase& t) {
  const std::string etag = t.must_put("other", "v");
  EXPECT_EQ(code_of(t.write(put_if("k", "x", etag))), Code::kAborted);
  EXPECT_FALSE(t.get("k").found);
  const std::string own = t.must_put("k", "v");
  t.must(del("k"));
  EXPECT_EQ(code_of(t.write(put_if("k", "x", own))), Code::kAborted);
  EXPECT_FALSE(t.get("k").found) << "it did not come back";
}

void an_etag_belongs_to_its_key(StateCase& t) {
  const std::string a = t.must_put("a", "v");
  t.must_put("b", "v");
  EXPECT_EQ(code_of(t.write(put_if("b", "x", a))), Code::kAborted);
  EXPECT_EQ(code_of(t.write(del_if("b", a))), Code::kAborted);
  EXPECT_EQ(t.value_of("b"), "v");
}

// Whatever a caller may send as an etag: a mismatch, never another error, never a match.
void malformed_etags_do_not_match(StateCase& t) {
  const std::string right = t.must_put("k", "v");
  std::vector<std::string> wrong = {"0",
                                    "1",
                                    "-1",
                                    "2",
                                    "99999999999999999999999",
                                    "null",
                                    "undefined",
                                    "W/\"x\"",
                                    "*",
                                    " ",
                                    "not an etag",
                                    std::string(blocks::kEtagBytesMax, 'e'),
                                    std::string("\0", 1),
                                    "\xff\xfe",
                                    right + " ",
                                    " " + right,
                                    right + std::string(1, '\0'),
                                    right + right,
                                    right.substr(0, right.size() - 1)};
  std::string other_case = right;
  for (char& c : other_case) c = static_cast<char>(std::isalpha(c) != 0 ? c ^ 0x20 : c);
  if (other_case != right) wrong.push_back(other_case);
  for (const std::string& etag : wrong) {
    if (etag.empty()) continue;
    EXPECT_EQ(code_of(t.write(put_if("k", "x", etag))), Code::kAborted) << etag;
    EXPECT_EQ(code_of(t.write(del_if("k", etag))), Code::kAborted) << etag;
    EXPECT_EQ(code_of(t.write(put_if("missing", "x", etag))), Code::kAborted) << etag;
  }
  EXPECT_EQ(t.get("k").etag, right);
  EXPECT_FALSE(t.get("missing").found);
}

void an_etag_beyond_the_limit_is_refused(StateCase& t) {
  t.must(put("k", "v"));
  const std::string etag(blocks::kEtagBytesMax + 1, 'e');
  const Code code = code_of(t.write(put_if("k", "x", etag)));
  EXPECT_TRUE(code == Code::kInvalidArgument || code == Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "v");
}

void a_mismatch_names_the_key(StateCase& t) {
  const Status status = t.write(put_if("the-key", "x", "e"));
  ASSERT_EQ(code_of(status), Code::kAborted);
  EXPECT_NE(status.error().message().find("etag mismatch"), std::string::npos);
  EXPECT_NE(status.error().message().find("the-key"), std::string::npos);
  EXPECT_FALSE(status.error().outcome_unknown()) << "a refused write has not happened";
}

void first_write_creates_once(StateCase& t) {
  t.must(create("k", "first"));
  EXPECT_EQ(code_of(t.write(create("k", "second"))), Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "first");
}

void first_write_is_refused_after_a_plain_put(StateCase& t) {
  const std::string etag = t.must_put("k", "plain");
  EXPECT_EQ(code_of(t.write(create("k", "x"))), Code::kAborted);
  EXPECT_EQ(t.get("k").etag, etag);
}

void first_write_after_delete(StateCase& t) {
  t.must(create("k", "1"));
  t.must(del("k"));
  t.must(create("k", "2"));
  EXPECT_EQ(t.value_of("k"), "2");
}

void a_first_written_key_is_like_any_other(StateCase& t) {
  t.must(create("k", "1"));
  const std::string etag = t.etag_of("k");
  t.must(put("k", "2"));
  EXPECT_EQ(t.value_of("k"), "2");
  EXPECT_EQ(code_of(t.write(put_if("k", "x", etag))), Code::kAborted);
  t.must(put_if("k", "3", t.etag_of("k")));
  t.must(del("k"));
  EXPECT_FALSE(t.get("k").found);
}

void delete_with_the_right_etag(StateCase& t) {
  const std::string etag = t.must_put("k", "v");
  t.must(del_if("k", etag));
  EXPECT_FALSE(t.get("k").found);
}

void delete_with_a_wrong_etag_is_refused(StateCase& t) {
  const std::string old = t.must_put("k", "1");
  t.must_put("k", "2");
  EXPECT_EQ(code_of(t.write(del_if("k", old))), Code::kAborted);
  EXPECT_EQ(code_of(t.write(del_if("missing", old))), Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "2");
}

void delete_if_absent_means_what_it_says(StateCase& t) {
  StateWrite write = del("k");
  write.precondition = Precondition::absent();
  t.must(write);
  t.must(put("k", "v"));
  EXPECT_EQ(code_of(t.write(write)), Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "v");
}

void the_same_etag_twice(StateCase& t) {
  const std::string etag = t.must_put("k", "1");
  t.must(put_if("k", "2", etag));
  EXPECT_EQ(code_of(t.write(put_if("k", "3", etag))), Code::kAborted);
  EXPECT_EQ(t.value_of("k"), "2");
}

constexpr StateCaseSpec kCases[] = {
    {"EveryWriteMakesANewEtag", {}, every_write_makes_a_new_etag},
    {"EtagIsNotReusedAfterDelete", {}, etag_is_not_reused_after_delete},
    {"EtagIsNotReusedAfterRestart", {}, etag_is_not_reused_after_restart},
    {"PutWithTheRightEtag", {}, put_with_the_right_etag},
    {"PutWithAnOldEtagIsRefused", {}, put_with_an_old_etag_is_refused},
    {"PutWithAnEtagOnAMissingKeyIsRefused", {}, put_with_an_etag_on_a_missing_key_is_refused},
    {"AnEtagBelongsToItsKey", {}, an_etag_belongs_to_its_key},
    {"MalformedEtagsDoNotMatch", {}, malformed_etags_do_not_match},
    {"AnEtagBeyondTheLimitIsRefused", {}, an_etag_beyond_the_limit_is_refused},
    {"AMismatchNamesTheKey", {}, a_mismatch_names_the_key},
    {"FirstWriteCreatesOnce", {}, first_write_creates_once},
    {"FirstWriteIsRefusedAfterAPlainPut", {}, first_write_is_refused_after_a_plain_put},
    {"FirstWriteAfterDelete", {}, first_write_after_delete},
    {"AFirstWrittenKeyIsLikeAnyOther", {}, a_first_written_key_is_like_any_other},
    {"DeleteWithTheRightEtag", {}, delete_with_the_right_etag},
    {"DeleteWithAWrongEtagIsRefused", {}, delete_with_a_wrong_etag_is_refused},
    {"DeleteIfAbsentMeansWhatItSays", {}, delete_if_absent_means_what_it_says},
    {"TheSameEtagTwice", {}, the_same_etag_twice},
};

}  // namespace

std::span<const StateCaseSpec> etag_cases() { return kCases; }

}  // namespace layotto::conformance
