#include "tests/conformance/embedded_testbed.h"

#include "components/state/embedded/embedded.h"
#include "tests/conformance/component_backend.h"

namespace layotto::conformance {
namespace {

class EmbeddedTestbed final : public StateTestbed {
 public:
  [[nodiscard]] std::string_view name() const override { return "embedded"; }
  [[nodiscard]] blocks::StateStore::Features features() const override {
    return components::state::embedded::spec().features;
  }
  [[nodiscard]] bool turns_clock() const override { return true; }
  Result<std::unique_ptr<StateBackend>> open() override {
    return std::unique_ptr<StateBackend>(
        std::make_unique<ComponentBackend>(components::state::embedded::spec(), "{}"));
  }
};

}  // namespace

std::unique_ptr<StateTestbed> embedded_testbed() { return std::make_unique<EmbeddedTestbed>(); }

}  // namespace layotto::conformance
