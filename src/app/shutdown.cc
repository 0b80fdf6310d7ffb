#include "app/shutdown.h"

#include <array>

namespace layotto::app {
namespace {

struct Row {
  ShutdownStep step;
  std::string_view name;
};

// The mesh's inbound listeners and subscriptions go between kNotReady and kApiListeners, outbound
// connections between kApiListeners and kComponents, when they exist.
constexpr auto kOrder = std::to_array<Row>({
    {ShutdownStep::kNotReady, "not_ready"},
    {ShutdownStep::kApiListeners, "api_listeners"},
    {ShutdownStep::kComponents, "components"},
    {ShutdownStep::kAdmin, "admin"},
});

}  // namespace

Task<void> shut_down(ShutdownActions& actions) {
  for (const Row& row : kOrder) {
    actions.shutdown_progress(row.name);
    co_await actions.shutdown_step(row.step);
  }
}

}  // namespace layotto::app
