#include "app/worker.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

#include "app/process.h"
#include "net/limits.h"

namespace layotto::app {

Worker::Worker(Env env) : env_(std::move(env)), loop_(env_.process.clock) {}

Worker::~Worker() { CHECK(!thread_.joinable(), "a worker's thread was not joined"); }

void Worker::start(async::Loop& main, std::function<void(Status)> tried) {
  thread_ = std::thread([this, &main, tried = std::move(tried)]() mutable {
    pthread_setname_np(pthread_self(), fmt::format("worker-{}", env_.index).c_str());
    run(&main, std::move(tried));
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run(async::Loop* main, std::function<void(Status)> tried) {
  tasks_ = std::make_unique<async::TaskGroup>(loop_);
  if (Status built = build(); !built.ok()) {
    auto failed = std::make_shared<Status>(std::move(built));
    main->post([tried, failed] { tried(std::move(*failed)); });
  } else {
    components_->start();
    tasks_->spawn(&report_when_tried, this, main, std::move(tried));
    tasks_->spawn(&watch_connections, this);
  }
  loop_.run();
  // In reverse order of making; what runs on this thread is destroyed on it.
  listeners_.clear();
  doors_.clear();
  apis_.clear();
  pages_.reset();
  health_.reset();
  components_.reset();
  dialer_.reset();
  resolver_.reset();
  access_log_.reset();
  metrics_.reset();
  tasks_.reset();
}

Status Worker::build() {
  Process& process = env_.process;
  metrics_ = std::make_unique<telemetry::Shard>(process.metrics);
  random_ = std::make_unique<Random>();
  if (process.access_log_file != nullptr) {
    access_log_ = std::make_unique<telemetry::LineWriter>(*process.access_log_file, loop_);
  }
  read_buffer_.resize(net::kReadBufferBytes);
  TRY(resolver_, net::AresResolver::make(loop_, {}));
  dialer_ = std::make_unique<net::SystemDialer>(loop_, *resolver_);
  components_ = std::make_unique<ComponentHost>(ComponentHost::Env{.worker = env_.index,
                                                                   .loop = loop_,
                                                                   .dial = *dialer_,
                                                                   .random = *random_,
                                                                   .metrics = *metrics_,
                                                                   .process = process,
                                                                   .board = env_.board},
                                                env_.config, env_.shared);
  TRY(components_->make());

  health_ = std::make_unique<grpc::HealthService>(loop_);
  for (const std::string_view service : api::served_services()) {
    health_->set(service, /*serving=*/false);
  }
  pages_ = std::make_unique<admin::Site>(
      admin::Site::Options{.actions = false, .metrics = metrics_.get()});
  env_.add_pages(*pages_);
  for (const auto& listener : env_.config.config.listeners) {
    doors_.push_back(std::make_unique<Door>(DoorEnv{.loop = loop_,
                                                    .read_buffer = read_buffer_,
                                                    .process = process,
                                                    .metrics = *metrics_,
                                                    .random = *random_,
                                                    .access_log = access_log_.get(),
                                                    .live = live_},
                                            listener, api_for(listener.message_bytes_max.bytes),
                                            "handler"));
  }
  return {};
}

// Doors with the same limit share one.
grpc::Server& Worker::api_for(size_t message_bytes_max) {
  for (Api& api : apis_) {
    if (api.grpc->options().message_bytes_max == message_bytes_max) return *api.grpc;
  }
  Api& api = apis_.emplace_back();
  api.grpc =
      std::make_unique<grpc::Server>(grpc::ServerOptions{.message_bytes_max = message_bytes_max,
                                                         .metrics = metrics_.get(),
                                                         .otherwise = pages_.get()});
  api::mount(*api.grpc, {.state = components_->state_api(), .hello = components_->hello_api()});
  api.reflection = std::make_unique<grpc::ReflectionService>(*api.grpc);
  grpc::add_health(*api.grpc, *health_);
  grpc::add_reflection(*api.grpc, *api.reflection);
  return *api.grpc;
}

Task<void> Worker::report_when_tried(Worker* self, async::Loop* main,
                                     std::function<void(Status)> tried) {
  co_await self->components_->tried_once();
  main->post([tried = std::move(tried)] { tried(Status{}); });
}

// For the accepter of a process with several workers, which gives to the one with the fewest.
Task<void> Worker::watch_connections(Worker* self) {
  while (true) {
    size_t now = 0;
    for (const auto& door : self->doors_) now += door->connections();
    const uint64_t before = self->connections_.read();
    if (now > before) self->connections_.add(now - before);
    if (now < before) self->connections_.subtract(before - now);
    if (!(co_await self->loop_.sleep(std::chrono::milliseconds(200))).ok()) co_return;
  }
}

void Worker::adopt(size_t door, int fd) {
  loop_.post([this, door, fd] { take(door, fd); });
}

void Worker::take(size_t door, int fd) { doors_[door]->accepted(fd); }

Status Worker::listen(size_t door, net::ListeningSocket socket) {
  accepting_.push_back(std::make_unique<Accepting>(*this, door));
  listeners_.push_back(
      std::make_unique<net::Listener>(loop_, std::move(socket), *accepting_.back()));
  return listeners_.back()->start();
}

std::vector<http::ConnectionSnapshot> Worker::snapshot() { return http::snapshots_of(live_); }

void Worker::set_serving(bool serving) {
  if (health_ == nullptr) return;
  health_->set("", serving);
  for (const std::string_view service : api::served_services()) health_->set(service, serving);
}

void Worker::begin_drain() {
  set_serving(false);
  for (const auto& door : doors_) door->begin_drain();
}

Task<void> Worker::finish_doors(TimePoint until) {
  for (const auto& listener : listeners_) listener->close();
  for (const auto& door : doors_) door->begin_drain();
  // One after the other, all under the same limit.
  for (const auto& door : doors_) co_await door->finish(until);
}

Task<void> Worker::end_components() {
  if (components_ == nullptr) co_return;
  co_await components_->drain();
  co_await components_->stop();
}

void Worker::end() {
  tasks_->stop(async::StopReason::kShutdown);
  loop_.stop();
}

}  // namespace layotto::app
