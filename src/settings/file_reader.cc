#include "settings/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "config/limits.h"
#include "config/problem.h"

namespace layotto::settings {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;

// Open until it goes.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

Error of_errno(int error_number) {
  switch (error_number) {
    case ENOENT:
      return base::not_found("there is no such file");
    case ENOTDIR:
      return base::not_found("there is no such file: a part of the path is no folder");
    case EACCES:
    case EPERM:
      return base::permission_denied("it may not be read ({})", base::errno_text(error_number));
    default:
      return base::unavailable("{}", base::errno_text(error_number));
  }
}

Error too_large(size_t bytes_max) {
  return base::resource_exhausted("it has more than {} bytes", bytes_max);
}

Result<std::string> read_to_end(int fd, size_t bytes_max) {
  std::string content;
  while (true) {
    const size_t size = content.size();
    content.resize(size + kReadBytes);
    const ssize_t count = ::read(fd, content.data() + size, kReadBytes);
    content.resize(size + (count > 0 ? static_cast<size_t>(count) : 0));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return of_errno(errno);
    if (content.size() > bytes_max) return too_large(bytes_max);
    if (count == 0) return content;
  }
}

enum class Accept : uint8_t { kRegularFiles, kPipesToo };

Result<std::string> read_file(std::string_view path, size_t bytes_max, Accept accept) {
  if (path.empty()) return base::invalid_argument("its path is empty");
  if (path.find('\0') != std::string_view::npos) {
    return base::invalid_argument("its path has a NUL character in it");
  }
  // Nobody may write to a FIFO for ever: then open() must not wait.
  const int waiting = accept == Accept::kRegularFiles ? O_NONBLOCK : 0;
  const File file(::open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | waiting));
  if (file.fd() < 0) return of_errno(errno);
  struct stat status{};
  if (::fstat(file.fd(), &status) != 0) return of_errno(errno);
  if (S_ISDIR(status.st_mode)) return base::invalid_argument("it is a directory");
  if (!S_ISREG(status.st_mode) && (accept == Accept::kRegularFiles || S_ISBLK(status.st_mode))) {
    return base::invalid_argument("it is no regular file");
  }
  if (S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) > bytes_max) {
    return too_large(bytes_max);
  }
  return read_to_end(file.fd(), bytes_max);
}

}  // namespace

Result<std::string> read_regular_file(std::string_view path, size_t bytes_max) {
  return read_file(path, bytes_max, Accept::kRegularFiles);
}

Result<std::string> read_config_file(std::string_view path) {
  Result<std::string> content = read_file(path, config::kDocumentBytesMax, Accept::kPipesToo);
  if (content.ok()) return content;
  const std::string why(content.error().message());
  return std::move(content).error().reworded(
      fmt::format("cannot read the configuration file {}: {}", config::quote(path), why));
}

}  // namespace layotto::settings
