#include "base/error.h"

#include <gtest/gtest.h>

namespace layotto::base {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return invalid_argument("{} is odd", n);
  return n / 2;
}

Result<int> quarter(int n) {
  TRY(auto once, half(n));
  TRY(int twice, half(once));
  return twice;
}

Status only_even(int n) {
  TRY(half(n));
  return ok();
}

TEST(Error, SaysCodeWordsAndCause) {
  Error error = unavailable("redis {}: gone", "a:1")
                    .upstream()
                    .retryable()
                    .flag("UF")
                    .because(deadline_exceeded("connect"));
  EXPECT_EQ(error.code(), Code::kUnavailable);
  EXPECT_EQ(error.origin(), Origin::kUpstream);
  EXPECT_EQ(error.retry(), Retry::kYes);
  EXPECT_EQ(error.response_flag(), "UF");
  EXPECT_EQ(error.to_string(),
            "UNAVAILABLE: redis a:1: gone (caused by DEADLINE_EXCEEDED: connect)");
}

TEST(Error, StaticInstancesAreCopiedBeforeTheyAreChanged) {
  Error changed = Error::cancelled().flag("DC");
  EXPECT_EQ(changed.response_flag(), "DC");
  EXPECT_EQ(Error::cancelled().response_flag(), "");
}

TEST(Error, CloneKeepsEverything) {
  Error original = aborted("x").downstream().retryable_if_reused().because(not_found("y"));
  Error copy = original.clone();
  EXPECT_EQ(copy.to_string(), original.to_string());
  EXPECT_EQ(copy.origin(), Origin::kDownstream);
  EXPECT_EQ(copy.retry(), Retry::kIfReusedConnection);
}

TEST(Result, TryReturnsTheFirstErrorAndElseTheValue) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message(), "3 is odd");
  EXPECT_TRUE(only_even(2).ok());
  EXPECT_EQ(only_even(1).error().code(), Code::kInvalidArgument);
}

TEST(Result, ConvertsWhatConvertsToItsValue) {
  Result<std::string> text = "abc";
  EXPECT_EQ(*text, "abc");
}

TEST(Check, PrintsExpressionAndStackThenAborts) {
  EXPECT_DEATH(CHECK(1 == 2, "arithmetic is broken"), "CHECK failed: 1 == 2: arithmetic is broken");
  EXPECT_DEATH(CHECK(false), "#0 ");
}

}  // namespace
}  // namespace layotto::base
