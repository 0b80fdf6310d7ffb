// CHECK: this is our bug, stop now and say where. Aborts in every build, prints the expression, a
// message and a symbolised stack to stderr. Never used on peer input: that is an Error
// (base/error.h). DCHECK is the same in builds without NDEBUG and nothing in release builds.
#pragma once

#include <source_location>
#include <string_view>

namespace layotto::base {

// Prints the failure and the calling thread's stack to stderr, then aborts.
[[noreturn]] void check_failed(std::string_view expression, std::string_view message,
                               std::source_location where = std::source_location::current());

// Writes the calling thread's stack to the file descriptor, one frame a line: module, demangled
// symbol, offset. Skips the `skip` innermost frames. Usable in a signal handler as far as glibc's
// backtrace is (it was called once at start to load libgcc).
void print_stack(int fd, int skip);

// Installs handlers that print the stack for SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, then let
// the default action run. Call once, early in main.
void install_crash_handlers();

}  // namespace layotto::base

#define CHECK(condition, ...)                                                   \
  do {                                                                          \
    if (!(condition)) [[unlikely]] {                                            \
      ::layotto::base::check_failed(#condition, std::string_view{__VA_ARGS__}); \
    }                                                                           \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition, ...) \
  do {                         \
  } while (false && (condition))
#else
#define DCHECK(condition, ...) CHECK(condition, ##__VA_ARGS__)
#endif
