#include "cli/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "cli/limits.h"

namespace layotto::cli {
namespace {

// An Error of errno with a code that says something.
Result<std::string> read_to_end(int fd, size_t max, std::string_view what) {
  std::string text;
  std::array<char, 65536> piece;
  while (true) {
    const ssize_t n = read(fd, piece.data(), piece.size());
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::unavailable("cannot read {}: {}", what, base::errno_text(errno));
    if (text.size() + static_cast<size_t>(n) > max) {
      return base::resource_exhausted("{} has more than {} bytes", what, max);
    }
    text.append(piece.data(), static_cast<size_t>(n));
  }
}

}  // namespace

bool Console::out_is_terminal() const { return isatty(fileno(out)) == 1; }

Status print(const Console& console, std::string_view text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), console.out);
  if (written != text.size() || std::fflush(console.out) != 0) {
    return base::aborted("cannot write the output: {}", base::errno_text(errno));
  }
  return {};
}

void tell(const Console& console, std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), console.err);
  std::fputc('\n', console.err);
  std::fflush(console.err);
}

int complain(const Console& console, const Error& error) {
  tell(console, error.to_string());
  return static_cast<int>(error.code());
}

int finish(const Console& console, const Status& status) {
  return status.ok() ? 0 : complain(console, status.error());
}

Result<std::string> read_input(const Console& console) {
  return read_to_end(console.in, kInputBytesMax, "the input");
}

Result<std::string> read_small_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const std::string why = base::errno_text(errno);
    if (errno == ENOENT) return base::not_found("cannot open {}: {}", path, why);
    return base::failed_precondition("cannot open {}: {}", path, why);
  }
  Result<std::string> text = read_to_end(fd, kSmallFileBytesMax, path);
  close(fd);
  if (text.ok()) text->erase(text->find_last_not_of(" \t\r\n") + 1);
  return text;
}

}  // namespace layotto::cli
