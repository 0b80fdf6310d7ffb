// `stop` against processes of its own.
#include "cli/stop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/test_sidecar.h"
#include "tests/support/temporary_folder.h"

namespace layotto::cli {
namespace {

// A process that ends with SIGTERM, or does not care for it.
class Child {
 public:
  enum class Manners : uint8_t { kEnds, kStays };
  explicit Child(const char* name, Manners manners = Manners::kEnds) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      signal(SIGTERM, manners == Manners::kStays ? SIG_IGN : SIG_DFL);
      prctl(PR_SET_NAME, name);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ready[0]);
      close(ready[1]);
      while (true) pause();
    }
    close(ready[1]);
    char nothing = 0;
    CHECK(read(ready[0], &nothing, 1) == 0);
    close(ready[0]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The signal that ended it; waits for it.
  int ended_by() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WTERMSIG(status);
  }
  [[nodiscard]] bool runs() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  pid_t pid_;
};

struct Stopping {
  int run(StopOptions options) {
    const Said said;
    options.console = said.console;
    const int code = stop(options);
    err = said.err();
    EXPECT_EQ(said.out(), "");
    return code;
  }
  [[nodiscard]] bool says(std::string_view part) const {
    return err.find(part) != std::string::npos;
  }
  tests::TemporaryFolder folder;
  std::string err;
};

const std::string kNobody = "127.0.0.1:1";

TEST(StopVerb, EndsTheProcessOfThePidFile) {
  Stopping s;
  Child child("layotto");
  const std::string file = s.folder.write("pid", fmt::format("{}\n", child.pid()));
  EXPECT_EQ(s.run({.admin_address = kNobody, .pid_file = file}), 0);
  EXPECT_TRUE(s.says(fmt::format("process {} finishes", child.pid()))) << s.err;
  EXPECT_TRUE(s.says(fmt::format("process {} is gone", child.pid()))) << s.err;
  EXPECT_EQ(child.ended_by(), SIGTERM);
}

TEST(StopVerb, EndsTheProcessThatAnswersOnTheAdminListener) {
  Stopping s;
  Child child("layotto-worker");
  const TestSidecar sidecar([&](const std::string& request) {
    return std::pair<uint16_t, std::string>(
        request == "GET /layotto/process" ? 200 : 404,
        fmt::format(R"({{"version":"0.1.0","pid":{},"workers":1}})", child.pid()));
  });
  EXPECT_EQ(s.run({.admin_address = sidecar.address(), .pid_file = s.folder / "none"}), 0) << s.err;
  EXPECT_EQ(child.ended_by(), SIGTERM);
}

TEST(StopVerb, SaysThatNothingRuns) {
  Stopping s;
  EXPECT_EQ(s.run({.admin_address = kNobody}), 5);
  EXPECT_TRUE(s.says("NOT_FOUND: nothing is running: cannot connect to 127.0.0.1:1")) << s.err;
  EXPECT_EQ(s.run({.admin_address = kNobody, .pid_file = s.folder / "none"}), 5);
  EXPECT_TRUE(s.says("there is no pid file")) << s.err;
  Child child("layotto");
  const pid_t pid = child.pid();
  kill(pid, SIGKILL);
  child.ended_by();
  const std::string stale = s.folder.write("pid", fmt::format("{}", pid));
  EXPECT_EQ(s.run({.admin_address = kNobody, .pid_file = stale}), 5);
  EXPECT_TRUE(s.says(fmt::format("names process {}, which is gone", pid))) << s.err;
}

TEST(StopVerb, LeavesOtherProcessesAlone) {
  Stopping s;
  const Child child("postgres");
  const std::string file = s.folder.write("pid", fmt::format("{}", child.pid()));
  EXPECT_EQ(s.run({.admin_address = kNobody, .pid_file = file}), 9);
  EXPECT_TRUE(s.says("is 'postgres' and not a sidecar")) << s.err;
  EXPECT_TRUE(child.runs());
  s.folder.write("pid", fmt::format("{}", getpid()));
  EXPECT_EQ(s.run({.admin_address = kNobody, .pid_file = file}), 9);
}

TEST(StopVerb, GivesUpAtItsTime) {
  Stopping s;
  const Child child("layotto", Child::Manners::kStays);
  const std::string file = s.folder.write("pid", fmt::format("{}", child.pid()));
  EXPECT_EQ(s.run({.target = {.timeout = std::chrono::milliseconds(50)},
                   .admin_address = kNobody,
                   .pid_file = file}),
            4);
  EXPECT_TRUE(s.says(fmt::format("kill -KILL {}", child.pid()))) << s.err;
  EXPECT_TRUE(child.runs());
}

TEST(StopVerb, RefusesWhatNamesNoProcess) {
  Stopping s;
  for (const char* text : {"", "x", "0", "-1", "12 x", "99999999999"}) {
    const std::string file = s.folder.write("pid", text);
    EXPECT_EQ(s.run({.admin_address = kNobody, .pid_file = file}), 9) << text;
    EXPECT_TRUE(s.says("does not contain the number of a process")) << s.err;
  }
  for (const char* json : {"", "[]", "{}", R"({"pid":"x"})", R"({"pid":-3})", R"({"pid":0.5})"}) {
    const TestSidecar sidecar(
        [&](const std::string&) { return std::pair<uint16_t, std::string>(200, json); });
    EXPECT_EQ(s.run({.admin_address = sidecar.address()}), 9) << json;
  }
}

TEST(StopVerb, SaysWhatTheAdminListenerAnswered) {
  Stopping s;
  const TestSidecar sidecar([](const std::string&) {
    return std::pair<uint16_t, std::string>(401, "this listener wants a token\n");
  });
  EXPECT_EQ(s.run({.admin_address = sidecar.address()}), 16);
  EXPECT_EQ(s.err, "UNAUTHENTICATED: this listener wants a token\n");
}

}  // namespace
}  // namespace layotto::cli
