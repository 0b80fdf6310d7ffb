// Processes that are killed in the middle of writing: whatever was answered is there afterwards.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "tests/conformance/embedded_store.h"
#include "tests/support/deep.h"
#include "tests/support/temporary_folder.h"

namespace layotto::components::state::embedded {
namespace {

using blocks::StateItem;
using blocks::StateWrite;
using conformance::EmbeddedStore;

constexpr const char* kFolder = "LAYOTTO_KILL_FOLDER";
constexpr const char* kAnswers = "LAYOTTO_KILL_ANSWERS";
constexpr int kWriters = 16;

// What key `key` is after its operation `number`: every fifth deletes it.
std::optional<std::string> value_after(int number) {
  if (number == 0 || number % 5 == 0) return std::nullopt;
  return fmt::format("{}{}", number, std::string(static_cast<size_t>(number % 7) * 500, '.'));
}

// One line for each answer: key, number of the operation, etag ("-" after a delete).
struct Answers {
  std::map<std::string, int> last;
  std::multiset<std::string> etags;

  explicit Answers(const std::string& path) {
    std::ifstream file(path);
    std::string key;
    std::string etag;
    int number = 0;
    while (file >> key >> number >> etag) {
      last[key] = number;
      if (etag != "-") etags.insert(etag);
    }
  }
};

struct Child {
  EmbeddedStore& store;
  int answers;
  uint64_t left;  // answers until it is killed
};

// By the kernel, somewhere in the next commits.
void kill_soon() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer{};
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  Random random;
  const itimerspec when{.it_interval = {},
                        .it_value = {0, 1 + static_cast<long>(random.below(10'000'000))}};
  CHECK(timer_settime(timer, 0, &when, nullptr) == 0);
}

Task<void> write_on(Child* child, std::string key, int number) {
  while (true) {
    ++number;
    const std::optional<std::string> value = value_after(number);
    StateWrite write{.key = key};
    if (value.has_value()) {
      write.value = *value;
    } else {
      write.kind = StateWrite::Kind::kDelete;
    }
    const Status written = co_await child->store.store().write(write);
    CHECK(written.ok(), written.error().message());
    StateItem item;
    CHECK((co_await child->store.store().get(key, {}, item)).ok());
    const std::string line =
        fmt::format("{} {} {}\n", key, number, item.found ? item.etag : std::string("-"));
    CHECK(::write(child->answers, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    if (--child->left == 0) kill_soon();
  }
}

// What the child does; alone it does nothing.
TEST(EmbeddedKill, DISABLED_Child) {
  const char* folder = std::getenv(kFolder);
  const char* path = std::getenv(kAnswers);
  ASSERT_TRUE(folder != nullptr && path != nullptr);
  const base::SystemClock clock;
  EmbeddedStore store(folder, clock);
  const Status opened = store.open();
  CHECK(opened.ok(), opened.error().message());
  Answers before(path);
  Random random;
  Child child{.store = store,
              .answers = open(path, O_WRONLY | O_APPEND | O_CLOEXEC),
              .left = 50 + random.below(500)};
  for (int i = 0; i < kWriters; ++i) {
    const std::string key = fmt::format("key-{}", i);
    // The one after the last answer may have happened, too: it is not done again.
    const int number = before.last.contains(key) ? before.last[key] + 1 : 0;
    store.loop().tasks().spawn_task(write_on(&child, key, number),
                                    store.loop().tasks().stop_source());
  }
  store.loop().run_until([] { return false; });
  FAIL() << "it was not killed";
}

// True when it was killed.
bool run_child() {
  std::string self = "/proc/self/exe";
  std::string filter = "--gtest_filter=EmbeddedKill.DISABLED_Child";
  std::string disabled = "--gtest_also_run_disabled_tests";
  std::array<char*, 4> arguments = {self.data(), filter.data(), disabled.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  CHECK(posix_spawn(&child, self.c_str(), &actions, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST(EmbeddedKill, LosesNothingThatWasAnswered) {
  const tests::TemporaryFolder folder;
  const std::string data = folder / "demo";
  const std::string path = folder.write("answers", "");
  setenv(kFolder, data.c_str(), 1);
  setenv(kAnswers, path.c_str(), 1);
  const base::SystemClock clock;
  for (int round = 0; round < tests::rounds(4, 60); ++round) {
    ASSERT_TRUE(run_child());
    const Answers answers(path);
    ASSERT_GE(answers.etags.size(), 20u);
    for (const std::string& etag : answers.etags) {
      ASSERT_EQ(answers.etags.count(etag), 1u) << "an etag was given twice";
    }
    EmbeddedStore store(data, clock);
    const Status opened = store.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    for (const auto& [key, number] : answers.last) {
      StateItem item;
      ASSERT_TRUE(store.get(key, item).ok());
      const auto found = item.found ? std::optional(item.value) : std::nullopt;
      ASSERT_TRUE(found == value_after(number) || found == value_after(number + 1))
          << key << " after " << number << " is " << found.value_or("absent").substr(0, 20);
    }
  }
  unsetenv(kFolder);
  unsetenv(kAnswers);
}

TEST(EmbeddedKill, AnotherProcessIsNamedAndItsEndFreesTheFolder) {
  const tests::TemporaryFolder folder;
  const std::string data = folder / "demo";
  const base::SystemClock clock;
  std::array<int, 2> ready{};
  ASSERT_EQ(pipe(ready.data()), 0);
  // The child keeps the lock as a sidecar would, and nothing else of this process.
  const pid_t child = fork();
  if (child == 0) {
    if (!make_folder(data).ok()) _exit(1);
    const auto lock = FolderLock::take(data);
    if (!lock.ok() || write(ready[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  {
    EmbeddedStore store(data, clock);
    const Status refused = store.open();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Code::kUnavailable);
    EXPECT_NE(refused.error().message().find(fmt::format("in use by process {}", child)),
              std::string::npos)
        << refused.error().message();
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_TRUE(store.open().ok()) << "start is tried again";
    EXPECT_TRUE(store.put("k", "v").ok());
  }
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace layotto::components::state::embedded
