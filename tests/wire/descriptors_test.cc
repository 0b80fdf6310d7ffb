// The compiled .proto files against descriptor_table.txt. The table was written from the published
// contract and not from our files, so that neither can drift: clients in other languages were
// generated from the same facts, and keep working only while the two agree.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "spec/proto/extension/v1/cryption/cryption.pb.h"
#include "spec/proto/extension/v1/delay_queue/delay_queue.pb.h"
#include "spec/proto/extension/v1/email/email.pb.h"
#include "spec/proto/extension/v1/phone/phone.pb.h"
#include "spec/proto/extension/v1/s3/oss.pb.h"
#include "spec/proto/extension/v1/sms/sms.pb.h"
#include "spec/proto/pluggable/v1/common/common.pb.h"
#include "spec/proto/pluggable/v1/hello/hello.pb.h"
#include "spec/proto/runtime/v1/appcallback.pb.h"
#include "spec/proto/runtime/v1/lifecycle.pb.h"
#include "spec/proto/runtime/v1/runtime.pb.h"

namespace layotto::wire {
namespace {

namespace pb = ::google::protobuf;
namespace extension = ::spec::proto::extension::v1;
namespace pluggable = ::spec::proto::pluggable::v1;
namespace runtime = ::spec::proto::runtime::v1;

const std::string kProtoFolder = LAYOTTO_SOURCE_DIR "/proto";
const std::string kTablePath = LAYOTTO_SOURCE_DIR "/tests/wire/descriptor_table.txt";

// One message of each file: naming it keeps the linker from leaving the file out.
std::vector<const pb::FileDescriptor*> linked_files() {
  return {
      runtime::SayHelloRequest::descriptor()->file(),
      runtime::TopicEventRequest::descriptor()->file(),
      runtime::DynamicConfiguration::descriptor()->file(),
      extension::s3::PutObjectInput::descriptor()->file(),
      extension::cryption::EncryptRequest::descriptor()->file(),
      extension::delay_queue::DelayMessageRequest::descriptor()->file(),
      extension::email::SendEmailRequest::descriptor()->file(),
      extension::phone::SendVoiceWithTemplateRequest::descriptor()->file(),
      extension::sms::SendSmsWithTemplateRequest::descriptor()->file(),
      pluggable::common::Config::descriptor()->file(),
      pluggable::hello::HelloRequest::descriptor()->file(),
  };
}

// Names of the files under proto/spec, as they import one another.
std::vector<std::string> files_on_disk() {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(kProtoFolder + "/spec", error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ".proto") {
      names.push_back(entry->path().string().substr(kProtoFolder.size() + 1));
    }
  }
  EXPECT_FALSE(error) << kProtoFolder << ": " << error.message();
  std::sort(names.begin(), names.end());
  return names;
}

// A descriptor as lines of the table, each about one subject: a file or a full name.
class Renderer {
 public:
  explicit Renderer(std::set<std::string>& lines) : lines_(lines) {}

  void render(const pb::FileDescriptor& file) {
    const bool proto3 = file.syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
    add(file.name(), "(package " + file.package() + (proto3 ? ", proto3)" : ", not proto3)"));
    for (const std::string& option : options_of(file.options())) add(file.name(), option);
    for (int i = 0; i < file.service_count(); ++i) render(*file.service(i));
    for (int i = 0; i < file.message_type_count(); ++i) render(*file.message_type(i));
    for (int i = 0; i < file.enum_type_count(); ++i) render(*file.enum_type(i));
    for (int i = 0; i < file.extension_count(); ++i) add(file.name(), "extension");
  }

 private:
  void add(const std::string& subject, const std::string& fact) {
    lines_.insert(subject + " " + fact);
  }

  void render(const pb::ServiceDescriptor& service) {
    add(service.full_name(), "(service in " + service.file()->name() + ")");
    for (const std::string& option : options_of(service.options())) {
      add(service.full_name(), option);
    }
    for (int i = 0; i < service.method_count(); ++i) {
      const pb::MethodDescriptor& method = *service.method(i);
      add(service.full_name(),
          "rpc " + method.name() + "(" + stream_word(method.client_streaming()) +
              method.input_type()->full_name() + ") returns (" +
              stream_word(method.server_streaming()) + method.output_type()->full_name() + ")" +
              appended_options_of(method.options()));
    }
  }

  void render(const pb::Descriptor& message) {
    add(message.full_name(), "(message in " + message.file()->name() + ")");
    for (const std::string& option : options_of(message.options())) {
      add(message.full_name(), option);
    }
    for (int i = 0; i < message.field_count(); ++i) render(*message.field(i));
    for (int i = 0; i < message.enum_type_count(); ++i) render(*message.enum_type(i));
    for (int i = 0; i < message.nested_type_count(); ++i) {
      // The entries of a map are told by the type of the map.
      if (!message.nested_type(i)->options().map_entry()) render(*message.nested_type(i));
    }
  }

  void render(const pb::FieldDescriptor& field) {
    std::string fact = "field " + two_digits(field.number()) + " " + field.name() + " : ";
    if (field.is_map()) {
      fact += "map<" + type_of(*field.message_type()->map_key()) + ", " +
              type_of(*field.message_type()->map_value()) + ">";
    } else {
      if (field.is_repeated()) fact += "repeated ";
      if (field.is_required()) fact += "required ";
      if (field.has_optional_keyword()) fact += "optional ";
      fact += type_of(field);
    }
    if (field.real_containing_oneof() != nullptr) {
      fact += ", oneof " + field.real_containing_oneof()->name();
    }
    if (field.json_name() != usual_json_name(field.name())) {
      fact += ", json_name " + field.json_name();
    }
    add(field.containing_type()->full_name(), fact + appended_options_of(field.options()));
  }

  void render(const pb::EnumDescriptor& enumeration) {
    add(enumeration.full_name(), "(enum in " + enumeration.file()->name() + ")");
    for (const std::string& option : options_of(enumeration.options())) {
      add(enumeration.full_name(), option);
    }
    for (int i = 0; i < enumeration.value_count(); ++i) {
      const pb::EnumValueDescriptor& value = *enumeration.value(i);
      add(enumeration.full_name(), "value " + two_digits(value.number()) + " " + value.name() +
                                       appended_options_of(value.options()));
    }
  }

  static std::string stream_word(bool streaming) { return streaming ? "stream " : ""; }

  static std::string two_digits(int number) {
    return (number >= 0 && number < 10 ? "0" : "") + std::to_string(number);
  }

  static std::string type_of(const pb::FieldDescriptor& field) {
    if (field.message_type() != nullptr) return field.message_type()->full_name();
    if (field.enum_type() != nullptr) return field.enum_type()->full_name();
    return field.type_name();
  }

  // The name JSON uses unless the file says otherwise.
  static std::string usual_json_name(std::string_view name) {
    std::string json;
    bool upper = false;
    for (const char c : name) {
      if (c != '_') json += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = c == '_';
    }
    return json;
  }

  // Every option that is set, whichever it is: "option java_package = ...".
  static std::vector<std::string> options_of(const pb::Message& options) {
    std::vector<const pb::FieldDescriptor*> fields;
    options.GetReflection()->ListFields(options, &fields);
    std::vector<std::string> facts;
    for (const pb::FieldDescriptor* field : fields) {
      std::string value;
      pb::TextFormat::PrintFieldValueToString(options, field, -1, &value);
      facts.push_back("option " + field->name() + " = " + value);
    }
    return facts;
  }

  static std::string appended_options_of(const pb::Message& options) {
    std::string text;
    for (const std::string& fact : options_of(options)) text += ", " + fact;
    return text;
  }

  std::set<std::string>& lines_;
};

std::set<std::string> compiled_lines() {
  std::set<std::string> lines;
  Renderer renderer(lines);
  for (const pb::FileDescriptor* file : linked_files()) renderer.render(*file);
  return lines;
}

// The lines of the table in their order, without comments and empty lines.
std::vector<std::string> table_lines() {
  std::ifstream file(kTablePath);
  EXPECT_TRUE(file.is_open()) << "cannot read " << kTablePath;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

template <class Range>
std::string one_per_line(const Range& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

TEST(WireContract, EveryProtoFileIsCompiledIn) {
  std::vector<std::string> compiled;
  for (const pb::FileDescriptor* file : linked_files()) compiled.push_back(file->name());
  std::sort(compiled.begin(), compiled.end());
  EXPECT_EQ(files_on_disk(), compiled)
      << "Remedy: add a message of the new file to linked_files() in " << __FILE__
      << ", or restore the file; published files stay where they are.";
}

TEST(WireContract, TableIsSortedAndWithoutDuplicates) {
  const std::vector<std::string> lines = table_lines();
  ASSERT_FALSE(lines.empty());
  for (size_t i = 1; i < lines.size(); ++i) {
    EXPECT_LT(lines[i - 1], lines[i]) << "Remedy: sort " << kTablePath << " by byte (LC_ALL=C).";
  }
}

TEST(WireContract, NothingPublishedIsMissingOrChanged) {
  const std::vector<std::string> table = table_lines();
  const std::set<std::string> compiled = compiled_lines();
  std::vector<std::string> missing;
  std::copy_if(table.begin(), table.end(), std::back_inserter(missing),
               [&compiled](const std::string& line) { return !compiled.contains(line); });
  EXPECT_TRUE(missing.empty())
      << "In " << kTablePath << " but not in the compiled .proto files:\n"
      << one_per_line(missing)
      << "Clients rely on each of these lines. Remedy: give the .proto file its former name, "
         "number, type or option back; do not edit the table.";
}

TEST(WireContract, NothingUnpublishedIsCompiledIn) {
  const std::vector<std::string> lines = table_lines();
  const std::set<std::string> table(lines.begin(), lines.end());
  const std::set<std::string> compiled = compiled_lines();
  std::vector<std::string> unknown;
  std::copy_if(compiled.begin(), compiled.end(), std::back_inserter(unknown),
               [&table](const std::string& line) { return !table.contains(line); });
  EXPECT_TRUE(unknown.empty())
      << "In the compiled .proto files but not in " << kTablePath << ":\n"
      << one_per_line(unknown)
      << "Remedy: if this is the other side of a line reported as missing, restore the .proto "
         "file; if it is an addition with a name and a number never used before, add the line.";
}

}  // namespace
}  // namespace layotto::wire
