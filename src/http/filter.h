// Filters see every request on its way in and every response on its way out.
//
// A Filter sees heads and never waits: a run of filters is a loop, not a stack of frames. An
// AroundFilter may wait or touch bodies and trailers; it is a function around the rest of the
// chain. One filter object serves all requests of a worker; state of one request goes into
// exchange.slot<T>(index).
#pragma once

#include <optional>
#include <string_view>

#include "async/task.h"
#include "http/exchange.h"
#include "http/message.h"

namespace layotto::http {

class Filter {
 public:
  virtual ~Filter() = default;
  // Edit the head, or answer: then nothing further in sees the request.
  virtual std::optional<Response> on_request(RequestHead&, Exchange&) { return {}; }
  // Local replies too; in reverse order, for every filter the request entered.
  virtual void on_response(ResponseHead&, Exchange&) {}
  // Bytes, trailers, status and timings are final. Exactly once per request that entered.
  virtual void on_end(const Exchange&) {}
};

class Chain;

// The rest of the chain, as an AroundFilter sees it. Called at most once.
class Next {
 public:
  Next(const Chain& chain, size_t index) : chain_(chain), index_(index) {}
  Task<Response> operator()(Request request, Exchange& exchange) const;

 private:
  const Chain& chain_;
  size_t index_;
};

class AroundFilter {
 public:
  virtual ~AroundFilter() = default;
  virtual Task<Response> handle(Request request, Exchange& exchange, Next next) = 0;
  virtual void on_end(const Exchange&) {}
};

}  // namespace layotto::http
