// Site: the pages people and probes look at: health, metrics, what is configured and what happens.
// An http::Handler. It knows no other room's objects: whoever builds it passes functions that
// return values (snapshots), so that a page can never disturb what it shows.
//
// Read-only pages answer GET and HEAD. What changes something is a POST, exists on the admin
// listener only, and is refused for a request with an Origin or a foreign Host (a web page a user
// happens to look at must not be able to reach it).
//
//   Actuator paths are Layotto's: /actuator/health/{liveness,readiness}, /actuator/info,
//   /actuator/logger. /metrics is Prometheus'. Our own live under /layotto/. `/` lists them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/error.h"
#include "http/handler.h"
#include "http/stats_filter.h"

namespace layotto::admin {

inline constexpr std::string_view kJson = "application/json";
// The largest body a POST may have.
inline constexpr size_t kPostBytesMax = 64 * 1024;

struct PageRequest {
  std::string_view query;  // without '?', not decoded
  std::string_view body;   // of a POST
  bool posted = false;

  // The decoded value of a query parameter; nullopt when it is not there.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

struct PageReply {
  uint16_t status = 200;
  std::string_view content_type = kJson;  // static text
  std::string body;
};

// Called on the site's loop. `request` lives until the task is done.
using PageFunction = std::function<Task<Result<PageReply>>(const PageRequest& request)>;

enum class PageKind : uint8_t {
  kRead,          // GET, HEAD
  kAction,        // POST, only where Options::actions
  kReadOrAction,  // GET shows, POST changes; the function sees which by `posted`
};

struct Page {
  std::string path;     // exact, or a prefix when it ends in '/'
  std::string summary;  // for the index
  PageKind kind = PageKind::kRead;
  PageFunction function;
};

class Site final : public http::Handler {
 public:
  struct Options {
    // Pages that change something are served.
    bool actions = false;
    telemetry::Shard* metrics = nullptr;
  };
  explicit Site(Options options) : options_(options) {}

  void add(Page page);

  Task<Result<http::Response>> handle(http::Request request, http::Exchange& exchange) override;

 private:
  struct Entry {
    Page page;
    std::unique_ptr<http::OperationStats> stats;
  };
  [[nodiscard]] const Entry* find(std::string_view path) const;
  Task<Result<http::Response>> serve(const Entry& entry, http::Request request,
                                     http::Exchange& exchange);
  [[nodiscard]] PageReply index() const;

  Options options_;
  std::vector<Entry> entries_;
};

}  // namespace layotto::admin
