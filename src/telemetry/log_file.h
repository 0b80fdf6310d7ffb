// LogFile: where log lines end up: a file, standard output or standard error. Shared by all writers
// of the process; a call takes whole lines and writes them with one write(2), so lines of several
// workers never mix. It never waits for a reader and never fails upwards: a pipe that is full, a
// disk that is full or gone takes what it can, the rest is handed back, counted and tried again by
// the LineWriter as long as its buffer has room.
//
// A file is opened for appending and begun anew when it reaches `size_cap` (the old one becomes
// <path>.1, replacing the one before) or on reopen(), after logrotate has moved it away.
//
// Thread rules: any thread; a lock is held for the write. The process ignores SIGPIPE. Two LogFiles
// of one path lose each other's size cap: open a path once.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/tally.h"

namespace layotto::telemetry {

struct LogFileOptions {
  uint64_t size_cap = 0;  // bytes, 0 = none; of regular files only
  mode_t mode = 0640;
};

class LogFile {
 public:
  // `path` is a file (its folder must exist), or "stdout", "stderr", "/dev/stdout", "/dev/stderr".
  static Result<std::unique_ptr<LogFile>> open(std::string_view path, LogFileOptions options = {});
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // Whole lines, each with its newline. Returns how many bytes were taken, which is always up to
  // the end of a line; the rest may be offered again. 0 when the sink takes nothing now.
  size_t write(ByteView lines);
  // The caller gives up on lines that were not taken.
  void count_dropped(ByteView lines);

  // Opens the path again (SIGUSR1, outside the handler). When that fails the old file stays in use.
  // Nothing to do for standard output and error.
  Status reopen();

  // Readable by any thread at any time.
  struct Counters {
    base::Tally bytes;          // written
    base::Tally writes;         // calls of write(2)
    base::Tally lines_dropped;  // that no sink took before their buffer was full
    base::Tally busy;           // writes refused because a pipe was full
    base::Tally errors;         // writes that failed for another reason
    base::Tally rotations;      // times the size cap was reached
    base::Tally rotation_errors;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  enum class Sink : uint8_t { kFile, kStream, kBlockingPipe, kSocket };

  LogFile(std::string path, LogFileOptions options, Sink sink, int fd)
      : path_(std::move(path)), options_(options), sink_(sink), fd_(fd) {}

  // The lock is held in these. One write(2), except to a pipe we could not make non-blocking.
  size_t write_some(ByteView bytes);
  size_t write_once(ByteView bytes);
  bool finish_line();
  void rotate();
  Status open_path();

  const std::string path_;
  const LogFileOptions options_;
  const Sink sink_;
  std::mutex mutex_;
  int fd_;
  bool is_regular_ = false;  // opened by its path, and neither a FIFO nor a device
  uint64_t size_ = 0;        // of the file, if it is
  // The rest of a line whose beginning is written; goes before everything else.
  std::string unfinished_;
  Counters counters_;
};

}  // namespace layotto::telemetry
