// Handler: anything that answers a request, and any client that has one answered elsewhere.
#pragma once

#include "async/task.h"
#include "base/error.h"
#include "http/exchange.h"
#include "http/message.h"

namespace layotto::http {

class Handler {
 public:
  virtual ~Handler() = default;
  // May be called for many requests at once. An Error becomes a local reply (local_reply.h) in the
  // chain; handlers that answer at once return async::ready(...). `exchange` outlives the
  // response's last byte.
  virtual Task<Result<Response>> handle(Request request, Exchange& exchange) = 0;
};

}  // namespace layotto::http
