// ReflectionService: what grpcurl and its like ask, in both versions of the protocol.
#include "grpc/reflection.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "grpc/health.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "grpc/server.h"
#include "spec/proto/runtime/v1/runtime.pb.h"
#include "tests/support/grpc_test_service.h"

namespace layotto::grpc {
namespace {

using tests::H2Wire;
namespace wire = tests::h2;
namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;

struct LoopAndReflection {
  LoopAndReflection() {
    add_health(server, health);
    add_reflection(server, reflection);
  }
  async::TestLoop test_loop;
  HealthService health{test_loop.loop()};
  Server server{{}};
  ReflectionService reflection{server};
};
struct ReflectionServer : LoopAndReflection, tests::ServerHarness {
  ReflectionServer() : ServerHarness(test_loop, server), peer(connect()) {}

  // Opens the stream.
  void open(std::string_view version) {
    exchange(peer, wire::request(
                       1,
                       wire::grpc(fmt::format(
                           "/grpc.reflection.{}.ServerReflection/ServerReflectionInfo", version)),
                       wire::kEndHeaders));
  }
  template <class Response, class Request>
  Response ask(const Request& request) {
    const size_t before = peer.answer(1).body.size();
    exchange(peer, wire::data(1, tests::grpc_frame(request.SerializeAsString()), wire::kNoFlags));
    const std::string_view body = std::string_view(peer.answer(1).body).substr(before);
    Response response;
    EXPECT_GE(body.size(), 5);
    EXPECT_TRUE(response.ParseFromArray(body.data() + 5, static_cast<int>(body.size() - 5)));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }
  v1::ServerReflectionResponse ask(const v1::ServerReflectionRequest& request) {
    return ask<v1::ServerReflectionResponse>(request);
  }
  H2Wire& peer;
};

std::vector<std::string> file_names(const v1::ServerReflectionResponse& response) {
  std::vector<std::string> names;
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    names.push_back(file.name());
  }
  return names;
}

TEST(GrpcReflection, ListsServices) {
  ReflectionServer s;
  s.open("v1");
  v1::ServerReflectionRequest request;
  request.set_host("here");
  request.set_list_services("");
  const auto response = s.ask(request);
  EXPECT_EQ(response.valid_host(), "here");
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"grpc.health.v1.Health",
                                             "grpc.reflection.v1.ServerReflection",
                                             "grpc.reflection.v1alpha.ServerReflection"}));
}

TEST(GrpcReflection, GivesFilesByName) {
  ReflectionServer s;
  s.open("v1");
  v1::ServerReflectionRequest request;
  request.set_file_by_filename("grpc/health/v1/health.proto");
  EXPECT_EQ(file_names(s.ask(request)), (std::vector<std::string>{"grpc/health/v1/health.proto"}));
  request.set_file_by_filename("no/such.proto");
  const auto response = s.ask(request);
  EXPECT_EQ(response.error_response().error_code(), static_cast<int>(Code::kNotFound));
  EXPECT_NE(response.error_response().error_message().find("no/such.proto"), std::string::npos);
}

TEST(GrpcReflection, GivesFilesBySymbol) {
  ReflectionServer s;
  s.open("v1");
  v1::ServerReflectionRequest request;
  for (const char* symbol :
       {"grpc.health.v1.Health", "grpc.health.v1.Health.Check", "grpc.health.v1.HealthCheckRequest",
        "grpc.health.v1.HealthCheckRequest.service",
        "grpc.health.v1.HealthCheckResponse.ServingStatus"}) {
    request.set_file_containing_symbol(symbol);
    EXPECT_EQ(file_names(s.ask(request)), (std::vector<std::string>{"grpc/health/v1/health.proto"}))
        << symbol;
  }
  request.set_file_containing_symbol("grpc.health.v1.Nothing");
  EXPECT_EQ(s.ask(request).error_response().error_code(), 5);
}

TEST(GrpcReflection, GivesWhatAFileNeedsFirstAndOnce) {
  ReflectionServer s;
  s.open("v1");
  v1::ServerReflectionRequest request;
  const std::string runtime = "spec/proto/runtime/v1/runtime.proto";
  ASSERT_EQ(spec::proto::runtime::v1::GetStateRequest::descriptor()->file()->name(), runtime);
  request.set_file_by_filename(runtime);
  const auto names = file_names(s.ask(request));
  ASSERT_GE(names.size(), 3);
  EXPECT_EQ(names.back(), runtime);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_NE(std::find(names.begin(), names.end(), "google/protobuf/any.proto"), names.end());
  // On the same stream only what is asked for comes again.
  EXPECT_EQ(file_names(s.ask(request)), (std::vector<std::string>{runtime}));
}

TEST(GrpcReflection, KnowsExtensions) {
  ReflectionServer s;
  s.open("v1");
  v1::ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("google.protobuf.MessageOptions");
  auto response = s.ask(request);
  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(),
            "google.protobuf.MessageOptions");
  request.set_all_extension_numbers_of_type("no.such.Message");
  EXPECT_EQ(s.ask(request).error_response().error_code(), 5);
  auto& extension = *request.mutable_file_containing_extension();
  extension.set_containing_type("google.protobuf.MessageOptions");
  extension.set_extension_number(99'999);
  EXPECT_EQ(s.ask(request).error_response().error_code(), 5);
  extension.set_containing_type("no.such.Message");
  EXPECT_EQ(s.ask(request).error_response().error_code(), 5);
}

TEST(GrpcReflection, AnswersAnEmptyQuestionWithAnError) {
  ReflectionServer s;
  s.open("v1");
  EXPECT_EQ(s.ask(v1::ServerReflectionRequest()).error_response().error_code(), 3);
}

TEST(GrpcReflection, SpeaksTheOlderVersion) {
  ReflectionServer s;
  s.open("v1alpha");
  v1alpha::ServerReflectionRequest request;
  request.set_list_services("*");
  EXPECT_EQ(
      s.ask<v1alpha::ServerReflectionResponse>(request).list_services_response().service_size(), 3);
  request.set_file_containing_symbol("grpc.health.v1.Health");
  EXPECT_EQ(s.ask<v1alpha::ServerReflectionResponse>(request)
                .file_descriptor_response()
                .file_descriptor_proto_size(),
            1);
  s.exchange(s.peer, wire::data(1, ""));
  EXPECT_EQ(s.peer.answer(1).trailer("grpc-status"), "0");
}

}  // namespace
}  // namespace layotto::grpc
