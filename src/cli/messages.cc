#include "cli/messages.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/nearest_name.h"
#include "cli/limits.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "spec/proto/extension/v1/cryption/cryption.pb.h"
#include "spec/proto/extension/v1/delay_queue/delay_queue.pb.h"
#include "spec/proto/extension/v1/email/email.pb.h"
#include "spec/proto/extension/v1/phone/phone.pb.h"
#include "spec/proto/extension/v1/s3/oss.pb.h"
#include "spec/proto/extension/v1/sms/sms.pb.h"
#include "spec/proto/pluggable/v1/hello/hello.pb.h"
#include "spec/proto/runtime/v1/appcallback.pb.h"
#include "spec/proto/runtime/v1/lifecycle.pb.h"
#include "spec/proto/runtime/v1/runtime.pb.h"

namespace layotto::cli {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::ServiceDescriptor;
namespace extension = ::spec::proto::extension::v1;
namespace runtime = ::spec::proto::runtime::v1;

// One message of each file with services: whatever is named here is linked in.
std::vector<const FileDescriptor*> known_files() {
  const std::array messages = {
      runtime::GetStateRequest::descriptor(),
      runtime::TopicEventRequest::descriptor(),
      runtime::DynamicConfiguration::descriptor(),
      extension::cryption::DecryptRequest::descriptor(),
      extension::delay_queue::DelayMessageRequest::descriptor(),
      extension::email::SendEmailRequest::descriptor(),
      extension::phone::SendVoiceWithTemplateRequest::descriptor(),
      extension::s3::PutObjectInput::descriptor(),
      extension::sms::SendSmsWithTemplateRequest::descriptor(),
      ::spec::proto::pluggable::v1::hello::HelloRequest::descriptor(),
      ::grpc::health::v1::HealthCheckRequest::descriptor(),
      ::grpc::reflection::v1::ServerReflectionRequest::descriptor(),
      ::grpc::reflection::v1alpha::ServerReflectionRequest::descriptor(),
  };
  std::vector<const FileDescriptor*> files;
  files.reserve(messages.size());
  for (const auto* message : messages) files.push_back(message->file());
  return files;
}

std::vector<std::string_view> service_names() {
  std::vector<std::string_view> names;
  for (const FileDescriptor* file : known_files()) {
    for (int i = 0; i < file->service_count(); ++i) names.push_back(file->service(i)->full_name());
  }
  return names;
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

// "did you mean …?", or all there are.
std::string suggestions(std::string_view name, const std::vector<std::string_view>& known) {
  std::vector<std::string_view> nearest;
  std::vector<std::string_view> left = known;
  while (nearest.size() < kSuggestionsMax) {
    const std::string_view next = base::nearest_name(name, left);
    if (next.empty()) break;
    nearest.push_back(next);
    std::erase(left, next);
  }
  if (!nearest.empty()) return "did you mean " + joined(nearest) + "?";
  return "there are " + joined(known);
}

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

// Those that end with the same word come before those that look alike.
std::string service_suggestions(std::string_view name) {
  const std::vector<std::string_view> all = service_names();
  std::vector<std::string_view> same;
  for (const std::string_view known : all) {
    if (base::equal_but_case(last_part(known), last_part(name))) same.push_back(known);
  }
  return same.empty() ? suggestions(name, all) : "did you mean " + joined(same) + "?";
}

std::string text_of(const google::protobuf::util::Status& status) {
  const auto message = status.message();
  return {message.data(), message.size()};
}

}  // namespace

Result<const MethodDescriptor*> find_method(std::string_view name) {
  if (name.starts_with('/')) name.remove_prefix(1);
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == name.size()) {
    return base::invalid_argument(
        "'{}' names no rpc: write SERVICE/METHOD, as in spec.proto.runtime.v1.Runtime/GetState",
        name);
  }
  const std::string_view service_name = name.substr(0, slash);
  const std::string_view method_name = name.substr(slash + 1);
  const std::vector<std::string_view> services = service_names();
  if (std::find(services.begin(), services.end(), service_name) == services.end()) {
    return base::invalid_argument("the service '{}' is not known here; {}", service_name,
                                  service_suggestions(service_name));
  }
  const ServiceDescriptor* service =
      DescriptorPool::generated_pool()->FindServiceByName(std::string(service_name));
  std::vector<std::string_view> methods;
  for (int i = 0; i < service->method_count(); ++i) {
    if (service->method(i)->name() == method_name) return service->method(i);
    methods.push_back(service->method(i)->name());
  }
  return base::invalid_argument("{} has no rpc '{}'; {}", service_name, method_name,
                                suggestions(method_name, methods));
}

std::string path_of(const MethodDescriptor& method) {
  return fmt::format("/{}/{}", method.service()->full_name(), method.name());
}

std::unique_ptr<Message> make_message(const google::protobuf::Descriptor& type) {
  const Message* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type);
  CHECK(prototype != nullptr, "a message of a linked file has no class");
  return std::unique_ptr<Message>(prototype->New());
}

Status parse_json(std::string_view text, Message& into) {
  into.Clear();
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  const auto parsed =
      google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, &into);
  if (parsed.ok()) return {};
  return base::invalid_argument("the JSON is not a {}: {}", into.GetDescriptor()->full_name(),
                                text_of(parsed));
}

Result<std::string> to_json(const Message& message, JsonLayout layout) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = layout == JsonLayout::kIndented;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto printed = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!printed.ok()) {
    return base::internal("the answer cannot be written as JSON: {}", text_of(printed));
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace layotto::cli
