// ComponentBackend: a StateBackend for whatever has a ComponentSpec: made the way the product makes
// it, from settings in YAML. Time is a TurnedClock unless the back end has a clock of its own.
#pragma once

#include <memory>
#include <string>

#include "blocks/spec.h"
#include "tests/conformance/state_testbed.h"
#include "tests/support/component_environment.h"
#include "tests/support/turned_clock.h"

namespace layotto::conformance {

class ComponentBackend : public StateBackend {
 public:
  // `settings` is the YAML of the component's settings, "{}" for none. CHECKs that they are fine.
  ComponentBackend(blocks::ComponentSpec<blocks::StateStore> spec, std::string_view settings,
                   std::unique_ptr<Clock> clock);
  // With a TurnedClock.
  ComponentBackend(blocks::ComponentSpec<blocks::StateStore> spec, std::string_view settings);
  ~ComponentBackend() override;

  [[nodiscard]] const Clock& clock() const override { return *clock_; }
  StateFront make_front(async::Loop& loop) override;
  void let_pass(std::chrono::milliseconds time) override;
  void restart() override;

  [[nodiscard]] tests::ComponentProcess& process() { return process_; }

 private:
  void make_shared();

  static constexpr std::string_view kName = "conformance";
  std::unique_ptr<Clock> clock_;
  tests::TurnedClock* turned_ = nullptr;
  tests::ComponentProcess process_;
  const blocks::ComponentSpec<blocks::StateStore> spec_;
  std::shared_ptr<void> settings_;
  std::shared_ptr<blocks::Shared> shared_;
};

}  // namespace layotto::conformance
