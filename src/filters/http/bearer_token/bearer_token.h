// BearerTokenFilter: lets in only requests that carry `authorization: Bearer <token>`. The
// comparison takes the same time whatever is wrong. The token is exchanged on the worker's thread
// when its file changes; while there is none (the file is empty or unreadable) everything is
// refused.
#pragma once

#include <string>

#include "base/tally.h"
#include "config/secret.h"
#include "http/filter.h"

namespace layotto::filters::http::bearer_token {

class BearerTokenFilter final : public layotto::http::Filter {
 public:
  std::optional<layotto::http::Response> on_request(layotto::http::RequestHead& head,
                                                    layotto::http::Exchange& exchange) override;

  // On the worker's thread; an empty token refuses everybody.
  void set_token(config::Secret token) { token_ = std::move(token); }
  [[nodiscard]] const base::Tally& refused() const { return refused_; }

 private:
  config::Secret token_;
  base::Tally refused_;
};

}  // namespace layotto::filters::http::bearer_token
