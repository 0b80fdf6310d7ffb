#include "api/mount.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <string>

#include "spec/proto/extension/v1/cryption/cryption.pb.h"
#include "spec/proto/extension/v1/delay_queue/delay_queue.pb.h"
#include "spec/proto/extension/v1/email/email.pb.h"
#include "spec/proto/extension/v1/phone/phone.pb.h"
#include "spec/proto/extension/v1/s3/oss.pb.h"
#include "spec/proto/extension/v1/sms/sms.pb.h"

namespace layotto::api {
namespace {

namespace extension = ::spec::proto::extension::v1;

// One file descriptor of each served service; asking for it keeps the linker from dropping the
// file.
std::vector<const google::protobuf::FileDescriptor*> served_files() {
  return {runtime::SayHelloRequest::descriptor()->file(),
          runtime::DynamicConfiguration::descriptor()->file(),
          extension::s3::PutObjectInput::descriptor()->file(),
          extension::cryption::EncryptRequest::descriptor()->file(),
          extension::delay_queue::DelayMessageRequest::descriptor()->file(),
          extension::email::SendEmailRequest::descriptor()->file(),
          extension::phone::SendVoiceWithTemplateRequest::descriptor()->file(),
          extension::sms::SendSmsWithTemplateRequest::descriptor()->file()};
}

}  // namespace

void mount(grpc::Server& server, Services services) {
  const std::string runtime_path = "/spec.proto.runtime.v1.Runtime/";
  StateApi& state = services.state;
  server.add(runtime_path + "GetState", state, &StateApi::get_state);
  server.add(runtime_path + "GetBulkState", state, &StateApi::get_bulk_state);
  server.add(runtime_path + "SaveState", state, &StateApi::save_state);
  server.add(runtime_path + "DeleteState", state, &StateApi::delete_state);
  server.add(runtime_path + "DeleteBulkState", state, &StateApi::delete_bulk_state);
  server.add(runtime_path + "ExecuteStateTransaction", state, &StateApi::execute_state_transaction);
  server.add(runtime_path + "SayHello", services.hello, &HelloApi::say_hello);
  server.add("/spec.proto.runtime.v1.Lifecycle/ApplyConfiguration", services.hello,
             &HelloApi::apply_configuration);

  const std::vector<std::string_view> built = server.paths();
  for (const google::protobuf::FileDescriptor* file : served_files()) {
    for (int s = 0; s < file->service_count(); ++s) {
      const google::protobuf::ServiceDescriptor& service = *file->service(s);
      for (int m = 0; m < service.method_count(); ++m) {
        const std::string path =
            fmt::format("/{}/{}", service.full_name(), service.method(m)->name());
        if (std::find(built.begin(), built.end(), path) == built.end()) server.add_unbuilt(path);
      }
    }
  }
}

std::vector<std::string_view> served_services() {
  std::vector<std::string_view> names;
  for (const google::protobuf::FileDescriptor* file : served_files()) {
    for (int s = 0; s < file->service_count(); ++s) names.push_back(file->service(s)->full_name());
  }
  return names;
}

}  // namespace layotto::api
