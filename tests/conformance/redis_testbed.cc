#include "tests/conformance/redis_testbed.h"

#include <thread>
#include <utility>

#include "components/state/redis/redis.h"
#include "tests/conformance/component_backend.h"
#include "tests/support/redis_server.h"

namespace layotto::conformance {
namespace {

class RedisBackend final : public ComponentBackend {
 public:
  explicit RedisBackend(tests::RedisServer& server)
      : ComponentBackend(components::state::redis::spec(),
                         "{redis_host: \"" + server.address() + "\"}",
                         std::make_unique<base::SystemClock>()),
        server_(server) {}

  // The server's clock cannot be turned.
  void let_pass(std::chrono::milliseconds time) override {
    std::this_thread::sleep_for(time);  // lint: allow(sleep) it is the server's time that passes
  }
  bool take_away() override {
    server_.kill();
    return true;
  }
  void bring_back() override { server_.start(); }

 private:
  tests::RedisServer& server_;
};

class RedisTestbed final : public StateTestbed {
 public:
  [[nodiscard]] std::string_view name() const override { return "redis"; }
  [[nodiscard]] blocks::StateStore::Features features() const override {
    return components::state::redis::spec().features;
  }
  [[nodiscard]] bool turns_clock() const override { return false; }
  Result<std::unique_ptr<StateBackend>> open() override {
    if (!tests::have_redis_server()) {
      return base::failed_precondition("redis-server is not installed");
    }
    if (server_ == nullptr) {
      server_ = std::make_unique<tests::RedisServer>(tests::RedisServer::Options{
          .arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    }
    CHECK(server_->command({"FLUSHALL"}) == "OK", server_->log());
    return std::unique_ptr<StateBackend>(std::make_unique<RedisBackend>(*server_));
  }

 private:
  std::unique_ptr<tests::RedisServer> server_;
};

}  // namespace

std::unique_ptr<StateTestbed> redis_testbed() { return std::make_unique<RedisTestbed>(); }

}  // namespace layotto::conformance
