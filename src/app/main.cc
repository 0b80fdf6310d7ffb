// layotto: see command_line.cc for the verbs. Each verb is a few lines here; what they do is in
// runtime.h (start) and in the room cli.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "app/backup_at_rest.h"
#include "app/catalog.h"
#include "app/command_line.h"
#include "app/process.h"
#include "app/reports.h"
#include "app/runtime.h"
#include "app/version.h"
#include "cli/backup.h"
#include "cli/call.h"
#include "cli/state.h"
#include "cli/stop.h"
#include "settings/file_reader.h"
#include "settings/load.h"
#include "settings/process_references.h"

namespace layotto::app {
namespace {

const char* environment(const char* name) { return std::getenv(name); }

void print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

int complain(const Error& error) {
  print(stderr, fmt::format("layotto: {}\n", error.message()));
  return 1;
}

// The file of -c, else of RUNTIME_CONFIG, else nothing: never one found by chance.
std::string config_file(const CommandLine& line) {
  if (const auto file = line.value("config"); file.has_value()) return *file;
  const char* from_env = environment("RUNTIME_CONFIG");
  return from_env == nullptr ? "" : from_env;
}

std::optional<settings::LoadedConfig> load_file(const std::string& file,
                                                const blocks::Catalog& catalog,
                                                const settings::LoadOptions& options,
                                                config::Problems& problems, Status& reading) {
  Result<std::string> text = settings::read_config_file(file);
  if (!text.ok()) {
    reading = std::move(text).error();
    return std::nullopt;
  }
  settings::ProcessReferences references;
  auto loaded = settings::load(*text, file, catalog, references, options, problems);
  if (!loaded.has_value()) return std::nullopt;
  if (const auto format = access_log_format(loaded->config.access_log); !format.ok()) {
    problems.add({.file = file, .message = std::string(format.error().message())});
    return std::nullopt;
  }
  return loaded;
}

settings::LoadOptions load_options(const CommandLine& line) {
  return {.skip_unbuilt = line.has("skip-unbuilt"),
          .socket_path = default_socket_path(environment)};
}

Status apply_flags(const CommandLine& line, settings::RuntimeConfig& config) {
  for (const char* option : {"log-level", "logging-level"}) {
    const auto level = line.value(option);
    if (!level.has_value()) continue;
    TRY(const telemetry::Level parsed, telemetry::parse_level(*level));
    config.log.level = static_cast<settings::LogLevel>(parsed);
  }
  if (const auto path = line.value("logging-path"); path.has_value()) config.log.path = *path;
  return {};
}

int start(const CommandLine& line, const char* program) {
  static const blocks::Catalog& catalog = *new blocks::Catalog(make_catalog());
  const std::string file = config_file(line);
  RuntimeOptions options;
  options.env = environment;
  options.program = program;
  options.strict = line.has("strict");
  options.quiet = line.has("quiet");
  if (file.empty()) {
    options.config = settings::embedded_defaults(catalog, default_socket_path(environment));
  } else {
    config::Problems problems;
    Status reading;
    auto loaded = load_file(file, catalog, load_options(line), problems, reading);
    if (!reading.ok()) return complain(reading.error());
    if (!loaded.has_value()) {
      print(stderr, problems.to_string());
      print(stderr, "layotto: nothing was started: the configuration has errors\n");
      return 1;
    }
    if (problems.warnings() > 0) {
      print(stderr, fmt::format("layotto: {} settings of {} have no meaning here; `layotto check` "
                                "lists them\n",
                                problems.warnings(), file));
    }
    options.config = *std::move(loaded);
    options.reload = [file,
                      line](config::Problems& found) -> std::optional<settings::LoadedConfig> {
      Status again;
      auto config = load_file(file, catalog, load_options(line), found, again);
      if (again.ok() && config.has_value()) again = apply_flags(line, config->config);
      if (!again.ok()) {
        found.add({.file = file, .message = std::string(again.error().message())});
        return std::nullopt;
      }
      return config;
    };
  }
  if (const Status applied = apply_flags(line, options.config.config); !applied.ok()) {
    return complain(applied.error());
  }
  return run_runtime(std::move(options), catalog);
}

int check(const CommandLine& line) {
  const std::string file = config_file(line);
  if (file.empty())
    return complain(base::invalid_argument("say which file: layotto check -c FILE"));
  const blocks::Catalog catalog = make_catalog();
  config::Problems problems;
  Status reading;
  const auto loaded = load_file(file, catalog, load_options(line), problems, reading);
  if (!reading.ok()) return complain(reading.error());
  print(stdout, problems.to_string());
  if (!loaded.has_value()) {
    print(stderr, fmt::format("{}: {} errors, {} warnings\n", file, problems.errors(),
                              problems.warnings()));
    return 1;
  }
  for (const std::string& unbuilt : loaded->unbuilt) {
    print(stdout, fmt::format("{}: left out: {}\n", file, unbuilt));
  }
  print(stdout,
        fmt::format("{}: fine ({} state stores, {} listeners, {} warnings)\n", file,
                    loaded->state.size(), loaded->config.listeners.size(), problems.warnings()));
  return 0;
}

int schema(const CommandLine& line) {
  const blocks::Catalog catalog = make_catalog();
  const std::string type = line.words.empty() ? "" : line.words[0];
  auto text = line.has("text") ? schema_text(catalog, type) : schema_json(catalog, type);
  if (!text.ok()) return complain(text.error());
  print(stdout, *text);
  return 0;
}

int components(const CommandLine& line) {
  const blocks::Catalog catalog = make_catalog();
  print(stdout, line.has("json") ? catalog_json(catalog) + "\n" : catalog_text(catalog));
  return 0;
}

// Where the sidecar of this configuration has its admin listener and pid file.
settings::LoadedConfig running_config(const CommandLine& line) {
  static const blocks::Catalog& catalog = *new blocks::Catalog(make_catalog());
  const std::string file = config_file(line);
  if (!file.empty()) {
    config::Problems problems;
    Status reading;
    auto loaded = load_file(file, catalog, load_options(line), problems, reading);
    if (loaded.has_value()) return *std::move(loaded);
  }
  return settings::embedded_defaults(catalog, "");
}

cli::Target target_of(const CommandLine& line) {
  cli::Target target;
  target.address = line.value("address").value_or(std::string(settings::kApiAddressDefault));
  target.token_file = line.value("token-file").value_or("");
  target.tls_ca = line.value("tls-ca").value_or("");
  target.tls_certificate = line.value("tls-cert").value_or("");
  target.tls_key = line.value("tls-key").value_or("");
  if (const auto timeout = line.value("timeout"); timeout.has_value()) {
    target.timeout = std::chrono::milliseconds(
        static_cast<int64_t>(std::strtod(timeout->c_str(), nullptr) * 1000));
  }
  return target;
}

int run(const CommandLine& line, const char* program) {
  if (line.verb == "start") return start(line, program);
  if (line.verb == "check") return check(line);
  if (line.verb == "schema") return schema(line);
  if (line.verb == "components") return components(line);
  if (line.verb == "version") {
    print(stdout, fmt::format("layotto {}\n", kVersion));
    return 0;
  }
  if (line.verb == "help") {
    print(stdout, help_text(line.words.empty() ? "" : line.words[0]));
    return 0;
  }
  if (line.verb == "completion") {
    auto script = completion_script(line.words.empty() ? "" : line.words[0]);
    if (!script.ok()) return complain(script.error());
    print(stdout, *script);
    return 0;
  }
  signal(SIGPIPE, SIG_IGN);
  if (line.verb == "call") {
    cli::CallOptions options{.target = target_of(line), .verbose = line.has("verbose")};
    for (const auto& [name, value] : line.options) {
      if (name == "metadata") options.metadata.push_back(value);
    }
    return cli::call(line.words, options);
  }
  if (line.verb == "state") {
    return cli::state(line.words, {.target = target_of(line),
                                   .store = line.value("store").value_or("demo"),
                                   .etag = line.value("etag"),
                                   .first_write = line.has("first-write"),
                                   .ttl = line.value("ttl")});
  }
  const settings::LoadedConfig loaded = running_config(line);
  const settings::RuntimeConfig& config = loaded.config;
  if (line.verb == "stop") {
    return cli::stop({.target = target_of(line),
                      .admin_address = config.admin.address,
                      .pid_file = config.pid_file,
                      .patience = config.drain_timeout + std::chrono::seconds(10)});
  }
  if (line.verb == "backup") {
    return cli::backup(line.words,
                       {.target = target_of(line),
                        .admin_address = line.value("admin").value_or(config.admin.address),
                        .data_folder = config.data_folder.empty() ? default_data_folder(environment)
                                                                  : config.data_folder,
                        .copy_unheld = [&](const std::string& data_folder,
                                           const std::string& component, const std::string& to) {
                          return back_up_at_rest(loaded, data_folder, component, to);
                        }});
  }
  return complain(base::internal("'{}' is listed and not built", line.verb));
}

}  // namespace
}  // namespace layotto::app

int main(int argc, char** argv) {
  using namespace layotto;  // NOLINT(google-build-using-namespace)
  base::install_crash_handlers();
  const Result<app::CommandLine> line = app::parse_command_line(argc, argv);
  if (!line.ok()) return app::complain(line.error());
  return app::run(*line, argv[0]);
}
