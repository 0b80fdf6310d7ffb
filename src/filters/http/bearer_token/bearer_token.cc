#include "filters/http/bearer_token/bearer_token.h"

#include "http/local_reply.h"
#include "net/constant_time.h"

namespace layotto::filters::http::bearer_token {

using layotto::http::HeaderId;
using layotto::http::Response;

std::optional<Response> BearerTokenFilter::on_request(layotto::http::RequestHead& head,
                                                      layotto::http::Exchange& exchange) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto value = head.headers.get(HeaderId::kAuthorization);
  if (value.has_value() && value->starts_with(kScheme) && !token_.empty() &&
      net::constant_time_equal(value->substr(kScheme.size()), token_.reveal())) {
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
