#include "filters/http/bearer_token/bearer_token.h"

#include "http/h1/fields.h"
#include "http/local_reply.h"
#include "net/constant_time.h"

namespace layotto::filters::http::bearer_token {

using layotto::http::HeaderId;
using layotto::http::Response;

namespace {

// Nothing when there is none, and when there are two: which one counts would be a guess.
std::optional<std::string_view> presented_token(const layotto::http::HeaderMap& headers) {
  constexpr std::string_view kScheme = "bearer ";
  std::optional<std::string_view> value;
  for (const layotto::http::HeaderField& field : headers.fields()) {
    if (field.id != HeaderId::kAuthorization) continue;
    if (value.has_value()) return std::nullopt;
    value = field.value;
  }
  if (!value.has_value() ||
      !layotto::http::h1::equals_ignoring_case(value->substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  return value->substr(kScheme.size());
}

}  // namespace

std::optional<Response> BearerTokenFilter::on_request(layotto::http::RequestHead& head,
                                                      layotto::http::Exchange& exchange) {
  const auto presented = presented_token(head.headers);
  if (presented.has_value() && !token_.empty() &&
      net::constant_time_equal(*presented, token_.reveal())) {
    return {};
  }
  refused_.add();
  exchange.failure_reason = "bearer_token_refused";
  Response refused = layotto::http::local_reply(
      base::unauthenticated("this listener wants 'authorization: Bearer <token>' with the token of "
                            "its token_file")
          .downstream(),
      exchange);
  refused.head.headers.add(HeaderId::kWwwAuthenticate, "Bearer", exchange.arena);
  return refused;
}

}  // namespace layotto::filters::http::bearer_token
