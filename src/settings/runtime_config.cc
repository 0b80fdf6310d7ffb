#include "settings/runtime_config.h"

#include "base/nearest_name.h"
#include "blocks/state.h"
#include "net/address.h"

namespace layotto::config {

bool Values<settings::ThreadCount>::read(const Node& node, settings::ThreadCount& out,
                                         const Limits&, ParsePass& pass) {
  const std::string_view text = node.text();
  const bool is_number = !text.empty() && text.size() <= 3 && text[0] != '0' &&
                         text.find_first_not_of("0123456789") == std::string_view::npos;
  const bool is_auto = text == "auto" || (pass.lenient() && base::equal_but_case(text, "auto"));
  if (node.is_scalar() && (is_auto || is_number)) {
    out = is_auto ? std::string("auto") : std::string(text);
    return true;
  }
  pass.problems.error(node, fmt::format("wants a number of threads, found {}", node.describe()),
                      "write a number from 1 to 999, or auto");
  return false;
}

void Values<settings::ThreadCount>::show(const settings::ThreadCount& value, const Node*,
                                         ValueSink& sink) {
  Int128 count = 0;
  if (decimal_integer(value, count)) {
    sink.integer(count);
  } else {
    sink.string(value);
  }
}

}  // namespace layotto::config

namespace layotto::settings {
namespace {

Status check_address(std::string_view text) {
  TRY(net::Address::parse(text));
  return {};
}

Status check_mode(std::string_view text) {
  if (text.size() != 4 || text[0] != '0' ||
      text.find_first_not_of("01234567") != std::string_view::npos) {
    return base::invalid_argument("write four octal digits such as 0660");
  }
  return {};
}

Status check_metrics_path(std::string_view text) {
  if (text.starts_with('/') && text.find_first_of(" ?#") == std::string_view::npos) return {};
  return base::invalid_argument("write a path such as /metrics");
}

Status check_absolute(std::string_view text) {
  if (!text.empty() && text[0] != '/') return base::invalid_argument("write an absolute path");
  return {};
}

void check_tls(const TlsSettings& tls, config::Report& report) {
  if (tls.client_certificate != ClientCertificate::kNone && tls.client_ca.empty()) {
    report.error("client_certificate", "client certificates need a CA to be checked against",
                 "add client_ca");
  }
}

}  // namespace

const config::Schema<TlsSettings>& TlsSettings::schema() {
  using S = TlsSettings;
  static const auto& schema = config::Schema<S>::make(
      "tls",
      "TLS on a listener. The files are watched: a renewed certificate is used for new "
      "connections without a restart.",
      [](config::Schema<S>& s) {
        s.field("certificate", &S::certificate, "PEM file with the certificate chain.")
            .required()
            .non_empty();
        s.field("private_key", &S::private_key, "PEM file with the key.").required().non_empty();
        s.field("client_ca", &S::client_ca, "PEM file with the CAs that sign client certificates.");
        s.field("client_certificate", &S::client_certificate,
                "Whether clients must show a certificate (mTLS).");
        s.field("min_version", &S::min_version, "Oldest protocol version accepted.");
        s.check(check_tls);
      });
  return schema;
}

const config::Schema<ListenerSettings>& ListenerSettings::schema() {
  using S = ListenerSettings;
  static const auto& schema = config::Schema<S>::make(
      "listener", "A door: where requests are accepted, who may come in, and its limits.",
      [](config::Schema<S>& s) {
        s.field("name", &S::name, "For logs and metrics; made from the address when empty.");
        s.field("address", &S::address,
                "host:port, [IPv6]:port or unix:/path (unix-abstract:name). Port 0: any free one.")
            .format("an address", check_address);
        s.field("mode", &S::mode, "Unix sockets: permission bits of the file.")
            .format("a file mode", check_mode);
        s.field("group", &S::group, "Unix sockets: group that owns the file.");
        s.field("tls", &S::tls, "TLS or mTLS; without it clear text.");
        s.field("token_file", &S::token_file,
                "File with a token every request must carry as 'authorization: Bearer <token>'.");
        s.field("message_bytes_max", &S::message_bytes_max,
                "Largest gRPC message, each way; larger ones are RESOURCE_EXHAUSTED.")
            .min(config::ByteSize{1024})
            .max(config::ByteSize{1024UL * 1024 * 1024});
        s.field("connections_max", &S::connections_max,
                "Open connections; further ones are closed at once.")
            .min(1);
        s.field("concurrent_streams_max", &S::concurrent_streams_max,
                "Calls at the same time on one HTTP/2 connection.")
            .min(1);
        s.field("header_bytes_max", &S::header_bytes_max, "Decoded size of a request's headers.")
            .min(config::ByteSize{1024})
            .max(config::ByteSize{16UL * 1024 * 1024});
        s.field("header_fields_max", &S::header_fields_max, "Number of a request's headers.")
            .min(10);
        s.field("head_timeout", &S::head_timeout,
                "From connecting to the first request, and for each later request's headers; 0: no "
                "limit.");
        s.field("idle_timeout", &S::idle_timeout,
                "A connection without requests is closed after this; 0: never.");
        s.field("keepalive_interval", &S::keepalive_interval,
                "HTTP/2: a silent peer is asked for a sign of life after this; 0: never.");
        s.field("keepalive_timeout", &S::keepalive_timeout,
                "HTTP/2: how long it may take to give one.");
        s.field("write_stall_timeout", &S::write_stall_timeout,
                "A peer that takes none of our bytes for this long is given up; 0: never.");
      });
  return schema;
}

const config::Schema<AppSettings>& AppSettings::schema() {
  using S = AppSettings;
  static const auto& schema = config::Schema<S>::make(
      "app", "The application this sidecar serves.", [](config::Schema<S>& s) {
        s.field("id", &S::id, "Its name; used as key prefix by key_prefix: appid.").alias("app_id");
      });
  return schema;
}

const config::Schema<MetricsSettings>& MetricsSettings::schema() {
  using S = MetricsSettings;
  static const auto& schema = config::Schema<S>::make(
      "metrics", "A second place for the metrics, for scrapers on other machines.",
      [](config::Schema<S>& s) {
        s.field("listener", &S::listener,
                "Where the metrics and nothing else are served; unset: only /metrics of the admin "
                "listener.");
        s.field("path", &S::path, "Their path on that listener.")
            .format("a URL path", check_metrics_path);
      });
  return schema;
}

const config::Schema<StateStoreSettings>& StateStoreSettings::schema() {
  using S = StateStoreSettings;
  static const auto& schema = config::Schema<S>::make(
      "state store", "One state store: which component, and the rules every store shares.",
      [](config::Schema<S>& s) {
        s.field("type", &S::type, "The component: see `layotto components`.")
            .required()
            .non_empty();
        s.field("key_prefix", &S::key_prefix,
                "What is put before keys: none, name (of the store), appid, or a text of your own; "
                "empty: none.")
            .format("a key prefix", check_key_prefix);
        s.field("default_ttl", &S::default_ttl,
                "Expiry of values saved without ttlInSeconds; unset: never.")
            .min(seconds(1))
            .max(blocks::kStateTtlMax);
        s.field("operation_timeout", &S::operation_timeout, "Longest wait for one operation.")
            .min(milliseconds(1));
        s.field("required", &S::required,
                "Whether readiness is DOWN while this store is not available.");
        s.field("settings", &S::settings, "The component's own settings.").alias("metadata");
      });
  return schema;
}

const config::Schema<HelloSettings>& HelloSettings::schema() {
  using S = HelloSettings;
  static const auto& schema =
      config::Schema<S>::make("hello", "One greeting component.", [](config::Schema<S>& s) {
        s.field("type", &S::type, "The component: see `layotto components`.")
            .required()
            .non_empty();
        s.field("required", &S::required, "Whether readiness is DOWN while it is not available.");
        s.field("settings", &S::settings, "The component's own settings.").alias("metadata");
      });
  return schema;
}

const config::Schema<LogSettings>& LogSettings::schema() {
  using S = LogSettings;
  static const auto& schema = config::Schema<S>::make(
      "log", "The event log: one line per event, key=value.", [](config::Schema<S>& s) {
        s.field("path", &S::path, "stderr, stdout or a file; SIGUSR1 opens the file anew.")
            .non_empty();
        s.field("level", &S::level, "Events below this are not written.");
        s.field("modules", &S::modules, "Levels of single modules (runtime, components, redis).");
        s.field("size_max", &S::size_max, "A file of this size is renamed to <path>.1; 0: never.");
      });
  return schema;
}

const config::Schema<AccessLogSettings>& AccessLogSettings::schema() {
  using S = AccessLogSettings;
  static const auto& schema = config::Schema<S>::make(
      "access_log", "The access log: one line per request.", [](config::Schema<S>& s) {
        s.field("path", &S::path, "stderr, stdout or a file; empty: no access log.");
        s.field("format", &S::format, "Text with %OPERATORS%; empty: the default line.");
        s.field("json", &S::json, "Write each line as a JSON object instead.");
        s.field("size_max", &S::size_max, "A file of this size is renamed to <path>.1; 0: never.");
      });
  return schema;
}

const config::Schema<RuntimeConfig>& RuntimeConfig::schema() {
  using S = RuntimeConfig;
  static const auto& schema = config::Schema<S>::make(
      "layotto", "The configuration of the runtime.", [](config::Schema<S>& s) {
        s.field("app", &S::app, "The application this sidecar serves.");
        s.field("listeners", &S::listeners,
                "Where the API is served; none written: 127.0.0.1:34904 and a Unix socket.")
            .non_empty()
            .items_max(kListenersMax);
        s.field("admin", &S::admin,
                "Where health, metrics and the admin pages are served; 127.0.0.1:34999 unless "
                "written.");
        s.field("metrics", &S::metrics,
                "Where the metrics are served beside /metrics of the admin listener.");
        s.field("state", &S::state, "State stores by name.");
        s.field("hellos", &S::hellos, "Greeting components by name.");
        s.field("data_folder", &S::data_folder,
                "Where embedded components keep their files; empty: $XDG_DATA_HOME/layotto or "
                "~/.local/share/layotto.")
            .format("an absolute path", check_absolute);
        s.field("concurrency", &S::concurrency,
                "Worker threads: a number, or auto for what the container may use.");
        s.field("drain_timeout", &S::drain_timeout,
                "How long requests under way may take after SIGTERM.");
        s.field("pid_file", &S::pid_file, "Written at start, removed at exit; empty: none.");
        s.field("log", &S::log, "The event log.");
        s.field("access_log", &S::access_log, "The access log.");
      });
  return schema;
}

unsigned mode_bits(const std::string& mode) {
  unsigned bits = 0;
  for (const char c : mode) bits = bits * 8 + static_cast<unsigned>(c - '0');
  return bits;
}

Status check_key_prefix(std::string_view prefix) {
  if (prefix.find("||") == std::string_view::npos) return {};
  return base::invalid_argument("write one without ||, which stands between prefix and key");
}

}  // namespace layotto::settings
