#include "net/ares_resolver.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "async/deadline.h"
#include "tests/support/dns_server.h"
#include "tests/support/later.h"
#include "tests/support/socket_loop.h"
#include "tests/support/temporary_folder.h"

namespace layotto::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::DnsServer;
using tests::SocketLoop;
using Addresses = Result<std::vector<Address>>;

std::string said(const Addresses& result) {
  if (!result.ok()) return result.error().to_string();
  std::string text;
  for (const Address& address : *result) text += (text.empty() ? "" : " ") + address.to_string();
  return text;
}

// Of the addresses only those of one family, in their order.
std::string of_family(const Addresses& result, sa_family_t family) {
  std::string text;
  for (const Address& address : *result) {
    if (address.family() == family) text += (text.empty() ? "" : " ") + address.host();
  }
  return text;
}

TEST(Resolver, LetsFamiliesTakeTurns) {
  const auto ip = [](const char* host) { return *Address::ip(host, 1); };
  const std::vector<Address> ordered =
      interleave_families({ip("::1"), ip("::2"), ip("::3"), ip("10.0.0.1"), ip("10.0.0.2")});
  EXPECT_EQ(ordered, (std::vector<Address>{ip("::1"), ip("10.0.0.1"), ip("::2"), ip("10.0.0.2"),
                                           ip("::3")}));
  EXPECT_EQ(interleave_families({ip("10.0.0.1"), ip("::1"), ip("::2")}),
            (std::vector<Address>{ip("10.0.0.1"), ip("::1"), ip("::2")}));
  EXPECT_TRUE(interleave_families({}).empty());
}

class AresResolverTest : public ::testing::Test {
 protected:
  AresResolverTest() : server_(test_.loop()) { make({}); }
  ~AresResolverTest() override {
    test_.tasks().stop(async::StopReason::kShutdown);
    test_.run_passes();
    server_.stop();
    test_.run_passes();
  }
  void make(AresOptions options) {
    if (options.servers.empty()) options.servers = server_.address();
    auto made = AresResolver::make(test_.loop(), options);
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    resolver_ = std::move(*made);
  }
  Addresses resolve(std::string_view host, uint16_t port = 80) {
    return test_.run(resolver_->resolve(host, port));
  }
  void ask(std::string_view host) { std::ignore = resolve(host); }
  // Waits in real time for a time to live of a second to pass.
  void let_pass(Duration time) {
    const TimePoint until = test_.loop().clock().now() + time;
    test_.run_until([&] { return test_.loop().clock().now() >= until; });
    test_.run_passes(1);
  }

  SocketLoop test_;
  DnsServer server_;
  std::unique_ptr<AresResolver> resolver_;
};

TEST_F(AresResolverTest, TakesNumbersAndLocalhostAtTheirWord) {
  EXPECT_TRUE(resolver_->resolve("127.0.0.1", 80).is_ready());
  EXPECT_EQ(said(resolve("10.1.2.3", 80)), "10.1.2.3:80");
  EXPECT_EQ(said(resolve("fd00::1", 80)), "[fd00::1]:80");
  EXPECT_EQ(said(resolve("localhost", 80)), "127.0.0.1:80 [::1]:80");
  EXPECT_EQ(said(resolve("LocalHost.", 80)), "127.0.0.1:80 [::1]:80");
  EXPECT_EQ(said(resolve("app.localhost", 80)), "127.0.0.1:80 [::1]:80");
  EXPECT_EQ(resolver_->counters().queries.read(), 0U);
}

TEST_F(AresResolverTest, RefusesWhatIsNoHostName) {
  for (const std::string_view name :
       {std::string_view(""), std::string_view("a b"), std::string_view("a\0b", 3),
        std::string_view(".test"), std::string_view("http://x"), std::string_view("ä.test")}) {
    EXPECT_EQ(resolve(name).error().code(), Code::kInvalidArgument) << name;
  }
  EXPECT_EQ(resolve(std::string(254, 'a')).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(resolve("a..test").error().to_string(),
            "INVALID_ARGUMENT: 'a..test' is not a host name");
  EXPECT_EQ(server_.asked("a..test"), 0);
}

TEST_F(AresResolverTest, AsksForBothFamilies) {
  server_.names["v4.test"] = {.ipv4 = {"127.0.0.2", "127.0.0.3"}};
  server_.names["v6.test"] = {.ipv6 = {"fd00::5"}};
  server_.names["both.test"] = {.ipv4 = {"127.0.0.4", "127.0.0.5"}, .ipv6 = {"::1"}};
  EXPECT_EQ(said(resolve("v4.test", 8080)), "127.0.0.2:8080 127.0.0.3:8080");
  EXPECT_EQ(said(resolve("v6.test", 443)), "[fd00::5]:443");
  const Addresses both = resolve("both.test");
  ASSERT_EQ(both->size(), 3U) << said(both);
  EXPECT_EQ(of_family(both, AF_INET), "127.0.0.4 127.0.0.5");
  EXPECT_EQ(of_family(both, AF_INET6), "::1");
  EXPECT_NE((*both)[0].family(), (*both)[1].family()) << "families take turns";
}

TEST_F(AresResolverTest, FollowsAliases) {
  server_.names["www.test"] = {.ipv4 = {"127.0.0.6"}, .alias = "web.test"};
  EXPECT_EQ(said(resolve("www.test")), "127.0.0.6:80");
}

TEST_F(AresResolverTest, SaysThatThereIsNoSuchName) {
  const Addresses none = resolve("gone.test");
  EXPECT_EQ(said(none), "UNAVAILABLE: there is no host named 'gone.test'");
  EXPECT_EQ(none.error().origin(), base::Origin::kUpstream);
  EXPECT_EQ(none.error().response_flag(), "DF");
  EXPECT_EQ(none.error().retry(), base::Retry::kNo);
  const int asked = server_.asked("gone.test");
  ask("gone.test");
  EXPECT_EQ(server_.asked("gone.test"), asked) << "believed for a moment";
  server_.names["empty.test"] = {};
  EXPECT_EQ(said(resolve("empty.test")), "UNAVAILABLE: the host 'empty.test' has no IP address");
  EXPECT_EQ(resolver_->counters().failures.read(), 2U);
}

TEST_F(AresResolverTest, SaysThatTheServerFails) {
  make({.try_timeout = milliseconds(50), .tries = 1});
  server_.names["broken.test"] = {.code = 2};
  const Addresses broken = resolve("broken.test");
  EXPECT_EQ(
      said(broken),
      "UNAVAILABLE: looking up the host 'broken.test': no name server could be reached or would "
      "answer");
  EXPECT_EQ(broken.error().retry(), base::Retry::kYes);
}

TEST_F(AresResolverTest, SaysThatNobodyAnswers) {
  make({.try_timeout = milliseconds(30), .tries = 2});
  server_.names["silent.test"] = {.silent = true};
  EXPECT_EQ(said(resolve("silent.test")),
            "UNAVAILABLE: looking up the host 'silent.test': no name server answered in time");
  EXPECT_EQ(server_.asked("silent.test"), 4) << "two families, two tries";
}

TEST_F(AresResolverTest, SaysThatTheServerIsNotThere) {
  server_.stop();
  test_.run_passes();
  make({.servers = "127.0.0.1:1", .try_timeout = milliseconds(100), .tries = 1});
  // Which of the two questions is told of the refusal is c-ares's business; the other one waits.
  EXPECT_TRUE(said(resolve("any.test"))
                  .starts_with("UNAVAILABLE: looking up the host 'any.test': no name server "));
}

TEST_F(AresResolverTest, RefusesServersThatAreNoAddresses) {
  const auto made = AresResolver::make(test_.loop(), {.servers = "dns.example"});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code(), Code::kInvalidArgument);
}

TEST_F(AresResolverTest, AsksByTcpWhenTheAnswerIsTruncated) {
  DnsServer::Records many{.truncated = true};
  for (int i = 1; i <= 60; ++i) many.ipv4.push_back(fmt::format("10.0.0.{}", i));
  server_.names["many.test"] = many;
  const Addresses addresses = resolve("many.test");
  ASSERT_TRUE(addresses.ok()) << said(addresses);
  EXPECT_EQ(addresses->size(), kDnsAddressesMax);
  EXPECT_EQ(resolver_->counters().addresses_dropped.read(), 60 - kDnsAddressesMax);
  EXPECT_EQ(server_.asked_by_tcp(), 2);
}

TEST_F(AresResolverTest, AsksSeveralNamesByOneTcpConnection) {
  for (const char* name : {"a.test", "b.test", "c.test"}) {
    server_.names[name] = {.ipv4 = {"127.0.0.9"}, .truncated = true};
  }
  tests::Later<Addresses> a;
  tests::Later<Addresses> b;
  struct Local {
    static Task<void> run(AresResolver* resolver, const char* name, tests::Later<Addresses>* out) {
      out->emplace(co_await resolver->resolve(name, 80));
    }
  };
  test_.tasks().spawn(&Local::run, resolver_.get(), "a.test", &a);
  test_.tasks().spawn(&Local::run, resolver_.get(), "b.test", &b);
  ASSERT_TRUE(test_.run_until([&] { return a.has_value() && b.has_value(); }));
  EXPECT_EQ(said(*a), "127.0.0.9:80");
  EXPECT_EQ(said(*b), "127.0.0.9:80");
  EXPECT_EQ(said(resolve("c.test")), "127.0.0.9:80");
}

TEST_F(AresResolverTest, IsNotConfusedByEmptyDatagrams) {
  make({.try_timeout = milliseconds(300), .tries = 3});
  server_.names["odd.test"] = {.ipv4 = {"127.0.0.9"}, .empty_datagram = true};
  ask("odd.test");  // whatever c-ares makes of it, it ends
  server_.names["odd.test"].empty_datagram = false;
  server_.names["even.test"] = {.ipv4 = {"127.0.0.9"}};
  EXPECT_EQ(said(resolve("even.test")), "127.0.0.9:80");
}

TEST_F(AresResolverTest, RemembersAnAnswerForItsTimeToLive) {
  server_.names["short.test"] = {.ipv4 = {"127.0.0.2"}, .ttl = 0};
  EXPECT_EQ(said(resolve("short.test")), "127.0.0.2:80");
  EXPECT_EQ(said(resolve("SHORT.test", 81)), "127.0.0.2:81");
  EXPECT_TRUE(resolver_->resolve("short.test", 1).is_ready());
  EXPECT_EQ(server_.asked("short.test"), 2);
  EXPECT_EQ(resolver_->counters().cache_hits.read(), 2U);
  server_.names["short.test"].ipv4 = {"127.0.0.3"};
  let_pass(Duration(kDnsTtlMin) + milliseconds(50));
  EXPECT_EQ(said(resolve("short.test")), "127.0.0.3:80") << "0 is taken to be a second";
}

TEST_F(AresResolverTest, ServesTheLastGoodAnswerWhileTheServerFails) {
  make({.try_timeout = milliseconds(30), .tries = 1});
  server_.names["flaky.test"] = {.ipv4 = {"127.0.0.2"}, .ttl = 1};
  EXPECT_EQ(said(resolve("flaky.test")), "127.0.0.2:80");
  server_.names["flaky.test"] = {.silent = true};
  let_pass(milliseconds(1050));
  EXPECT_EQ(said(resolve("flaky.test")), "127.0.0.2:80");
  EXPECT_EQ(resolver_->counters().stale_answers.read(), 1U);
  EXPECT_EQ(resolver_->counters().failures.read(), 1U);
  const int asked = server_.asked("flaky.test");
  EXPECT_TRUE(resolver_->resolve("flaky.test", 1).is_ready()) << "not asked again at once";
  EXPECT_EQ(server_.asked("flaky.test"), asked);
  // That the name is gone is an answer.
  server_.names.erase("flaky.test");
  let_pass(Duration(kDnsRetryPause) + milliseconds(50));
  EXPECT_EQ(said(resolve("flaky.test")), "UNAVAILABLE: there is no host named 'flaky.test'");
}

TEST_F(AresResolverTest, DoesNotWaitLongForANewAnswerWhenAnOldOneServes) {
  make({.try_timeout = seconds(30), .tries = 1});
  server_.names["slow.test"] = {.ipv4 = {"127.0.0.2"}, .ttl = 1};
  EXPECT_EQ(said(resolve("slow.test")), "127.0.0.2:80");
  server_.names["slow.test"] = {.silent = true};
  let_pass(milliseconds(1050));
  EXPECT_EQ(said(resolve("slow.test")), "127.0.0.2:80");
  EXPECT_EQ(resolver_->under_way(), 1U);
}

TEST_F(AresResolverTest, AStoppedWaitLeavesItsQuestionBehind) {
  make({.try_timeout = seconds(30), .tries = 1});
  server_.names["silent.test"] = {.silent = true};
  struct Local {
    static Task<Addresses> run(async::Loop* loop, AresResolver* resolver) {
      co_return co_await async::with_deadline(*loop, loop->now() + milliseconds(20),
                                              resolver->resolve("silent.test", 80));
    }
  };
  EXPECT_EQ(said(test_.run(Local::run(&test_.loop(), resolver_.get()))),
            "DEADLINE_EXCEEDED: deadline exceeded");
  EXPECT_EQ(resolver_->under_way(), 1U);
  resolver_.reset();  // drops it
}

TEST_F(AresResolverTest, AStoppedWaitsAnswerIsKept) {
  make({.try_timeout = milliseconds(100), .tries = 3});
  server_.names["late.test"] = {.silent = true};
  struct Local {
    static Task<Addresses> run(async::Loop* loop, AresResolver* resolver) {
      co_return co_await async::with_deadline(*loop, loop->now() + milliseconds(20),
                                              resolver->resolve("late.test", 80));
    }
  };
  EXPECT_FALSE(test_.run(Local::run(&test_.loop(), resolver_.get())).ok());
  server_.names["late.test"] = {.ipv4 = {"127.0.0.7"}};
  ASSERT_TRUE(test_.run_until([&] { return resolver_->under_way() == 0; }));
  EXPECT_TRUE(resolver_->resolve("late.test", 80).is_ready());
}

TEST_F(AresResolverTest, ManyWaitersAskOnce) {
  server_.names["shared.test"] = {.ipv4 = {"127.0.0.2"}};
  int answered = 0;
  struct Local {
    static Task<void> run(AresResolver* resolver, int* count) {
      if ((co_await resolver->resolve("shared.test", 80)).ok()) ++*count;
    }
  };
  for (int i = 0; i < 10; ++i) test_.tasks().spawn(&Local::run, resolver_.get(), &answered);
  ASSERT_TRUE(test_.run_until([&] { return answered == 10; }));
  EXPECT_EQ(server_.asked("shared.test"), 2) << "one question for each family";
  EXPECT_EQ(resolver_->counters().queries.read(), 1U);
}

TEST_F(AresResolverTest, RefusesMoreQuestionsThanItsLimit) {
  make({.try_timeout = seconds(30), .tries = 1});
  int refused = 0;
  struct Local {
    static Task<void> run(AresResolver* resolver, std::string name, int* count) {
      const Addresses got = co_await resolver->resolve(name, 80);
      if (!got.ok() && got.error().code() == Code::kResourceExhausted) ++*count;
    }
  };
  for (size_t i = 0; i < kDnsQueriesMax + 3; ++i) {
    const std::string name = fmt::format("n{}.test", i);
    server_.names[name] = {.silent = true};
    test_.tasks().spawn(&Local::run, resolver_.get(), name, &refused);
  }
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(resolver_->counters().queries_refused.read(), 3U);
  EXPECT_EQ(resolver_->under_way(), kDnsQueriesMax);
}

TEST_F(AresResolverTest, ForgetsTheNameNotUsedForLongest) {
  server_.names["first.test"] = {.ipv4 = {"127.0.0.2"}};
  ask("first.test");
  for (size_t i = 0; i + 1 < kDnsCacheEntriesMax; ++i) ask(fmt::format("x{}.test", i));
  EXPECT_EQ(resolver_->cached(), kDnsCacheEntriesMax);
  EXPECT_TRUE(resolver_->resolve("first.test", 80).is_ready());  // used just now
  ask("one-more.test");
  EXPECT_EQ(resolver_->cached(), kDnsCacheEntriesMax);
  EXPECT_EQ(resolver_->counters().cache_evictions.read(), 1U);
  EXPECT_TRUE(resolver_->resolve("first.test", 80).is_ready());
}

TEST_F(AresResolverTest, ReadsTheHostsFile) {
  const tests::TemporaryFolder folder;
  const std::string hosts =
      folder.write("hosts", "127.0.0.77 printer.test printer\nfd00::77 printer.test\n");
  setenv("CARES_HOSTS", hosts.c_str(), 1);
  make({.hosts_by_environment = true});
  const Addresses printer = resolve("printer.test", 9100);
  unsetenv("CARES_HOSTS");
  ASSERT_TRUE(printer.ok()) << said(printer);
  EXPECT_EQ(of_family(printer, AF_INET), "127.0.0.77");
  EXPECT_EQ(of_family(printer, AF_INET6), "fd00::77");
  EXPECT_EQ(server_.asked("printer.test"), 0);
}

}  // namespace
}  // namespace layotto::net
