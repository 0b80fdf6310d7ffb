// Loading our own YAML: what it means, and how every mistake is said.
#include "settings/load.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "settings/example_catalog.h"
#include "settings/listeners.h"

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

std::unique_ptr<Loading> load_text(std::string_view text, const LoadOptions& options = {},
                                   std::string_view file = "l.yaml") {
  auto loading = std::make_unique<Loading>();
  ExampleReferences references;
  references.variables = {{"REDIS", "redis.example:6379"}, {"PASSWORD", "hunter2"}};
  references.files = {{"/run/secret", "hunter2\n"}};
  if (auto loaded = load(text, file, loading->catalog, references, options, loading->problems)) {
    loading->loaded = std::make_unique<LoadedConfig>(*std::move(loaded));
  }
  EXPECT_EQ(loading->loaded != nullptr, !loading->problems.has_errors()) << loading->said();
  return loading;
}

std::string said_about(std::string_view text, const LoadOptions& options = {}) {
  return load_text(text, options)->said();
}

std::vector<std::string> addresses(const RuntimeConfig& config) {
  std::vector<std::string> out;
  out.reserve(config.listeners.size());
  for (const ListenerSettings& listener : config.listeners) out.push_back(listener.address);
  return out;
}

// ---- what it means

TEST(Load, ReadsAWholeFileAndItsComponents) {
  const auto load = load_text(R"(
app: {id: shop}
listeners:
  - {name: api, address: "127.0.0.1:0", connections_max: 5}
  - {address: "unix:/run/shop.sock", mode: "0660"}
admin: {address: "127.0.0.1:1234"}
metrics: {listener: {address: "0.0.0.0:34903"}, path: /stats}
state:
  carts:
    type: redis
    key_prefix: appid
    default_ttl: 1h
    settings: {host: "${REDIS}", password: "${file:/run/secret}", db: 3}
  scratch: {type: in-memory}
hellos:
  greeter: {type: helloworld, settings: {hello: good day}}
log: {level: debug, modules: {net: trace}}
)");
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->said(), "");
  const LoadedConfig& loaded = *load->loaded;
  EXPECT_EQ(loaded.file, "l.yaml");
  EXPECT_EQ(loaded.config.app.id, "shop");
  ASSERT_EQ(loaded.config.listeners.size(), 2U);
  EXPECT_EQ(loaded.config.listeners[0].name, "api");
  EXPECT_EQ(loaded.config.listeners[0].connections_max, 5U);
  EXPECT_EQ(loaded.config.listeners[1].name, "unix:/run/shop.sock");
  EXPECT_EQ(mode_bits(loaded.config.listeners[1].mode), 0660U);
  EXPECT_EQ(loaded.config.admin.address, "127.0.0.1:1234");
  EXPECT_EQ(loaded.config.admin.name, "admin");
  EXPECT_EQ(loaded.config.metrics.listener.value_or(ListenerSettings{}).address, "0.0.0.0:34903");
  EXPECT_EQ(loaded.config.metrics.listener.value_or(ListenerSettings{}).name, "metrics");
  EXPECT_EQ(loaded.config.metrics.path, "/stats");
  EXPECT_EQ(loaded.config.log.modules.at("net"), LogLevel::kTrace);

  ASSERT_EQ(loaded.state.size(), 2U);
  EXPECT_EQ(loaded.state[0].name, "carts");
  EXPECT_EQ(loaded.state[0].spec->type, "redis");
  EXPECT_EQ(loaded.state[0].entry.default_ttl, std::chrono::hours(1));
  const auto& redis = *static_cast<const ExampleRedis*>(loaded.state[0].settings.get());
  EXPECT_EQ(redis.host, "redis.example:6379");
  EXPECT_EQ(redis.password.reveal(), "hunter2");
  EXPECT_EQ(redis.db, 3U);
  EXPECT_EQ(loaded.state[1].spec->type, "memory") << "in-memory is an alias";
  ASSERT_EQ(loaded.hellos.size(), 1U);
  EXPECT_EQ(static_cast<const ExampleHello*>(loaded.hellos[0].settings.get())->hello, "good day");
}

TEST(Load, WithoutListenersTheApiIsOnTcpAndOnAUnixSocket) {
  const auto both = load_text("state: {}\n", {.socket_path = "/run/user/7/layotto/layotto.sock"});
  ASSERT_TRUE(both->loaded);
  EXPECT_EQ(addresses(both->config()),
            (std::vector<std::string>{"127.0.0.1:34904", "unix:/run/user/7/layotto/layotto.sock"}));
  EXPECT_EQ(both->config().listeners[0].name, "127.0.0.1:34904");
  EXPECT_EQ(both->config().admin.address, "127.0.0.1:34999");
  EXPECT_FALSE(both->config().metrics.listener);

  const auto tcp = load_text("");
  ASSERT_TRUE(tcp->loaded);
  EXPECT_EQ(addresses(tcp->config()), std::vector<std::string>{"127.0.0.1:34904"});
}

TEST(Load, ASocketPathTheSystemDoesNotTakeIsAWarning) {
  const auto load = load_text("", {.socket_path = "/" + std::string(200, 'x')});
  ASSERT_TRUE(load->loaded);
  EXPECT_EQ(load->config().listeners.size(), 1U);
  EXPECT_EQ(load->said().find("warning: the API is not served on a Unix socket: "), 0U);
  EXPECT_NE(load->said().find("; write listeners, or set XDG_RUNTIME_DIR to a shorter path\n"),
            std::string::npos);
}

TEST(Load, EmbeddedDefaultsHaveAStoreAndAGreeting) {
  const blocks::Catalog catalog = example_catalog();
  const LoadedConfig loaded = embedded_defaults(catalog, "/run/l.sock");
  EXPECT_EQ(loaded.file, "");
  EXPECT_EQ(loaded.config.listeners.size(), 2U);
  ASSERT_EQ(loaded.state.size(), 1U);
  EXPECT_EQ(loaded.state[0].name, "demo");
  EXPECT_EQ(loaded.state[0].spec->type, "embedded");
  ASSERT_EQ(loaded.hellos.size(), 1U);
  EXPECT_EQ(loaded.hellos[0].name, "helloworld");
  EXPECT_EQ(embedded_defaults(catalog, "").config.listeners.size(), 1U);
}

TEST(Load, OurOwnSettingsMayBeJson) {
  const auto plain =
      load_text(R"({"app": {"id": "shop"}, "state": {"a": {"type": "memory"}}})", {}, "l.json");
  ASSERT_TRUE(plain->loaded) << plain->said();
  EXPECT_EQ(plain->config().app.id, "shop");
  const auto with_reference = load_text(
      "\xEF\xBB\xBF\n{\"state\": {\"a\": {\"type\": \"redis\", \"settings\": {\"host\": "
      "\"${REDIS}\"}}}}");
  ASSERT_TRUE(with_reference->loaded) << with_reference->said();
  EXPECT_EQ(static_cast<const ExampleRedis*>(with_reference->loaded->state[0].settings.get())->host,
            "redis.example:6379");
  const auto flow = load_text("{app: {id: shop}, # a comment\n}");
  ASSERT_TRUE(flow->loaded) << flow->said();
  EXPECT_EQ(flow->config().app.id, "shop");
}

TEST(Load, JsonThatIsBrokenIsSaidToBe) {
  EXPECT_EQ(load_text("{\"app\": {}, }", {}, "l.json")->said(),
            "l.json:1:13: not valid JSON: found \"}\" where a name in double quotes should be; "
            "remove the comma before it\n");
  EXPECT_NE(said_about("{\"servers\": [}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(said_about("{app: [}").find("not valid YAML"), std::string::npos);
}

TEST(Load, ListenersOnPortZeroGetNamesOfTheirOwn) {
  const auto load = load_text(
      "listeners: [{address: '127.0.0.1:0'}, {address: '127.0.0.1:0'}, {name: admin, address: "
      "'[::1]:0'}]\n");
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->config().listeners[0].name, "127.0.0.1:0");
  EXPECT_EQ(load->config().listeners[1].name, "127.0.0.1:0#2");
  EXPECT_EQ(load->config().admin.name, "admin#2");
}

TEST(Load, NothingIsOpened) {
  const auto load = load_text(
      "data_folder: /nowhere/at/all\n"
      "pid_file: /nowhere/pid\n"
      "log: {path: /nowhere/log}\n"
      "listeners:\n"
      "  - address: unix:/nowhere/socket\n"
      "    token_file: /nowhere/token\n"
      "    tls: {certificate: /nowhere/cert, private_key: /nowhere/key}\n"
      "state: {a: {type: embedded, settings: {folder: /nowhere/else}}}\n");
  EXPECT_TRUE(load->loaded) << load->said();
  EXPECT_FALSE(std::filesystem::exists("/nowhere"));
}

TEST(Load, ACopyOutlivesWhatItWasLoadedFrom) {
  auto load = load_text("state: {a: {type: memory, settings: {size_max: 1MiB}}}\n");
  ASSERT_TRUE(load->loaded);
  const LoadedConfig copy = *load->loaded;
  load->loaded.reset();
  EXPECT_EQ(copy.state[0].entry.settings->find("size_max")->text(), "1MiB");
}

// ---- what is wrong

TEST(Load, FindsEveryMistakeOfAFileInOneGo) {
  EXPECT_EQ(said_about("app:\n"
                       "  name: shop\n"
                       "listeners:\n"
                       "  - address: localhost:34904\n"
                       "  - mode: '777'\n"
                       "concurrency: many\n"
                       "state:\n"
                       "  a:\n"
                       "    type: redsi\n"
                       "  b:\n"
                       "    type: redis\n"
                       "    key_prefix: x||y\n"
                       "    settings: {db: 99}\n"
                       "  c: {}\n"
                       "  d: {type: consul}\n"
                       "hellos:\n"
                       "  e: {type: helloworld, settings: {helo: x}}\n"
                       "log:\n"
                       "  level: loud\n"),
            "l.yaml:2:3: app.name: unknown setting; remove it; known here: id\n"
            "l.yaml:4:14: listeners[0].address: wants an address, found \"localhost:34904\": "
            "'localhost' is not an IP address\n"
            "l.yaml:5:5: listeners[1]: a listener has no address; add address: host:port\n"
            "l.yaml:5:11: listeners[1].mode: wants a file mode, found \"777\": write four octal "
            "digits such as 0660\n"
            "l.yaml:6:14: concurrency: wants a number of threads, found a string \"many\"; write a "
            "number from 1 to 999, or auto\n"
            "l.yaml:9:11: state.a.type: there is no state store of type \"redsi\"; did you mean "
            "redis? `layotto components` lists what there is\n"
            "l.yaml:12:17: state.b.key_prefix: wants a key prefix, found \"x||y\": write one "
            "without ||, which stands between prefix and key\n"
            "l.yaml:13:15: state.b.settings.host: this setting is required and missing; add host: "
            "Host and port.\n"
            "l.yaml:13:20: state.b.settings.db: wants an integer from 0 to 15, found the integer "
            "99\n"
            "l.yaml:14:6: state.c.type: this setting is required and missing; add type: The "
            "component: see `layotto components`.\n"
            "l.yaml:15:13: state.d.type: state store \"d\" of type \"consul\" is not built yet; "
            "--skip-unbuilt starts without it\n"
            "l.yaml:17:36: hellos.e.settings.helo: unknown setting; did you mean hello?\n"
            "l.yaml:19:10: log.level: wants trace, debug, info, warn, error, critical or off, "
            "found a string \"loud\"\n");
}

TEST(Load, AWordThatIsNoTypeListsWhatThereIs) {
  EXPECT_EQ(said_about("hellos: {a: {type: xyz}}\n"),
            "l.yaml:1:20: hellos.a.type: there is no greeting of type \"xyz\"; `layotto "
            "components` lists what there is\n");
  EXPECT_EQ(said_about("state: {a: {type: postgres}}\n"),
            "l.yaml:1:19: state.a.type: there is no state store of type \"postgres\"; did you mean "
            "postgresql? `layotto components` lists what there is\n");
}

TEST(Load, SkippingStartsWithoutWhatIsNotBuilt) {
  const auto load =
      load_text("state: {a: {type: consul}, b: {type: memory}}\n", {.skip_unbuilt = true});
  ASSERT_TRUE(load->loaded) << load->said();
  EXPECT_EQ(load->said(), "");
  EXPECT_EQ(load->loaded->unbuilt,
            std::vector<std::string>{"state store \"a\" of type \"consul\""});
  EXPECT_EQ(load->loaded->state.size(), 1U);
  EXPECT_EQ(load->config().state.count("a"), 0U);
}

TEST(Load, SettingsThatAreMissingAltogetherHaveThePlaceOfTheirComponent) {
  EXPECT_EQ(said_about("state:\n  a: {type: redis}\n"),
            "l.yaml:2:6: state.a.settings.host: this setting is required and missing; add host: "
            "Host and port.\n");
  EXPECT_EQ(said_about("state:\n  a: {type: redis, settings: 5}\n"),
            "l.yaml:2:30: state.a.settings: wants a mapping, found the integer 5; write one "
            "`name: value` a line below it\n");
}

TEST(Load, TwoDoorsCannotHaveOneAddress) {
  EXPECT_EQ(said_about("listeners:\n  - address: 127.0.0.1:99\n  - address: 0.0.0.0:99\n"),
            "l.yaml:3:14: listeners[1].address: 0.0.0.0:99 cannot be opened together with "
            "127.0.0.1:99 (listeners[0]); use another port, or remove one of them\n");
  EXPECT_EQ(said_about("listeners:\n  - address: unix:/a\n  - address: unix:///a\n"),
            "l.yaml:3:14: listeners[1].address: unix:///a cannot be opened together with unix:/a "
            "(listeners[0]); use another port, or remove one of them\n");
  EXPECT_EQ(said_about("listeners:\n  - address: 127.0.0.1:34999\n"),
            "l.yaml:2:14: listeners[0].address: 127.0.0.1:34999 cannot be opened together with "
            "127.0.0.1:34999 (a default); use another port, or remove one of them\n");
  EXPECT_EQ(said_about("metrics: {listener: {address: '0.0.0.0:34904'}}\n"),
            "l.yaml:1:31: metrics.listener.address: 0.0.0.0:34904 cannot be opened together with "
            "127.0.0.1:34904 (a default); use another port, or remove one of them\n");
  EXPECT_EQ(said_about("metrics: {listener: {}}\n"),
            "l.yaml:1:21: metrics.listener: a listener has no address; add address: host:port\n");
  EXPECT_TRUE(can_listen_together("127.0.0.1:1", "127.0.0.2:1"));
  EXPECT_TRUE(can_listen_together("127.0.0.1:1", "[::1]:1"));
  EXPECT_TRUE(can_listen_together("0.0.0.0:0", "0.0.0.0:0"));
  EXPECT_FALSE(can_listen_together("127.0.0.1:1", "[::]:1"));
  EXPECT_FALSE(can_listen_together("unix-abstract:a", "unix:@a"));
}

TEST(Load, TwoListenersCannotHaveOneName) {
  EXPECT_EQ(said_about("listeners:\n"
                       "  - {name: api, address: '127.0.0.1:1'}\n"
                       "  - {name: api, address: '127.0.0.1:2'}\n"),
            "l.yaml:3:12: listeners[1].name: two listeners have the name \"api\"; use another "
            "name\n");
}

TEST(Load, AComponentIsThereOnce) {
  EXPECT_EQ(said_about("state:\n  a: {type: memory}\n  a: {type: redis}\n"),
            "l.yaml:3:3: state.a: the key \"a\" is here twice, first on line 2; remove one of "
            "them\n");
}

TEST(Load, AListOfNoListenersIsAMistake) {
  EXPECT_EQ(said_about("listeners: []\n"),
            "l.yaml:1:12: listeners: must not be empty; write at least one item\n");
  EXPECT_EQ(said_about("listeners: [5, null]\n"),
            "l.yaml:1:13: listeners[0]: wants a mapping, found the integer 5; write one `name: "
            "value` a line below it\n"
            "l.yaml:1:16: listeners[1]: a listener has no address; add address: host:port\n");
  std::string many = "listeners:\n";
  for (size_t i = 0; i <= kListenersMax; ++i) many += "  - address: 127.0.0.1:0\n";
  EXPECT_EQ(said_about(many),
            "l.yaml:2:3: listeners: has 129 items, the limit is 128; remove some\n");
  EXPECT_EQ(said_about("listeners: 5\n"),
            "l.yaml:1:12: listeners: wants a list, found the integer 5; write it as [a, b], or "
            "with - before each item\n");
}

TEST(Load, RulesOfTheRuntimesOwnSettings) {
  EXPECT_EQ(said_about("state: {a: {type: memory, key_prefix: appid}}\n"),
            "l.yaml:1:39: state.a.key_prefix: keys get the app's id as prefix, and it has none; "
            "add app: {id: …}\n");
  EXPECT_EQ(said_about("metrics: {path: stats}\n"),
            "l.yaml:1:17: metrics.path: wants a URL path, found \"stats\": write a path such as "
            "/metrics\n");
  EXPECT_EQ(said_about("data_folder: here\n"),
            "l.yaml:1:14: data_folder: wants an absolute path, found \"here\": write an absolute "
            "path\n");
  EXPECT_EQ(said_about("listeners: [{address: '1.2.3.4:5', tls: {certificate: a}}]\n"),
            "l.yaml:1:41: listeners[0].tls.private_key: this setting is required and missing; add "
            "private_key: PEM file with the key.\n");
  EXPECT_EQ(said_about("admin: {tls: {certificate: a, private_key: b, client_certificate: "
                       "require}}\n"),
            "l.yaml:1:67: admin.tls.client_certificate: client certificates need a CA to be "
            "checked against; add client_ca\n");
  EXPECT_EQ(load_text("concurrency: 12\n")->config().concurrency, "12");
  EXPECT_EQ(load_text("concurrency: auto\n")->config().concurrency, "auto");
  EXPECT_EQ(said_about("concurrency: 0\n"),
            "l.yaml:1:14: concurrency: wants a number of threads, found the integer 0; write a "
            "number from 1 to 999, or auto\n");
  EXPECT_EQ(said_about("drain_timeout: 5\n"),
            "l.yaml:1:16: drain_timeout: wants a duration with its unit, found the integer 5; "
            "write 5s\n");
  EXPECT_EQ(said_about("state: {a: {type: memory, default_ttl: 1ms}}\n"),
            "l.yaml:1:40: state.a.default_ttl: wants a duration from 1s to 87600h, found a "
            "string \"1ms\"\n");
  EXPECT_EQ(said_about("- a\n"),
            "l.yaml:1:1: wants a mapping, found a list; write one `name: value` a line below it\n");
  EXPECT_EQ(said_about("state: [a]\n"),
            "l.yaml:1:8: state: wants a mapping, found a list; write one `name: value` a line "
            "below it\n");
}

TEST(Load, ReferencesThatFailAreProblemsAndTheirValuesAreNeverShown) {
  EXPECT_EQ(said_about("app: {id: '${UNSET}'}\n"),
            "l.yaml:1:11: app.id: the environment variable UNSET is not set; set it, or write "
            "${UNSET:-default}\n");
  const std::string said = said_about(
      "listeners: [{address: '${PASSWORD}'}]\n"
      "state: {a: {type: '${PASSWORD}'}, b: {type: redis, settings: {host: h, db: "
      "'${PASSWORD}'}}}\n");
  EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
  EXPECT_NE(said.find("state.a.type: there is no state store of type a value from a reference"),
            std::string::npos)
      << said;
}

}  // namespace
}  // namespace layotto::settings
