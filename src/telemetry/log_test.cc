#include "telemetry/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "async/test_loop.h"
#include "telemetry/log_test_support.h"

namespace layotto::telemetry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LogTest : public LogFolder {
 protected:
  [[nodiscard]] std::string text() const { return read(path("log")); }
  // What was written since the last call, without the times.
  std::string news() {
    std::string all = text();
    std::string out;
    for (size_t from = read_; from < all.size();) {
      const size_t end = all.find('\n', from);
      out += all.substr(from + 25, end + 1 - from - 25);
      from = end + 1;
    }
    read_ = all.size();
    return out;
  }

  base::ManualClock clock_;
  std::unique_ptr<LogFile> file_ = open(path("log"));

 private:
  size_t read_ = 0;
};

TEST_F(LogTest, WritesOneLinePerEvent) {
  Logger logger(*file_, clock_);
  const Log log = logger.log("http");
  const std::string name = "orders db";
  log.info("connection_closed", {{"peer", "10.0.0.7:4711"},
                                 {"store", name},
                                 {"tries", 3},
                                 {"left", -1},
                                 {"ok", true},
                                 {"share", 0.5},
                                 {"bytes", size_t{1} << 40},
                                 {"age", milliseconds(1500)}});
  EXPECT_EQ(text(),
            "2023-11-14T22:13:20.000Z info module=http event=connection_closed "
            "peer=10.0.0.7:4711 store=\"orders db\" tries=3 left=-1 ok=true share=0.5 "
            "bytes=1099511627776 age=1500.000ms\n");
  EXPECT_EQ(logger.counters().events.read(), 1U);
}

TEST_F(LogTest, KeepsAnEventInOneLineWhateverAPeerSent) {
  Logger logger(*file_, clock_);
  logger.log("http").warn("bad_request", {{"path", "/a\n2026 error module=fake event=x"}});
  EXPECT_EQ(news(),
            "warn module=http event=bad_request path=\"/a\\n2026 error module=fake event=x\"\n");
}

TEST_F(LogTest, CutsALongLineAndSaysSo) {
  Logger logger(*file_, clock_);
  logger.log("http").warn("bad_request",
                          {{"path", std::string(2 * kLineBytesMax, 'x')}, {"more", "never seen"}});
  logger.log("http").warn("bad_request", {{"path", std::string(2 * kLineBytesMax, ' ')}});
  const std::string lines = text();
  EXPECT_EQ(lines.find('\n'), kLineBytesMax - 1);
  EXPECT_EQ(lines.substr(kLineBytesMax - 13, 13), "xxx cut=true\n");
  EXPECT_EQ(lines.substr(lines.size() - 13, 13), "  \" cut=true\n");
  EXPECT_EQ(lines.size(), 2 * kLineBytesMax);
  EXPECT_EQ(logger.line_counters().lines_cut.read(), 2U);
}

TEST_F(LogTest, HasALevelPerModuleThatChangesAtRunTime) {
  Logger logger(*file_, clock_);
  const Log http = logger.log("http");
  const Log redis = logger.log("state.redis");
  EXPECT_FALSE(http.enabled(Level::kDebug));
  http.debug("unseen");
  ASSERT_TRUE(logger.set_level("http", Level::kDebug).ok());
  http.debug("seen");
  redis.debug("unseen");
  logger.set_level(Level::kError);
  http.warn("unseen");
  logger.log("later").warn("unseen");
  logger.log("later").error("seen");
  logger.set_level(Level::kOff);
  redis.critical("unseen");
  logger.flush();
  EXPECT_EQ(news(), "debug module=http event=seen\nerror module=later event=seen\n");
  EXPECT_EQ(logger.set_level("nobody", Level::kDebug).error().message(), "no log module 'nobody'");
  const auto levels = logger.levels();
  ASSERT_EQ(levels.size(), 3U);
  EXPECT_EQ(levels[2].module, "state.redis");
  EXPECT_EQ(level_name(levels[2].level), "off");
  Log().critical("says_nothing");
}

TEST_F(LogTest, KnowsTheNamesOfLevels) {
  for (const auto level : {Level::kTrace, Level::kDebug, Level::kInfo, Level::kWarn, Level::kError,
                           Level::kCritical, Level::kOff}) {
    EXPECT_EQ(*parse_level(level_name(level)), level);
  }
  EXPECT_EQ(*parse_level("WARNING"), Level::kWarn);
  EXPECT_EQ(*parse_level("fatal"), Level::kCritical);
  EXPECT_EQ(parse_level("loud").error().message(),
            "unknown log level 'loud': known are trace, debug, info, warn, error, critical, off");
}

TEST_F(LogTest, SuppressesRepeatsAndSumsThemUp) {
  Logger logger(*file_, clock_, {.repeats_per_second_max = 2});
  const Log log = logger.log("redis");
  for (int i = 0; i < 5; ++i) log.warn("refused", {{"try", i}});
  for (int i = 0; i < 3; ++i) log.info("chatty");
  for (int i = 0; i < 3; ++i) log.critical("serious");
  log.error("refused");  // another level is another event
  EXPECT_EQ(news(),
            "warn module=redis event=refused try=0\n"
            "warn module=redis event=refused try=1\n"
            "info module=redis event=chatty\n"
            "info module=redis event=chatty\n"
            "info module=redis event=chatty\n"
            "critical module=redis event=serious\n"
            "critical module=redis event=serious\n"
            "critical module=redis event=serious\n"
            "error module=redis event=refused\n");
  clock_.advance(seconds(1));
  log.warn("refused", {{"try", 5}});
  EXPECT_EQ(news(),
            "warn module=redis event=refused suppressed=3\n"
            "warn module=redis event=refused try=5\n");
  EXPECT_EQ(logger.counters().suppressed.read(), 3U);
}

TEST_F(LogTest, RemembersOnlySoManyRepeatingEvents) {
  Logger logger(*file_, clock_, {.repeats_per_second_max = 1});
  const Log log = logger.log("m");
  log.warn("first");
  log.warn("first");
  clock_.advance(milliseconds(1));
  // As many others as are remembered: the oldest makes room, its sum is not lost.
  log.warn("e0"), log.warn("e1"), log.warn("e2"), log.warn("e3");
  log.warn("e4"), log.warn("e5"), log.warn("e6"), log.warn("e7");
  log.warn("e8"), log.warn("e9"), log.warn("e10"), log.warn("e11");
  log.warn("e12"), log.warn("e13"), log.warn("e14");
  EXPECT_EQ(news().find("suppressed"), std::string::npos);
  static_assert(kRepeatingEventsMax == 16);
  log.warn("e15");
  EXPECT_EQ(news(),
            "warn module=m event=first suppressed=1\n"
            "warn module=m event=e15\n");
}

TEST_F(LogTest, BuffersDebugAndFlushesItByTimersOfALoop) {
  async::TestLoop test;
  Logger logger(*file_, test.clock(), {.level = Level::kDebug, .repeats_per_second_max = 1});
  const Log log = logger.log("m");
  log.debug("before_the_loop");
  logger.flush_on(test.loop());
  test.advance(milliseconds(1002));
  EXPECT_EQ(news(), "debug module=m event=before_the_loop\n");
  log.debug("one");
  log.debug("two");
  EXPECT_EQ(news(), "");
  test.advance(milliseconds(1002));
  EXPECT_EQ(news(), "debug module=m event=one\ndebug module=m event=two\n");
  log.debug("three");
  log.info("now");  // takes what waits along
  EXPECT_EQ(news(), "debug module=m event=three\ninfo module=m event=now\n");

  log.warn("again");
  log.warn("again");
  test.advance(milliseconds(2003));
  EXPECT_EQ(news(), "warn module=m event=again\nwarn module=m event=again suppressed=1\n");
  logger.flush_off();
  log.debug("at_the_end");
  test.advance(seconds(5));
  EXPECT_EQ(news(), "");
  logger.flush();
  EXPECT_EQ(news(), "debug module=m event=at_the_end\n");
}

TEST_F(LogTest, WritesWhatIsLeftWhenItGoes) {
  {
    Logger logger(*file_, clock_, {.level = Level::kTrace, .repeats_per_second_max = 1});
    logger.log("m").trace("last");
    logger.log("m").error("e");
    logger.log("m").error("e");
  }
  EXPECT_EQ(news(),
            "trace module=m event=last\nerror module=m event=e\n"
            "error module=m event=e suppressed=1\n");
}

TEST_F(LogTest, HasALimitOfModules) {
  Logger logger(*file_, clock_);
  for (size_t i = 0; i < kLogModulesMax + 10; ++i) logger.log(fmt::format("m{}", i));
  EXPECT_EQ(logger.levels().size(), kLogModulesMax);
  EXPECT_EQ(logger.counters().modules_refused.read(), 11U);
  logger.log("one more").info("hello");
  logger.log("m0").info("hello");
  EXPECT_EQ(news(), "info module=other event=hello\ninfo module=m0 event=hello\n");
}

TEST_F(LogTest, CleansModuleNames) {
  Logger logger(*file_, clock_);
  logger.log("lock/redis-1.x").info("hello");
  logger.log("a b\n\"=c").info("hello");
  logger.log("").info("hello");
  logger.log(std::string(100, 'x')).info("hello");
  EXPECT_EQ(news(),
            "info module=lock/redis-1.x event=hello\n"
            "info module=a_b___c event=hello\n"
            "info module=other event=hello\n"
            "info module=" +
                std::string(kLogModuleNameBytesMax, 'x') + " event=hello\n");
}

TEST_F(LogTest, IsUsedByManyThreads) {
  async::Loop loop(clock_);
  Logger logger(*file_, clock_, {.level = Level::kDebug});
  logger.flush_on(loop);
  logger.log("m0");
  constexpr int kThreads = 4;
  constexpr int kEvents = 500;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const Log log = logger.log(fmt::format("m{}", i % 2));
      for (int n = 0; n < kEvents; ++n) {
        log.debug("step", {{"thread", i}, {"n", n}});
        if (n % 100 == 0) log.info("hundred", {{"thread", i}});
        log.trace("unseen");
        if (n == 250) EXPECT_TRUE(logger.set_level("m0", Level::kDebug).ok());
        if (n % 50 == 0) log.error("often");
      }
    });
  }
  for (int i = 0; i < 20; ++i) loop.run_once(Duration(0));
  for (std::thread& thread : threads) thread.join();
  loop.run_once(Duration(0));
  logger.flush_off();
  logger.flush();
  const std::string lines = news();
  EXPECT_EQ(std::ranges::count(lines, '\n'),
            static_cast<ptrdiff_t>(logger.counters().events.read()));
  EXPECT_GE(std::ranges::count(lines, '\n'), kThreads * (kEvents + 5));
  EXPECT_NE(lines.find("debug module=m1 event=step thread=3 n=499\n"), std::string::npos);
}

}  // namespace
}  // namespace layotto::telemetry
