// The first words on a connection: protocol, login, name, database, scripts, and whether the server
// is what we look for.
#pragma once

#include <string>

#include "async/task.h"
#include "clients/redis/conversation.h"
#include "clients/redis/options.h"

namespace layotto::clients::redis {

struct Greeting {
  bool resp3 = false;
  std::string version;  // empty when the server does not say
};

// `talk` is a new connection to `address`. Errors: kUnauthenticated (a wrong or missing password),
// kPermissionDenied, kFailedPrecondition (database, version, cluster), kUnavailable (loading, a
// replica, too many clients, connection lost).
Task<Result<Greeting>> shake_hands(Conversation& talk, const ClientOptions& options,
                                   Protocol protocol, std::string_view address);

}  // namespace layotto::clients::redis
