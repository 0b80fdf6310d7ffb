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
}

void Chain::add(std::string_view stage, std::unique_ptr<AroundFilter> filter) {
  steps_.push_back({.stage = stage, .filter = nullptr, .around = std::move(filter), .hooks = {}});
}

Task<Response> Chain::handle(Request request, Exchange& exchange) const {
  return run(0, request, exchange);
}

Task<Response> Chain::run(size_t index, Request& request, Exchange& exchange) const {
  size_t i = index;
  for (; i < steps_.size() && steps_[i].filter != nullptr; ++i) {
    const Step& step = steps_[i];
    if (!step.hooks.on_request) continue;
    exchange.stage = step.stage;
    if (auto answer = step.filter->on_request(request.head, exchange); answer.has_value()) {
      exchange.filters_entered_ = static_cast<uint32_t>(i + 1);
      respond(index, i + 1, *answer, exchange);
      return async::ready(std::move(*answer));
    }
  }
  if (i < steps_.size()) {
    exchange.stage = steps_[i].stage;
    exchange.filters_entered_ = static_cast<uint32_t>(i + 1);
    Task<Response> answer =
        steps_[i].around->handle(std::move(request), exchange, Next(*this, i + 1));
    if (!answer.is_ready()) return await_around(std::move(answer), index, i, exchange);
    Response response = std::move(answer).take();
    respond(index, i, response, exchange);
    return async::ready(std::move(response));
  }
  exchange.filters_entered_ = static_cast<uint32_t>(i);
  exchange.stage = handler_stage_;
  Task<Result<Response>> answer = handler_.handle(std::move(request), exchange);
  if (!answer.is_ready()) return await_handler(std::move(answer), index, i, exchange);
  Result<Response> result = std::move(answer).take();
  if (!result.ok()) [[unlikely]]
    result = local_reply(std::move(result).error(), exchange);
  respond(index, i, *result, exchange);
  return async::ready(*std::move(result));
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
  for (size_t i = exchange.filters_entered_; i > 0; --i) {
    const Step& step = steps_[i - 1];
    if (step.filter == nullptr) {
      step.around->on_end(exchange);
    } else if (step.hooks.on_end) {
      step.filter->on_end(exchange);
    }
  }
  exchange.filters_entered_ = 0;
}

}  // namespace layotto::http
