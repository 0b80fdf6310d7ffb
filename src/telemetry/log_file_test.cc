#include "telemetry/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "telemetry/log_test_support.h"

namespace layotto::telemetry {
namespace {

using LogFileTest = LogFolder;

// The reading end of a FIFO, and a LogFile on the other.
class Pipe {
 public:
  explicit Pipe(const std::string& path) {
    CHECK(mkfifo(path.c_str(), 0600) == 0);
    reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CHECK(reader >= 0);
  }
  ~Pipe() { close(reader); }
  [[nodiscard]] std::string drain() const {
    std::string all;
    std::array<char, 4096> buffer;
    for (ssize_t n = 0; (n = ::read(reader, buffer.data(), buffer.size())) > 0;) {
      all.append(buffer.data(), static_cast<size_t>(n));
    }
    return all;
  }
  int reader;
};

TEST_F(LogFileTest, AppendsToWhatIsThere) {
  {
    const auto file = open(path("log"));
    EXPECT_EQ(file->write("one\n"), 4U);
  }
  const auto file = open(path("log"));
  EXPECT_EQ(file->write("two\n"), 4U);
  EXPECT_EQ(read(path("log")), "one\ntwo\n");
  EXPECT_EQ(file->counters().bytes.read(), 4U);
  EXPECT_EQ(file->counters().writes.read(), 1U);
}

TEST_F(LogFileTest, SaysWhichFileCannotBeOpened) {
  const auto missing = LogFile::open(path("no/such/folder"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message(),
            "cannot open the log file " + path("no/such/folder") + ": No such file or directory");
  EXPECT_FALSE(LogFile::open(path("")).ok());
}

TEST_F(LogFileTest, BeginsANewFileAtItsCap) {
  const auto file = open(path("log"), {.size_cap = 20});
  for (const char* line : {"1234567\n", "2345678\n", "3456789\n", "4567890\n", "5678901\n"}) {
    EXPECT_EQ(file->write(line), 8U);
  }
  EXPECT_EQ(read(path("log.1")), "3456789\n4567890\n");
  EXPECT_EQ(read(path("log")), "5678901\n");
  EXPECT_EQ(file->counters().rotations.read(), 2U);
  // A file of an earlier run counts.
  const auto again = open(path("log"), {.size_cap = 10});
  again->write("6789012\n");
  EXPECT_EQ(read(path("log.1")), "5678901\n");
}

TEST_F(LogFileTest, NeverMovesWhatIsNoRegularFileAway) {
  const Pipe pipe(path("fifo"));
  const auto file = open(path("fifo"), {.size_cap = 4});
  file->write("one\n");
  file->write("two\n");
  EXPECT_EQ(pipe.drain(), "one\ntwo\n");
  EXPECT_TRUE(std::filesystem::is_fifo(path("fifo")));
  EXPECT_EQ(file->counters().rotations.read(), 0U);
}

TEST_F(LogFileTest, GoesOnWhenItCannotRotate) {
  const auto file = open(path("log"), {.size_cap = 10});
  file->write("1234567\n");
  std::filesystem::create_directories(path("log.1/in the way"));
  EXPECT_EQ(file->write("2345678\n"), 8U);
  EXPECT_EQ(read(path("log")), "1234567\n2345678\n");
  EXPECT_EQ(file->counters().rotation_errors.read(), 1U);
}

TEST_F(LogFileTest, ReopensAfterItWasMovedAway) {
  const auto file = open(path("log"));
  file->write("one\n");
  std::filesystem::rename(path("log"), path("moved"));
  file->write("two\n");
  ASSERT_TRUE(file->reopen().ok());
  file->write("three\n");
  EXPECT_EQ(read(path("moved")), "one\ntwo\n");
  EXPECT_EQ(read(path("log")), "three\n");
}

TEST_F(LogFileTest, KeepsTheOldFileWhenReopeningFails) {
  std::filesystem::create_directory(path("folder"));
  const auto file = open(path("folder/log"));
  std::filesystem::rename(path("folder"), path("gone"));
  EXPECT_FALSE(file->reopen().ok());
  file->write("one\n");
  EXPECT_EQ(read(path("gone/log")), "one\n");
}

TEST_F(LogFileTest, CountsAFullDiskAndHandsTheLinesBack) {
  const auto file = open("/dev/full");
  EXPECT_EQ(file->write("one\n"), 0U);
  EXPECT_EQ(file->counters().errors.read(), 1U);
  file->count_dropped("one\ntwo\n");
  EXPECT_EQ(file->counters().lines_dropped.read(), 2U);
}

TEST_F(LogFileTest, DoesNotWaitForAFullPipeAndNeverTearsALine) {
  const Pipe pipe(path("fifo"));
  const auto file = open(path("fifo"));
  ASSERT_GT(fcntl(pipe.reader, F_SETPIPE_SZ, 4096), 0);
  const std::string first = std::string(4999, 'a') + "\n";
  const std::string second = std::string(4999, 'b') + "\n";
  // The pipe takes the beginning of the first line; the line counts as taken, the second does not.
  EXPECT_EQ(file->write(first + second), first.size());
  EXPECT_EQ(file->write(second), 0U);
  EXPECT_EQ(file->counters().busy.read(), 1U);
  std::string seen = pipe.drain();
  EXPECT_EQ(seen.size(), 4096U);
  // The rest of the first line goes before whatever anyone writes next.
  EXPECT_EQ(file->write("third\n"), 6U);
  seen += pipe.drain();
  EXPECT_EQ(seen, first + "third\n");
}

TEST_F(LogFileTest, DropsTheRestOfALineWhenItReopens) {
  const Pipe pipe(path("fifo"));
  const auto file = open(path("fifo"));
  ASSERT_GT(fcntl(pipe.reader, F_SETPIPE_SZ, 4096), 0);
  file->write(std::string(4999, 'a') + "\n");
  std::filesystem::remove(path("fifo"));
  ASSERT_TRUE(file->reopen().ok());
  file->write("one\n");
  EXPECT_EQ(read(path("fifo")), "one\n");
  EXPECT_EQ(file->counters().lines_dropped.read(), 1U);
}

TEST_F(LogFileTest, MakesAPipeOnStandardOutputNonBlockingForItselfOnly) {
  const Pipe pipe(path("fifo"));
  ASSERT_GT(fcntl(pipe.reader, F_SETPIPE_SZ, 4096), 0);
  const int saved = dup(STDOUT_FILENO);
  const int writer = ::open(path("fifo").c_str(), O_WRONLY | O_CLOEXEC);
  dup2(writer, STDOUT_FILENO);
  auto file = LogFile::open("/dev/stdout");
  const int flags = fcntl(STDOUT_FILENO, F_GETFL);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  close(writer);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(flags & O_NONBLOCK, 0);
  EXPECT_EQ((*file)->write(std::string(4095, 'x') + "\n"), 4096U);
  EXPECT_EQ((*file)->write("y\n"), 0U);
  EXPECT_EQ((*file)->counters().busy.read(), 1U);
  EXPECT_TRUE((*file)->reopen().ok());
}

TEST_F(LogFileTest, NeverMixesLinesOfSeveralThreads) {
  const auto file = open(path("log"), {.size_cap = 200'000});
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::string lines(static_cast<size_t>(100 + i), static_cast<char>('a' + i));
      lines += '\n';
      lines += lines;
      for (int n = 0; n < 300; ++n) {
        file->write(lines);
        if (n % 100 == 50) EXPECT_TRUE(file->reopen().ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string all = read(path("log.1")) + read(path("log"));
  EXPECT_EQ(std::ranges::count(all, '\n'), kThreads * 600);
  for (size_t from = 0; from < all.size();) {
    const size_t end = all.find('\n', from);
    const std::string_view line = std::string_view(all).substr(from, end - from);
    ASSERT_EQ(line, std::string(static_cast<size_t>(100 + line[0] - 'a'), line[0]));
    from = end + 1;
  }
}

}  // namespace
}  // namespace layotto::telemetry
