#include "clients/redis/error_reply.h"

#include <gtest/gtest.h>

#include "clients/redis/slot.h"

namespace layotto::clients::redis {
namespace {

TEST(ErrorReply, SaysWhatKindOfFailureItIs) {
  struct Case {
    std::string_view text;
    Code code;
    base::Retry retry;
  };
  const Case cases[] = {
      {"ERR unknown command", Code::kInternal, base::Retry::kNo},
      {"WRONGTYPE Operation against a key", Code::kInternal, base::Retry::kNo},
      {"SOMETHINGNEW happened", Code::kInternal, base::Retry::kNo},
      {"LOADING Redis is loading", Code::kUnavailable, base::Retry::kYes},
      {"MASTERDOWN Link with MASTER is down", Code::kUnavailable, base::Retry::kYes},
      {"BUSY Redis is busy running a script", Code::kUnavailable, base::Retry::kYes},
      {"READONLY You can't write", Code::kUnavailable, base::Retry::kYes},
      {"NOREPLICAS Not enough good replicas", Code::kUnavailable, base::Retry::kYes},
      {"MISCONF Redis is configured to save", Code::kUnavailable, base::Retry::kNo},
      {"TRYAGAIN Multiple keys", Code::kUnavailable, base::Retry::kYes},
      {"CLUSTERDOWN Hash slot not served", Code::kUnavailable, base::Retry::kYes},
      {"CROSSSLOT Keys in request", Code::kInvalidArgument, base::Retry::kNo},
      {"OOM command not allowed", Code::kResourceExhausted, base::Retry::kNo},
      {"NOAUTH Authentication required.", Code::kUnauthenticated, base::Retry::kNo},
      {"WRONGPASS invalid", Code::kUnauthenticated, base::Retry::kNo},
      {"NOPERM this user", Code::kPermissionDenied, base::Retry::kNo},
      {"NOSCRIPT No matching script", Code::kInternal, base::Retry::kNo},
      {"", Code::kInternal, base::Retry::kNo},
      // Redis 6 wraps what a command in a script is refused with.
      {"ERR Error running script (call to f_10): @user_script:4: @user_script: 4: -READONLY You "
       "can't write against a read only replica.",
       Code::kUnavailable, base::Retry::kYes},
      {"ERR Error running script (call to f_10): @user_script:4: @user_script: 4: -OOM command "
       "not allowed when used memory > 'maxmemory'.",
       Code::kResourceExhausted, base::Retry::kNo},
      {"ERR Error running script (call to f_10): @user_script:4: -NOREPLICAS Not enough",
       Code::kUnavailable, base::Retry::kYes},
      {"ERR Error running script (call to f_10): @user_script:4: -MOVED 1 10.0.0.1:7000",
       Code::kInternal, base::Retry::kNo},
      {"ERR Error running script (call to f_10): @user_script:4: WRONGTYPE Operation",
       Code::kInternal, base::Retry::kNo},
  };
  for (const Case& c : cases) {
    const Error error = to_error("a:1", c.text);
    EXPECT_EQ(error.code(), c.code) << c.text;
    EXPECT_EQ(error.retry(), c.retry) << c.text;
    EXPECT_EQ(error.origin(), base::Origin::kUpstream);
    EXPECT_EQ(error.message(), "redis a:1: " + std::string(c.text));
    EXPECT_FALSE(error.outcome_unknown());
  }
  EXPECT_LE(to_error("a:1", "ERR " + std::string(100'000, 'x')).message().size(), 600U);
}

TEST(ErrorReply, ReadsRedirections) {
  const auto moved = parse_redirection("MOVED 3999 127.0.0.1:6381");
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->host, "127.0.0.1");
  EXPECT_EQ(moved->port, 6381);
  EXPECT_EQ(parse_redirection("ASK 0 ::1:7000")->host, "::1");
  EXPECT_EQ(parse_redirection("MOVED 16383 :7000")->host, "") << "the host of whoever was asked";
  for (const std::string_view bad :
       {"", "MOVED", "MOVED 1", "MOVED x a:1", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a",
        "MOVED 1 a:", "MOVED 1 a:0", "MOVED 1 a:65536", "MOVED 1 a:1x", "MOVED  a:1"}) {
    EXPECT_FALSE(parse_redirection(bad).ok()) << bad;
  }
}

// Answers of CLUSTER KEYSLOT, Redis 7.0.15.
TEST(Slot, IsThatOfTheServer) {
  EXPECT_EQ(slot_of(""), 0);
  EXPECT_EQ(slot_of("123456789"), 0x31C3 % 16384);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("bar"), 5061);
  EXPECT_EQ(slot_of("{foo}.a"), slot_of("foo"));
  EXPECT_EQ(slot_of("a{foo}{bar}"), slot_of("foo"));
  EXPECT_EQ(slot_of("foo{}{bar}"), slot_of(std::string("foo{}{bar}")));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar")) << "an empty tag is none";
  EXPECT_EQ(hash_tag("foo{{bar}}zap"), "{bar");
  EXPECT_EQ(hash_tag("foo{bar"), "foo{bar");
  EXPECT_EQ(hash_tag("foo}bar{"), "foo}bar{");
}

}  // namespace
}  // namespace layotto::clients::redis
