#include "base/check.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

namespace layotto::base {
namespace {

constexpr int kFramesMax = 64;

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

void print_frame(int fd, int index, void* address) {
  Dl_info symbol{};
  if (dladdr(address, &symbol) == 0) {
    write_all(fd, fmt::format("  #{:<2} {}\n", index, address));
    return;
  }
  const char* module = symbol.dli_fname != nullptr ? symbol.dli_fname : "?";
  if (const char* slash = std::strrchr(module, '/'); slash != nullptr) module = slash + 1;
  const auto offset_in_module = static_cast<char*>(address) - static_cast<char*>(symbol.dli_fbase);
  if (symbol.dli_sname == nullptr) {
    write_all(fd, fmt::format("  #{:<2} {}+{:#x}\n", index, module, offset_in_module));
    return;
  }
  int status = 0;
  char* demangled = abi::__cxa_demangle(symbol.dli_sname, nullptr, nullptr, &status);
  const auto offset = static_cast<char*>(address) - static_cast<char*>(symbol.dli_saddr);
  write_all(fd, fmt::format("  #{:<2} {} +{:#x} ({}+{:#x})\n", index,
                            status == 0 ? demangled : symbol.dli_sname, offset, module,
                            offset_in_module));
  std::free(demangled);
}

void on_crash(int number) {
  write_all(STDERR_FILENO, fmt::format("crash: signal {} ({})\n", number, strsignal(number)));
  print_stack(STDERR_FILENO, 2);
  // SA_RESETHAND restored the default action: it now ends the process with the right status.
  raise(number);
}

}  // namespace

void print_stack(int fd, int skip) {
  std::array<void*, kFramesMax> frames;
  const int count = backtrace(frames.data(), kFramesMax);
  for (int i = skip; i < count; ++i) print_frame(fd, i - skip, frames[static_cast<size_t>(i)]);
}

void check_failed(std::string_view expression, std::string_view message,
                  std::source_location where) {
  write_all(STDERR_FILENO, fmt::format("CHECK failed: {}{}{}\n  at {}:{} in {}\n", expression,
                                       message.empty() ? "" : ": ", message, where.file_name(),
                                       where.line(), where.function_name()));
  print_stack(STDERR_FILENO, 2);
  signal(SIGABRT, SIG_DFL);  // the stack is printed already
  std::abort();
}

void install_crash_handlers() {
  std::array<void*, 1> warm_up;
  backtrace(warm_up.data(), 1);  // loads libgcc now: in a handler it would be too late
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    sigaction(number, &action, nullptr);
  }
}

}  // namespace layotto::base
