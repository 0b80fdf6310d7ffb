// grpc++, a client nobody here wrote, against the running binary:
//   layotto-grpcpp-client ADDRESS PID      (the last check sends the sidecar SIGTERM)
// Prints a line per check; the exit status is the number of those that failed.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "spec/proto/runtime/v1/runtime.grpc.pb.h"

namespace {

namespace health = grpc::health::v1;
namespace reflection = grpc::reflection::v1;
namespace runtime = spec::proto::runtime::v1;
using grpc::StatusCode;

constexpr int kMib = 1024 * 1024;
int failures = 0;

void expect(bool good, const std::string& what, const std::string& found = "") {
  std::printf("%s: %s%s%s\n", good ? "ok" : "FAILED", what.c_str(), found.empty() ? "" : ": ",
              found.c_str());
  if (!good) ++failures;
}
void expect(const grpc::Status& status, StatusCode code, const std::string& what) {
  expect(status.error_code() == code, what,
         status.error_code() == code
             ? ""
             : std::to_string(status.error_code()) + " " + status.error_message());
}

void set_patience(grpc::ClientContext& context, int seconds = 60) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(seconds));
}

class Client {
 public:
  explicit Client(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1);
    arguments.SetInt(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    runtime_ = runtime::Runtime::NewStub(channel_);
    health_ = health::Health::NewStub(channel_);
    reflection_ = reflection::ServerReflection::NewStub(channel_);
  }

  grpc::Status save(const std::string& key, const std::string& value, bool gzip = false) {
    grpc::ClientContext context;
    set_patience(context);
    if (gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    runtime::SaveStateRequest request;
    request.set_store_name("demo");
    runtime::StateItem& item = *request.add_states();
    item.set_key(key);
    item.set_value(value);
    google::protobuf::Empty reply;
    return runtime_->SaveState(&context, request, &reply);
  }
  grpc::Status get(const std::string& key, std::string& value, bool gzip = false) {
    grpc::ClientContext context;
    set_patience(context);
    context.AddMetadata("x-text", "value");
    context.AddMetadata("x-binary-bin", std::string("\0\xff\x7f", 3));
    if (gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    runtime::GetStateRequest request;
    request.set_store_name("demo");
    request.set_key(key);
    runtime::GetStateResponse reply;
    const grpc::Status status = runtime_->GetState(&context, request, &reply);
    value = reply.data();
    return status;
  }

  void unary() {
    std::string value;
    expect(save("a", "one"), StatusCode::OK, "unary: save");
    expect(get("a", value), StatusCode::OK, "unary: get, with binary metadata");
    expect(value == "one", "unary: the value");
    const std::string text(200'000, 'z');
    expect(save("z", text, /*gzip=*/true), StatusCode::OK, "gzip: save");
    expect(get("z", value, /*gzip=*/true), StatusCode::OK, "gzip: get");
    expect(value == text, "gzip: the value");
    const std::string large(4 * kMib - 1000, 'l');
    expect(save("l", large), StatusCode::OK, "a message just under the limit");
    expect(get("l", value), StatusCode::OK, "the same back");
    expect(value == large, "the same value");
    expect(save("m", std::string(4 * kMib, 'm')), StatusCode::RESOURCE_EXHAUSTED,
           "a message over the limit");
  }

  void server_streaming() {
    grpc::ClientContext context;
    set_patience(context);
    const auto watching = health_->Watch(&context, health::HealthCheckRequest());
    health::HealthCheckResponse reply;
    expect(watching->Read(&reply) && reply.status() == health::HealthCheckResponse::SERVING,
           "server streaming: the first message");
    context.TryCancel();
    while (watching->Read(&reply)) {
    }
    expect(watching->Finish(), StatusCode::CANCELLED, "a stream is cancelled");

    grpc::ClientContext short_context;
    set_patience(short_context, 1);
    const auto expiring = health_->Watch(&short_context, health::HealthCheckRequest());
    while (expiring->Read(&reply)) {
    }
    expect(expiring->Finish(), StatusCode::DEADLINE_EXCEEDED, "a stream's deadline");
  }

  void client_streaming() {
    grpc::ClientContext context;
    set_patience(context);
    google::protobuf::Empty reply;
    const auto putting = runtime_->PutFile(&context, &reply);
    runtime::PutFileRequest part;
    part.set_data(std::string(10'000, 'p'));
    for (int i = 0; i < 1000 && putting->Write(part); ++i) {
    }
    putting->WritesDone();
    const grpc::Status status = putting->Finish();
    expect(status, StatusCode::UNIMPLEMENTED, "client streaming, of an rpc that is not built");
    expect(status.error_message().find("PutFile") != std::string::npos, "which is named");
  }

  void both_ways() {
    grpc::ClientContext context;
    set_patience(context);
    const auto talk = reflection_->ServerReflectionInfo(&context);
    reflection::ServerReflectionRequest ask;
    ask.set_list_services("");
    reflection::ServerReflectionResponse reply;
    int answered = 0;
    for (int i = 0; i < 200; ++i) {
      if (talk->Write(ask) && talk->Read(&reply)) ++answered;
    }
    expect(answered == 200, "both ways: every question is answered", std::to_string(answered));
    talk->WritesDone();
    expect(!talk->Read(&reply), "both ways: the end");
    expect(talk->Finish(), StatusCode::OK, "both ways: the status");
  }

  void drain(pid_t sidecar) {
    grpc::ClientContext context;
    set_patience(context);
    const auto talk = reflection_->ServerReflectionInfo(&context);
    reflection::ServerReflectionRequest ask;
    ask.set_list_services("");
    reflection::ServerReflectionResponse reply;
    expect(talk->Write(ask) && talk->Read(&reply), "drain: a stream is open");
    kill(sidecar, SIGTERM);
    // It goes away for new calls.
    while (channel_->GetState(false) == GRPC_CHANNEL_READY) {
      channel_->WaitForStateChange(GRPC_CHANNEL_READY,
                                   std::chrono::system_clock::now() + std::chrono::seconds(60));
    }
    expect(talk->Write(ask) && talk->Read(&reply), "drain: the stream goes on");
    talk->WritesDone();
    expect(!talk->Read(&reply), "drain: the stream ends with its client");
    expect(talk->Finish(), StatusCode::OK, "drain: the status");
    std::string value;
    expect(get("a", value), StatusCode::UNAVAILABLE, "drain: a new call is refused");
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<runtime::Runtime::Stub> runtime_;
  std::unique_ptr<health::Health::Stub> health_;
  std::unique_ptr<reflection::ServerReflection::Stub> reflection_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: layotto-grpcpp-client ADDRESS PID\n");
    return 2;
  }
  Client client(argv[1]);
  client.unary();
  client.server_streaming();
  client.client_streaming();
  client.both_ways();
  client.drain(std::atoi(argv[2]));
  return failures;
}
