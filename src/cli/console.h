// Console: where a verb reads and writes. A value; tests pass their own files.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "base/error.h"

namespace layotto::cli {

struct Console {
  int in = STDIN_FILENO;
  std::FILE* out = stdout;
  std::FILE* err = stderr;

  [[nodiscard]] bool out_is_terminal() const;
};

// Writes at once; an Error when nobody takes it any more.
Status print(const Console& console, std::string_view text);
// A line for people, on err.
void tell(const Console& console, std::string_view line);
// "STATUS_NAME: message" on err; returns the exit code, which is the number of the status.
int complain(const Console& console, const Error& error);
// The exit code of a verb.
int finish(const Console& console, const Status& status);

// Everything up to the end, at most kInputBytesMax; blocks.
Result<std::string> read_input(const Console& console);
// A whole file of at most kSmallFileBytesMax, without white space at its end.
Result<std::string> read_small_file(const std::string& path);

}  // namespace layotto::cli
