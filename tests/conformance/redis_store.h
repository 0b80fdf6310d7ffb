// RedisStore: one front of state.redis, made from settings in YAML as the product makes it, for
// tests of its own against real servers.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/deadline.h"
#include "components/state/redis/redis.h"
#include "config/document.h"
#include "config/problem.h"
#include "telemetry/prometheus.h"
#include "tests/conformance/case_loop.h"
#include "tests/support/component_environment.h"
#include "tests/support/redis_server.h"

namespace layotto::conformance {

class RedisStore {
 public:
  explicit RedisStore(const std::string& settings) {
    const auto spec = components::state::redis::spec();
    config::Problems problems;
    const auto document = config::read_yaml(settings, "settings", problems);
    CHECK(document.has_value(), problems.to_string());
    const std::shared_ptr<void> object = spec.schema->new_object();
    config::ParsePass pass{problems};
    CHECK(spec.schema->read(document->root(), object.get(), pass), problems.to_string());
    blocks::WorkerEnv env = worker_.env("demo");
    auto made = spec.make(object.get(), nullptr, env);
    CHECK(made.ok(), made.error().message());
    store_ = *std::move(made);
  }
  RedisStore(const RedisStore&) = delete;
  RedisStore& operator=(const RedisStore&) = delete;
  ~RedisStore() { loop_.run(end(store_.get())); }

  Status start() { return loop_.run(store_->start()); }

  [[nodiscard]] CaseLoop& loop() { return loop_; }
  [[nodiscard]] blocks::StateStore& store() { return *store_; }
  [[nodiscard]] std::string metrics() { return telemetry::prometheus_text(process_.metrics()); }
  [[nodiscard]] bool ready() const {
    return store_->health().state == blocks::Health::State::kReady;
  }
  bool wait_until_ready() {
    return loop_.run_until([this] { return ready(); });
  }

  Status write(const blocks::StateWrite& write) { return loop_.run(store_->write(write)); }
  Status put(std::string_view key, std::string_view value,
             std::optional<std::chrono::seconds> ttl = std::nullopt) {
    return write({.key = key, .value = value, .ttl = ttl});
  }
  Status put_if(std::string_view key, std::string_view value, std::string_view etag) {
    return write({.key = key, .value = value, .precondition = blocks::Precondition::matches(etag)});
  }
  Status create(std::string_view key, std::string_view value) {
    return write({.key = key, .value = value, .precondition = blocks::Precondition::absent()});
  }
  Status remove(std::string_view key) {
    return write({.kind = blocks::StateWrite::Kind::kDelete, .key = key});
  }
  Status transact(const std::vector<blocks::StateWrite>& writes) {
    return loop_.run(store_->transact(writes));
  }
  // What is there; failures end the test.
  blocks::StateItem get(std::string_view key) {
    blocks::StateItem item;
    const Status got = loop_.run(store_->get(key, blocks::Consistency::kDefault, item));
    CHECK(got.ok(), got.error().message());
    return item;
  }
  // Any operation, bounded as the guard bounds it.
  Status within(Duration patience, Task<Status> task) {
    return loop_.run(bounded(&loop_.loop(), patience, std::move(task)));
  }

 private:
  static Task<Status> bounded(async::Loop* loop, Duration patience, Task<Status> task) {
    co_return co_await async::with_deadline(*loop, loop->now() + patience, std::move(task));
  }
  static Task<bool> end(blocks::StateStore* store) {
    co_await store->drain();
    co_await store->stop();
    co_return true;
  }

  base::SystemClock clock_;
  tests::ComponentProcess process_{clock_};
  CaseLoop loop_{clock_};
  tests::ComponentWorker worker_{process_, loop_.loop()};
  std::unique_ptr<blocks::StateStore> store_;
};

}  // namespace layotto::conformance
