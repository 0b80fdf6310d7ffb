// Chain: one ordered list of filters and, behind them, one handler. What a listener serves.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "http/filter.h"
#include "http/handler.h"

namespace layotto::http {

class Chain {
 public:
  // `handler` outlives the chain. `handler_stage` is static text.
  Chain(Handler& handler, std::string_view handler_stage)
      : handler_(handler), handler_stage_(handler_stage) {}
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // Appends behind what is there. `stage` is static text: what the admin page shows while a request
  // is in this filter.
  void add(std::string_view stage, std::unique_ptr<Filter> filter);
  void add(std::string_view stage, std::unique_ptr<AroundFilter> filter);

  // Runs the request through filters and handler. Errors have become local replies. Ready at once
  // when everything on the way was.
  Task<Response> handle(Request request, Exchange& exchange) const;
  // The exchange is over: tells every filter it entered, innermost first.
  void end(Exchange& exchange) const;

 private:
  friend class Next;
  struct Step {
    std::string_view stage;
    std::unique_ptr<Filter> filter;
    std::unique_ptr<AroundFilter> around;
  };
  Task<Response> run(size_t index, Request request, Exchange& exchange) const;
  Task<Response> await_handler(Task<Result<Response>> answer, size_t from, size_t to,
                               Exchange& exchange) const;
  Task<Response> await_around(Task<Response> answer, size_t from, size_t to,
                              Exchange& exchange) const;
  // on_response for the filters [from, to), last first.
  void respond(size_t from, size_t to, Response& response, Exchange& exchange) const;

  Handler& handler_;
  std::string_view handler_stage_;
  std::vector<Step> steps_;
};

}  // namespace layotto::http
