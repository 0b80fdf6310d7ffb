#include "grpc/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>
#include <string>
#include <vector>

#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "grpc/server.h"

namespace layotto::grpc {
namespace {

namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

const DescriptorPool& pool() { return *DescriptorPool::generated_pool(); }

// What one stream was told already: a file goes out once.
using SentFiles = std::set<const FileDescriptor*>;

// The file and, before it, the files it needs.
template <class Reply>
void add_file(const FileDescriptor& file, SentFiles& sent, Reply& reply) {
  if (!sent.insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i), sent, reply);
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  proto.SerializeToString(reply.add_file_descriptor_proto());
}

template <class Response>
void refuse(Error error, Response& response) {
  auto& reply = *response.mutable_error_response();
  reply.set_error_code(static_cast<int>(error.code()));
  reply.set_error_message(std::string(error.message()));
}

// Always the asked-for file itself, and what it needs unless it was sent before.
template <class Response>
void give_file(const FileDescriptor* file, std::string_view what, SentFiles& sent,
               Response& response) {
  if (file == nullptr) {
    refuse(base::not_found("there is no {}", what), response);
    return;
  }
  sent.erase(file);
  add_file(*file, sent, *response.mutable_file_descriptor_response());
}

const FileDescriptor* file_with_extension(const std::string& type, int number) {
  const auto* message = pool().FindMessageTypeByName(type);
  if (message == nullptr) return nullptr;
  const FieldDescriptor* extension = pool().FindExtensionByNumber(message, number);
  return extension == nullptr ? nullptr : extension->file();
}

template <class Response>
void give_extension_numbers(const std::string& type, Response& response) {
  const auto* message = pool().FindMessageTypeByName(type);
  if (message == nullptr) {
    refuse(base::not_found("there is no message {}", type), response);
    return;
  }
  std::vector<const FieldDescriptor*> extensions;
  pool().FindAllExtensions(message, &extensions);
  std::set<int> numbers;
  for (const FieldDescriptor* extension : extensions) numbers.insert(extension->number());
  auto& reply = *response.mutable_all_extension_numbers_response();
  reply.set_base_type_name(type);
  for (const int number : numbers) reply.add_extension_number(number);
}

template <class Request, class Response>
void answer(const Request& request, const Server& server, SentFiles& sent, Response& response) {
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kListServices: {
      auto& reply = *response.mutable_list_services_response();
      for (const std::string& service : server.services()) reply.add_service()->set_name(service);
      return;
    }
    case Request::kFileByFilename:
      give_file(pool().FindFileByName(request.file_by_filename()),
                "file " + request.file_by_filename(), sent, response);
      return;
    case Request::kFileContainingSymbol:
      give_file(pool().FindFileContainingSymbol(request.file_containing_symbol()),
                "symbol " + request.file_containing_symbol(), sent, response);
      return;
    case Request::kFileContainingExtension: {
      const auto& asked = request.file_containing_extension();
      give_file(
          file_with_extension(asked.containing_type(), asked.extension_number()),
          fmt::format("extension {} of {}", asked.extension_number(), asked.containing_type()),
          sent, response);
      return;
    }
    case Request::kAllExtensionNumbersOfType:
      give_extension_numbers(request.all_extension_numbers_of_type(), response);
      return;
    default:
      refuse(base::invalid_argument("the request asks for nothing"), response);
  }
}

template <class Request, class Response>
Task<Status> serve(const Server* server, Stream<Request, Response>* stream) {
  SentFiles sent;
  Request request;
  while (true) {
    CO_TRY(const bool more, co_await stream->read(request));
    if (!more) co_return Status{};
    Response response;
    answer(request, *server, sent, response);
    CO_TRY(co_await stream->write(response));
  }
}

}  // namespace

Task<Status> ReflectionService::info(
    Stream<v1::ServerReflectionRequest, v1::ServerReflectionResponse>& stream, http::Exchange&) {
  return serve(&server_, &stream);
}

Task<Status> ReflectionService::info_alpha(
    Stream<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>& stream,
    http::Exchange&) {
  return serve(&server_, &stream);
}

void add_reflection(Server& server, ReflectionService& reflection) {
  server.add("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", reflection,
             &ReflectionService::info);
  server.add("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", reflection,
             &ReflectionService::info_alpha);
}

}  // namespace layotto::grpc
