#include "tests/conformance/memory_testbed.h"

#include "components/state/memory/memory.h"
#include "tests/conformance/component_backend.h"

namespace layotto::conformance {
namespace {

class MemoryTestbed final : public StateTestbed {
 public:
  [[nodiscard]] std::string_view name() const override { return "memory"; }
  [[nodiscard]] blocks::StateStore::Features features() const override {
    return components::state::memory::spec().features;
  }
  [[nodiscard]] bool turns_clock() const override { return true; }
  Result<std::unique_ptr<StateBackend>> open() override {
    return std::unique_ptr<StateBackend>(
        std::make_unique<ComponentBackend>(components::state::memory::spec(), "{}"));
  }
};

}  // namespace

std::unique_ptr<StateTestbed> memory_testbed() { return std::make_unique<MemoryTestbed>(); }

}  // namespace layotto::conformance
