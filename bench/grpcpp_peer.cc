// The peer of the benchmarks: GetState and SaveState of the same service on grpc++ (Debian's),
// with the callback API, one thread of work and a hash map. abseil's deadlock detection, which
// Debian builds leave on, is switched off: it would make the peer look worse than it is.
//
//   layotto-grpcpp-peer ADDRESS   (127.0.0.1:50051 or unix:/path); ends on SIGTERM
#include <absl/synchronization/mutex.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <cstdio>
#include <string>
#include <unordered_map>

#include "spec/proto/runtime/v1/runtime.grpc.pb.h"

namespace {

namespace runtime = spec::proto::runtime::v1;

class Service final : public runtime::Runtime::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetState(grpc::CallbackServerContext* context,
                                     const runtime::GetStateRequest* request,
                                     runtime::GetStateResponse* reply) override {
    {
      const absl::MutexLock lock(&mutex_);
      if (const auto found = values_.find(request->key()); found != values_.end()) {
        reply->set_data(found->second.value);
        reply->set_etag(std::to_string(found->second.version));
      }
    }
    return finish(context);
  }

  grpc::ServerUnaryReactor* SaveState(grpc::CallbackServerContext* context,
                                      const runtime::SaveStateRequest* request,
                                      google::protobuf::Empty* /*reply*/) override {
    {
      const absl::MutexLock lock(&mutex_);
      for (const auto& item : request->states()) {
        Entry& entry = values_[item.key()];
        entry.value = item.value();
        entry.version += 1;
      }
    }
    return finish(context);
  }

 private:
  struct Entry {
    std::string value;
    uint64_t version = 0;
  };

  static grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext* context) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  absl::Mutex mutex_;
  std::unordered_map<std::string, Entry> values_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: layotto-grpcpp-peer ADDRESS\n");
    return 2;
  }
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("ready\n");
  std::fflush(stdout);
  int number = 0;
  sigwait(&signals, &number);
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  return 0;
}
