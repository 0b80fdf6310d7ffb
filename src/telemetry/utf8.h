// UTF-8 in label values and log lines: what comes from outside may be anything, what we write is
// valid.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace layotto::telemetry {

// Bytes of the character `text` begins with; 0 when it is empty or not valid UTF-8 (overlong forms,
// surrogates and what lies beyond U+10FFFF are invalid).
size_t utf8_length(std::string_view text);

// U+FFFD, written for a byte that is no UTF-8 where raw bytes are not allowed.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// `text` with every invalid byte replaced, cut at a character to at most `bytes_max` bytes.
std::string valid_utf8(std::string_view text, size_t bytes_max);

}  // namespace layotto::telemetry
