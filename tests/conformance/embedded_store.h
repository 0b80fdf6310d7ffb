// EmbeddedStore: one state.embedded in a folder that outlives it, for tests of its own.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "components/state/embedded/embedded.h"
#include "components/state/embedded/embedded_state_store.h"
#include "components/state/embedded/engine.h"
#include "telemetry/prometheus.h"
#include "tests/conformance/case_loop.h"
#include "tests/support/component_environment.h"

namespace layotto::conformance {

class EmbeddedStore {
 public:
  using Settings = components::state::embedded::EmbeddedSettings;
  using Engine = components::state::embedded::Engine;

  // `clock` outlives this. Opened by open().
  EmbeddedStore(const std::string& folder, const Clock& clock, Settings settings = {})
      : process_(clock), loop_(clock), worker_(process_, loop_.loop()) {
    settings.folder = folder;
    const auto spec = components::state::embedded::spec();
    blocks::ProcessEnv env = process_.env("demo");
    auto shared = spec.make_shared(&settings, env);
    CHECK(shared.ok(), shared.error().message());
    engine_ = std::static_pointer_cast<Engine>(*std::move(shared));
    blocks::WorkerEnv worker = worker_.env("demo");
    auto store = spec.make(&settings, engine_.get(), worker);
    CHECK(store.ok(), store.error().message());
    store_ = *std::move(store);
  }
  ~EmbeddedStore() { close(); }

  Status open() { return loop_.run(store_->start()); }
  void close() { loop_.run(end(store_.get())); }

  [[nodiscard]] CaseLoop& loop() { return loop_; }
  [[nodiscard]] blocks::StateStore& store() { return *store_; }
  [[nodiscard]] Engine& engine() { return *engine_; }
  [[nodiscard]] std::string metrics() { return telemetry::prometheus_text(process_.metrics()); }

  Status write(const blocks::StateWrite& write) { return loop_.run(store_->write(write)); }
  Status put(std::string_view key, std::string_view value,
             std::optional<std::chrono::seconds> ttl = std::nullopt) {
    return write({.key = key, .value = value, .ttl = ttl});
  }
  Status remove(std::string_view key) {
    return write({.kind = blocks::StateWrite::Kind::kDelete, .key = key});
  }
  Status get(std::string_view key, blocks::StateItem& item) {
    loop_.loop().run_once(Duration(0));
    return loop_.run(store_->get(key, blocks::Consistency::kDefault, item));
  }
  // Absent and failed are nullopt.
  std::optional<std::string> value_of(std::string_view key) {
    blocks::StateItem item;
    if (!get(key, item).ok() || !item.found) return std::nullopt;
    return std::move(item.value);
  }

 private:
  static Task<bool> end(blocks::StateStore* store) {
    co_await store->drain();
    co_await store->stop();
    co_return true;
  }

  tests::ComponentProcess process_;
  CaseLoop loop_;
  tests::ComponentWorker worker_;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<blocks::StateStore> store_;
};

}  // namespace layotto::conformance
