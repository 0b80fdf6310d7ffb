#include "components/state/embedded/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace layotto::components::state::embedded {
namespace {

std::string owner_of(int fd) {
  std::array<char, 16> text{};
  const ssize_t n = pread(fd, text.data(), text.size(), 0);
  std::string pid;
  for (ssize_t i = 0; i < n && text[static_cast<size_t>(i)] >= '0'; ++i) {
    pid += text[static_cast<size_t>(i)];
  }
  if (pid == std::to_string(getpid())) return "another component of this process";
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

Result<FolderLock> FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/owner";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return base::permission_denied("{} cannot be opened: {}; let this user write the folder", path,
                                   base::errno_text(errno));
  }
  FolderLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return base::unavailable(
          "the folder {} is in use by {}; end that first or configure another folder", folder,
          owner_of(fd));
    }
    return base::unavailable("{} cannot be locked: {}; use a file system that has locks", path,
                             base::errno_text(errno));
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return base::resource_exhausted("{} cannot be written: {}; free some space on the disk", path,
                                    base::errno_text(errno));
  }
  return lock;
}

}  // namespace layotto::components::state::embedded
