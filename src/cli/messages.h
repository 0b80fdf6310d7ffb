// The services this binary knows, by the descriptors that are linked in, and their messages as
// JSON.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace layotto::cli {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// By "package.Service/Method", with or without a leading '/'. The Error suggests names.
Result<const MethodDescriptor*> find_method(std::string_view name);
// As gRPC has it: "/package.Service/Method".
std::string path_of(const MethodDescriptor& method);

std::unique_ptr<Message> make_message(const google::protobuf::Descriptor& type);
// Blank text is an empty message. Errors say where.
Status parse_json(std::string_view text, Message& into);
enum class JsonLayout : uint8_t { kOneLine, kIndented };
// Fields have the names of the .proto.
Result<std::string> to_json(const Message& message, JsonLayout layout);

}  // namespace layotto::cli
