// The pages of this process: what admin::Site shows, filled from the process's objects. Every
// function gets values; those that belong to workers are asked for on their threads.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "admin/site.h"
#include "app/health_board.h"
#include "async/loop.h"
#include "http/server.h"

namespace layotto::app {

struct Process;

// Pages that follow from the configuration in force.
struct ConfigPages {
  std::string config_yaml;  // without secrets
  std::string schema_json;
  std::string catalog_json;
  std::string listeners_json;
  std::string limits_json;
  std::string process_json;  // pid, version, start, workers
};

// Replaced as a whole by a reload; any thread.
class ConfigInForce {
 public:
  void set(std::shared_ptr<const ConfigPages> pages) {
    const std::lock_guard lock(mutex_);
    pages_ = std::move(pages);
  }
  [[nodiscard]] std::shared_ptr<const ConfigPages> get() const {
    const std::lock_guard lock(mutex_);
    return pages_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ConfigPages> pages_;
};

// Where the pages get their values from. Functions returning a Task are called on the site's loop
// and wait there; the others on any thread.
struct PageSources {
  PageSources(Process& process_in, HealthBoard& board_in) : process(process_in), board(board_in) {}

  Process& process;
  HealthBoard& board;
  ConfigInForce config;
  std::function<Task<Result<std::vector<http::ConnectionSnapshot>>>(async::Loop& here)> connections;
  // ---- actions of the admin listener
  std::function<void()> drain;
  std::function<Task<Status>(async::Loop& here, std::string component, std::string folder)> backup;
};

// `here`: the loop the site is served on. `sources` outlives the site.
void add_pages(admin::Site& site, PageSources& sources, async::Loop& here);
// The metrics and nothing else.
void add_metrics_page(admin::Site& site, Process& process, std::string path);

}  // namespace layotto::app
