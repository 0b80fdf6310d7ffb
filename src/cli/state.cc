#include "cli/state.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include "cli/sidecar.h"
#include "grpc/channel.h"
#include "spec/proto/runtime/v1/runtime.pb.h"

namespace layotto::cli {
namespace {

namespace runtime = ::spec::proto::runtime::v1;
using google::protobuf::Empty;

constexpr std::string_view kService = "/spec.proto.runtime.v1.Runtime/";

Task<Status> ask(Sidecar& sidecar, std::string_view method,
                 const google::protobuf::Message& request, google::protobuf::Message& reply) {
  co_return co_await sidecar.channel().call(
      std::string(kService) + std::string(method), request, reply,
      {.deadline = sidecar.deadline(), .metadata = sidecar.credentials()});
}

Status check_options(const std::string& verb, const StateOptions& options) {
  if (verb == "get" && options.etag.has_value()) {
    return base::invalid_argument("--etag is for save and delete");
  }
  if (verb != "save" && options.first_write) {
    return base::invalid_argument("--first-write is for save");
  }
  if (verb != "save" && options.ttl.has_value()) {
    return base::invalid_argument("--ttl is for save");
  }
  if (options.etag.has_value() && options.etag->empty()) {
    return base::invalid_argument("an etag is never empty");
  }
  if (options.ttl.has_value()) {
    const std::string& text = *options.ttl;
    int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds <= 0) {
      return base::invalid_argument("--ttl wants whole seconds, not '{}'", text);
    }
  }
  return {};
}

Status get(const std::string& key, const StateOptions& options) {
  runtime::GetStateRequest request;
  request.set_store_name(options.store);
  request.set_key(key);
  runtime::GetStateResponse reply;
  TRY(with_sidecar(options.target,
                   [&](Sidecar& sidecar) { return ask(sidecar, "GetState", request, reply); }));
  // An empty value has an etag.
  if (reply.etag().empty() && reply.data().empty()) {
    return base::not_found("the key '{}' does not exist in {}", key, options.store);
  }
  TRY(print(options.console, reply.data()));
  if (options.console.out_is_terminal()) return print(options.console, "\n");
  return {};
}

Status save(const std::string& key, std::string value, const StateOptions& options) {
  runtime::SaveStateRequest request;
  request.set_store_name(options.store);
  runtime::StateItem& item = *request.add_states();
  item.set_key(key);
  item.set_value(std::move(value));
  if (options.etag.has_value()) item.mutable_etag()->set_value(*options.etag);
  if (options.first_write) {
    item.mutable_options()->set_concurrency(runtime::StateOptions::CONCURRENCY_FIRST_WRITE);
  }
  if (options.ttl.has_value()) (*item.mutable_metadata())["ttlInSeconds"] = *options.ttl;
  Empty reply;
  return with_sidecar(options.target,
                      [&](Sidecar& sidecar) { return ask(sidecar, "SaveState", request, reply); });
}

Status remove(const std::string& key, const StateOptions& options) {
  runtime::DeleteStateRequest request;
  request.set_store_name(options.store);
  request.set_key(key);
  if (options.etag.has_value()) request.mutable_etag()->set_value(*options.etag);
  Empty reply;
  return with_sidecar(options.target, [&](Sidecar& sidecar) {
    return ask(sidecar, "DeleteState", request, reply);
  });
}

Status run(const std::vector<std::string>& words, const StateOptions& options) {
  const std::string verb = words.empty() ? "" : words[0];
  const size_t wanted = verb == "save" ? 3 : 2;
  if ((verb != "get" && verb != "save" && verb != "delete") || words.size() != wanted) {
    return base::invalid_argument(
        "write: layotto state get KEY, layotto state save KEY VALUE (or - for stdin), "
        "layotto state delete KEY");
  }
  TRY(check_options(verb, options));
  const std::string& key = words[1];
  if (verb == "get") return get(key, options);
  if (verb == "delete") return remove(key, options);
  if (words[2] != "-") return save(key, words[2], options);
  TRY(std::string value, read_input(options.console));
  return save(key, std::move(value), options);
}

}  // namespace

int state(const std::vector<std::string>& words, const StateOptions& options) {
  return finish(options.console, run(words, options));
}

}  // namespace layotto::cli
