// HelloApi: SayHello, and ApplyConfiguration of the Lifecycle service for the components that take
// settings while they run.
//
// SayHello: UNKNOWN "no instance found" when no `hellos` entry has that name; `data` of the request
// is echoed untouched. ApplyConfiguration: INVALID_ARGUMENT when kind, name or metadata are missing
// or name no such component.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/error.h"
#include "blocks/hello.h"
#include "http/exchange.h"
#include "spec/proto/runtime/v1/lifecycle.pb.h"
#include "spec/proto/runtime/v1/runtime.pb.h"

namespace layotto::api {

namespace runtime = ::spec::proto::runtime::v1;

class HelloApi {
 public:
  // `hello` outlives the API.
  void add(std::string name, blocks::Hello& hello) { hellos_.push_back({std::move(name), &hello}); }

  Task<Status> say_hello(const runtime::SayHelloRequest& request, runtime::SayHelloResponse& reply,
                         http::Exchange& exchange);
  Task<Status> apply_configuration(const runtime::DynamicConfiguration& request,
                                   runtime::ApplyConfigurationResponse& reply,
                                   http::Exchange& exchange);

 private:
  struct Entry {
    std::string name;
    blocks::Hello* hello;
  };
  [[nodiscard]] blocks::Hello* find(std::string_view name) const;

  std::vector<Entry> hellos_;
};

}  // namespace layotto::api
