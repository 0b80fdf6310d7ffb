// The outer parts of Layotto's file: the root, its one server, metrics, tracing.
#include "settings/layotto_json.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "config/schema.h"
#include "settings/layotto_keys.h"
#include "settings/listeners.h"

namespace layotto::settings {

// One prometheus sink of `metrics`.
struct SinkDraft {
  const config::Node* place = nullptr;
  const config::Node* endpoint = nullptr;
  uint16_t port = 0;
};

namespace {

using config::Node;

template <class M>
bool read(const Node& node, M& out, Translation& t, const config::Limits& limits = {}) {
  return config::read_value(node, out, limits, t.pass);
}

// ---- metrics

void take_port(Translation& t, const Node& value) {
  config::Limits limits;
  limits.min = 1;
  read(value, t.sink->port, t, limits);
}

void take_endpoint(Translation& t, const Node& value) { t.sink->endpoint = &value; }

constexpr KeyRule kPrometheusKeys[] = {
    {"port", Fate::kTranslated, "`metrics.listener.address` on every host", take_port},
    {"endpoint", Fate::kTranslated, "`metrics.path`", take_endpoint},
    {"export_url", Fate::kUnbuilt, "pushing metrics to a gateway"},
    {"disable_collect_process", Fate::kNoMeaning, "metrics of the process cost nothing"},
    {"disable_collect_go", Fate::kNoMeaning, "there is no Go runtime"},
    {"disable_passthrough", Fate::kNoMeaning, "metrics are made when they are scraped"},
    {"percentiles", Fate::kNoMeaning, "histograms have fixed buckets"},
};
constexpr KeyTable kPrometheus{"metrics.sinks[] of type prometheus: config.", kPrometheusKeys};

void check_path(std::string_view endpoint, const Node& at, Translation& t) {
  if (endpoint.starts_with('/')) return;
  t.pass.problems.error(at, fmt::format("wants a URL path, found {}", shown(at)),
                        "write a path such as /metrics");
}

void translate_prometheus(Translation& t, const Node& filter) {
  SinkDraft sink{.place = &filter};
  t.sink = &sink;
  if (const Node* config = find_any_case(filter, "config"); config != nullptr) {
    translate_keys(*config, kPrometheus, t);
  }
  t.sink = nullptr;
  if (t.config.metrics.listener) {
    t.pass.problems.error(filter, "a second prometheus sink", "remove one of them");
    return;
  }
  if (sink.endpoint != nullptr && read(*sink.endpoint, t.config.metrics.path, t)) {
    check_path(t.config.metrics.path, *sink.endpoint, t);
  }
  const Node* config = find_any_case(filter, "config");
  if (config == nullptr || find_any_case(*config, "port") == nullptr) {
    t.pass.problems.error(filter, "a prometheus sink has no port", "add \"port\" to its config");
  }
  if (sink.port == 0) return;
  t.config.metrics.listener = {.address = fmt::format("0.0.0.0:{}", sink.port)};
  t.places.metrics = &filter;
}

constexpr KeyRule kSinkTypes[] = {
    {"prometheus", Fate::kTranslated, "`metrics`", translate_prometheus},
    {"console", Fate::kUnbuilt, "printing metrics"},
};
constexpr KeyTable kSinks{"metrics.sinks[] of type ", kSinkTypes};

constexpr KeyRule kMetricsKeys[] = {
    {"sinks", Fate::kTranslated, "see its types",
     [](Translation& t, const Node& value) { translate_filters(value, kSinks, t); }},
    {"stats_matcher", Fate::kNoMeaning, "every metric is kept"},
    {"shm_zone", Fate::kNoMeaning, "metrics are not in shared memory"},
    {"shm_size", Fate::kNoMeaning, "metrics are not in shared memory"},
    {"flush_mosn", Fate::kNoMeaning, "metrics are made when they are scraped"},
    {"lazy_flush", Fate::kNoMeaning, "metrics are made when they are scraped"},
    {"sample", Fate::kNoMeaning, "histograms count every value"},
};
constexpr KeyTable kMetrics{"metrics.", kMetricsKeys};

// The admin listener has /metrics too: one port cannot be opened twice.
void drop_metrics_port_of_admin(Translation& t) {
  if (!t.config.metrics.listener) return;
  const std::string& admin = t.config.admin.address;
  if (can_listen_together(t.config.metrics.listener->address,
                          admin.empty() ? kAdminAddressDefault : std::string_view{admin})) {
    return;
  }
  if (t.config.metrics.path != "/metrics") {
    t.pass.problems.warning(*t.places.metrics,
                            "the port is the admin listener's, where the path is /metrics",
                            "use another port, or scrape /metrics");
  }
  t.config.metrics = {};
  t.places.metrics = nullptr;
}

// ---- the rest of the root

void translate_tracing(Translation& t, const Node& value) {
  if (mapping_items(value, t).empty()) return;
  const Node* enable = find_any_case(value, "enable");
  if (enable == nullptr || is_empty_value(*enable)) return;
  const Node* driver = find_any_case(value, "driver");
  t.unbuilt.add(value, driver == nullptr || driver->kind() != config::Kind::kString
                           ? std::string("tracing")
                           : fmt::format("tracing with the driver {}", shown(*driver)));
}

constexpr KeyRule kClusterManagerKeys[] = {
    {"clusters", Fate::kUnbuilt, "proxying to the clusters of cluster_manager"},
    {"clusters_configs", Fate::kUnbuilt, "proxying to the clusters of cluster_manager"},
    {"tls_context", Fate::kUnbuilt, "TLS to the clusters of cluster_manager"},
    {"cluster_pool_enable", Fate::kNoMeaning, "there are no clusters"},
};
constexpr KeyTable kClusterManager{"cluster_manager.", kClusterManagerKeys};

// ---- the server

void translate_log_path(Translation& t, const Node& value) {
  std::string path;
  if (read(value, path, t) && !path.empty()) t.config.log.path = std::move(path);
}

void translate_log_level(Translation& t, const Node& value) {
  struct Level {
    std::string_view mosn;
    LogLevel level;
  };
  constexpr Level kLevels[] = {{"TRACE", LogLevel::kTrace},   {"DEBUG", LogLevel::kDebug},
                               {"INFO", LogLevel::kInfo},     {"WARN", LogLevel::kWarn},
                               {"WARNING", LogLevel::kWarn},  {"ERROR", LogLevel::kError},
                               {"FATAL", LogLevel::kCritical}};
  std::string text;
  if (!read(value, text, t)) return;
  const auto* const found =
      std::find_if(std::begin(kLevels), std::end(kLevels),
                   [&](const Level& level) { return base::equal_but_case(level.mosn, text); });
  if (found != std::end(kLevels)) {
    t.config.log.level = found->level;
    return;
  }
  t.pass.problems.error(value, fmt::format("wants a log level, found {}", shown(value)),
                        "write TRACE, DEBUG, INFO, WARN, ERROR or FATAL");
}

void translate_processor(Translation& t, const Node& value) {
  if (!is_empty_value(value)) read(value, t.config.concurrency, t);
}

constexpr KeyRule kRouterKeys[] = {
    {"router_config_name", Fate::kTranslated, "nothing: it matters with routes only"},
    {"virtual_hosts", Fate::kUnbuilt, "proxying by the routes of virtual_hosts"},
    {"router_configs", Fate::kUnbuilt, "proxying by the routes of router_configs"},
    {"request_headers_to_add", Fate::kNoMeaning, "it matters with routes only"},
    {"request_headers_to_remove", Fate::kNoMeaning, "it matters with routes only"},
    {"response_headers_to_add", Fate::kNoMeaning, "it matters with routes only"},
    {"response_headers_to_remove", Fate::kNoMeaning, "it matters with routes only"},
};
constexpr KeyTable kRouter{"servers[].routers[].", kRouterKeys};

void translate_routers(Translation& t, const Node& value) {
  for (const Node* router : list_items(value, t)) translate_keys(*router, kRouter, t);
}

void translate_listeners(Translation& t, const Node& value) {
  const auto listeners = list_items(value, t);
  if (listeners.size() > kListenersMax) {
    t.pass.problems.error(
        value, fmt::format("has {} items, the limit is {}", listeners.size(), kListenersMax),
        "remove some");
    return;
  }
  for (const Node* listener : listeners) translate_listener(*listener, t);
}

constexpr std::string_view kNoHandOver = "processes do not hand over to each other yet";

constexpr KeyRule kServerKeys[] = {
    {"default_log_path", Fate::kTranslated, "`log.path`", translate_log_path},
    {"default_log_level", Fate::kTranslated, "`log.level`", translate_log_level},
    {"default_log_roller", Fate::kNoMeaning, "`log.size_max` bounds the log"},
    {"global_log_roller", Fate::kNoMeaning, "`log.size_max` bounds the log"},
    {"graceful_timeout", Fate::kTranslated, "`drain_timeout`", translate_drain_timeout},
    {"processor", Fate::kTranslated, "`concurrency`", translate_processor},
    {"listeners", Fate::kTranslated, "see below", translate_listeners},
    {"routers", Fate::kTranslated, "see below", translate_routers},
    {"mosn_server_name", Fate::kNoMeaning, "there is one server"},
    {"use_netpoll_mode", Fate::kNoMeaning, "every connection is on an epoll loop"},
    {"optimize_local_write", Fate::kNoMeaning, "every connection is on an epoll loop"},
};
constexpr KeyTable kServer{"servers[].", kServerKeys};

void translate_servers(Translation& t, const Node& value) {
  const auto servers = list_items(value, t);
  if (servers.empty()) {
    if (value.is_sequence()) t.pass.problems.error(value, "there is no server", "add one");
    return;
  }
  translate_keys(*servers.front(), kServer, t);
  if (servers.size() > 1) {
    t.pass.problems.error(*servers[1], "there is more than one server",
                          "move its listeners to the first one");
  }
}

constexpr KeyRule kRootKeys[] = {
    {"servers", Fate::kTranslated, "one server, see below", translate_servers},
    {"metrics", Fate::kTranslated, "see below",
     [](Translation& t, const Node& value) { translate_keys(value, kMetrics, t); }},
    {"tracing", Fate::kUnbuilt, "tracing, unless `enable` is false", translate_tracing},
    {"cluster_manager", Fate::kTranslated, "see below",
     [](Translation& t, const Node& value) { translate_keys(value, kClusterManager, t); }},
    {"pid", Fate::kTranslated, "`pid_file`",
     [](Translation& t, const Node& value) { read(value, t.config.pid_file, t); }},
    {"dynamic_resources", Fate::kUnbuilt, "serving what an xDS server sends (dynamic_resources)"},
    {"static_resources", Fate::kUnbuilt, "serving Envoy's static_resources"},
    {"wasm_global_plugins", Fate::kUnbuilt, "loading WASM modules (wasm_global_plugins)"},
    {"admin", Fate::kNoMeaning, "the admin pages are where the actuator listens"},
    {"pprof", Fate::kNoMeaning, "it profiles the Go runtime"},
    {"extends", Fate::kNoMeaning, "it is for Go code compiled into Layotto"},
    {"plugin", Fate::kNoMeaning, "it is for plugins written in Go"},
    {"third_part_codec", Fate::kNoMeaning, "it is for plugins written in Go"},
    {"node", Fate::kNoMeaning, "it matters with dynamic_resources only"},
    {"close_graceful", Fate::kNoMeaning, kNoHandOver},
    {"inherit_old_mosnconfig", Fate::kNoMeaning, kNoHandOver},
    {"uds_dir", Fate::kNoMeaning, kNoHandOver},
};
constexpr KeyTable kRoot{"", kRootKeys};

}  // namespace

std::span<const KeyTable> server_tables() {
  static constexpr KeyTable kTables[] = {kRoot,       kClusterManager, kMetrics, kSinks,
                                         kPrometheus, kServer,         kRouter};
  return kTables;
}

void translate_drain_timeout(Translation& t, const Node& value) {
  Duration timeout{0};
  if (!read(value, timeout, t) || timeout.count() == 0) return;
  t.config.drain_timeout =
      t.has_drain_timeout ? std::max(t.config.drain_timeout, timeout) : timeout;
  t.has_drain_timeout = true;
}

void translate_layotto(const Node& root, RuntimeConfig& config, Places& places, Unbuilt& unbuilt,
                       config::ParsePass& pass) {
  CHECK(pass.lenient(), "Layotto's files are read leniently");
  Translation t{.config = config, .places = places, .unbuilt = unbuilt, .pass = pass};
  translate_keys(root, kRoot, t);
  drop_metrics_port_of_admin(t);
  const Node& servers = *find_any_case(root, "servers");
  const bool said = !servers.is_null() && servers.children().empty();
  if (!t.serves_api && !said) {
    pass.problems.error(servers, "no listener serves the runtime API",
                        "add one with a network filter of type grpc");
  }
}

}  // namespace layotto::settings
