#include "telemetry/line_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "async/test_loop.h"
#include "telemetry/log_test_support.h"

namespace layotto::telemetry {
namespace {

using LineWriterTest = LogFolder;

void write(LineWriter& writer, std::string_view text) {
  Line line = writer.begin();
  line.text(text);
  writer.commit(line);
}

TEST_F(LineWriterTest, WritesLinesTogether) {
  const auto file = open(path("log"));
  LineWriter writer(*file);
  write(writer, "one");
  write(writer, "two");
  EXPECT_EQ(read(path("log")), "");
  writer.flush();
  writer.flush();
  EXPECT_EQ(read(path("log")), "one\ntwo\n");
  EXPECT_EQ(file->counters().writes.read(), 1U);
  EXPECT_EQ(writer.counters().lines.read(), 2U);
}

TEST_F(LineWriterTest, ForgetsALineThatIsNotCommitted) {
  const auto file = open(path("log"));
  LineWriter writer(*file);
  {
    Line line = writer.begin();
    line.text("never mind");
  }
  write(writer, "one");
  writer.flush();
  EXPECT_EQ(read(path("log")), "one\n");
}

TEST_F(LineWriterTest, FlushesByATimerOnlyWhileLinesWait) {
  async::TestLoop test;
  const auto file = open(path("log"));
  LineWriter writer(*file, test.loop());
  test.advance(std::chrono::minutes(1));
  EXPECT_EQ(file->counters().writes.read(), 0U);
  write(writer, "one");
  test.advance(std::chrono::milliseconds(500));
  write(writer, "two");
  EXPECT_EQ(read(path("log")), "");
  test.advance(std::chrono::milliseconds(502));
  EXPECT_EQ(read(path("log")), "one\ntwo\n");
  test.advance(std::chrono::minutes(1));
  EXPECT_EQ(file->counters().writes.read(), 1U);
  write(writer, "three");
  test.advance(std::chrono::milliseconds(1002));
  EXPECT_EQ(file->counters().writes.read(), 2U);
}

TEST_F(LineWriterTest, FlushesWhenItsCallerSaysWhatTimeItIs) {
  base::ManualClock clock;
  const auto file = open(path("log"));
  LineWriter writer(*file);
  writer.flush_if_due(clock.now());
  write(writer, "one");
  clock.advance(std::chrono::milliseconds(999));
  writer.flush_if_due(clock.now());
  EXPECT_EQ(read(path("log")), "");
  clock.advance(std::chrono::milliseconds(1));
  writer.flush_if_due(clock.now());
  EXPECT_EQ(read(path("log")), "one\n");
}

TEST_F(LineWriterTest, FlushesWhenFullAndWhenItGoes) {
  const auto file = open(path("log"));
  const std::string text(999, 'x');
  {
    LineWriter writer(*file);
    for (int i = 0; i < 60; ++i) write(writer, text);
    EXPECT_EQ(file->counters().writes.read(), 1U);
    EXPECT_LE(file->counters().bytes.read(), kLineBufferBytes);
  }
  EXPECT_EQ(file->counters().writes.read(), 2U);
  EXPECT_EQ(file->counters().bytes.read(), 60'000U);
  EXPECT_EQ(read(path("log")).size(), 60'000U);
}

TEST_F(LineWriterTest, CutsAndCountsALineThatIsTooLong) {
  const auto file = open(path("log"));
  LineWriter writer(*file);
  write(writer, std::string(2 * kLineBytesMax, 'x'));
  write(writer, "next");
  writer.flush();
  EXPECT_EQ(read(path("log")), std::string(kLineBytesMax - 1, 'x') + "\nnext\n");
  EXPECT_EQ(writer.counters().lines_cut.read(), 1U);
}

TEST_F(LineWriterTest, KeepsLinesForABusyReaderUntilItsBufferIsFull) {
  async::TestLoop test;
  const std::string fifo = path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const auto file = open(fifo);
  ASSERT_GT(fcntl(reader, F_SETPIPE_SZ, 4096), 0);
  const std::string text(999, 'x');
  {
    LineWriter writer(*file, test.loop());
    for (int i = 0; i < 10; ++i) write(writer, text);
    test.advance(std::chrono::seconds(5));
    EXPECT_GT(file->counters().busy.read(), 1U);  // tried again
    std::string seen;
    for (int i = 0; i < 20; ++i) {
      std::array<char, 4096> buffer;
      const ssize_t n = ::read(reader, buffer.data(), buffer.size());
      if (n > 0) seen.append(buffer.data(), static_cast<size_t>(n));
      test.advance(std::chrono::milliseconds(1001));
    }
    ASSERT_EQ(seen.size(), 10'000U);
    for (size_t i = 0; i < 10; ++i) EXPECT_EQ(seen.substr(i * 1000, 1000), text + "\n");
    EXPECT_EQ(file->counters().lines_dropped.read(), 0U);

    for (int i = 0; i < 100; ++i) write(writer, text);
    EXPECT_GE(file->counters().lines_dropped.read(), 40U);
  }
  close(reader);
  EXPECT_GE(file->counters().lines_dropped.read(), 95U);  // the pipe took four, or a bit of a fifth
}

}  // namespace
}  // namespace layotto::telemetry
