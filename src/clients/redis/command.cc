#include "clients/redis/command.h"

#include <algorithm>

#include "base/check.h"

namespace layotto::clients::redis {
namespace {

// Commands up to this size are written in one piece.
constexpr size_t kInlineBytesMax = 4096;
// "*" or "$", the digits of a 64-bit number, CRLF.
constexpr size_t kHeadBytesMax = 1 + 20 + 2;
static_assert(kInlineBytesMax <= base::kSlabCapacity);

char* put_head(char* to, char kind, size_t number) {
  *to++ = kind;
  if (number < 10) {
    *to++ = static_cast<char>('0' + number);
  } else {
    to = std::to_chars(to, to + 20, number).ptr;
  }
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

void append_in_pieces(ByteChain& out, Arguments arguments) {
  char* begin = out.reserve(kHeadBytesMax);
  out.commit(static_cast<size_t>(put_head(begin, '*', arguments.size()) - begin));
  for (const std::string_view argument : arguments) {
    begin = out.reserve(kHeadBytesMax);
    out.commit(static_cast<size_t>(put_head(begin, '$', argument.size()) - begin));
    out.append(argument);
    out.append(ByteView("\r\n"));
  }
}

}  // namespace

void append_command(ByteChain& out, Arguments arguments) {
  DCHECK(!arguments.empty());
  size_t bound = kHeadBytesMax;
  for (const std::string_view argument : arguments) bound += kHeadBytesMax + argument.size() + 2;
  if (bound > kInlineBytesMax) {
    append_in_pieces(out, arguments);
    return;
  }
  char* const begin = out.reserve(bound);
  char* to = put_head(begin, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    to = put_head(to, '$', argument.size());
    to = std::copy(argument.begin(), argument.end(), to);
    *to++ = '\r';
    *to++ = '\n';
  }
  out.commit(static_cast<size_t>(to - begin));
}

}  // namespace layotto::clients::redis
