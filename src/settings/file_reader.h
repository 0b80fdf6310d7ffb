// Reading whole files: the configuration file and what `${file:/path}` names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace layotto::settings {

// The content of a regular file of at most `bytes_max` bytes, links followed. The error's message
// does not name the path: "there is no such file", "it is a directory", "Permission denied".
// kNotFound, kPermissionDenied, kInvalidArgument (no regular file), kResourceExhausted (too large),
// kUnavailable (anything else).
Result<std::string> read_regular_file(std::string_view path, size_t bytes_max);

// The configuration file: a regular file or, like /dev/stdin, a pipe, which is read to its end.
// At most config::kDocumentBytesMax bytes. Codes as above; the message names the path and is a
// whole sentence for people.
Result<std::string> read_config_file(std::string_view path);

}  // namespace layotto::settings
