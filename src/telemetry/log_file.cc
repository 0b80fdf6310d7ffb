#include "telemetry/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "telemetry/limits.h"

namespace layotto::telemetry {
namespace {

using base::errno_text;

int stream_of(std::string_view path) {
  if (path == "stdout" || path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "stderr" || path == "/dev/stderr") return STDERR_FILENO;
  return -1;
}

// FIFOs without a reader fail at once instead of waiting for one.
int open_for_appending(const std::string& path, mode_t mode) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                mode);
}

Error cannot_open(const std::string& path, int error) {
  return base::unavailable("cannot open the log file {}: {}", path, errno_text(error));
}

bool is_busy(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Result<std::unique_ptr<LogFile>> LogFile::open(std::string_view path, LogFileOptions options) {
  const int stream = stream_of(path);
  if (stream < 0) {
    auto file = std::unique_ptr<LogFile>(new LogFile(std::string(path), options, Sink::kFile, -1));
    TRY(file->open_path());
    return file;
  }
  // The descriptor is inherited: making it non-blocking would change it for whoever else has it. A
  // pipe is opened a second time through /proc, which gives us a description of our own.
  struct stat status{};
  if (fstat(stream, &status) != 0) return cannot_open(std::string(path), errno);
  Sink sink = Sink::kStream;
  int fd = -1;
  if (S_ISFIFO(status.st_mode)) {
    const std::string link = fmt::format("/proc/self/fd/{}", stream);
    fd = ::open(link.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) sink = Sink::kBlockingPipe;
  } else if (S_ISSOCK(status.st_mode)) {
    sink = Sink::kSocket;
  }
  if (fd < 0) fd = fcntl(stream, F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return cannot_open(std::string(path), errno);
  return std::unique_ptr<LogFile>(new LogFile(std::string(path), options, sink, fd));
}

LogFile::~LogFile() { close(fd_); }

Status LogFile::open_path() {
  const int fd = open_for_appending(path_, options_.mode);
  if (fd < 0) return cannot_open(path_, errno);
  struct stat status{};
  if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
    const int error = S_ISDIR(status.st_mode) ? EISDIR : errno;
    close(fd);
    return cannot_open(path_, error);
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  is_regular_ = S_ISREG(status.st_mode);
  size_ = static_cast<uint64_t>(status.st_size);
  return {};
}

Status LogFile::reopen() {
  if (sink_ != Sink::kFile) return {};
  const std::lock_guard lock(mutex_);
  // The end of a line has no business in a new file.
  if (!finish_line()) {
    counters_.lines_dropped.add();
    unfinished_.clear();
  }
  return open_path();
}

size_t LogFile::write_once(ByteView bytes) {
  ssize_t n = 0;
  do {
    n = sink_ == Sink::kSocket
            ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
            : ::write(fd_, bytes.data(), bytes.size());
  } while (n < 0 && errno == EINTR);
  counters_.writes.add();
  if (n < 0) {
    (is_busy(errno) ? counters_.busy : counters_.errors).add();
    return 0;
  }
  const auto written = static_cast<size_t>(n);
  counters_.bytes.add(written);
  size_ += written;
  return written;
}

size_t LogFile::write_some(ByteView bytes) {
  if (sink_ != Sink::kBlockingPipe) return write_once(bytes);
  // A pipe that polls writable takes this much without waiting.
  constexpr size_t kPipeChunkBytes = 4096;
  size_t written = 0;
  while (written < bytes.size()) {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (poll(&ready, 1, 0) != 1) {
      counters_.busy.add();
      break;
    }
    const size_t n = write_once(bytes.substr(written, kPipeChunkBytes));
    if (n == 0) break;
    written += n;
  }
  return written;
}

bool LogFile::finish_line() {
  if (unfinished_.empty()) return true;
  unfinished_.erase(0, write_some(unfinished_));
  return unfinished_.empty();
}

void LogFile::rotate() {
  const std::string old = path_ + ".1";
  if (std::rename(path_.c_str(), old.c_str()) != 0 || !open_path().ok()) {
    counters_.rotation_errors.add();
    return;
  }
  counters_.rotations.add();
}

size_t LogFile::write(ByteView lines) {
  if (lines.empty()) return 0;
  const std::lock_guard lock(mutex_);
  if (!finish_line()) return 0;
  if (is_regular_ && options_.size_cap != 0 && size_ != 0 &&
      size_ + lines.size() > options_.size_cap) {
    rotate();
  }
  size_t taken = write_some(lines);
  if (taken == 0 || lines[taken - 1] == '\n') return taken;
  const size_t end = std::min(lines.find('\n', taken), lines.size() - 1) + 1;
  unfinished_.assign(lines.substr(taken, end - taken));
  return end;
}

void LogFile::count_dropped(ByteView lines) {
  const std::lock_guard lock(mutex_);
  counters_.lines_dropped.add(static_cast<uint64_t>(std::ranges::count(lines, '\n')));
}

}  // namespace layotto::telemetry
