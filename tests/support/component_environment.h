// What a component gets of its process and its worker, for tests that make one by its spec:
//
//   ComponentProcess process(clock);
//   auto shared = spec.make_shared(settings, process.env("demo"));
//   ComponentWorker worker(process, loop);            // on the loop's thread
//   auto front = spec.make(settings, shared->get(), worker.env("demo"));
//
// The data folder is temporary and goes with the ComponentProcess; nothing is logged.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "async/blocking_pool.h"
#include "async/loop.h"
#include "base/clock.h"
#include "base/random.h"
#include "blocks/spec.h"
#include "net/address.h"
#include "net/resolver.h"
#include "net/system_dialer.h"
#include "telemetry/metrics.h"
#include "telemetry/shard.h"
#include "tests/support/temporary_folder.h"

namespace layotto::tests {

// Tests dial by address: a name is an error.
class NumericResolver final : public net::Resolver {
 public:
  Task<Result<std::vector<net::Address>>> resolve(std::string_view host, uint16_t port) override {
    Result<net::Address> address = net::Address::parse(fmt::format("{}:{}", host, port));
    if (!address.ok()) {
      return async::failed<Result<std::vector<net::Address>>>(std::move(address).error());
    }
    return async::ready(Result(std::vector<net::Address>{*std::move(address)}));
  }
};

class ComponentProcess {
 public:
  // `clock` outlives this.
  explicit ComponentProcess(const Clock& clock) : clock_(clock) {}

  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] const std::string& data_folder() const { return folder_.path(); }
  [[nodiscard]] telemetry::Metrics& metrics() { return metrics_; }
  [[nodiscard]] async::BlockingPool& blocking() { return blocking_; }
  // `name` outlives what is made with it.
  blocks::ProcessEnv env(std::string_view name) {
    return {.name = name,
            .clock = clock_,
            .metrics = metrics_,
            .log = {},
            .blocking = blocking_,
            .data_folder = folder_.path(),
            .app_id = "app",
            .instance_id = "instance-1",
            .workers = 2};
  }

 private:
  const Clock& clock_;
  TemporaryFolder folder_;
  telemetry::Metrics metrics_;
  async::BlockingPool blocking_{{}};
};

class ComponentWorker {
 public:
  ComponentWorker(ComponentProcess& process, async::Loop& loop)
      : process_(process), loop_(loop), metrics_(process.metrics()), dialer_(loop, resolver_) {}

  blocks::WorkerEnv env(std::string_view name) {
    return {.name = name,
            .loop = loop_,
            .dial = dialer_,
            .clock = process_.clock(),
            .random = random_,
            .metrics = metrics_,
            .log = {},
            .app_id = "app",
            .instance_id = "instance-1"};
  }

 private:
  ComponentProcess& process_;
  async::Loop& loop_;
  telemetry::Shard metrics_;
  Random random_;
  NumericResolver resolver_;
  net::SystemDialer dialer_;
};

}  // namespace layotto::tests
