#include "http/chain.h"

#include <utility>

#include "http/local_reply.h"

namespace layotto::http {

Task<Response> Next::operator()(Request request, Exchange& exchange) const {
  return chain_.run(index_, request, exchange);
}

void Chain::add(std::string_view stage, std::unique_ptr<Filter> filter, Hooks hooks) {
  responds_ = responds_ || hooks.on_response;
  steps_.push_back(
      {.stage = stage, .filter = std::move(filter), .around = nullptr, .hooks = hooks});
  index_last();
}

void Chain::add(std::string_view stage, std::unique_ptr<AroundFilter> filter) {
  steps_.push_back({.stage = stage, .filter = nullptr, .around = std::move(filter), .hooks = {}});
  index_last();
}

void Chain::index_last() {
  if (const Step& last = steps_.back(); last.around != nullptr || last.hooks.on_end) {
    ends_.insert(
        ends_.begin(),
        {.at = steps_.size() - 1, .filter = last.filter.get(), .around = last.around.get()});
  }
  stops_.assign(steps_.size() + 1, static_cast<uint32_t>(steps_.size()));
  for (size_t i = steps_.size(); i > 0; --i) {
    const Step& step = steps_[i - 1];
    const bool stop = step.around != nullptr || step.hooks.on_request;
    stops_[i - 1] = stop ? static_cast<uint32_t>(i - 1) : stops_[i];
  }
}

Task<Response> Chain::handle(Request request, Exchange& exchange) const {
  return run(0, request, exchange);
}

Task<Response> Chain::run(size_t index, Request& request, Exchange& exchange) const {
  const size_t end = steps_.size();
  for (size_t i = stops_[index]; i < end; i = stops_[i + 1]) {
    const Step& step = steps_[i];
    exchange.stage = step.stage;
    if (step.around != nullptr) return run_around(index, i, request, exchange);
    auto answer = step.filter->on_request(request.head, exchange);
    if (answer.has_value()) [[unlikely]]
      return answered(index, i, *std::move(answer), exchange);
  }
  exchange.filters_entered_ = static_cast<uint32_t>(end);
  exchange.stage = handler_stage_;
  Task<Result<Response>> answer = handler_.handle(std::move(request), exchange);
  if (!answer.is_ready()) return await_handler(std::move(answer), index, end, exchange);
  Result<Response>& result = answer.value();
  if (!result.ok()) [[unlikely]]
    result = local_reply(std::move(result).error(), exchange);
  respond(index, end, *result, exchange);
  return async::ready(*std::move(result));
}

// The filter at `at` gave the answer.
Task<Response> Chain::answered(size_t from, size_t at, Response answer, Exchange& exchange) const {
  exchange.filters_entered_ = static_cast<uint32_t>(at + 1);
  respond(from, at + 1, answer, exchange);
  return async::ready(std::move(answer));
}

Task<Response> Chain::run_around(size_t from, size_t at, Request& request,
                                 Exchange& exchange) const {
  exchange.filters_entered_ = static_cast<uint32_t>(at + 1);
  Task<Response> answer =
      steps_[at].around->handle(std::move(request), exchange, Next(*this, at + 1));
  if (!answer.is_ready()) return await_around(std::move(answer), from, at, exchange);
  respond(from, at, answer.value(), exchange);
  return answer;
}

Task<Response> Chain::await_handler(Task<Result<Response>> answer, size_t from, size_t to,
                                    Exchange& exchange) const {
  Result<Response> result = co_await std::move(answer);
  Response response =
      result.ok() ? *std::move(result) : local_reply(std::move(result).error(), exchange);
  respond(from, to, response, exchange);
  co_return response;
}

Task<Response> Chain::await_around(Task<Response> answer, size_t from, size_t to,
                                   Exchange& exchange) const {
  Response response = co_await std::move(answer);
  respond(from, to, response, exchange);
  co_return response;
}

void Chain::respond(size_t from, size_t to, Response& response, Exchange& exchange) const {
  if (!responds_) return;
  for (size_t i = to; i > from; --i) {
    const Step& step = steps_[i - 1];
    if (step.filter != nullptr && step.hooks.on_response) {
      step.filter->on_response(response.head, exchange);
    }
  }
}

void Chain::end(Exchange& exchange) const {
  for (const End& each : ends_) {
    if (each.at >= exchange.filters_entered_) continue;
    if (each.filter != nullptr) [[likely]] {
      each.filter->on_end(exchange);
    } else {
      each.around->on_end(exchange);
    }
  }
  exchange.filters_entered_ = 0;
}

}  // namespace layotto::http
