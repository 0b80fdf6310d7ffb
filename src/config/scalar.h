// Scalar: one value of a document that has no parts, with its kind. The kinds of plain YAML scalars
// are those of the YAML 1.2 core schema, with one restriction: a number with leading zeros ("0123")
// stays a string, because YAML 1.1 and 1.2 disagree about its value. "yes", "on", "1_000" are
// strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace layotto::config {

// Holds every value of the 64-bit types, signed and unsigned.
using Int128 = __int128;

std::string integer_text(Int128 value);

enum class Kind : uint8_t { kNull, kBool, kInteger, kFloat, kString, kSequence, kMapping };

struct Scalar {
  Kind kind = Kind::kNull;
  bool boolean = false;
  Int128 integer = 0;           // kInteger: within int64_t or uint64_t
  double number = 0;            // kFloat: may be infinite or not a number
  std::string text;             // as written, references put in
  bool quoted = false;          // in quotes, or a block scalar
  bool from_reference = false;  // text of the environment or of another file is in it
  bool broken = false;          // its reference failed, which was reported
};

// A plain scalar of YAML. Integers beyond 64 bits become kFloat.
Scalar plain_scalar(std::string_view text);

// A number of JSON's grammar (the caller checked it).
Scalar json_number(std::string_view text);

// A string whatever it looks like.
Scalar string_scalar(std::string_view text);

// Decimal digits with an optional sign, nothing else; false when it is none or beyond 64 bits.
bool decimal_integer(std::string_view text, Int128& value);

// True when `text` is valid UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace layotto::config
