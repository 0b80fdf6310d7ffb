// RuntimeConfig: what a configuration file says, as typed structs: the runtime's own schema. Read
// first how a setting is declared: runtime_config.cc, one line each; everything else (errors, docs,
// `layotto schema`) follows from it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "config/byte_size.h"
#include "config/node.h"
#include "config/schema.h"

namespace layotto::settings {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr std::string_view kApiAddressDefault = "127.0.0.1:34904";
inline constexpr std::string_view kAdminAddressDefault = "127.0.0.1:34999";

// Doors of one process.
inline constexpr size_t kListenersMax = 128;

enum class ClientCertificate : uint8_t { kNone, kRequest, kRequire };
constexpr config::EnumName<ClientCertificate> kClientCertificateNames[] = {
    {"none", ClientCertificate::kNone},
    {"request", ClientCertificate::kRequest},
    {"require", ClientCertificate::kRequire}};
constexpr std::span<const config::EnumName<ClientCertificate>> enum_names(ClientCertificate) {
  return kClientCertificateNames;
}

enum class TlsVersion : uint8_t { k12, k13 };
constexpr config::EnumName<TlsVersion> kTlsVersionNames[] = {{"1.2", TlsVersion::k12},
                                                             {"1.3", TlsVersion::k13}};
constexpr std::span<const config::EnumName<TlsVersion>> enum_names(TlsVersion) {
  return kTlsVersionNames;
}

struct TlsSettings {
  std::string certificate;
  std::string private_key;
  std::string client_ca;
  ClientCertificate client_certificate = ClientCertificate::kNone;
  TlsVersion min_version = TlsVersion::k12;

  static const config::Schema<TlsSettings>& schema();
};

struct ListenerSettings {
  std::string name;
  std::string address;
  std::string mode = "0600";
  std::string group;
  std::optional<TlsSettings> tls;
  std::string token_file;
  config::ByteSize message_bytes_max{4UL * 1024 * 1024};
  uint32_t connections_max = 16'384;
  uint32_t concurrent_streams_max = 1000;
  config::ByteSize header_bytes_max{64UL * 1024};
  uint32_t header_fields_max = 200;
  Duration head_timeout = seconds(10);
  Duration idle_timeout = std::chrono::hours(1);
  Duration keepalive_interval = std::chrono::hours(2);
  Duration keepalive_timeout = seconds(20);
  Duration write_stall_timeout = std::chrono::minutes(5);

  static const config::Schema<ListenerSettings>& schema();
};

// "auto", or a number from 1 to 999; in a file with or without quotes.
struct ThreadCount : std::string {
  using std::string::string;
  using std::string::operator=;
};

struct AppSettings {
  std::string id;

  static const config::Schema<AppSettings>& schema();
};

// A door that answers GET <path> with the metrics and nothing else, beside the admin listener.
struct MetricsSettings {
  std::optional<ListenerSettings> listener;  // unset: /metrics of the admin listener only
  std::string path = "/metrics";

  static const config::Schema<MetricsSettings>& schema();
};

// What every component's entry has. `settings` is read by the component's own schema.
struct StateStoreSettings {
  std::string type;
  std::string key_prefix;  // no "||" in it
  std::optional<Duration> default_ttl;
  Duration operation_timeout = seconds(5);
  bool required = true;
  const config::Node* settings = nullptr;

  static const config::Schema<StateStoreSettings>& schema();
};

struct HelloSettings {
  std::string type;
  bool required = true;
  const config::Node* settings = nullptr;

  static const config::Schema<HelloSettings>& schema();
};

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kCritical, kOff };
constexpr config::EnumName<LogLevel> kLogLevelNames[] = {
    {"trace", LogLevel::kTrace}, {"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarn},   {"error", LogLevel::kError}, {"critical", LogLevel::kCritical},
    {"off", LogLevel::kOff}};
constexpr std::span<const config::EnumName<LogLevel>> enum_names(LogLevel) {
  return kLogLevelNames;
}

struct LogSettings {
  std::string path = "stderr";
  LogLevel level = LogLevel::kInfo;
  std::map<std::string, LogLevel> modules;
  config::ByteSize size_max{100UL * 1024 * 1024};

  static const config::Schema<LogSettings>& schema();
};

struct AccessLogSettings {
  std::string path;
  std::string format;
  bool json = false;
  config::ByteSize size_max{100UL * 1024 * 1024};

  static const config::Schema<AccessLogSettings>& schema();
};

struct RuntimeConfig {
  AppSettings app;
  std::vector<ListenerSettings> listeners;
  ListenerSettings admin;
  MetricsSettings metrics;
  std::map<std::string, StateStoreSettings> state;
  std::map<std::string, HelloSettings> hellos;
  std::string data_folder;
  ThreadCount concurrency = "1";
  Duration drain_timeout = seconds(30);
  std::string pid_file;
  LogSettings log;
  AccessLogSettings access_log;

  static const config::Schema<RuntimeConfig>& schema();
};

// Permission bits of "0660"; checked when read.
unsigned mode_bits(const std::string& mode);

// What stands between a prefix and a key is "||", so that no prefix may have it.
Status check_key_prefix(std::string_view prefix);

}  // namespace layotto::settings

template <>
struct layotto::config::Values<layotto::settings::ThreadCount> {
  static bool read(const Node& node, settings::ThreadCount& out, const Limits& limits,
                   ParsePass& pass);
  static void show(const settings::ThreadCount& value, const Node* written, ValueSink& sink);
  static TypeDescription describe() { return {.type = Type::kAny}; }
};
