#include "cli/line_input.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "cli/limits.h"

namespace layotto::cli {

LineInput::LineInput(async::Loop& loop, std::string text)
    : loop_(loop), unread_(std::move(text)), ended_(true) {}

LineInput::LineInput(async::Loop& loop, int fd)
    : loop_(loop),
      fd_(fd),
      ending_(eventfd(0, EFD_CLOEXEC)),
      pool_(std::make_unique<async::BlockingPool>(
          async::BlockingPool::Limits{.threads_max = 1, .queue_max = 1})) {}

LineInput::~LineInput() {
  if (ending_ >= 0) eventfd_write(ending_, 1);
  pool_.reset();  // waits for the thread
  if (ending_ >= 0) close(ending_);
}

Task<Result<std::optional<std::string>>> LineInput::next() {
  if (pool_ == nullptr) co_return take_line();
  CO_TRY(Line line, co_await async::run_blocking(*pool_, loop_, [this] { return read_line(); }));
  co_return line;
}

LineInput::Line LineInput::read_line() {
  while (true) {
    std::optional<std::string> line = take_line();
    if (line.has_value() || ended_) return line;
    TRY(read_more());
  }
}

// The last line needs no line end.
std::optional<std::string> LineInput::take_line() {
  const size_t end = unread_.find('\n', searched_);
  if (end == std::string::npos && (!ended_ || unread_.empty())) {
    searched_ = unread_.size();
    return std::nullopt;
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end == std::string::npos ? end : end + 1);
  searched_ = 0;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Status LineInput::read_more() {
  std::array<pollfd, 2> wanted = {{{.fd = fd_, .events = POLLIN, .revents = 0},
                                   {.fd = ending_, .events = POLLIN, .revents = 0}}};
  while (poll(wanted.data(), wanted.size(), -1) < 0) {
    if (errno != EINTR) return base::unavailable("cannot read: {}", base::errno_text(errno));
  }
  if (wanted[1].revents != 0) return Error::cancelled();
  std::array<char, 65536> piece;
  const ssize_t n = read(fd_, piece.data(), piece.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (n < 0) return base::unavailable("cannot read the input: {}", base::errno_text(errno));
  if (n == 0) ended_ = true;
  unread_.append(piece.data(), static_cast<size_t>(n));
  if (unread_.size() > kInputBytesMax) {
    return base::resource_exhausted("a line has more than {} bytes", kInputBytesMax);
  }
  return {};
}

}  // namespace layotto::cli
