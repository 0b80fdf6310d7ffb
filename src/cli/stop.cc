#include "cli/stop.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include "cli/sidecar.h"

extern "C" {  // which the header of glibc 2.36 forgets
#include <sys/pidfd.h>
}

namespace layotto::cli {
namespace {

// A process that cannot turn into another one while we look at it.
class Process {
 public:
  // NOT_FOUND when there is no such process.
  static Result<Process> open(pid_t pid) {
    const int fd = pidfd_open(pid, 0);
    if (fd >= 0) return Process(pid, fd);
    if (errno == ESRCH || errno == EINVAL) return base::not_found("there is no process {}", pid);
    return base::unavailable("cannot look at process {}: {}", pid, base::errno_text(errno));
  }
  Process(Process&& other) noexcept : pid_(other.pid_), fd_(std::exchange(other.fd_, -1)) {}
  Process& operator=(Process&&) = delete;
  ~Process() {
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  // What it is called: "layotto" for one of ours.
  [[nodiscard]] std::string name() const {
    Result<std::string> comm = read_small_file(fmt::format("/proc/{}/comm", pid_));
    return comm.ok() ? std::move(*comm) : std::string();
  }
  Status terminate() {
    if (pidfd_send_signal(fd_, SIGTERM, nullptr, 0) == 0 || errno == ESRCH) return {};
    if (errno == EPERM) {
      return base::permission_denied("process {} belongs to another user", pid_);
    }
    return base::unavailable("cannot signal process {}: {}", pid_, base::errno_text(errno));
  }
  // False when it still runs after `time`.
  [[nodiscard]] bool wait_gone(Duration time) const {
    const base::SystemClock clock;
    const TimePoint until = clock.now() + time;
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(std::max(until - clock.now(), Duration(0)));
      pollfd gone{.fd = fd_, .events = POLLIN, .revents = 0};
      const int got = poll(&gone, 1, static_cast<int>(std::min<int64_t>(left.count(), 1 << 30)));
      if (got > 0) return true;
      if (got == 0) return false;
    }
  }

 private:
  Process(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  pid_t pid_;
  int fd_;
};

Result<pid_t> parse_pid(std::string_view text, std::string_view where) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0) {
    return base::failed_precondition("{} does not contain the number of a process", where);
  }
  return pid;
}

Result<pid_t> pid_of_page(const std::string& json) {
  google::protobuf::Struct document;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &document);
  const auto found = document.fields().find("pid");
  if (!parsed.ok() || found == document.fields().end() || found->second.number_value() < 1) {
    return base::failed_precondition("the page /layotto/process does not say which process it is");
  }
  return static_cast<pid_t>(found->second.number_value());
}

// ---- who is it

Result<std::string> ask_page(const StopOptions& options) {
  Target admin = options.target;
  admin.address = options.admin_address;
  std::string json;
  struct Asking {
    static Task<Status> run(Sidecar* sidecar, std::string* into) {
      CO_TRY(*into,
             co_await sidecar->page(http::Method::kGet, "/layotto/process", sidecar->deadline()));
      co_return Status{};
    }
  };
  TRY(with_sidecar(admin, [&](Sidecar& sidecar) { return Asking::run(&sidecar, &json); }));
  return json;
}

// The pid file's process, if there is a file and the process lives.
Result<std::optional<Process>> process_of_file(const std::string& file, std::string& note) {
  if (file.empty()) return std::optional<Process>();
  const Result<std::string> text = read_small_file(file);
  if (!text.ok()) {
    if (text.error().code() != Code::kNotFound) return text.error().clone();
    note = fmt::format("there is no pid file {}; ", file);
    return std::optional<Process>();
  }
  TRY(const pid_t pid, parse_pid(*text, file));
  Result<Process> process = Process::open(pid);
  if (process.ok()) return std::optional<Process>(std::move(*process));
  if (process.error().code() != Code::kNotFound) return std::move(process).error();
  note = fmt::format("{} names process {}, which is gone; ", file, pid);
  return std::optional<Process>();
}

Result<Process> find_process(const StopOptions& options) {
  std::string note;
  TRY(std::optional<Process> by_file, process_of_file(options.pid_file, note));
  if (by_file.has_value()) return std::move(*by_file);
  Result<std::string> page = ask_page(options);
  if (!page.ok()) {
    if (page.error().code() != Code::kUnavailable) return std::move(page).error();
    return base::not_found("nothing is running: {}{}", note, page.error().message());
  }
  TRY(const pid_t pid, pid_of_page(*page));
  Result<Process> process = Process::open(pid);
  if (!process.ok() && process.error().code() == Code::kNotFound) {
    return base::failed_precondition(
        "the sidecar at {} is process {}, which is not to be seen from here: end it where it runs",
        options.admin_address, pid);
  }
  return process;
}

// Another program may have got the number of a sidecar that is gone, or the sidecar may live in a
// container with numbers of its own.
Status check_ours(const Process& process) {
  const std::string name = process.name();
  if (process.pid() == getpid() || !name.starts_with("layotto")) {
    return base::failed_precondition("process {} is '{}' and not a sidecar: nothing was signalled",
                                     process.pid(), name);
  }
  return {};
}

Status run(const StopOptions& options) {
  const Duration patience =
      options.target.timeout.has_value() ? Duration(*options.target.timeout) : options.patience;
  TRY(Process process, find_process(options));
  TRY(check_ours(process));
  TRY(process.terminate());
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(patience).count();
  tell(options.console,
       fmt::format("process {} finishes what is under way (up to {} s)", process.pid(), seconds));
  if (!process.wait_gone(patience)) {
    return base::deadline_exceeded(
        "process {} still runs after {} s; `kill -KILL {}` ends it without waiting", process.pid(),
        seconds, process.pid());
  }
  tell(options.console, fmt::format("process {} is gone", process.pid()));
  return {};
}

}  // namespace

int stop(const StopOptions& options) { return finish(options.console, run(options)); }

}  // namespace layotto::cli
