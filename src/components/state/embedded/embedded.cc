#include "components/state/embedded/embedded.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "clients/lmdb/data_file.h"
#include "components/state/embedded/embedded_state_store.h"
#include "components/state/embedded/engine.h"

namespace layotto::components::state::embedded {

Result<std::string> folder_of(const EmbeddedSettings& settings, std::string_view data_folder,
                              std::string_view name) {
  if (!settings.folder.empty()) {
    if (settings.folder.front() == '/') return settings.folder;
    return fmt::format("{}/{}", data_folder, settings.folder);
  }
  if (name.empty() || name.front() == '.' || name.contains('/')) {
    return base::invalid_argument("'{}' is no name for a folder; configure `folder`", name);
  }
  return fmt::format("{}/{}", data_folder, name);
}

const config::Schema<EmbeddedSettings>& EmbeddedSettings::schema() {
  using S = EmbeddedSettings;
  static const auto& schema = config::Schema<S>::make(
      "state.embedded", "State in a folder of this machine; an answered write is on the disk.",
      [](config::Schema<S>& s) {
        s.field("folder", &S::folder,
                "Where the data is, relative to data_folder; the component's name when empty. One "
                "process at a time.");
        s.field("bytes_max", &S::bytes_max,
                "The largest the file may become; a write beyond is refused.")
            .min(config::ByteSize::mib(1))
            .max(config::ByteSize::gib(16 * 1024));
        s.field("waiting_max", &S::waiting_max,
                "Requests that wait for the disk at once; one beyond is refused.")
            .min(1);
        s.field("waiting_bytes_max", &S::waiting_bytes_max,
                "Bytes of requests that wait for the disk at once; a larger request is refused.")
            .min(config::ByteSize::kib(64))
            .max(config::ByteSize::gib(1));
      });
  return schema;
}

blocks::ComponentSpec<blocks::StateStore> spec() {
  return blocks::component<blocks::StateStore, EmbeddedSettings>(
      {.type = "embedded",
       .summary = "Keeps keys and values in a folder of this machine.",
       .features = {.transactions = true, .ttl = true, .survives_restart = true},
       .make_shared = [](const EmbeddedSettings& settings,
                         blocks::ProcessEnv& env) -> Result<std::shared_ptr<blocks::Shared>> {
         TRY(std::string folder, folder_of(settings, env.data_folder, env.name));
         return std::shared_ptr<blocks::Shared>(std::make_shared<Engine>(
             Storage::Options{.folder = std::move(folder),
                              .bytes_max = settings.bytes_max.bytes,
                              .readers_max = env.workers * 2 + 126},
             Writer::Limits{.bytes_max = settings.bytes_max.bytes,
                            .waiting_max = settings.waiting_max,
                            .waiting_bytes_max = settings.waiting_bytes_max.bytes},
             env));
       },
       .make = [](const EmbeddedSettings&, blocks::Shared* shared,
                  blocks::WorkerEnv& env) -> Result<std::unique_ptr<blocks::StateStore>> {
         return std::unique_ptr<blocks::StateStore>(
             std::make_unique<EmbeddedStateStore>(static_cast<Engine&>(*shared), env));
       }});
}

Status copy_at_rest(const std::string& folder, const std::string& to) {
  if (access(fmt::format("{}/{}", folder, clients::lmdb::kDataFile).c_str(), F_OK) != 0) {
    return base::not_found("there is no data in {}", folder);
  }
  const base::SystemClock clock;
  Storage storage({.folder = folder, .bytes_max = Storage::kMapBytesFirst, .readers_max = 8},
                  clock);
  TRY(storage.open());
  Status copied = storage.copy_to(to);
  storage.close();
  return copied;
}

}  // namespace layotto::components::state::embedded
