#include "cli/backup.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/limits.h"
#include "cli/sidecar.h"

namespace layotto::cli {
namespace {

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Task<Status> ask(Sidecar* sidecar, std::string path, bool* connected) {
  *connected = true;
  // It copies as long as it takes, unless a limit was asked for.
  const TimePoint until = sidecar->target().timeout.has_value()
                              ? sidecar->deadline()
                              : sidecar->loop().now() + kBackupTime;
  CO_TRY(co_await sidecar->page(http::Method::kPost, std::move(path), until));
  co_return Status{};
}

Status run(const std::vector<std::string>& words, const BackupOptions& options) {
  if (words.size() != 2 || words[0].empty() || words[1].empty()) {
    return base::invalid_argument("write: layotto backup COMPONENT FOLDER");
  }
  const std::string& component = words[0];
  std::error_code failed;
  const std::string folder = std::filesystem::absolute(words[1], failed).string();
  if (failed) {
    return base::invalid_argument("'{}' is not a folder's name: {}", words[1], failed.message());
  }
  Target admin = options.target;
  admin.address = options.admin_address;
  bool connected = false;
  const std::string path = fmt::format("/layotto/backup?component={}&folder={}",
                                       percent_encode(component), percent_encode(folder));
  Status asked =
      with_sidecar(admin, [&](Sidecar& sidecar) { return ask(&sidecar, path, &connected); });
  const bool nobody = !asked.ok() && !connected && asked.error().code() == Code::kUnavailable;
  if (nobody && options.copy_unheld != nullptr) {
    asked = options.copy_unheld(options.data_folder, component, folder);
  } else if (nobody) {
    return base::unavailable("no sidecar to ask: {}; --admin says where its admin listener is",
                             asked.error().message());
  }
  TRY(std::move(asked));
  tell(options.console, fmt::format("{} copied to {}", component, folder));
  return {};
}

}  // namespace

int backup(const std::vector<std::string>& words, const BackupOptions& options) {
  return finish(options.console, run(words, options));
}

}  // namespace layotto::cli
