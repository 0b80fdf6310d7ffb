// FolderLock: this process is the only one that uses a folder, until the object goes. The file
// `owner` in it says who that is; the kernel lets go of it when a process ends, however it ends.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"

namespace layotto::components::state::embedded {

class FolderLock {
 public:
  FolderLock() = default;
  // kUnavailable names the process that has it.
  static Result<FolderLock> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace layotto::components::state::embedded
