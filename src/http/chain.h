// Chain: one ordered list of filters and, behind them, one handler. What a listener serves.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
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
  // Of a final class only the hooks it overrides are called.
  template <std::derived_from<Filter> F>
  void add(std::string_view stage, std::unique_ptr<F> filter) {
    Hooks hooks;
    if constexpr (std::is_final_v<F>) {
      hooks = {
          .on_request = !std::is_same_v<decltype(&F::on_request), decltype(&Filter::on_request)>,
          .on_response = !std::is_same_v<decltype(&F::on_response), decltype(&Filter::on_response)>,
          .on_end = !std::is_same_v<decltype(&F::on_end), decltype(&Filter::on_end)>};
    }
    add(stage, std::move(filter), hooks);
  }
  void add(std::string_view stage, std::unique_ptr<AroundFilter> filter);

  // Runs the request through filters and handler. Errors have become local replies. Ready at once
  // when everything on the way was.
  Task<Response> handle(Request request, Exchange& exchange) const;
  // The exchange is over: tells every filter it entered, innermost first.
  void end(Exchange& exchange) const;

 private:
  friend class Next;
  struct Hooks {
    bool on_request = true;
    bool on_response = true;
    bool on_end = true;
  };
  struct Step {
    std::string_view stage;
    std::unique_ptr<Filter> filter;
    std::unique_ptr<AroundFilter> around;
    Hooks hooks;  // of the filter
  };
  void add(std::string_view stage, std::unique_ptr<Filter> filter, Hooks hooks);
  // Brings stops_ and ends_ up to date with the step added last.
  void index_last();
  Task<Response> run(size_t index, Request& request, Exchange& exchange) const;
  Task<Response> run_around(size_t from, size_t at, Request& request, Exchange& exchange) const;
  Task<Response> answered(size_t from, size_t at, Response answer, Exchange& exchange) const;
  Task<Response> await_handler(Task<Result<Response>> answer, size_t from, size_t to,
                               Exchange& exchange) const;
  Task<Response> await_around(Task<Response> answer, size_t from, size_t to,
                              Exchange& exchange) const;
  // on_response for the filters [from, to), last first.
  void respond(size_t from, size_t to, Response& response, Exchange& exchange) const;

  Handler& handler_;
  std::string_view handler_stage_;
  std::vector<Step> steps_;
  // The first step from i on that looks at requests; one more than there are steps.
  std::vector<uint32_t> stops_{0};
  bool responds_ = false;  // some filter has on_response
  // Those that are told the end, the innermost first, and at which step they are.
  struct End {
    size_t at;
    Filter* filter;
    AroundFilter* around;
  };
  std::vector<End> ends_;
};

}  // namespace layotto::http
