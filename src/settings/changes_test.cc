// What a file that was loaded anew changes, and what of it waits for a restart.
#include "settings/changes.h"

#include <gtest/gtest.h>

#include <set>

#include "settings/example_catalog.h"

namespace layotto::settings {
namespace {

struct Loaded {
  blocks::Catalog catalog = example_catalog();
  config::Problems problems;
  LoadedConfig config;
};

std::unique_ptr<Loaded> load_text(std::string_view text, std::string_view password = "hunter2") {
  auto loaded = std::make_unique<Loaded>();
  ExampleReferences references;
  references.variables = {{"PASSWORD", std::string(password)}};
  auto config = load(text, "l.yaml", loaded->catalog, references, {}, loaded->problems);
  EXPECT_TRUE(config) << loaded->problems.to_string();
  if (config) loaded->config = *std::move(config);
  return loaded;
}

std::string sentences(std::string_view before, std::string_view after) {
  std::string out;
  for (const Change& change : changes(load_text(before)->config, load_text(after)->config)) {
    EXPECT_EQ(change.is_live(), change.sentence.find("restart") == std::string::npos)
        << change.sentence;
    EXPECT_EQ(change.sentence.find(change.path), 0U);
    out += change.sentence + "\n";
  }
  return out;
}

constexpr std::string_view kBefore = R"(
app: {id: shop}
listeners: [{name: api, address: "127.0.0.1:1", idle_timeout: 1h}]
state: {a: {type: redis, settings: {host: h, db: 1}}, b: {type: memory}}
hellos: {g: {type: helloworld}}
metrics: {listener: {address: "127.0.0.1:3"}}
log: {level: info}
)";

TEST(Changes, TheSameFileChangesNothing) {
  EXPECT_EQ(sentences(kBefore, kBefore), "");
  EXPECT_EQ(sentences("", "app: {}\nstate: {}\n# a comment\n"), "");
}

TEST(Changes, TheWayAValueIsWrittenIsNoChange) {
  EXPECT_EQ(sentences(kBefore, R"(
log: {level: "info"}
hellos: {g: {type: helloworld}}
metrics: {listener: {address: "127.0.0.1:3"}}
state: {b: {type: memory}, a: {settings: {db: 1, host: h}, type: redis}}
listeners: [{idle_timeout: 60m, name: api, address: "127.0.0.1:1"}]
app: {id: shop}
drain_timeout: 30s
)"),
            "");
}

TEST(Changes, EachHasASentenceThatSaysWhenItIsInForce) {
  EXPECT_EQ(sentences(kBefore, R"(
app: {id: store}
listeners:
  - {name: api, address: "127.0.0.1:2", idle_timeout: 2h, connections_max: 7, token_file: /t}
  - {address: "127.0.0.1:9"}
admin: {tls: {certificate: c, private_key: k}}
metrics: {listener: {address: "127.0.0.1:4"}, path: /stats}
state:
  a: {type: redis, settings: {host: h, db: 2}, operation_timeout: 1s}
  c: {type: memory}
concurrency: 2
drain_timeout: 5s
pid_file: /p
log: {level: debug, modules: {net: trace}, path: /l}
access_log: {path: /a, format: "%PROTOCOL%", json: true}
)"),
            "app.id has changed: keys keep their prefix until a restart\n"
            "listeners.api.address has changed: the socket stays where it is until a restart\n"
            "listeners.api.token_file has changed: tokens come from the old file until a restart "
            "(a new token in the same file needs none)\n"
            "listeners.api.connections_max has changed and holds for new connections\n"
            "listeners.api.idle_timeout has changed and holds for new connections\n"
            "listeners[\"127.0.0.1:9\"] is new: it is there after a restart\n"
            "admin.tls has changed: TLS stays as it is until a restart (renewed certificates in "
            "the same files need none)\n"
            "metrics.listener.address has changed: the socket stays where it is until a restart\n"
            "metrics.path has changed and needs a restart\n"
            "state.a.operation_timeout has changed and needs a restart\n"
            "state.a.settings has changed and needs a restart\n"
            "state.b is not in the file any more: it stays until a restart\n"
            "state.c is new: it is there after a restart\n"
            "hellos.g is not in the file any more: it stays until a restart\n"
            "concurrency has changed: the number of worker threads stays as it is until a "
            "restart\n"
            "drain_timeout has changed and is in force now\n"
            "pid_file has changed: the old file stays until a restart\n"
            "log.path has changed: the log stays where it is until a restart\n"
            "log.level has changed and is in force now\n"
            "log.modules has changed and is in force now\n"
            "access_log.path has changed: the access log stays where it is until a restart\n"
            "access_log.format has changed and needs a restart\n"
            "access_log.json has changed and needs a restart\n");
}

TEST(Changes, ASecretThatChangedIsSeenAndNotShown) {
  constexpr std::string_view kText =
      "state: {a: {type: redis, settings: {host: h, password: '${PASSWORD}'}}}\n";
  const auto before = load_text(kText, "hunter2");
  const auto after = load_text(kText, "hunter3");
  const std::vector<Change> found = changes(before->config, after->config);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path, "state.a.settings");
  EXPECT_EQ(found[0].sentence, "state.a.settings has changed and needs a restart");
}

TEST(Changes, MetricsMayAppear) {
  EXPECT_EQ(sentences("", "metrics: {listener: {address: '127.0.0.1:3'}}\n"),
            "metrics.listener has changed and needs a restart\n");
}

TEST(Changes, LayottosFilesAreComparedToo) {
  const auto text = [](std::string_view hello, std::string_view level) {
    return fmt::format(R"({{"servers": [{{"default_log_level": "{}", "listeners": [{{"address":
        "127.0.0.1:1", "filter_chains": [{{"filters": [{{"type": "grpc", "config":
        {{"grpc_config": {{"hellos": {{"g": {{"type": "helloworld", "hello": "{}"}}}}}}}}}}]}}]}}
        ]}}]}})",
                       level, hello);
  };
  EXPECT_EQ(sentences(text("a", "INFO"), text("a", "INFO")), "");
  EXPECT_EQ(sentences(text("a", "INFO"), text("b", "DEBUG")),
            "hellos.g.settings has changed and needs a restart\n"
            "log.level has changed and is in force now\n");
}

// Every setting of the schema is changed once: nothing is overlooked.
TEST(Changes, EverySettingIsCompared) {
  LoadedConfig before;
  LoadedConfig after;
  ListenerSettings listener{.name = "l", .address = "127.0.0.1:1"};
  before.config.listeners = {listener};
  after.config.listeners = {{.name = "l",
                             .address = "b",
                             .mode = "b",
                             .group = "b",
                             .tls = TlsSettings{},
                             .token_file = "b",
                             .message_bytes_max = {1},
                             .connections_max = 1,
                             .concurrent_streams_max = 1,
                             .header_bytes_max = {1},
                             .header_fields_max = 1,
                             .head_timeout = seconds(99),
                             .idle_timeout = seconds(99),
                             .keepalive_interval = seconds(99),
                             .keepalive_timeout = seconds(99),
                             .write_stall_timeout = seconds(99)}};
  std::set<std::string> paths;
  for (const Change& change : changes(before, after)) paths.insert(change.path);
  for (const auto& field : ListenerSettings::schema().fields()) {
    const std::string& name = field->description().name;
    EXPECT_EQ(paths.contains("listeners.l." + name), name != "name") << name;
  }
}

TEST(Changes, WhatIsLiveIsTakenOverAndNothingElse) {
  auto in_force = load_text(kBefore);
  const auto after = load_text(R"(
listeners:
  - name: api
    address: "127.0.0.1:2"
    message_bytes_max: 1MiB
    connections_max: 7
    concurrent_streams_max: 7
    header_bytes_max: 8KiB
    header_fields_max: 70
    head_timeout: 7s
    idle_timeout: 7s
    keepalive_interval: 7s
    keepalive_timeout: 7s
    write_stall_timeout: 7s
admin: {idle_timeout: 7s}
metrics: {listener: {address: "127.0.0.1:3", idle_timeout: 7s}}
drain_timeout: 7s
log: {level: debug, modules: {net: trace}, path: /l}
)");
  const auto live = [&] {
    size_t count = 0;
    for (const Change& change : changes(in_force->config, after->config)) count += change.is_live();
    return count;
  };
  const auto waiting = [&] { return changes(in_force->config, after->config).size() - live(); };
  const size_t waiting_before = waiting();
  EXPECT_EQ(live(), 15U);
  adopt_live(in_force->config, after->config);
  EXPECT_EQ(live(), 0U);
  EXPECT_EQ(waiting(), waiting_before);
}

TEST(Changes, ASettingNobodyListedNeedsARestart) {
  EXPECT_EQ(in_force("listener", "idle_timeout"), InForce::kForNewConnections);
  EXPECT_EQ(in_force("layotto", "drain_timeout"), InForce::kNow);
  EXPECT_EQ(in_force("listener", "colour"), InForce::kAfterRestart);
}

}  // namespace
}  // namespace layotto::settings
