#include "tests/conformance/redis_testbed.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "blocks/scoped_state_store.h"
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

// What the other ways to run Redis are tested with: they differ in where commands go, not in what
// these do.
bool is_about_where(std::string_view case_name) {
  for (const std::string_view kind :
       {"Put", "Get", "Large", "Key", "Delete", "Bulk", "Etag", "FirstWrite", "Before", "After",
        "Healthy", "Fronts", "Restart", "Stopped", "Many", "RaceLosesNoUpdate", "Layotto",
        "RedisEtag", "RedisFirstWrite"}) {
    if (case_name.starts_with(kind)) return true;
  }
  return false;
}

bool is_about_transactions(std::string_view case_name) {
  if (case_name == "TransactionOfLongKeys") return false;  // the prefix leaves no room
  return case_name.starts_with("Transaction") || case_name == "RedisTransactionPartlyApplied" ||
         case_name == "RaceOfTransfersKeepsTheSum";
}

std::string joined(const std::vector<std::string>& addresses) {
  std::string all;
  for (const std::string& address : addresses) all += (all.empty() ? "" : ",") + address;
  return all;
}

// Several servers, which stay where they are.
class RedisServersBackend : public ComponentBackend {
 public:
  explicit RedisServersBackend(const std::string& settings)
      : ComponentBackend(components::state::redis::spec(), settings,
                         std::make_unique<base::SystemClock>()) {}
  void let_pass(std::chrono::milliseconds time) override {
    std::this_thread::sleep_for(time);  // lint: allow(sleep) it is the servers' time that passes
  }
};

// All keys in one slot, as the keys of a transaction must be.
class TaggedBackend final : public RedisServersBackend {
 public:
  using RedisServersBackend::RedisServersBackend;
  StateFront make_front(async::Loop& loop) override {
    auto inner = std::make_shared<StateFront>(RedisServersBackend::make_front(loop));
    auto scoped = blocks::ScopedStateStore::make(
        *inner->store, {.key_prefix = "{tag}", .store_name = {}, .app_id = {}});
    CHECK(scoped.ok(), scoped.error().message());
    return {.worker = std::move(inner), .store = *std::move(scoped)};
  }
};

class RedisClusterTestbed final : public StateTestbed {
 public:
  enum class Keys : uint8_t { kScattered, kTagged };
  explicit RedisClusterTestbed(Keys keys) : keys_(keys) {}

  [[nodiscard]] std::string_view name() const override {
    return keys_ == Keys::kTagged ? "redis_cluster_tagged" : "redis_cluster";
  }
  [[nodiscard]] blocks::StateStore::Features features() const override {
    return components::state::redis::spec().features;
  }
  [[nodiscard]] bool turns_clock() const override { return false; }
  [[nodiscard]] bool runs(std::string_view case_name) const override {
    return keys_ == Keys::kTagged ? is_about_transactions(case_name) : is_about_where(case_name);
  }
  Result<std::unique_ptr<StateBackend>> open() override {
    if (!tests::have_redis_server()) {
      return base::failed_precondition("redis-server is not installed");
    }
    if (cluster_ == nullptr) cluster_ = std::make_unique<tests::RedisCluster>();
    for (size_t i = 0; i < cluster_->size(); ++i) {
      CHECK(cluster_->node(i).command({"FLUSHALL"}) == "OK", cluster_->node(i).log());
    }
    const std::string settings =
        "{redis_type: cluster, redis_host: \"" + joined(cluster_->addresses()) + "\"}";
    if (keys_ == Keys::kTagged) {
      return std::unique_ptr<StateBackend>(std::make_unique<TaggedBackend>(settings));
    }
    return std::unique_ptr<StateBackend>(std::make_unique<RedisServersBackend>(settings));
  }

 private:
  const Keys keys_;
  std::unique_ptr<tests::RedisCluster> cluster_;
};

class RedisSentinelTestbed final : public StateTestbed {
 public:
  [[nodiscard]] std::string_view name() const override { return "redis_sentinel"; }
  [[nodiscard]] blocks::StateStore::Features features() const override {
    return components::state::redis::spec().features;
  }
  [[nodiscard]] bool turns_clock() const override { return false; }
  [[nodiscard]] bool runs(std::string_view case_name) const override {
    return is_about_where(case_name) || is_about_transactions(case_name);
  }
  Result<std::unique_ptr<StateBackend>> open() override {
    if (!tests::have_redis_server()) {
      return base::failed_precondition("redis-server is not installed");
    }
    if (sentinels_ == nullptr) sentinels_ = std::make_unique<tests::RedisSentinels>();
    CHECK(sentinels_->primary().command({"FLUSHALL"}) == "OK");
    return std::unique_ptr<StateBackend>(
        std::make_unique<RedisServersBackend>("{sentinel_master_name: main, redis_host: \"" +
                                              joined(sentinels_->sentinel_addresses()) + "\"}"));
  }

 private:
  std::unique_ptr<tests::RedisSentinels> sentinels_;
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
std::unique_ptr<StateTestbed> redis_cluster_testbed() {
  return std::make_unique<RedisClusterTestbed>(RedisClusterTestbed::Keys::kScattered);
}
std::unique_ptr<StateTestbed> redis_cluster_tagged_testbed() {
  return std::make_unique<RedisClusterTestbed>(RedisClusterTestbed::Keys::kTagged);
}
std::unique_ptr<StateTestbed> redis_sentinel_testbed() {
  return std::make_unique<RedisSentinelTestbed>();
}

}  // namespace layotto::conformance
