// LineWriter: the buffer between log lines and their LogFile. Each worker has one per sink; the
// event log has one of its own (log.h). Lines are formatted in place and leave together: when the
// buffer is full, kFlushInterval after the first of them, or when flush() is called.
//
//   Line line = writer.begin();
//   line.timestamp(now); line.raw(' '); line.text(path);
//   writer.commit(line);                     // adds the newline
//
// What the sink does not take stays in the buffer; when there is no room for another line, it is
// dropped and counted. One thread.
#pragma once

#include <memory>

#include "async/loop.h"
#include "base/tally.h"
#include "telemetry/limits.h"
#include "telemetry/line.h"
#include "telemetry/log_file.h"

namespace layotto::telemetry {

class LineWriter final : private async::Timer {
 public:
  // Flushes by a timer of the loop, which is armed only while lines wait. Made, used and destroyed
  // on the loop's thread.
  LineWriter(LogFile& file, async::Loop& loop) : LineWriter(file, &loop) {}
  // The caller calls flush_if_due() once in a while.
  explicit LineWriter(LogFile& file) : LineWriter(file, nullptr) {}
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  // Flushes; what the sink does not take then is dropped.
  ~LineWriter();

  // Room for one line of kLineBytesMax. One line at a time.
  Line begin() {
    if (kLineBufferBytes - used_ < kLineBytesMax) [[unlikely]]
      make_room();
    return {buffer_.get() + used_, kLineBytesMax - 1, times_};
  }
  // Ends the line that begin() gave, with a newline. A line that is not committed never was.
  void commit(const Line& line) {
    const size_t size = line.size();
    if (used_ == 0) [[unlikely]]
      arm();
    buffer_[used_ + size] = '\n';
    used_ += size + 1;
    counters_.lines.add();
    if (line.cut()) [[unlikely]]
      counters_.lines_cut.add();
  }

  void flush();
  // Flushes when the last flush was kFlushInterval ago.
  void flush_if_due(TimePoint now);
  [[nodiscard]] bool empty() const { return used_ == 0; }

  // Readable by any thread.
  struct Counters {
    base::Tally lines;
    base::Tally lines_cut;  // longer than kLineBytesMax
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  LineWriter(LogFile& file, async::Loop* loop);
  void arm();
  void make_room();
  void on_timer() override;

  LogFile& file_;
  async::Loop* const loop_;
  std::unique_ptr<char[]> buffer_;  // kLineBufferBytes and slack
  size_t used_ = 0;
  TimeText times_;
  TimePoint last_flush_{};
  Counters counters_;
};

}  // namespace layotto::telemetry
