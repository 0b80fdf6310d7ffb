// Any bytes as a configuration file, with and without what is not built: a file is either refused
// with an error or gives a configuration in which everything is as promised.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include "config/print.h"
#include "net/address.h"
#include "settings/changes.h"
#include "settings/example_catalog.h"
#include "settings/load.h"

namespace layotto::settings {
namespace {

// Every third letter of a name decides what is answered.
class FixedReferences final : public config::ReferenceSource {
 public:
  Result<std::optional<std::string>> env(std::string_view name) override {
    if (name.size() % 3 == 0) return std::optional<std::string>();
    return std::optional<std::string>(name.size() % 3 == 1 ? "12" : "redis");
  }
  Result<std::string> file(std::string_view path) override {
    if (path.size() % 2 == 0) return base::not_found("there is no such file");
    return std::string("127.0.0.1:1\n");
  }
};

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const LoadedConfig& loaded) {
  std::set<std::string> names;
  const auto check_listener = [&names](const ListenerSettings& listener) {
    require(net::Address::parse(listener.address).ok());
    require(names.insert(listener.name).second);
  };
  require(!loaded.config.listeners.empty());
  for (const ListenerSettings& listener : loaded.config.listeners) check_listener(listener);
  check_listener(loaded.config.admin);
  if (loaded.config.metrics.listener) check_listener(*loaded.config.metrics.listener);
  require(loaded.state.size() == loaded.config.state.size());
  require(loaded.hellos.size() == loaded.config.hellos.size());
  for (const ConfiguredState& state : loaded.state) {
    require(state.spec != nullptr && state.settings != nullptr);
    require(check_key_prefix(state.entry.key_prefix).ok());
  }
  for (const ConfiguredHello& hello : loaded.hellos) {
    require(hello.spec != nullptr && hello.settings != nullptr);
  }
  static_cast<void>(config::print_settings(RuntimeConfig::schema(), loaded.config, nullptr));
}

void load_once(std::string_view text, const LoadOptions& options, const blocks::Catalog& catalog) {
  FixedReferences references;
  config::Problems problems;
  const auto loaded = load(text, "fuzz", catalog, references, options, problems);
  require(loaded.has_value() != problems.has_errors());
  static_cast<void>(problems.to_string());
  if (!loaded) return;
  require(options.skip_unbuilt || loaded->unbuilt.empty());
  check(*loaded);
  config::Problems again;
  const auto same = load(text, "fuzz", catalog, references, options, again);
  require(same.has_value() && changes(*loaded, *same).empty());
  static_cast<void>(changes(*loaded, embedded_defaults(catalog, "")));
}

}  // namespace
}  // namespace layotto::settings

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace layotto::settings;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto& catalog = *new layotto::blocks::Catalog(example_catalog());
  load_once(text, {}, catalog);
  load_once(text, {.skip_unbuilt = true, .socket_path = "/run/l.sock"}, catalog);
  return 0;
}
