#include "app/runtime.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "app/door_files.h"
#include "app/reports.h"
#include "app/version.h"
#include "async/call.h"
#include "http/attributes.h"
#include "net/limits.h"
#include "settings/changes.h"

namespace layotto::app {
namespace {

// Components are given this long to come up before the doors open anyway.
constexpr auto kStartPatience = std::chrono::seconds(2);
// After the last request the admin listener stays this long, for a scrape or a look.
constexpr auto kAdminLinger = std::chrono::milliseconds(50);

unsigned worker_count(const std::string& concurrency) {
  if (concurrency == "auto") return usable_processors();
  unsigned count = 1;
  std::from_chars(concurrency.data(), concurrency.data() + concurrency.size(), count);
  return count;
}

telemetry::Level level_of(settings::LogLevel level) { return static_cast<telemetry::Level>(level); }
static_assert(static_cast<int>(telemetry::Level::kOff) ==
              static_cast<int>(settings::LogLevel::kOff));

// Runs on a worker's loop; tells the main loop when done.
Task<void> run_there(Worker* worker, std::function<Task<void>(Worker&)> task, async::Loop* main,
                     std::function<void()> done) {
  co_await task(*worker);
  main->post([done = std::move(done)] { done(); });
}

}  // namespace

int run_runtime(RuntimeOptions options, const blocks::Catalog& catalog) {
  block_signals();
  const auto& log = options.config.config.log;
  auto file = telemetry::LogFile::open(log.path, {.size_cap = log.size_max.bytes});
  if (!file.ok()) {
    std::fprintf(stderr, "layotto: cannot open the log: %s\n", file.error().to_string().c_str());
    return 1;
  }
  Runtime runtime(std::move(options), catalog, *std::move(file));
  return runtime.run();
}

Runtime::Runtime(RuntimeOptions options, const blocks::Catalog& catalog,
                 std::unique_ptr<telemetry::LogFile> log_file)
    : options_(std::move(options)),
      catalog_(catalog),
      config_(std::move(options_.config)),
      in_force_(config_),
      process_(std::move(log_file)),
      log_(process_.logger.log("runtime")),
      loop_(process_.clock),
      tasks_(loop_) {}

Runtime::~Runtime() = default;

int Runtime::run() {
  if (Status ready = set_up(); !ready.ok()) fail(std::move(ready).error());
  loop_.run();
  for (const auto& worker : workers_) {
    worker->loop().post([w = worker.get()] { w->end(); });
    worker->join();
  }
  tasks_.stop(async::StopReason::kShutdown);
  while (tasks_.running() > 0) loop_.run_once(Duration(0));
  process_.logger.flush_off();
  return exit_code_;
}

// Whatever was made until now is ended in the usual order.
void Runtime::fail(Error error) {
  exit_code_ = 1;
  std::fprintf(stderr, "layotto: %.*s\n", static_cast<int>(error.message().size()),
               error.message().data());
  log_.error("start_failed", {{"reason", error.message()}});
  begin_shutdown("start failed");
}

// ---- start

Status Runtime::set_up() {
  TRY(set_up_logs());
  process_.logger.flush_on(loop_);
  process_.app_id = config_.config.app.id;
  process_.instance_id = make_instance_id();
  process_.data_folder = config_.config.data_folder.empty() ? default_data_folder(options_.env)
                                                            : config_.config.data_folder;
  const uint64_t files = raise_file_limit();
  TRY(signals_, SignalWatch::make(loop_, [this](int number) { on_signal(number); }));
  TRY(check_openness());
  // The doors come first: a second instance must be told so before it touches any data.
  TRY(open_doors());
  TRY(make_private_folder(process_.data_folder));
  if (!config_.config.pid_file.empty()) {
    TRY(pid_file_, PidFile::write(config_.config.pid_file));
  }
  metrics_ = std::make_unique<telemetry::Shard>(process_.metrics);
  log_.info("starting", {{"version", kVersion},
                         {"config", config_.file.empty() ? "embedded defaults" : config_.file},
                         {"files_max", files},
                         {"data_folder", process_.data_folder}});
  TRY(make_workers());
  return make_site_doors();
}

Status Runtime::set_log_levels(const settings::LogSettings& log) {
  process_.logger.set_level(level_of(log.level));
  for (const auto& [module, level] : log.modules) {
    process_.logger.log(module);
    TRY(process_.logger.set_level(module, level_of(level)));
  }
  return {};
}

Status Runtime::set_up_logs() {
  TRY(set_log_levels(config_.config.log));
  const settings::AccessLogSettings& access = config_.config.access_log;
  if (access.path.empty()) return {};
  TRY(telemetry::AccessLogFormat format, access_log_format(access));
  process_.access_log_format = std::make_unique<telemetry::AccessLogFormat>(std::move(format));
  TRY(process_.access_log_file,
      telemetry::LogFile::open(access.path, {.size_cap = access.size_max.bytes}));
  return {};
}

// A door that other machines can reach and that anybody may enter is worth a word.
Status Runtime::check_openness() {
  const auto check = [this](const settings::ListenerSettings& listener) -> Status {
    TRY(const net::Address address, net::Address::parse(listener.address));
    if (address.is_loopback() || !listener.token_file.empty()) return {};
    if (listener.tls.has_value() &&
        listener.tls->client_certificate == settings::ClientCertificate::kRequire) {
      return {};
    }
    if (options_.strict) {
      return base::failed_precondition(
          "listener {} on {} can be reached from other machines and asks for neither a client "
          "certificate nor a token; add tls with client_certificate: require, or token_file, or "
          "start without --strict",
          listener.name, listener.address);
    }
    log_.warn("listener_open_to_all",
              {{"listener", listener.name}, {"address", listener.address}, {"auth", "none"}});
    return {};
  };
  for (const auto& listener : config_.config.listeners) TRY(check(listener));
  if (config_.config.metrics.listener) TRY(check(*config_.config.metrics.listener));
  return check(config_.config.admin);
}

Status Runtime::open_doors() {
  for (size_t i = 0; i < config_.config.listeners.size(); ++i) {
    const settings::ListenerSettings& listener = config_.config.listeners[i];
    TRY(const net::Address address, net::Address::parse(listener.address));
    TRY(auto socket,
        net::ListeningSocket::open(
            address, {.mode = settings::mode_bits(listener.mode), .group = listener.group}));
    TRY(auto files, DoorFiles::start(loop_, log_, listener));
    door_files_.push_back(std::move(files));
    addresses_.push_back(socket.address());
    open_doors_.push_back({.index = i, .socket = std::move(socket)});
  }
  return {};
}

Status Runtime::make_workers() {
  const unsigned count = worker_count(config_.config.concurrency);
  worker_count_ = count;
  for (const auto& state : config_.state) {
    board_.add("state." + state.name, std::string(state.spec->type), state.entry.required, count);
  }
  for (const auto& hello : config_.hellos) {
    board_.add("hellos." + hello.name, std::string(hello.spec->type), hello.entry.required, count);
  }
  board_.set_unbuilt(config_.unbuilt);
  TRY(shared_, SharedComponents::make(config_, process_, count));
  fill_page_sources();
  untried_workers_ = count;
  for (unsigned i = 0; i < count; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(Worker::Env{.index = i,
                                             .process = process_,
                                             .board = board_,
                                             .config = config_,
                                             .shared = *shared_,
                                             .add_pages = [this, i](admin::Site& site) {
                                               add_pages(site, *sources_, workers_[i]->loop());
                                             }}));
  }
  for (const auto& worker : workers_) {
    worker->start(loop_, [this](Status result) { on_worker_tried(std::move(result)); });
  }
  struct Patience {
    static Task<void> wait(Runtime* self) {
      if (!(co_await self->loop_.sleep(kStartPatience)).ok()) co_return;
      if (self->serving_ || self->shutting_down_ || self->exit_code_ != 0) co_return;
      self->log_.warn("components_not_up_yet", {{"serving", "anyway"}});
      if (Status begun = self->begin_serving(); !begun.ok()) self->fail(std::move(begun).error());
    }
  };
  tasks_.spawn(&Patience::wait, this);
  return {};
}

Result<std::unique_ptr<SiteDoor>> Runtime::open_site(const settings::ListenerSettings& listener,
                                                     bool actions) {
  return SiteDoor::open(DoorEnv{.loop = loop_,
                                .read_buffer = read_buffer_,
                                .process = process_,
                                .metrics = *metrics_,
                                .random = random_,
                                .access_log = nullptr,
                                .live = live_},
                        log_, listener, actions);
}

Status Runtime::make_site_doors() {
  read_buffer_.resize(net::kReadBufferBytes);
  TRY(admin_, open_site(config_.config.admin, /*actions=*/true));
  add_pages(admin_->site(), *sources_, loop_);
  TRY(admin_->start());
  const settings::MetricsSettings& metrics = config_.config.metrics;
  if (!metrics.listener) return {};
  TRY(metrics_door_, open_site(*metrics.listener, /*actions=*/false));
  add_metrics_page(metrics_door_->site(), process_, metrics.path);
  return metrics_door_->start();
}

void Runtime::on_worker_tried(Status result) {
  if (!result.ok()) {
    fail(std::move(result).error());
    return;
  }
  if (--untried_workers_ > 0 || serving_ || shutting_down_) return;
  if (Status begun = begin_serving(); !begun.ok()) fail(std::move(begun).error());
}

Status Runtime::begin_serving() {
  serving_ = true;
  // Certificates and tokens before the first connection.
  for (size_t i = 0; i < door_files_.size(); ++i) {
    DoorFiles& files = *door_files_[i];
    const auto publish_tls = [this, i](const DoorFiles::TlsSnapshot& tls) {
      for (const auto& worker : workers_) {
        worker->loop().post([w = worker.get(), i, tls] { w->door(i).set_tls(tls); });
      }
    };
    const auto publish_token = [this, i](const config::Secret& token) {
      for (const auto& worker : workers_) {
        worker->loop().post([w = worker.get(), i, token] { w->door(i).set_token(token); });
      }
    };
    publish_tls(files.tls());
    publish_token(files.token());
    files.on_change({.tls = publish_tls, .token = publish_token});
  }
  for (OpenDoor& open : open_doors_) {
    if (workers_.size() == 1) {
      // Moved through a shared pointer because a posted closure is copied into place.
      auto socket = std::make_shared<net::ListeningSocket>(std::move(open.socket));
      workers_[0]->loop().post([this, w = workers_[0].get(), index = open.index, socket] {
        if (const Status listening = w->listen(index, std::move(*socket)); !listening.ok()) {
          loop_.post([this] { begin_shutdown("a listener could not be watched"); });
        }
      });
      continue;
    }
    accepters_.push_back(std::make_unique<Accepter>(*this, open.index));
    accepter_listeners_.push_back(
        std::make_unique<net::Listener>(loop_, std::move(open.socket), *accepters_.back()));
    TRY(accepter_listeners_.back()->start());
  }
  open_doors_.clear();
  for (const auto& worker : workers_) {
    worker->loop().post([w = worker.get()] { w->set_serving(true); });
  }
  board_.set_phase(Phase::kServing);
  for (size_t i = 0; i < addresses_.size(); ++i) {
    log_.info("listening", {{"listener", config_.config.listeners[i].name},
                            {"address", addresses_[i].to_string()}});
  }
  for (const SiteDoor* site : {admin_.get(), metrics_door_.get()}) {
    if (site == nullptr) continue;
    log_.info("listening", {{"listener", site == admin_.get() ? "admin" : "metrics"},
                            {"address", site->address().to_string()}});
  }
  log_.info("ready", {{"workers", workers_.size()}});
  notify_service_manager("READY=1", options_.env);
  if (!options_.quiet) print_banner();
  return {};
}

void Runtime::print_banner() const {
  std::string api;
  for (const net::Address& address : addresses_) {
    api += (api.empty() ? "" : " and ") + address.to_string();
  }
  const std::string first_state = config_.state.empty() ? "" : config_.state.front().name;
  std::string text = fmt::format(
      "Layotto {} is ready.\n"
      "  API    {}\n"
      "  Admin  http://{}/\n"
      "  Data   {}\n",
      kVersion, api, admin_->address().to_string(), process_.data_folder);
  if (!first_state.empty()) {
    text += fmt::format(
        "Try:\n"
        "  {0} state save --store {1} hello world\n"
        "  {0} state get --store {1} hello\n"
        "  curl http://{2}/actuator/health/readiness\n",
        options_.program, first_state, admin_->address().to_string());
  }
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

// ---- connections

void Runtime::hand_on(size_t door, int fd) {
  const auto fewest = std::min_element(
      workers_.begin(), workers_.end(),
      [](const auto& a, const auto& b) { return a->connections() < b->connections(); });
  (*fewest)->adopt(door, fd);
}

// ---- pages

void Runtime::fill_page_sources() {
  sources_ = std::make_unique<PageSources>(process_, board_);
  publish_config_pages();
  sources_->connections = [this](async::Loop& here) { return connections(here); };
  sources_->drain = [this] { loop_.post([this] { begin_drain(); }); };
  sources_->backup = [this](async::Loop& here, std::string component, std::string folder) {
    return backup(here, std::move(component), std::move(folder));
  };
}

void Runtime::publish_config_pages() {
  sources_->config.set(config_pages(in_force_, catalog_, process_, worker_count_));
}

Task<Result<std::vector<http::ConnectionSnapshot>>> Runtime::connections(async::Loop& here) {
  std::vector<http::ConnectionSnapshot> all;
  for (const auto& worker : workers_) {
    CO_TRY(auto some, co_await async::call_on(here, worker->loop(),
                                              [w = worker.get()] { return w->snapshot(); }));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  // Those of the admin and metrics pages live on the main loop.
  CO_TRY(auto pages,
         co_await async::call_on(here, loop_, [this] { return http::snapshots_of(live_); }));
  std::move(pages.begin(), pages.end(), std::back_inserter(all));
  co_return all;
}

Task<Status> Runtime::backup(async::Loop& here, std::string component, std::string folder) {
  // The copy runs on worker 0 (its loop is not held up: the work is done on the blocking pool).
  struct Job {
    explicit Job(async::Loop& loop) : finished(loop) {}
    async::Event finished;
    Status result;
  };
  auto job = std::make_shared<Job>(here);
  struct There {
    static Task<void> run(Worker* worker, std::string name, std::string to, async::Loop* home,
                          std::shared_ptr<Job> shared) {
      Status done = co_await worker->components().backup(std::move(name), std::move(to));
      auto result = std::make_shared<Status>(std::move(done));
      home->post([shared, result] {
        shared->result = std::move(*result);
        shared->finished.set();
      });
    }
  };
  Worker* worker = workers_[0].get();
  worker->loop().post([worker, component, folder, home = &here, job] {
    worker->tasks().spawn(&There::run, worker, component, folder, home, job);
  });
  CO_TRY(co_await job->finished.wait());
  co_return std::move(job->result);
}

// ---- reload

void Runtime::reload() {
  if (!options_.reload) {
    log_.info("nothing_to_reload", {{"reason", "started without a configuration file"}});
    return;
  }
  notify_service_manager("RELOADING=1", options_.env);
  config::Problems problems;
  const std::optional<settings::LoadedConfig> loaded = options_.reload(problems);
  if (loaded.has_value()) {
    const std::vector<settings::Change> found = settings::changes(in_force_, *loaded);
    for (const settings::Change& change : found) {
      const auto level = change.is_live() ? telemetry::Level::kInfo : telemetry::Level::kWarn;
      log_.write(level, "setting_changed", {{"setting", change.path}, {"effect", change.sentence}});
    }
    settings::adopt_live(in_force_, *loaded);
    apply_live();
    log_.info("reloaded", {{"file", config_.file}, {"changes", found.size()}});
  } else {
    log_.error("reload_failed", {{"file", config_.file},
                                 {"reason", problems.to_string()},
                                 {"effect", "everything stays as it is"}});
  }
  notify_service_manager("READY=1", options_.env);
}

// What settings::adopt_live() takes over.
void Runtime::apply_live() {
  const settings::RuntimeConfig& config = in_force_.config;
  if (const Status set = set_log_levels(config.log); !set.ok()) {
    log_.warn("log_level_not_changed", {{"reason", set.error().message()}});
  }
  if (admin_ != nullptr) admin_->door().set_limits(limits_of(config.admin));
  if (metrics_door_ != nullptr && config.metrics.listener) {
    metrics_door_->door().set_limits(limits_of(*config.metrics.listener));
  }
  for (const auto& worker : workers_) {
    for (size_t i = 0; i < config.listeners.size(); ++i) {
      worker->loop().post([w = worker.get(), i, limits = limits_of(config.listeners[i])] {
        w->door(i).set_limits(limits);
      });
    }
  }
  publish_config_pages();
}

// ---- end

void Runtime::on_signal(int number) {
  switch (number) {
    case SIGHUP:
      reload();
      return;
    case SIGUSR1:
      for (telemetry::LogFile* file : {process_.log_file.get(), process_.access_log_file.get()}) {
        if (file == nullptr) continue;
        if (const Status reopened = file->reopen(); !reopened.ok()) {
          log_.error("log_not_reopened",
                     {{"path", file->path()}, {"reason", reopened.error().message()}});
        }
      }
      log_.info("logs_reopened");
      return;
    default:
      break;
  }
  if (shutting_down_) {
    log_.warn("stopping_at_once", {{"signal", number}});
    process_.logger.flush();
    _exit(128 + number);
  }
  begin_shutdown(number == SIGTERM ? "SIGTERM" : "SIGINT");
}

void Runtime::begin_drain() {
  board_.set_phase(Phase::kDraining);
  for (const auto& worker : workers_) {
    worker->loop().post([w = worker.get()] { w->begin_drain(); });
  }
}

void Runtime::begin_shutdown(std::string_view why) {
  if (shutting_down_) return;
  shutting_down_ = true;
  log_.info("stopping", {{"why", why}, {"drain_timeout", in_force_.config.drain_timeout}});
  notify_service_manager("STOPPING=1", options_.env);
  drain_until_ = loop_.now() + in_force_.config.drain_timeout;
  tasks_.spawn(&run_shutdown, this);
}

Task<void> Runtime::run_shutdown(Runtime* self) {
  co_await shut_down(*self);
  self->log_.info("stopped");
  self->loop_.stop();
}

void Runtime::shutdown_progress(std::string_view step) { log_.info("shutdown", {{"step", step}}); }

Task<void> Runtime::shutdown_step(ShutdownStep step) {
  switch (step) {
    case ShutdownStep::kNotReady:
      begin_drain();
      co_return;
    case ShutdownStep::kApiListeners:
      open_doors_.clear();
      for (const auto& listener : accepter_listeners_) listener->close();
      co_await on_every_worker(
          [until = drain_until_](Worker& worker) { return worker.finish_doors(until); });
      co_return;
    case ShutdownStep::kComponents:
      co_await on_every_worker([](Worker& worker) { return worker.end_components(); });
      co_return;
    case ShutdownStep::kAdmin:
      for (const auto& files : door_files_) co_await files->stop();
      for (SiteDoor* site : {admin_.get(), metrics_door_.get()}) {
        if (site != nullptr) co_await site->stop(loop_.now() + kAdminLinger);
      }
      co_return;
  }
}

Task<void> Runtime::on_every_worker(WorkerTask task) {
  size_t left = workers_.size();
  async::Event all_done(loop_);
  if (left == 0) co_return;
  for (const auto& worker : workers_) {
    worker->loop().post([this, w = worker.get(), task, &left, &all_done] {
      w->tasks().spawn(&run_there, w, task, &loop_, std::function<void()>([&left, &all_done] {
        if (--left == 0) all_done.set();
      }));
    });
  }
  // The steps of ending are not themselves stopped.
  while (!all_done.is_set()) {
    if (!(co_await all_done.wait()).ok()) co_return;
  }
}

}  // namespace layotto::app
