#include "net/tls_watch.h"

#include <sys/stat.h>

namespace layotto::net {
namespace {

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileVersions FileVersions::of(const std::vector<std::string>& paths) {
  FileVersions now;
  now.versions_.reserve(paths.size());
  for (const std::string& path : paths) {
    Version version;
    struct stat file{};
    if (stat(path.c_str(), &file) == 0) {
      version = {.device = file.st_dev,
                 .inode = file.st_ino,
                 .size = file.st_size,
                 .modified = nanoseconds(file.st_mtim),
                 .changed = nanoseconds(file.st_ctim)};
    }
    now.versions_.push_back(version);
  }
  return now;
}

}  // namespace layotto::net
