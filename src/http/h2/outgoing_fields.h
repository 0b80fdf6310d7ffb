// Which header fields of ours may go into an HTTP/2 header block, RFC 9113 §8.2.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/header_map.h"

namespace layotto::http::h2 {

enum class FieldUse : uint8_t {
  kSend,
  kLeaveOut,  // connection-specific: an HTTP/1 message may carry it, HTTP/2 has no use for it
  kInvalid,   // a name or a value no peer would accept
};
FieldUse use_of(const HeaderField& field);

// ":status" as text; what is not 100 to 599 becomes "500".
std::string_view status_text(uint16_t status);

}  // namespace layotto::http::h2
