// The one script every write is: reads, checks, writes and sets the expiry in one atomic step; for
// a transaction it checks every precondition, in order, before it writes anything.
//
//   KEYS  one per write, the same key may come again
//   ARGV  six per write: put or del, the precondition (any, absent, etag), the etag it names, the
//         value, the new etag, the TTL in milliseconds (0: none)
//   reply 0, or the number of the write (from 1) whose precondition failed: then nothing was
//   written
#pragma once

#include <cstddef>

#include "clients/redis/script.h"

namespace layotto::components::state::redis {

inline constexpr size_t kArgumentsPerWrite = 6;

const clients::redis::Script& write_script();

}  // namespace layotto::components::state::redis
