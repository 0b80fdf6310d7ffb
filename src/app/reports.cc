#include "app/reports.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "app/process.h"
#include "app/version.h"
#include "config/json_support.h"
#include "config/print.h"
#include "config/schema_print.h"
#include "grpc/limits.h"
#include "http/limits.h"
#include "net/limits.h"

namespace layotto::app {
namespace {

namespace json = boost::json;

struct CatalogRow {
  std::string block;
  std::string_view type;
  std::vector<std::string_view> aliases;
  std::string_view summary;
  std::vector<std::string_view> features;
  const config::AnySchema* schema;
};

std::vector<std::string_view> features_of(const blocks::StateStore::Features& features) {
  std::vector<std::string_view> names;
  if (features.transactions) names.push_back("transactions");
  if (features.ttl) names.push_back("ttl");
  if (features.survives_restart) names.push_back("survives restart");
  return names;
}

std::vector<std::string_view> features_of(const blocks::Hello::Features& features) {
  if (features.dynamic_configuration) return {"dynamic configuration"};
  return {};
}

template <class Block>
void add_rows(const blocks::Catalog& catalog, std::string_view block,
              std::vector<CatalogRow>& rows) {
  for (const blocks::ComponentSpec<Block>& spec : catalog.all<Block>()) {
    rows.push_back({.block = std::string(block),
                    .type = spec.type,
                    .aliases = spec.aliases,
                    .summary = spec.summary,
                    .features = features_of(spec.features),
                    .schema = spec.schema});
  }
}

std::vector<CatalogRow> rows_of(const blocks::Catalog& catalog) {
  std::vector<CatalogRow> rows;
  add_rows<blocks::Hello>(catalog, "hellos", rows);
  add_rows<blocks::StateStore>(catalog, "state", rows);
  return rows;
}

Result<const config::AnySchema*> find_schema(const blocks::Catalog& catalog,
                                             std::string_view type) {
  if (type.empty() || type == "layotto") return &settings::RuntimeConfig::schema();
  std::string known = "layotto";
  for (const CatalogRow& row : rows_of(catalog)) {
    const std::string name = fmt::format("{}.{}", row.block, row.type);
    if (name == type) return row.schema;
    known += ", " + name;
  }
  return base::not_found("there is no schema '{}'; there are: {}", type, known);
}

std::string listeners_json(const settings::LoadedConfig& loaded) {
  json::array all;
  const auto add = [&](const settings::ListenerSettings& listener) {
    std::string auth;
    if (listener.tls.has_value() &&
        listener.tls->client_certificate == settings::ClientCertificate::kRequire) {
      auth = "client certificate";
    }
    if (!listener.token_file.empty()) auth += auth.empty() ? "token" : " and token";
    all.push_back(json::object{{"name", listener.name},
                               {"address", listener.address},
                               {"tls", listener.tls.has_value()},
                               {"auth", auth.empty() ? "none" : auth}});
  };
  for (const auto& listener : loaded.config.listeners) add(listener);
  add(loaded.config.admin);
  return json::serialize(json::object{{"listeners", std::move(all)}});
}

std::string limits_json(const settings::LoadedConfig& loaded) {
  json::array listeners;
  for (const auto& listener : loaded.config.listeners) {
    listeners.push_back(json::object{{"listener", listener.name},
                                     {"connections_max", listener.connections_max},
                                     {"concurrent_streams_max", listener.concurrent_streams_max},
                                     {"message_bytes_max", listener.message_bytes_max.bytes},
                                     {"header_bytes_max", listener.header_bytes_max.bytes},
                                     {"header_fields_max", listener.header_fields_max}});
  }
  const http::ServerLimits defaults;
  const json::object built_in{{"read_bytes_per_pass_max", net::kReadBytesPerPassMax},
                              {"unsent_bytes_fill_max", net::kUnsentFillMax},
                              {"h2_idle_frames_burst", defaults.idle_frames_burst},
                              {"h2_idle_frames_per_second", defaults.idle_frames_per_second},
                              {"h2_resets_burst", defaults.resets_burst},
                              {"h2_resets_per_second", defaults.resets_per_second},
                              {"h2_stream_window_bytes", defaults.stream_window_bytes},
                              {"h2_connection_window_bytes", defaults.connection_window_bytes},
                              {"grpc_stream_queued_bytes_max", grpc::kStreamQueuedMax},
                              {"state_key_bytes_max", blocks::kStateKeyBytesMax},
                              {"state_etag_bytes_max", blocks::kEtagBytesMax},
                              {"state_ttl_seconds_max", blocks::kStateTtlMax.count()}};
  return json::serialize(json::object{{"listeners", std::move(listeners)}, {"built_in", built_in}});
}

}  // namespace

std::string catalog_json(const blocks::Catalog& catalog) {
  json::array all;
  for (const CatalogRow& row : rows_of(catalog)) {
    json::array aliases(row.aliases.begin(), row.aliases.end());
    json::array features(row.features.begin(), row.features.end());
    all.push_back(json::object{{"block", row.block},
                               {"type", row.type},
                               {"aliases", std::move(aliases)},
                               {"summary", row.summary},
                               {"features", std::move(features)}});
  }
  return json::serialize(json::object{{"components", std::move(all)}});
}

std::string catalog_text(const blocks::Catalog& catalog) {
  std::string text;
  for (const CatalogRow& row : rows_of(catalog)) {
    std::string name = fmt::format("{}.{}", row.block, row.type);
    for (const std::string_view alias : row.aliases) name += fmt::format(" ({})", alias);
    text += fmt::format("{:<28} {}", name, row.summary);
    if (!row.features.empty()) text += fmt::format(" [{}]", fmt::join(row.features, ", "));
    text += '\n';
  }
  return text;
}

Result<std::string> schema_json(const blocks::Catalog& catalog, std::string_view type) {
  TRY(const config::AnySchema* schema, find_schema(catalog, type));
  return config::to_json_schema(*schema);
}

Result<std::string> schema_text(const blocks::Catalog& catalog, std::string_view type) {
  TRY(const config::AnySchema* schema, find_schema(catalog, type));
  return config::to_text(*schema);
}

std::string config_yaml(const settings::LoadedConfig& config) {
  const config::Node* root = config.document != nullptr ? &config.document->root() : nullptr;
  return config::print_settings(settings::RuntimeConfig::schema(), config.config, root);
}

std::shared_ptr<const ConfigPages> config_pages(const settings::LoadedConfig& config,
                                                const blocks::Catalog& catalog,
                                                const Process& process, size_t workers) {
  auto pages = std::make_shared<ConfigPages>();
  pages->config_yaml = config_yaml(config);
  pages->schema_json = config::to_json_schema(settings::RuntimeConfig::schema());
  pages->catalog_json = catalog_json(catalog);
  pages->listeners_json = listeners_json(config);
  pages->limits_json = limits_json(config);
  const auto started =
      std::chrono::duration_cast<std::chrono::seconds>(process.started.time_since_epoch());
  pages->process_json = json::serialize(json::object{{"pid", getpid()},
                                                     {"version", kVersion},
                                                     {"config", config.file},
                                                     {"workers", workers},
                                                     {"data_folder", process.data_folder},
                                                     {"app_id", process.app_id},
                                                     {"instance_id", process.instance_id},
                                                     {"started_unix_seconds", started.count()}});
  return pages;
}

namespace {

Result<telemetry::AccessLogFormat> json_format(std::string_view format,
                                               http::AttributeTable& attributes) {
  // Every %OPERATOR% of the text becomes a member named like the operator, in lower case.
  std::vector<std::pair<std::string, std::string>> members;
  for (size_t at = format.find('%'); at != std::string_view::npos;) {
    const size_t end = format.find('%', at + 1);
    if (end == std::string_view::npos) {
      return base::invalid_argument("a '%' at place {} is not closed", at + 1);
    }
    if (end > at + 1) {
      const std::string_view inside = format.substr(at + 1, end - at - 1);
      std::string key;
      for (const char c : inside.substr(0, inside.find(':', inside.find(')')))) {
        const bool plain =
            (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (plain) key.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        if (!plain && !key.empty() && key.back() != '_') key.push_back('_');
      }
      while (!key.empty() && key.back() == '_') key.pop_back();
      members.emplace_back(std::move(key), fmt::format("%{}%", inside));
    }
    at = format.find('%', end + 1);
  }
  std::vector<telemetry::JsonMember> views;
  for (const auto& [key, value] : members) views.push_back({.key = key, .format = value});
  return telemetry::AccessLogFormat::compile_json(views, attributes);
}

}  // namespace

Result<telemetry::AccessLogFormat> access_log_format(const settings::AccessLogSettings& settings) {
  http::AttributeTable attributes;
  const std::string_view format =
      settings.format.empty() ? http::kDefaultAccessLogFormat : std::string_view(settings.format);
  auto compiled = settings.json ? json_format(format, attributes)
                                : telemetry::AccessLogFormat::compile(format, attributes);
  if (compiled.ok()) return compiled;
  return base::invalid_argument("access_log.format: {}", compiled.error().message());
}

}  // namespace layotto::app
