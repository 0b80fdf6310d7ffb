#include "tests/conformance/component_backend.h"

#include <utility>

#include "config/document.h"
#include "config/problem.h"

namespace layotto::conformance {
namespace {

std::shared_ptr<void> read_settings(const config::AnySchema& schema, std::string_view text) {
  config::Problems problems;
  const auto document = config::read_yaml(text, "settings", problems);
  CHECK(document.has_value(), problems.to_string());
  std::shared_ptr<void> settings = schema.new_object();
  config::ParsePass pass{problems};
  CHECK(schema.read(document->root(), settings.get(), pass), problems.to_string());
  return settings;
}

}  // namespace

ComponentBackend::ComponentBackend(blocks::ComponentSpec<blocks::StateStore> spec,
                                   std::string_view settings, std::unique_ptr<Clock> clock)
    : clock_(std::move(clock)),
      process_(*clock_),
      spec_(std::move(spec)),
      settings_(read_settings(*spec_.schema, settings)) {
  make_shared();
}

ComponentBackend::ComponentBackend(blocks::ComponentSpec<blocks::StateStore> spec,
                                   std::string_view settings)
    : ComponentBackend(std::move(spec), settings, std::make_unique<tests::TurnedClock>()) {
  turned_ = static_cast<tests::TurnedClock*>(clock_.get());
}

ComponentBackend::~ComponentBackend() = default;

void ComponentBackend::make_shared() {
  if (!spec_.make_shared) return;
  blocks::ProcessEnv env = process_.env(kName);
  auto made = spec_.make_shared(settings_.get(), env);
  CHECK(made.ok(), made.error().message());
  shared_ = *std::move(made);
}

StateFront ComponentBackend::make_front(async::Loop& loop) {
  auto worker = std::make_shared<tests::ComponentWorker>(process_, loop);
  blocks::WorkerEnv env = worker->env(kName);
  auto made = spec_.make(settings_.get(), shared_.get(), env);
  CHECK(made.ok(), made.error().message());
  return {.worker = std::move(worker), .store = *std::move(made)};
}

void ComponentBackend::let_pass(std::chrono::milliseconds time) {
  CHECK(turned_ != nullptr, "a back end with a clock of its own lets time pass itself");
  turned_->advance(time);
}

void ComponentBackend::restart() {
  shared_.reset();
  make_shared();
}

}  // namespace layotto::conformance
