#include "app/pages.h"

#include <utility>

#include "app/process.h"
#include "app/version.h"
#include "config/json_support.h"
#include "telemetry/prometheus.h"

namespace layotto::app {
namespace {

using admin::Page;
using admin::PageKind;
using admin::PageReply;
using admin::PageRequest;
namespace json = boost::json;

using Reply = Result<PageReply>;

Task<Reply> reply_json(std::string body, uint16_t status = 200) {
  return async::ready(Reply(PageReply{.status = status, .body = std::move(body)}));
}

double seconds_of(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

json::array exchanges_json(const http::ConnectionSnapshot& connection) {
  json::array all;
  for (const http::ExchangeSnapshot& exchange : connection.exchanges) {
    all.push_back(json::object{{"operation", exchange.operation},
                               {"stage", exchange.stage},
                               {"stream", exchange.stream_id},
                               {"age_seconds", seconds_of(exchange.age)},
                               {"peer", connection.peer}});
  }
  return all;
}

// ---- pages that wait: free coroutines, what they refer to lives as long as the site

Task<Reply> connections_page(PageSources* sources, async::Loop* here) {
  CO_TRY(auto connections, co_await sources->connections(*here));
  json::array all;
  for (const http::ConnectionSnapshot& connection : connections) {
    all.push_back(json::object{{"peer", connection.peer},
                               {"local", connection.local},
                               {"protocol", connection.protocol},
                               {"age_seconds", seconds_of(connection.age)},
                               {"requests", connection.requests},
                               {"requests_active", connection.exchanges.size()},
                               {"bytes_read", connection.bytes_read},
                               {"bytes_written", connection.bytes_written},
                               {"bytes_unsent", connection.unsent},
                               {"draining", connection.draining}});
  }
  co_return PageReply{.body = json::serialize(json::object{{"connections", std::move(all)}})};
}

Task<Reply> exchanges_page(PageSources* sources, async::Loop* here) {
  CO_TRY(auto connections, co_await sources->connections(*here));
  json::array all;
  for (const http::ConnectionSnapshot& connection : connections) {
    for (json::value& exchange : exchanges_json(connection)) all.push_back(std::move(exchange));
  }
  co_return PageReply{.body = json::serialize(json::object{{"exchanges", std::move(all)}})};
}

Task<Reply> backup_page(PageSources* sources, async::Loop* here, std::string component,
                        std::string folder) {
  if (component.empty() || !folder.starts_with('/')) {
    co_return base::invalid_argument(
        "say which component and where to: ?component=state.demo&folder=/absolute/path");
  }
  CO_TRY(co_await sources->backup(*here, component, folder));
  co_return PageReply{
      .body = json::serialize(json::object{{"component", component}, {"folder", folder}})};
}

Reply health_page(const HealthBoard::Document& document) {
  return PageReply{.status = static_cast<uint16_t>(document.up ? 200 : 500), .body = document.json};
}

// ---- levels of the event log

std::string levels_json(telemetry::Logger& logger) {
  json::object modules;
  for (const auto& each : logger.levels()) {
    modules[each.module] = telemetry::level_name(each.level);
  }
  return json::serialize(json::object{{"modules", std::move(modules)}});
}

Reply set_level(telemetry::Logger& logger, std::string_view module, std::string_view level) {
  TRY(const telemetry::Level parsed, telemetry::parse_level(level));
  if (module.empty()) {
    logger.set_level(parsed);
  } else {
    TRY(logger.set_level(module, parsed));
  }
  return PageReply{.body = levels_json(logger)};
}

// Layotto's: a body {"component", "level"}; 200 and {} even for unknown components, 500 for no or
// broken JSON.
Reply actuator_logger(telemetry::Logger& logger, const PageRequest& request) {
  boost::system::error_code failure;
  const json::value parsed =
      json::parse(json::string_view(request.body.data(), request.body.size()), failure);
  if (failure || !parsed.is_object()) return PageReply{.status = 500, .body = {}};
  const auto text_at = [&](const char* key) -> std::string {
    const json::value* value = parsed.as_object().if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->as_string().c_str()) : "";
  };
  const auto level = telemetry::parse_level(text_at("level"));
  if (level.ok()) {
    [[maybe_unused]] const Status unknown_is_fine = logger.set_level(text_at("component"), *level);
  }
  return PageReply{.body = "{}"};
}

}  // namespace

void add_metrics_page(admin::Site& site, Process& process, std::string path) {
  site.add({.path = std::move(path),
            .summary = "Prometheus metrics",
            .function = [&process](const PageRequest&) {
              return async::ready(
                  Reply(PageReply{.content_type = telemetry::kPrometheusContentType,
                                  .body = telemetry::prometheus_text(process.metrics)}));
            }});
}

void add_pages(admin::Site& site, PageSources& sources, async::Loop& here) {
  Process& process = sources.process;
  const auto from_config = [&](std::string path, std::string summary,
                               std::string ConfigPages::* text,
                               std::string_view type = admin::kJson) {
    site.add({.path = std::move(path),
              .summary = std::move(summary),
              .function = [&sources, text, type](const PageRequest&) {
                const auto pages = sources.config.get();
                return async::ready(Reply(PageReply{.content_type = type, .body = (*pages).*text}));
              }});
  };
  const auto page = [&](std::string path, std::string summary, admin::PageFunction function,
                        PageKind kind = PageKind::kRead) {
    site.add({.path = std::move(path),
              .summary = std::move(summary),
              .kind = kind,
              .function = std::move(function)});
  };

  // Layotto's actuator and Prometheus.
  page("/actuator/health/liveness", "whether the process works",
       [&](const PageRequest&) { return async::ready(health_page(sources.board.liveness())); });
  page("/actuator/health/readiness", "whether it can take work, by component",
       [&](const PageRequest&) { return async::ready(health_page(sources.board.readiness())); });
  page("/actuator/health/", "any other probe: 500, as Layotto answers",
       [](const PageRequest&) { return reply_json("{}", 500); });
  page("/actuator/health", "no probe named: 500, as Layotto answers",
       [](const PageRequest&) { return reply_json("{}", 500); });
  page("/actuator/info", "name and version", [](const PageRequest&) {
    return reply_json(json::serialize(json::object{
        {"app", json::object{{"name", "Layotto"}, {"version", kVersion}, {"compiled", kBuilt}}}}));
  });
  page(
      "/actuator/logger", "change a log level: {\"component\", \"level\"}",
      [&process](const PageRequest& request) {
        return async::ready(actuator_logger(process.logger, request));
      },
      PageKind::kAction);
  add_metrics_page(site, process, "/metrics");

  // Our own.
  from_config("/layotto/process", "pid, version, workers, start", &ConfigPages::process_json);
  from_config("/layotto/config", "the configuration in force, without secrets",
              &ConfigPages::config_yaml, "application/yaml");
  from_config("/layotto/schema", "JSON schema of the configuration", &ConfigPages::schema_json);
  from_config("/layotto/listeners", "where requests are accepted, and who may come in",
              &ConfigPages::listeners_json);
  from_config("/layotto/limits", "every limit in force", &ConfigPages::limits_json);
  page("/layotto/components", "configured components and their health",
       [&sources](const PageRequest&) {
         json::array all;
         for (const HealthBoard::Entry& entry : sources.board.entries()) {
           all.push_back(json::object{{"name", entry.name},
                                      {"type", entry.type},
                                      {"required", entry.required},
                                      {"state", health_state_name(entry.health.state)},
                                      {"reason", entry.health.reason}});
         }
         return reply_json(json::serialize(json::object{{"components", std::move(all)}}));
       });
  from_config("/layotto/catalog", "components that can be configured", &ConfigPages::catalog_json);
  page("/layotto/connections", "open connections",
       [&sources, &here](const PageRequest&) { return connections_page(&sources, &here); });
  page("/layotto/exchanges", "requests under way: at which stage, how old",
       [&sources, &here](const PageRequest&) { return exchanges_page(&sources, &here); });
  add_metrics_page(site, process, "/layotto/metrics");
  page(
      "/layotto/log", "levels of the event log; POST ?module=components&level=debug changes one",
      [&process](const PageRequest& request) {
        const auto level = request.parameter("level");
        if (!request.posted || !level.has_value()) return reply_json(levels_json(process.logger));
        return async::ready(
            set_level(process.logger, request.parameter("module").value_or(""), *level));
      },
      PageKind::kReadOrAction);
  page(
      "/layotto/drain", "take no new work, finish what is under way",
      [&sources](const PageRequest&) {
        sources.drain();
        return reply_json("{}");
      },
      PageKind::kAction);
  page(
      "/layotto/backup", "copy an embedded component's data: ?component=state.demo&folder=/path",
      [&sources, &here](const PageRequest& request) {
        return backup_page(&sources, &here, request.parameter("component").value_or(""),
                           request.parameter("folder").value_or(""));
      },
      PageKind::kAction);
}

}  // namespace layotto::app
