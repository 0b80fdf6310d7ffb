#include "net/listening.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include "net/limits.h"

namespace layotto::net {
namespace {

using base::errno_text;

Error cannot_listen(const Address& address, std::string_view why) {
  return base::unavailable("cannot listen on {}: {}", address.to_string(), why);
}

Error in_use(const Address& address) {
  return base::already_exists(
      "{} is already in use: another instance is running there; stop it (layotto stop) or "
      "configure another address",
      address.to_string());
}

Status make_parent(const Address& address, const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string folder = path.substr(0, at);
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      return cannot_listen(address,
                           fmt::format("cannot make the folder {}: {}", folder, errno_text(errno)));
    }
  }
  return {};
}

bool somebody_answers(const Address& address) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return true;  // cannot tell: leave the file alone
  const int result = connect(probe, address.data(), address.length());
  const bool refused = result != 0 && (errno == ECONNREFUSED || errno == ENOENT);
  close(probe);
  return !refused;
}

// Two processes must not both find the file stale and replace it: they meet at a lock file.
Result<int> lock_path(const Address& address, const std::string& path) {
  const std::string lock = path + ".lock";
  const int fd = open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return cannot_listen(address, fmt::format("cannot open {}: {}", lock, errno_text(errno)));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return in_use(address);
  }
  return fd;
}

Status remove_stale(const Address& address, const std::string& path) {
  struct stat file{};
  if (lstat(path.c_str(), &file) != 0) return {};
  if (!S_ISSOCK(file.st_mode)) {
    return cannot_listen(address,
                         "the path exists and is not a socket; remove it or configure "
                         "another path");
  }
  if (somebody_answers(address)) return in_use(address);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return cannot_listen(address,
                         fmt::format("cannot remove the stale socket file: {}", errno_text(errno)));
  }
  return {};
}

Status set_owner(const Address& address, const std::string& path, const ListenOptions& options) {
  if (chmod(path.c_str(), options.mode) != 0) {
    return cannot_listen(address, fmt::format("cannot set its mode: {}", errno_text(errno)));
  }
  if (options.group.empty()) return {};
  gid_t gid = 0;
  const char* end = options.group.data() + options.group.size();
  const auto parsed = std::from_chars(options.group.data(), end, gid);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    group entry{};
    group* found = nullptr;
    std::vector<char> buffer(16 * 1024);
    getgrnam_r(options.group.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) {
      return cannot_listen(address, fmt::format("there is no group '{}'", options.group));
    }
    gid = found->gr_gid;
  }
  if (chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0) {
    return cannot_listen(
        address, fmt::format("cannot give it to group '{}': {}", options.group, errno_text(errno)));
  }
  return {};
}

Address bound_address(int fd, const Address& asked) {
  if (!asked.is_ip()) return asked;
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, generic, &length) != 0) return asked;
  return Address::from_sockaddr(generic, length);
}

}  // namespace

Result<ListeningSocket> ListeningSocket::open(const Address& address,
                                              const ListenOptions& options) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return cannot_listen(address, errno_text(errno));
  ListeningSocket listening(fd, address);

  const std::string path = address.path();
  const bool has_file = address.is_unix() && !path.starts_with('@');
  if (has_file) {
    TRY(make_parent(address, path));
    TRY(const int lock, lock_path(address, path));
    listening.lock_fd_ = lock;
    TRY(remove_stale(address, path));
  } else if (address.is_ip()) {
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address.family() == AF_INET6) {
      const int only = options.ipv6_only ? 1 : 0;
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    }
  }
  // The file must never be more open than asked for, not even between bind and chmod.
  const mode_t old_mask = has_file ? umask(0177) : 0;
  const int bound = bind(fd, address.data(), address.length());
  const int bind_error = errno;
  if (has_file) umask(old_mask);
  if (bound != 0) {
    if (bind_error == EADDRINUSE) return in_use(address);
    return cannot_listen(address, errno_text(bind_error));
  }
  if (has_file) {
    struct stat file{};
    if (lstat(path.c_str(), &file) == 0) {
      listening.device_ = file.st_dev;
      listening.inode_ = file.st_ino;
    }
    TRY(set_owner(address, path, options));
  }
  if (listen(fd, kListenBacklog) != 0) {
    if (errno == EADDRINUSE) return in_use(address);
    return cannot_listen(address, errno_text(errno));
  }
  listening.address_ = bound_address(fd, address);
  return listening;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      address_(other.address_),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)),
      lock_fd_(std::exchange(other.lock_fd_, -1)) {}

ListeningSocket::~ListeningSocket() {
  const std::string path = address_.path();
  if (inode_ != 0) {
    struct stat file{};
    if (lstat(path.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_) {
      unlink(path.c_str());
    }
  }
  if (fd_ >= 0) close(fd_);
  // The lock file stays: removing it would let two others hold "the" lock.
  if (lock_fd_ >= 0) {
    close(lock_fd_);
  }
}

}  // namespace layotto::net
