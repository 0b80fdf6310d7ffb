// Layotto's files: what they become, part by part, and the whole files of tests/layotto_configs.
#include "settings/layotto_json.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "settings/example_catalog.h"
#include "settings/file_reader.h"
#include "settings/load.h"

namespace layotto::settings {
namespace {

using config::Problems;

struct Loading {
  blocks::Catalog catalog = example_catalog();
  Problems problems;
  std::unique_ptr<LoadedConfig> loaded;  // null: refused
  [[nodiscard]] std::string said() const { return problems.to_string(); }
  [[nodiscard]] const RuntimeConfig& config() const { return loaded->config; }
};

std::unique_ptr<Loading> load_text(std::string_view text, const LoadOptions& options = {}) {
  auto loading = std::make_unique<Loading>();
  ExampleReferences references;
  if (auto loaded =
          load(text, "l.json", loading->catalog, references, options, loading->problems)) {
    loading->loaded = std::make_unique<LoadedConfig>(*std::move(loaded));
  }
  EXPECT_EQ(loading->loaded != nullptr, !loading->problems.has_errors()) << loading->said();
  return loading;
}

// A file with one API listener. `more` goes into the listener, the grpc_config or the root.
struct Parts {
  std::string grpc_config;
  std::string listener = R"("address": "127.0.0.1:34904",)";
  std::string grpc;    // into the filter's config
  std::string server;  // into the server
  std::string root;
};
std::string file_of(const Parts& parts) {
  return "{\"servers\": [{" + parts.server + " \"listeners\": [{" + parts.listener +
         " \"filter_chains\": [{\"filters\": [{\"type\": \"grpc\", \"config\": {" + parts.grpc +
         " \"server_name\": \"runtime\", \"grpc_config\": {" + parts.grpc_config + "}}}]}]}]}]" +
         parts.root + "}\n";
}
std::unique_ptr<Loading> load_parts(const Parts& parts, const LoadOptions& options = {}) {
  return load_text(file_of(parts), options);
}

// Without the place, which is far to the right in a file on one line.
std::string messages(const Loading& loading) {
  std::string out;
  for (const config::Problem& problem : loading.problems.kept()) {
    out += problem.severity == config::Severity::kWarning ? "warning: " : "error: ";
    out += problem.message + (problem.remedy.empty() ? "" : "; " + problem.remedy) + "\n";
  }
  return out;
}

// ---- whole files

// What a file becomes, for people to review: NAME.expected beside NAME.json.
std::string describe(const std::string& name, const std::string& text) {
  const blocks::Catalog catalog = example_catalog();
  ExampleReferences references;
  std::string out;
  Problems problems;
  load(text, name, catalog, references, {}, problems);
  out += "# problems\n" + problems.to_string();
  Problems others;
  const auto loaded = load(text, name, catalog, references, {.skip_unbuilt = true}, others);
  if (!loaded) return out + "# does not start with --skip-unbuilt\n" + others.to_string();
  out += "# skipped with --skip-unbuilt\n";
  for (const std::string& what : loaded->unbuilt) out += what + "\n";
  out += "# what starts\n";
  const RuntimeConfig& config = loaded->config;
  if (!config.app.id.empty()) out += "app " + config.app.id + "\n";
  for (const ListenerSettings& listener : config.listeners) {
    out += fmt::format("listener {}: {}\n", listener.name, listener.address);
  }
  out += fmt::format("{}: {}\n", config.admin.name, config.admin.address);
  if (config.metrics.listener) {
    out += fmt::format("{}: {}{}\n", config.metrics.listener->name,
                       config.metrics.listener->address, config.metrics.path);
  }
  for (const ConfiguredState& state : loaded->state) {
    out += fmt::format("state {}: {}\n", state.name, state.spec->type);
  }
  for (const ConfiguredHello& hello : loaded->hellos) {
    out += fmt::format("hello {}: {} \"{}\"\n", hello.name, hello.spec->type,
                       static_cast<const ExampleHello*>(hello.settings.get())->hello);
  }
  return out;
}

std::string content_of(const std::string& path) {
  Result<std::string> content = read_regular_file(path, 1 << 20);
  return content.ok() ? *std::move(content) : std::string();
}

TEST(LayottoFiles, EachBecomesWhatIsWrittenBesideIt) {
  const std::string folder = LAYOTTO_SOURCE_DIR "/tests/layotto_configs";
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    ++count;
    const std::string name = entry.path().filename().string();
    const std::string expected =
        content_of(folder + "/" + entry.path().stem().string() + ".expected");
    const std::string found = describe(name, content_of(entry.path().string()));
    EXPECT_TRUE(found == expected) << name << " becomes:\n" << found;
    EXPECT_EQ(found.find("not-shown"), std::string::npos) << name;
  }
  EXPECT_GE(count, 25U);
}

// ---- listeners

TEST(LayottoJson, AListenerWithTheGrpcFilterServesTheApi) {
  const auto load = load_parts(
      {.listener = R"("name": "api", "address": ":1234", "network": "TCP", "type": "ingress",
                      "connection_idle_timeout": "90s", "bind_port": true,)",
       .grpc = R"("graceful_stop_timeout": "1m30s",)",
       .server = R"("graceful_timeout": "20s", "processor": 4, "default_log_path": "/l.log",
                    "default_log_level": "fatal",)",
       .root = R"(, "pid": "/run/l.pid")"});
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->said(), "");
  const RuntimeConfig& config = load->config();
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(config.listeners[0].name, "api");
  EXPECT_EQ(config.listeners[0].address, "0.0.0.0:1234");
  EXPECT_EQ(config.listeners[0].idle_timeout, std::chrono::seconds(90));
  EXPECT_EQ(config.drain_timeout, std::chrono::seconds(90)) << "the longer one";
  EXPECT_EQ(config.concurrency, "4");
  EXPECT_EQ(config.log.path, "/l.log");
  EXPECT_EQ(config.log.level, LogLevel::kCritical);
  EXPECT_EQ(config.pid_file, "/run/l.pid");
  EXPECT_EQ(config.admin.address, "127.0.0.1:34999");
}

TEST(LayottoJson, AddressesAreIpAndPortOrThePathOfASocket) {
  const auto unix_socket =
      load_parts({.listener = R"("address": "/tmp/l.sock", "network": "unix",)"});
  ASSERT_TRUE(unix_socket->loaded) << unix_socket->said();
  EXPECT_EQ(unix_socket->config().listeners[0].address, "unix:/tmp/l.sock");
  const auto local = load_parts({.listener = R"("address": "localhost:1234",)"});
  ASSERT_TRUE(local->loaded) << local->said();
  EXPECT_EQ(local->config().listeners[0].address, "127.0.0.1:1234");

  EXPECT_EQ(messages(*load_parts({.listener = R"("address": "proxy.example:1234",)"})),
            "error: wants an address, found \"proxy.example:1234\": 'proxy.example' is not an IP "
            "address; write ip:port\n");
  EXPECT_EQ(messages(*load_parts({.listener = ""})),
            "error: a listener has no address; add \"address\"\n");
  EXPECT_EQ(messages(*load_parts({.listener = R"("address": "a", "network": "quic",)"})),
            "error: there is no network \"quic\"; write tcp or unix\n");
  EXPECT_EQ(messages(*load_parts({.listener = R"("address": ":53", "network": "udp",)"})),
            "error: listening on UDP is not built yet; --skip-unbuilt starts without it\n");
  EXPECT_EQ(messages(*load_parts({.listener = R"("address": "", "network": "unix",)"})),
            "error: wants an address, found \"\": the path of a Unix socket is empty; write the "
            "path of a socket\n");
}

TEST(LayottoJson, AListenerThatIsNotBoundIsNotOpened) {
  EXPECT_EQ(messages(*load_parts({.listener = R"("address": ":1", "bind_port": false,)"})),
            "error: no listener serves the runtime API; add one with a network filter of type "
            "grpc\n"
            "warning: the listener is not opened: its bind_port is false; write true\n");
}

TEST(LayottoJson, AListenerWhoseGuardIsNotBuiltIsNotOpenedWithoutIt) {
  const std::string guarded =
      R"({"servers": [{"listeners": [{"address": ":1", "filter_chains": [{
          "tls_context": {"status": true}, "tls_context_set": [{"status": false}, {}],
          "filters": [{"type": "grpc", "config": {}}]}]})";
  EXPECT_EQ(load_text(guarded + "]}]}")->said(),
            "l.json:2:26: servers[0].listeners[0].filter_chains[0].tls_context: a listener with "
            "TLS as MOSN writes it (our own YAML has listeners[].tls) is not built yet; "
            "--skip-unbuilt starts without it\n");
  EXPECT_EQ(messages(*load_text(guarded + "]}]}", {.skip_unbuilt = true})),
            "error: no listener serves the runtime API; add one with a network filter of type "
            "grpc\n");
  const auto load = load_text(guarded + R"(, {"address": ":2", "filter_chains": [{"filters": [
      {"type": "grpc", "config": {}}]}]}, {"address": ":3", "stream_filters": [
      {"type": "ip_access"}], "filter_chains": [{"filters": [{"type": "grpc", "config": {}}]}]}
      ]}]})",
                              {.skip_unbuilt = true});
  ASSERT_TRUE(load->loaded) << load->said();
  ASSERT_EQ(load->config().listeners.size(), 1U);
  EXPECT_EQ(load->config().listeners[0].address, "0.0.0.0:2");
  EXPECT_EQ(load->loaded->unbuilt.back(), "a listener with access control (ip_access)");
}

TEST(LayottoJson, FiltersThatAreUnknownAreErrors) {
  EXPECT_EQ(
      messages(*load_parts(
          {.listener = R"("address": ":1", "stream_filters": [{"type": "flowControlFiler"},
                  {"type": "gzip"}, {}, {"config": {}}, {"type": "GRPC_metric"}, 5],)"})),
      "error: there is no filter of type \"flowControlFiler\"; did you mean flowControlFilter?\n"
      "error: a filter of the mesh (gzip) is not built yet; --skip-unbuilt starts without it\n"
      "error: a filter has no type; add \"type\"\n"
      "error: wants a mapping, found the integer 5; write it in { }\n");
}

TEST(LayottoJson, TheActuatorsListenerIsTheAdminListener) {
  const std::string actuator =
      R"({"name": "act", "address": "127.0.0.1:4321", "bind_port": true,
          "filter_chains": [{"filters": [{"type": "proxy", "config": {}}]}],
          "stream_filters": [{"type": "actuator_filter"}]})";
  const std::string grpc =
      R"({"address": ":1", "filter_chains": [{"filters": [{"type": "grpc", "config": {}}]}]})";
  const auto load = load_text(R"({"servers": [{"listeners": [)" + actuator + "," + grpc + "]}]}");
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->config().admin.address, "127.0.0.1:4321");
  EXPECT_EQ(load->config().admin.name, "act");
  EXPECT_EQ(load->config().listeners.size(), 1U);
  EXPECT_EQ(messages(*load_text(R"({"servers": [{"listeners": [)" + actuator + "," + grpc + "," +
                                actuator + "]}]}")),
            "error: a second listener for the actuator; remove one of them\n");
}

TEST(LayottoJson, ListenersHaveALimit) {
  std::string many = "5";
  for (size_t i = 0; i < kListenersMax; ++i) many += ",5";
  EXPECT_EQ(load_text(R"({"servers": [{"listeners": [)" + many + "]}]}")->said(),
            "l.json:1:13: servers: no listener serves the runtime API; add one with a network "
            "filter of type grpc\n"
            "l.json:1:28: servers[0].listeners: has 129 items, the limit is 128; remove some\n");
}

TEST(LayottoJson, SeveralListenersServeOneApi) {
  const std::string first =
      R"({"address": ":1", "filter_chains": [{"filters": [{"type": "grpc", "config":
         {"grpc_config": {"state": {"a": {"type": "in-memory"}}}}}]}]})";
  const std::string same =
      R"({"address": ":2", "filter_chains": [{"filters": [{"type": "grpc", "config":
         {"grpc_config": {"state": {"a": {"type": "in-memory"}}}}}]}]})";
  const std::string other =
      R"({"address": ":3", "filter_chains": [{"filters": [{"type": "grpc", "config":
         {"grpc_config": {"state": {"a": {"type": "redis"}}}}}]}]})";
  const auto load = load_text(R"({"servers": [{"listeners": [)" + first + "," + same + "]}]}");
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->config().listeners.size(), 2U);
  EXPECT_EQ(load->loaded->state.size(), 1U);
  EXPECT_EQ(messages(*load_text(R"({"servers": [{"listeners": [)" + first + "," + other + "]}]}")),
            "error: \"a\" is here twice, first on line 2; use another name\n");
}

TEST(LayottoJson, OneServerWithOneApiListenerIsTheLeast) {
  EXPECT_EQ(load_text(R"({"servers": []})")->said(),
            "l.json:1:13: servers: there is no server; add one\n");
  EXPECT_EQ(load_text(R"({"servers": 5})")->said(),
            "l.json:1:13: servers: wants a list, found the integer 5; write it in [ ]\n");
  EXPECT_EQ(load_text(R"({"servers": [{}, {}]})")->said(),
            "l.json:1:13: servers: no listener serves the runtime API; add one with a network "
            "filter of type grpc\n"
            "l.json:1:18: servers[1]: there is more than one server; move its listeners to the "
            "first one\n");
  EXPECT_EQ(load_text(R"({"servers": null})")->said(),
            "l.json:1:13: servers: no listener serves the runtime API; add one with a network "
            "filter of type grpc\n");
}

TEST(LayottoJson, MetricsAreServedOnThePortOfThePrometheusSink) {
  const auto load = load_parts({.root = R"(, "metrics": {"sinks": [{"type": "prometheus", "config":
      {"port": "34903", "endpoint": "/stats", "disable_collect_go": true}}]})"});
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->config().metrics.listener.value_or(ListenerSettings{}).address, "0.0.0.0:34903");
  EXPECT_EQ(load->config().metrics.path, "/stats");
  EXPECT_EQ(messages(*load),
            "warning: this setting has no meaning here: there is no Go runtime; remove it\n");

  const auto of_admin = load_parts({.root = R"(, "metrics": {"sinks": [{"type": "prometheus",
      "config": {"port": 34999, "endpoint": "/stats"}}]})"});
  ASSERT_TRUE(of_admin->loaded) << of_admin->said();
  EXPECT_FALSE(of_admin->config().metrics.listener);
  EXPECT_EQ(messages(*of_admin),
            "warning: the port is the admin listener's, where the path is /metrics; use another "
            "port, or scrape /metrics\n");

  EXPECT_EQ(messages(*load_parts({.root = R"(, "metrics": {"sinks": [
      {"type": "prometheus", "config": {"port": 0}}, {"type": "prometheus"},
      {"type": "console"}, {"type": "graphite"},
      {"type": "prometheus", "config": {"port": 1, "endpoint": "stats", "export_url": "x"}},
      {"type": "prometheus", "config": {"port": 2}}]})"})),
            "error: wants an integer from 1 to 65535, found the integer 0\n"
            "error: a prometheus sink has no port; add \"port\" to its config\n"
            "error: printing metrics (console) is not built yet; --skip-unbuilt "
            "starts without it\n"
            "error: there is no filter of type \"graphite\"; remove it\n"
            "error: wants a URL path, found \"stats\"; write a path such as /metrics\n"
            "error: pushing metrics to a gateway is not built yet; --skip-unbuilt starts without "
            "it\n"
            "error: a second prometheus sink; remove one of them\n");
}

// ---- components

TEST(LayottoJson, StateStoresHaveSettingsOfTheirOwnInMetadata) {
  const auto load = load_parts({.grpc_config = R"(
      "app": {"app_id": "shop"},
      "state": {"a": {"type": "redis", "metadata": {
          "redisHost": "h:1", "redisPassword": "s3cret", "redisDB": "3", "readTimeout": "7",
          "keyPrefix": "Name", "ttlInSeconds": "60", "poolSize": "5", "colour": "blue",
          "actorStateStore": "true"}}},
      "hellos": {"b": {"type": "helloworld", "hello": "good day", "metadata": {"x": "y"}}})"});
  ASSERT_TRUE(load->loaded) << load->said();
  ASSERT_EQ(load->loaded->state.size(), 1U);
  const ConfiguredState& state = load->loaded->state[0];
  EXPECT_EQ(state.entry.key_prefix, "name") << "in lower case";
  EXPECT_EQ(state.entry.default_ttl, std::chrono::seconds(60));
  const auto& redis = *static_cast<const ExampleRedis*>(state.settings.get());
  EXPECT_EQ(redis.host, "h:1");
  EXPECT_EQ(redis.password.reveal(), "s3cret");
  EXPECT_EQ(redis.db, 3U);
  EXPECT_EQ(redis.timeout, std::chrono::seconds(7));
  EXPECT_EQ(static_cast<const ExampleHello*>(load->loaded->hellos[0].settings.get())->hello,
            "good day");
  EXPECT_EQ(messages(*load),
            "warning: this setting has no meaning here: connections are shared; remove it\n"
            "warning: unknown setting, not used; remove it; known here: host, password, db, "
            "timeout\n"
            "warning: this setting has no meaning here: there are no actors; remove it\n");
  EXPECT_EQ(load->said().find("s3cret"), std::string::npos);
}

TEST(LayottoJson, ATimeToLiveThatIsNotPositiveIsNone) {
  const auto load = load_parts(
      {.grpc_config =
           R"("state": {"a": {"type": "in-memory", "metadata": {"ttlInSeconds": "-1"}}})"});
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->loaded->state[0].entry.default_ttl, std::nullopt);
  EXPECT_EQ(load->said(), "");
}

TEST(LayottoJson, MistakesInEntriesAreErrorsAtTheirPlace) {
  const auto load = load_parts({.grpc_config = R"(
"state": {
 "a": {"type": "in-memory", "metadata": {"keyPrefix": "x||y"}},
 "b": {"type": "in-memory", "metadata": {"ttlInSeconds": "soon"}},
 "c": {"type": 5.5},
 "d": {"metadata": {}},
 "e": 5,
 "f": {"type": "redis"},
 "g": {"type": "reddis"}})"});
  const std::string at =
      "servers[0].listeners[0].filter_chains[0].filters[0].config.grpc_config.state.";
  EXPECT_EQ(load->said(), "l.json:3:55: " + at +
                              "a.metadata.keyPrefix: wants a key prefix, found \"x||y\": "
                              "write one without ||, which stands between prefix and key\n"
                              "l.json:4:58: " +
                              at +
                              "b.metadata.ttlInSeconds: wants an integer from "
                              "-2147483648 to 315360000, found a string \"soon\"\n"
                              "l.json:5:16: " +
                              at +
                              "c.type: there is no state store of type \"5.5\"; `layotto "
                              "components` lists what there is\n"
                              "l.json:6:7: " +
                              at +
                              "d: the state store has no type; add \"type\"\n"
                              "l.json:7:7: " +
                              at +
                              "e: wants a mapping, found the integer 5; write it in { }\n"
                              "l.json:8:7: " +
                              at +
                              "f.metadata.host: this setting is required and missing; add "
                              "host: Host and port.\n"
                              "l.json:9:16: " +
                              at +
                              "g.type: there is no state store of type \"reddis\"; did you "
                              "mean redis? `layotto components` lists what there is\n");
}

TEST(LayottoJson, AKeyPrefixOfTheAppsIdWithoutAnIdIsAWarning) {
  const auto load = load_parts(
      {.grpc_config =
           R"("state": {"a": {"type": "in-memory", "metadata": {"keyPrefix": "APPID"}}})"});
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(messages(*load),
            "warning: keys get the app's id as prefix, and it has none; add app.app_id\n");
}

TEST(LayottoJson, NamesThatDifferInCaseAreTakenWithAWarning) {
  const auto load = load_text(
      R"({"Servers": [{"Listeners": [{"Address": ":1", "filter_chains": [{"filters": [
          {"Type": "grpc", "config": {"Grpc_Config": {"State": {"a": {"Type": "in-memory",
          "metadata": {"KeyPrefix": "none"}}}}}}]}]}]}]})");
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->loaded->state.size(), 1U);
  EXPECT_EQ(messages(*load),
            "warning: the name is spelt otherwise; write servers\n"
            "warning: the name is spelt otherwise; write listeners\n"
            "warning: the name is spelt otherwise; write address\n"
            "warning: the name is spelt otherwise; write grpc_config\n"
            "warning: the name is spelt otherwise; write state\n"
            "warning: the name is spelt otherwise; write type\n"
            "warning: the name is spelt otherwise; write keyPrefix\n");
}

TEST(LayottoJson, AGreetingOfAnUnknownTypeMayBePluggable) {
  EXPECT_EQ(messages(*load_parts({.grpc_config = R"("hellos": {"a": {"type": "my-greeter"}})"})),
            "error: greeting \"a\" of the pluggable type \"my-greeter\" is not built yet; "
            "--skip-unbuilt starts without it\n");
  EXPECT_EQ(messages(*load_parts({.grpc_config = R"("hellos": {"a": {"type": "helloword"}})"})),
            "error: there is no greeting of type \"helloword\"; did you mean helloworld? `layotto "
            "components` lists what there is\n");
}

TEST(LayottoJson, UnknownNamesAreWarnings) {
  EXPECT_EQ(messages(*load_parts({.grpc_config = R"("stat": {}, "zzz": 1)",
                                  .root = R"(, "metric": {}, "Pprof": {"debug": false}, "admin": {},
                                              "extends": [{"type": "x"}])"})),
            "warning: unknown setting, not used; did you mean state?\n"
            "warning: unknown setting, not used; remove it\n"
            "warning: unknown setting, not used; did you mean metrics?\n"
            "warning: the name is spelt otherwise; write pprof\n"
            "warning: this setting has no meaning here: it profiles the Go runtime; remove it\n"
            "warning: this setting has no meaning here: it is for Go code compiled into Layotto; "
            "remove it\n");
}

TEST(LayottoJson, TheServersSettingsAreChecked) {
  EXPECT_EQ(
      messages(*load_parts({.grpc = R"("server_name": "other", "graceful_stop_timeout": 5,)",
                            .server = R"("default_log_level": "LOUD", "processor": "many",
                                    "graceful_timeout": "0s",)"})),
      "error: wants a log level, found \"LOUD\"; write TRACE, DEBUG, INFO, WARN, ERROR or "
      "FATAL\n"
      "error: wants a number of threads, found a string \"many\"; write a number from 1 to 999, "
      "or auto\n"
      "error: there is no gRPC server \"other\"; write \"runtime\"\n"
      "error: wants a duration with its unit, found the integer 5; write 5s\n"
      "error: the key \"server_name\" is here twice, first on line 2; remove one of them\n");
}

TEST(LayottoJson, NullsAreAsIfNotWritten) {
  const auto load = load_parts(
      {.grpc_config = R"("state": null, "hellos": {"a": {"type": "helloworld", "hello": null}},
          "lock": null, "app": null)",
       .root = R"(, "metrics": null, "tracing": null, "cluster_manager": null)"});
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->said(), "");
}

TEST(LayottoJson, TheTableSaysWhatBecomesOfEveryKey) {
  const std::string table = layotto_key_table();
  EXPECT_EQ(table.find("| key | what becomes of it |\n| --- | --- |\n"), 0U);
  for (const auto* row :
       {"| `servers[].default_log_level` | `log.level` |\n",
        "| `pprof` | no meaning here: it profiles the Go runtime |\n",
        "| `grpc_config.lock` | not built yet: locks |\n",
        "| `state.<name>.metadata.keyPrefix` | `state.<name>.key_prefix`, in lower case |\n"}) {
    EXPECT_NE(table.find(row), std::string::npos) << row;
  }
}

// The room's README shows the table of the code.
TEST(LayottoJson, TheReadmeHasTheTable) {
  const std::string readme = content_of(LAYOTTO_SOURCE_DIR "/src/settings/README.md");
  EXPECT_NE(readme.find(layotto_key_table()), std::string::npos)
      << "put this into src/settings/README.md:\n"
      << layotto_key_table();
}

}  // namespace
}  // namespace layotto::settings
