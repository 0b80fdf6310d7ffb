// The rules of waiting: how tasks run, are stopped, joined and timed.
#include <gtest/gtest.h>

#include <thread>

#include "async/blocking_pool.h"
#include "async/call.h"
#include "async/channel.h"
#include "async/deadline.h"
#include "async/event.h"
#include "async/task_group.h"
#include "async/test_loop.h"

namespace layotto::async {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Task<int> add(Task<int> a, Task<int> b) {
  const int left = co_await std::move(a);
  co_return left + co_await std::move(b);
}

Task<Result<int>> wait_then(Event& event, int value) {
  CO_TRY(co_await event.wait());
  co_return value;
}

TEST(Task, MayBeBornReadyWithoutAFrame) {
  TestLoop test;
  EXPECT_TRUE(ready(1).is_ready());
  const uint64_t before = frames_allocated();
  Task<int> task = ready(7);
  EXPECT_EQ(std::move(task).take(), 7);
  EXPECT_EQ(frames_allocated(), before);
  EXPECT_EQ(test.run(add(ready(1), ready(2))), 3);
}

TEST(Task, DroppedTaskIsABug) {
  EXPECT_DEATH({ const auto dropped = add(ready(1), ready(2)); }, "a Task was dropped");
}

Task<void> note(Event* event, std::string* log, char name) {
  log->push_back(name);
  const Status waited = co_await event->wait();
  log->push_back(waited.ok() ? static_cast<char>(name - 'a' + 'A') : '!');
}

TEST(TaskGroup, RunsTasksUntilTheyWaitAndJoinsThem) {
  TestLoop test;
  Event event(test.loop());
  std::string log;
  TaskGroup group(test.loop());
  group.spawn(&note, &event, &log, 'a');
  group.spawn(&note, &event, &log, 'b');
  EXPECT_EQ(log, "ab");
  event.set();
  test.run();
  EXPECT_EQ(log, "abAB");
  EXPECT_EQ(group.running(), 0U);
}

Task<void> join(TaskGroup* group, bool* joined) {
  co_await group->join();
  *joined = true;
}

TEST(TaskGroup, StopFailsEveryWaitWithItsReason) {
  TestLoop test;
  Event event(test.loop());
  std::string log;
  TaskGroup group(test.loop());
  group.spawn(&note, &event, &log, 'a');
  bool joined = false;
  test.tasks().spawn(&join, &group, &joined);
  test.run();
  EXPECT_FALSE(joined);
  group.stop(StopReason::kShutdown);
  test.run();
  EXPECT_EQ(log, "a!");
  EXPECT_TRUE(joined);
  group.spawn(&note, &event, &log, 'b');  // a later wait fails at once
  EXPECT_EQ(log, "a!b!");
}

TEST(TaskGroup, DestroyedWithTasksIsABug) {
  EXPECT_DEATH(
      {
        TestLoop test;
        Event event(test.loop());
        std::string log;
        TaskGroup group(test.loop());
        group.spawn(&note, &event, &log, 'a');
      },
      "TaskGroup destroyed with tasks");
}

Task<void> with_a_deadline(TestLoop* test, Event* event, std::string* said) {
  const auto until = test->loop().now() + seconds(5);
  auto result = co_await with_deadline(test->loop(), until, wait_then(*event, 1));
  *said = result.ok() ? "ok" : result.error().to_string();
}

TEST(Deadline, EndsTheWaitsBelowIt) {
  TestLoop test;
  Event event(test.loop());
  std::string said;
  test.tasks().spawn(&with_a_deadline, &test, &event, &said);
  test.advance(milliseconds(4999));
  EXPECT_EQ(said, "");
  test.advance(milliseconds(2));
  EXPECT_EQ(said, "DEADLINE_EXCEEDED: deadline exceeded");
}

TEST(Deadline, IsGoneWhenTheTaskEndsInTime) {
  TestLoop test;
  Event event(test.loop());
  std::string said;
  test.tasks().spawn(&with_a_deadline, &test, &event, &said);
  event.set();
  test.run();
  EXPECT_EQ(said, "ok");
  test.advance(seconds(10));
}

TEST(Deadline, OuterStopReachesThrough) {
  TestLoop test;
  Event event(test.loop());
  std::string said;
  StopSource stop;
  test.tasks().spawn_under(stop, &with_a_deadline, &test, &event, &said);
  stop.fire(StopReason::kCancelled);
  test.run();
  EXPECT_EQ(said, "CANCELLED: cancelled");
}

Task<void> shielded_cleanup(TestLoop* test, Event* event, Event* cleaned, std::string* said) {
  const Status waited = co_await event->wait();
  said->append(waited.ok() ? "ok " : "stopped ");
  auto result =
      co_await shielded(test->loop(), test->loop().now() + seconds(1), wait_then(*cleaned, 1));
  said->append(result.ok() ? "cleaned" : result.error().message());
}

TEST(Deadline, ShieldedCleanUpMayStillWaitButNotForEver) {
  for (const bool in_time : {true, false}) {
    TestLoop test;
    Event event(test.loop());
    Event cleaned(test.loop());
    std::string said;
    StopSource stop;
    test.tasks().spawn_under(stop, &shielded_cleanup, &test, &event, &cleaned, &said);
    stop.fire(StopReason::kCancelled);
    test.run();
    EXPECT_EQ(said, "stopped ");
    if (in_time) cleaned.set();
    test.advance(seconds(2));
    EXPECT_EQ(said, in_time ? "stopped cleaned" : "stopped deadline exceeded");
  }
}

TEST(StopSource, FiresChildrenAndKeepsTheFirstReason) {
  StopSource parent;
  StopSource child;
  child.link_to(parent);
  parent.fire(StopReason::kDeadline);
  parent.fire(StopReason::kCancelled);
  EXPECT_EQ(child.reason(), StopReason::kDeadline);
  StopSource late;
  late.link_to(parent);
  EXPECT_TRUE(late.fired());
}

Task<void> hold(Semaphore* semaphore, Event* event, int* got) {
  if (!(co_await semaphore->acquire()).ok()) co_return;
  ++*got;
  [[maybe_unused]] const Status waited = co_await event->wait();
  semaphore->release();
}

TEST(Semaphore, GivesPermitsInOrderAndNoneToTheStopped) {
  TestLoop test;
  Semaphore semaphore(test.loop(), 1);
  Event event(test.loop());
  int got = 0;
  StopSource stop;
  test.tasks().spawn(&hold, &semaphore, &event, &got);
  test.tasks().spawn_under(stop, &hold, &semaphore, &event, &got);
  test.tasks().spawn(&hold, &semaphore, &event, &got);
  test.run();
  EXPECT_EQ(got, 1);
  stop.fire(StopReason::kCancelled);
  test.run();
  EXPECT_EQ(got, 1);
  event.set();
  test.run();
  EXPECT_EQ(got, 2);
  EXPECT_EQ(semaphore.available(), 1U);
}

Task<void> produce(Channel<int>* channel, int count) {
  for (int i = 0; i < count; ++i) {
    if (!(co_await channel->push(i)).ok()) co_return;
  }
  channel->close();
}

Task<Result<int>> sum(Channel<int>& channel) {
  int total = 0;
  while (true) {
    CO_TRY(auto item, co_await channel.pop());
    if (!item.has_value()) co_return total;
    total += *item;
  }
}

TEST(Channel, HoldsTheProducerBackAndDrainsAfterClose) {
  TestLoop test;
  Channel<int> channel(test.loop(), 2);
  test.tasks().spawn(&produce, &channel, 100);
  test.run();
  EXPECT_EQ(channel.size(), 2U);
  EXPECT_EQ(*test.run(sum(channel)), 4950);
}

Task<void> tick(Loop* loop, Duration period, int times, std::vector<TimePoint>* at) {
  for (int i = 0; i < times; ++i) {
    if (!(co_await loop->sleep(period)).ok()) co_return;
    at->push_back(loop->now());
  }
}

TEST(Timers, FireNeverEarlyAndAtMostOneTickLate) {
  TestLoop test;
  const TimePoint start = test.loop().now();
  std::vector<Duration> waits = {Duration(1),           milliseconds(1),  milliseconds(63),
                                 milliseconds(64),      milliseconds(65), milliseconds(4095),
                                 milliseconds(4097),    seconds(300),     std::chrono::hours(5),
                                 std::chrono::hours(30)};
  std::vector<std::vector<TimePoint>> fired(waits.size());
  for (size_t i = 0; i < waits.size(); ++i) {
    test.tasks().spawn(&tick, &test.loop(), waits[i], 1, &fired[i]);
  }
  test.advance(std::chrono::hours(31));
  for (size_t i = 0; i < waits.size(); ++i) {
    ASSERT_EQ(fired[i].size(), 1U) << i;
    EXPECT_GE(fired[i][0] - start, waits[i]) << i;
    EXPECT_LE(fired[i][0] - start, waits[i] + milliseconds(1)) << i;
  }
}

TEST(Timers, ManyPeriodsKeepTheirOrder) {
  TestLoop test;
  std::vector<TimePoint> at;
  test.tasks().spawn(&tick, &test.loop(), milliseconds(7), 1000, &at);
  test.advance(seconds(8));
  ASSERT_EQ(at.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(at.begin(), at.end()));
}

TEST(Timers, StoppedSleepEndsAtOnce) {
  TestLoop test;
  std::vector<TimePoint> at;
  StopSource stop;
  test.tasks().spawn_under(stop, &tick, &test.loop(), seconds(10), 1, &at);
  stop.fire(StopReason::kCancelled);
  test.run();
  EXPECT_EQ(test.tasks().running(), 0U);
  EXPECT_TRUE(at.empty());
}

TEST(Loop, RunsPostedClosuresInOrderOnItsThread) {
  base::SystemClock clock;
  Loop loop(clock);
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      loop.post([&seen, i] { seen.push_back(i); });
    }
    loop.stop();
  });
  loop.run();
  other.join();
  ASSERT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(Loop, DestroysClosuresItNeverRan) {
  auto held = std::make_shared<int>(1);
  {
    base::SystemClock clock;
    Loop loop(clock);
    loop.post([held] {});
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

Task<void> blocking(BlockingPool* pool, Loop* loop, std::string* said) {
  auto result = co_await run_blocking(*pool, *loop, [] { return std::string("from a thread"); });
  *said = result.ok() ? *result : result.error().to_string();
  loop->stop();
}

TEST(BlockingPool, RunsElsewhereAndResumesHere) {
  base::SystemClock clock;
  Loop loop(clock);
  BlockingPool pool({.threads_max = 1, .queue_max = 1});
  TaskGroup tasks(loop);
  std::string said;
  tasks.spawn(&blocking, &pool, &loop, &said);
  loop.run();
  EXPECT_EQ(said, "from a thread");
}

TEST(BlockingPool, StoppedWaiterLeavesTheCallBehind) {
  base::SystemClock clock;
  Loop loop(clock);
  std::mutex gate;
  gate.lock();
  {
    BlockingPool pool({.threads_max = 1, .queue_max = 1});
    TaskGroup tasks(loop);
    std::string said;
    struct Local {
      static Task<void> run(BlockingPool* p, Loop* l, std::mutex* m, std::string* out) {
        auto result = co_await run_blocking(*p, *l, [m] {
          const std::lock_guard lock(*m);
          return 1;
        });
        *out = result.ok() ? "ok" : std::string(result.error().message());
      }
    };
    tasks.spawn(&Local::run, &pool, &loop, &gate, &said);
    tasks.stop(StopReason::kCancelled);
    loop.run_once(Duration(0));
    EXPECT_EQ(said, "cancelled");
    gate.unlock();
  }
  loop.run_once(Duration(0));
}

Task<void> ask(Loop* here, Loop* there, std::thread::id* answered_on) {
  auto result = co_await call_on(*here, *there, [] { return std::this_thread::get_id(); });
  if (result.ok()) *answered_on = *result;
  here->stop();
}

TEST(CallOn, RunsOnTheOtherLoopAndResumesHere) {
  base::SystemClock clock;
  Loop here(clock);
  Loop there(clock);
  std::thread other([&] { there.run(); });
  TaskGroup tasks(here);
  std::thread::id answered_on;
  tasks.spawn(&ask, &here, &there, &answered_on);
  here.run();
  EXPECT_EQ(answered_on, other.get_id());
  there.stop();
  other.join();
}

TEST(BlockingPool, RefusesWhatDoesNotFit) {
  base::SystemClock clock;
  Loop loop(clock);
  BlockingPool pool({.threads_max = 1, .queue_max = 0});
  TaskGroup tasks(loop);
  std::string said;
  tasks.spawn(&blocking, &pool, &loop, &said);
  EXPECT_EQ(said, "RESOURCE_EXHAUSTED: too many calls wait for another thread");
  loop.run_once(Duration(0));
}

Task<void> wake_often(Loop* loop, int times) {
  for (int i = 0; i < times; ++i) {
    if (!(co_await loop->yield()).ok()) co_return;
  }
}

TEST(Frames, ComeFromTheFreeListWhenWarm) {
  TestLoop test;
  test.tasks().spawn(&wake_often, &test.loop(), 10);
  test.run();
  const uint64_t before = frames_allocated();
  test.tasks().spawn(&wake_often, &test.loop(), 1000);
  test.run();
  EXPECT_EQ(frames_allocated() - before, 1U);  // one frame, however often it waits
}

}  // namespace
}  // namespace layotto::async
