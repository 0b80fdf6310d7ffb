#include "app/component_host.h"

#include <algorithm>
#include <utility>

#include "app/process.h"
#include "async/deadline.h"

namespace layotto::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kStartTimeout = seconds(10);
constexpr auto kStartRetryFirst = milliseconds(100);
constexpr auto kStartRetryMax = seconds(5);
constexpr auto kProbeInterval = seconds(2);
constexpr auto kProbeTimeout = seconds(2);
constexpr auto kStopTimeout = seconds(5);

Error named(Error error, std::string_view kind, std::string_view name) {
  std::string text = fmt::format("{}.{}: {}", kind, name, error.message());
  return std::move(error).reworded(std::move(text));
}

template <class List>
Result<std::vector<std::shared_ptr<blocks::Shared>>> make_all(const List& configured,
                                                              std::string_view kind,
                                                              Process& process, unsigned workers) {
  std::vector<std::shared_ptr<blocks::Shared>> all;
  for (const auto& component : configured) {
    all.emplace_back();
    if (!component.spec->make_shared) continue;
    blocks::ProcessEnv env{
        .name = component.name,
        .clock = process.clock,
        .metrics = process.metrics,
        .log = process.logger.log(fmt::format("{}.{}", kind, component.spec->type)),
        .blocking = process.blocking,
        .data_folder = process.data_folder,
        .app_id = process.app_id,
        .instance_id = process.instance_id,
        .workers = workers};
    auto made = component.spec->make_shared(component.settings.get(), env);
    if (!made.ok()) return named(std::move(made).error(), kind, component.name);
    all.back() = *std::move(made);
  }
  return all;
}

}  // namespace

Result<SharedComponents> SharedComponents::make(const settings::LoadedConfig& config,
                                                Process& process, unsigned workers) {
  SharedComponents shared;
  TRY(shared.state_, make_all(config.state, "state", process, workers));
  TRY(shared.hellos_, make_all(config.hellos, "hellos", process, workers));
  return shared;
}

ComponentHost::ComponentHost(Env env, const settings::LoadedConfig& config,
                             const SharedComponents& shared)
    : env_(env),
      config_(config),
      shared_(shared),
      state_api_(env.loop),
      all_tried_(env.loop),
      tasks_(env.loop) {}

ComponentHost::~ComponentHost() = default;

Status ComponentHost::make() {
  for (size_t i = 0; i < config_.state.size(); ++i) TRY(make_state(i));
  for (size_t i = 0; i < config_.hellos.size(); ++i) TRY(make_hello(i));
  return {};
}

Status ComponentHost::make_state(size_t i) {
  const settings::ConfiguredState& configured = config_.state[i];
  blocks::WorkerEnv env{
      .name = configured.name,
      .loop = env_.loop,
      .dial = env_.dial,
      .clock = env_.process.clock,
      .random = env_.random,
      .metrics = env_.metrics,
      .log = env_.process.logger.log(fmt::format("state.{}", configured.spec->type)),
      .app_id = env_.process.app_id,
      .instance_id = env_.process.instance_id};
  auto store = configured.spec->make(configured.settings.get(), shared_.state(i), env);
  if (!store.ok()) return named(std::move(store).error(), "state", configured.name);

  StateFront front;
  front.store = *std::move(store);
  front.guarded = std::make_unique<blocks::GuardedStateStore>(
      *front.store,
      blocks::GuardedStateStore::Options{.name = configured.name,
                                         .type = configured.spec->type,
                                         .operation_timeout = configured.entry.operation_timeout},
      env_.loop, env_.process.ticks, env_.metrics);
  auto scoped =
      blocks::ScopedStateStore::make(*front.guarded, {.key_prefix = configured.entry.key_prefix,
                                                      .store_name = configured.name,
                                                      .app_id = std::string(env_.process.app_id)});
  if (!scoped.ok()) return named(std::move(scoped).error(), "state", configured.name);
  front.scoped = *std::move(scoped);
  std::optional<seconds> ttl;
  if (configured.entry.default_ttl.has_value()) {
    ttl = std::chrono::ceil<seconds>(*configured.entry.default_ttl);
  }
  state_api_.add_store({.name = configured.name,
                        .store = front.scoped.get(),
                        .features = configured.spec->features,
                        .default_ttl = ttl});
  host("state." + configured.name, *front.store);
  state_.push_back(std::move(front));
  return {};
}

Status ComponentHost::make_hello(size_t i) {
  const settings::ConfiguredHello& configured = config_.hellos[i];
  blocks::WorkerEnv env{
      .name = configured.name,
      .loop = env_.loop,
      .dial = env_.dial,
      .clock = env_.process.clock,
      .random = env_.random,
      .metrics = env_.metrics,
      .log = env_.process.logger.log(fmt::format("hellos.{}", configured.spec->type)),
      .app_id = env_.process.app_id,
      .instance_id = env_.process.instance_id};
  auto hello = configured.spec->make(configured.settings.get(), shared_.hello(i), env);
  if (!hello.ok()) return named(std::move(hello).error(), "hellos", configured.name);
  hello_api_.add(configured.name, **hello);
  host("hellos." + configured.name, **hello);
  hellos_.push_back(*std::move(hello));
  return {};
}

void ComponentHost::host(std::string name, blocks::Component& component) {
  hosted_.push_back(std::make_unique<Hosted>(Hosted{.name = std::move(name),
                                                    .component = &component,
                                                    .log = env_.process.logger.log("components")}));
}

void ComponentHost::start() {
  untried_ = hosted_.size();
  if (untried_ == 0) all_tried_.set();
  for (const auto& hosted : hosted_) tasks_.spawn(&keep_up, this, hosted.get());
}

Task<void> ComponentHost::tried_once() {
  [[maybe_unused]] const Status waited = co_await all_tried_.wait();
}

void ComponentHost::report(const Hosted& hosted) {
  env_.board.report(hosted.name, env_.worker, hosted.component->health());
}

Task<void> ComponentHost::keep_up(ComponentHost* self, Hosted* hosted) {
  co_await self->run(*hosted);
}

Task<void> ComponentHost::run(Hosted& hosted) {
  async::Loop& loop = env_.loop;
  Duration pause = kStartRetryFirst;
  bool first = true;
  while (true) {
    const Status started =
        co_await async::with_deadline(loop, loop.now() + kStartTimeout, hosted.component->start());
    blocks::Health health = hosted.component->health();
    if (!started.ok() && health.reason.empty()) {
      health = {.state = blocks::Health::State::kFailed,
                .reason = std::string(started.error().message())};
    }
    env_.board.report(hosted.name, env_.worker, std::move(health));
    if (std::exchange(first, false) && --untried_ == 0) all_tried_.set();
    if (started.ok()) break;
    hosted.log.warn("component_start_failed",
                    {{"component", hosted.name}, {"reason", started.error().message()}});
    const auto jitter = 0.8 + 0.4 * env_.random.unit();
    const auto wait = Duration(static_cast<int64_t>(static_cast<double>(pause.count()) * jitter));
    if (!(co_await loop.sleep(wait)).ok()) co_return;
    pause = std::min<Duration>(pause * 2, kStartRetryMax);
  }
  hosted.log.info("component_started", {{"component", hosted.name}});
  bool well = true;
  while (true) {
    if (!(co_await loop.sleep(kProbeInterval)).ok()) co_return;
    [[maybe_unused]] const Status probed =
        co_await async::with_deadline(loop, loop.now() + kProbeTimeout, hosted.component->probe());
    blocks::Health health = hosted.component->health();
    const bool now_well = health.state != blocks::Health::State::kFailed;
    if (now_well != well) {
      well = now_well;
      if (well) {
        hosted.log.info("component_recovered", {{"component", hosted.name}});
      } else {
        hosted.log.warn("component_failed",
                        {{"component", hosted.name}, {"reason", health.reason}});
      }
    }
    env_.board.report(hosted.name, env_.worker, std::move(health));
  }
}

namespace {

Task<Status> drain_one(blocks::Component& component) {
  co_await component.drain();
  co_return Status{};
}

Task<Status> stop_one(blocks::Component& component) {
  co_await component.stop();
  co_return Status{};
}

}  // namespace

Task<void> ComponentHost::drain() {
  for (const auto& hosted : hosted_) {
    const Status drained = co_await async::with_deadline(env_.loop, env_.loop.now() + kStopTimeout,
                                                         drain_one(*hosted->component));
    if (!drained.ok()) {
      hosted->log.warn("component_drain_failed",
                       {{"component", hosted->name}, {"reason", drained.error().message()}});
    }
  }
}

Task<void> ComponentHost::stop() {
  tasks_.stop(async::StopReason::kShutdown);
  co_await tasks_.join();
  for (const auto& hosted : hosted_) {
    const Status stopped = co_await async::shielded(env_.loop, env_.loop.now() + kStopTimeout,
                                                    stop_one(*hosted->component));
    if (!stopped.ok()) {
      hosted->log.warn("component_stop_failed",
                       {{"component", hosted->name}, {"reason", stopped.error().message()}});
    }
  }
}

Task<Status> ComponentHost::backup(std::string name, std::string folder) {
  for (const auto& hosted : hosted_) {
    if (hosted->name == name) co_return co_await hosted->component->backup(folder);
  }
  co_return base::not_found("there is no component {}; `layotto components` lists them", name);
}

}  // namespace layotto::app
