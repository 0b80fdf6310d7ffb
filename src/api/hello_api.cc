#include "api/hello_api.h"

#include <map>

namespace layotto::api {

blocks::Hello* HelloApi::find(std::string_view name) const {
  for (const Entry& entry : hellos_) {
    if (entry.name == name) return entry.hello;
  }
  return nullptr;
}

Task<Status> HelloApi::say_hello(const runtime::SayHelloRequest& request,
                                 runtime::SayHelloResponse& reply, http::Exchange&) {
  blocks::Hello* hello = find(request.service_name());
  if (hello == nullptr) return async::failed<Status>(base::unknown("no instance found"));
  if (request.has_data()) *reply.mutable_data() = request.data();
  return hello->say_hello(request.name(), *reply.mutable_hello());
}

Task<Status> HelloApi::apply_configuration(const runtime::DynamicConfiguration& request,
                                           runtime::ApplyConfigurationResponse&, http::Exchange&) {
  const runtime::ComponentConfig& config = request.component_config();
  const auto refuse = [](std::string_view why) {
    return async::failed<Status>(base::invalid_argument("{}", why));
  };
  if (config.kind().empty()) return refuse("field kind is not configured");
  if (config.name().empty()) return refuse("field name is not configured");
  if (config.metadata().empty()) return refuse("field metadata is not configured");
  blocks::Hello* hello = config.kind() == "hellos" ? find(config.name()) : nullptr;
  if (hello == nullptr) {
    return refuse(
        fmt::format("component not found. kind: {} , name: {}", config.kind(), config.name()));
  }
  const std::map<std::string, std::string> settings(config.metadata().begin(),
                                                    config.metadata().end());
  return async::ready(hello->apply_configuration(settings));
}

}  // namespace layotto::api
