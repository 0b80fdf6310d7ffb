// A catalogue of components that have settings and nothing else, and a source of references without
// a process: for the tests and the fuzz target of this room.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "blocks/catalog.h"
#include "config/references.h"
#include "config/schema.h"

namespace layotto::settings {

struct ExampleMemory {
  config::ByteSize size_max = config::ByteSize::mib(64);

  static const config::Schema<ExampleMemory>& schema() {
    using S = ExampleMemory;
    static const auto& schema = config::Schema<S>::make(
        "memory", "Keeps values in memory.",
        [](config::Schema<S>& s) { s.field("size_max", &S::size_max, "Bytes of all values."); });
    return schema;
  }
};

struct ExampleEmbedded {
  std::string folder = "state";

  static const config::Schema<ExampleEmbedded>& schema() {
    using S = ExampleEmbedded;
    static const auto& schema =
        config::Schema<S>::make("embedded", "Keeps values on disk.", [](config::Schema<S>& s) {
          s.field("folder", &S::folder, "Below the data folder.").non_empty();
        });
    return schema;
  }
};

struct ExampleRedis {
  std::string host;
  config::Secret password;
  uint32_t db = 0;
  Duration timeout = std::chrono::seconds(3);

  static const config::Schema<ExampleRedis>& schema() {
    using S = ExampleRedis;
    static const auto& schema =
        config::Schema<S>::make("redis", "Keeps values in Redis.", [](config::Schema<S>& s) {
          s.field("host", &S::host, "Host and port.").required().non_empty().alias("redisHost");
          s.field("password", &S::password, "Empty for none.").alias("redisPassword");
          s.field("db", &S::db, "Number of the database.").max(15).alias("redisDB");
          s.field("timeout", &S::timeout, "Longest wait.")
              .unit_if_bare(std::chrono::seconds(1))
              .alias("readTimeout");
          s.ignored("poolSize", "connections are shared");
        });
    return schema;
  }
};

struct ExampleHello {
  std::string hello = "hello";

  static const config::Schema<ExampleHello>& schema() {
    using S = ExampleHello;
    static const auto& schema = config::Schema<S>::make(
        "helloworld", "Greets.",
        [](config::Schema<S>& s) { s.field("hello", &S::hello, "The greeting."); });
    return schema;
  }
};

inline blocks::Catalog example_catalog() {
  using blocks::component;
  using blocks::StateStore;
  blocks::Catalog catalog;
  catalog.add(component<StateStore, ExampleMemory>(
      {.type = "memory", .aliases = {"in-memory"}, .summary = "In memory.", .features = {}}));
  catalog.add(component<StateStore, ExampleEmbedded>(
      {.type = "embedded", .summary = "On disk.", .features = {}}));
  catalog.add(
      component<StateStore, ExampleRedis>({.type = "redis", .summary = "Redis.", .features = {}}));
  catalog.add(component<blocks::Hello, ExampleHello>(
      {.type = "helloworld", .summary = "Greets.", .features = {}}));
  return catalog;
}

// References from maps.
class ExampleReferences final : public config::ReferenceSource {
 public:
  std::map<std::string, std::string, std::less<>> variables;
  std::map<std::string, std::string, std::less<>> files;

  Result<std::optional<std::string>> env(std::string_view name) override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }
  Result<std::string> file(std::string_view path) override {
    const auto found = files.find(path);
    if (found == files.end()) return base::not_found("there is no such file");
    return found->second;
  }
};

}  // namespace layotto::settings
