#include "app/process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/random.h"

namespace layotto::app {
namespace {

std::string_view value_of(Environment env, const char* name) {
  const char* value = env(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool is_folder(const std::string& path) {
  struct stat entry{};
  return stat(path.c_str(), &entry) == 0 && S_ISDIR(entry.st_mode);
}

// The first line of a small file; empty when it cannot be read.
std::string read_line(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::array<char, 128> text;
  const ssize_t n = read(fd, text.data(), text.size());
  close(fd);
  if (n <= 0) return {};
  std::string line(text.data(), static_cast<size_t>(n));
  return line.substr(0, line.find('\n'));
}

// cgroup v2 "max 100000" or "150000 100000"; v1 has two files.
double cgroup_quota() {
  const auto number = [](std::string_view text) {
    long value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return static_cast<double>(value);
  };
  const std::string v2 = read_line("/sys/fs/cgroup/cpu.max");
  if (const size_t space = v2.find(' '); space != std::string::npos) {
    const double quota = number(v2.substr(0, space));
    const double period = number(v2.substr(space + 1));
    return quota > 0 && period > 0 ? quota / period : 0;
  }
  const double quota = number(read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
  const double period = number(read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  return quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

std::string default_data_folder(Environment env) {
  if (const auto xdg = value_of(env, "XDG_DATA_HOME"); xdg.starts_with('/')) {
    return std::string(xdg) + "/layotto";
  }
  if (const auto home = value_of(env, "HOME"); home.starts_with('/') && home != "/") {
    return std::string(home) + "/.local/share/layotto";
  }
  return "/var/lib/layotto";
}

std::string default_socket_path(Environment env) {
  if (const auto xdg = value_of(env, "XDG_RUNTIME_DIR"); xdg.starts_with('/')) {
    return std::string(xdg) + "/layotto/layotto.sock";
  }
  const uid_t uid = getuid();
  if (const std::string run = fmt::format("/run/user/{}", uid); is_folder(run)) {
    return run + "/layotto/layotto.sock";
  }
  if (uid == 0) return "/run/layotto/layotto.sock";
  return fmt::format("/tmp/layotto-{}/layotto.sock", uid);
}

Status make_private_folder(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string folder = path.substr(0, at);
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST && !is_folder(folder)) {
      return base::failed_precondition(
          "cannot make the folder {}: {}; configure another data_folder", folder,
          base::errno_text(errno));
    }
    if (at == std::string::npos) break;
  }
  struct stat entry{};
  if (stat(path.c_str(), &entry) != 0 || !S_ISDIR(entry.st_mode)) {
    return base::failed_precondition("{} is not a folder; configure another data_folder", path);
  }
  if ((entry.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return base::failed_precondition(
        "others may write to the folder {}; take the right away (chmod go-w) or configure another "
        "data_folder",
        path);
  }
  return {};
}

uint64_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

unsigned usable_processors() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  unsigned count = 1;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0) {
    count = static_cast<unsigned>(std::max(CPU_COUNT(&mask), 1));
  }
  if (const double quota = cgroup_quota(); quota > 0) {
    count = std::min(count, static_cast<unsigned>(std::max(std::ceil(quota), 1.0)));
  }
  return count;
}

Result<PidFile> PidFile::write(std::string path) {
  const std::string text = fmt::format("{}\n", getpid());
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) {
    return base::failed_precondition("cannot write the pid file {}: {}", path,
                                     base::errno_text(errno));
  }
  const ssize_t n = ::write(fd, text.data(), text.size());
  const int write_error = errno;
  close(fd);
  if (n != static_cast<ssize_t>(text.size())) {
    return base::failed_precondition("cannot write the pid file {}: {}", path,
                                     base::errno_text(write_error));
  }
  PidFile file;
  file.path_ = std::move(path);
  return file;
}

PidFile::~PidFile() {
  if (path_.empty()) return;
  if (read_line(path_.c_str()) == fmt::format("{}", getpid())) unlink(path_.c_str());
}

void notify_service_manager(std::string_view state, Environment env) {
  const std::string_view path = value_of(env, "NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
         length);
  close(fd);
}

std::string make_instance_id() {
  Random random;
  return fmt::format("{:016x}", random.next());
}

}  // namespace layotto::app
