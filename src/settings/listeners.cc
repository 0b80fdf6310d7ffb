#include "settings/listeners.h"

#include <set>
#include <vector>

#include "net/address.h"

namespace layotto::settings {
namespace {

using config::Node;
using config::Problems;

struct Door {
  ListenerSettings* settings;
  const Node* place;              // null: a default
  std::string_view name_default;  // empty: its address

  // Where `key` of it is written, for a message; null when nothing of it is.
  [[nodiscard]] const Node* at(std::string_view key) const {
    const Node* child = place == nullptr ? nullptr : find_any_case(*place, key);
    return child == nullptr ? place : child;
  }
  [[nodiscard]] std::string in_words() const {
    return place == nullptr ? "a default" : place->path();
  }
};

std::vector<Door> doors_of(RuntimeConfig& config, const Places& places) {
  std::vector<Door> doors;
  doors.reserve(config.listeners.size() + 2);
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    doors.push_back({.settings = &config.listeners[i],
                     .place = i < places.listeners.size() ? places.listeners[i] : nullptr,
                     .name_default = {}});
  }
  doors.push_back({.settings = &config.admin, .place = places.admin, .name_default = "admin"});
  if (config.metrics.listener) {
    doors.push_back({.settings = &*config.metrics.listener,
                     .place = places.metrics,
                     .name_default = "metrics"});
  }
  return doors;
}

void say(Problems& problems, const Node* at, std::string message, std::string remedy) {
  if (at != nullptr) return problems.error(*at, std::move(message), std::move(remedy));
  problems.add({.message = std::move(message), .remedy = std::move(remedy)});
}

void check_addresses(const std::vector<Door>& doors, Problems& problems) {
  for (auto door = doors.begin(); door != doors.end(); ++door) {
    const std::string& address = door->settings->address;
    if (address.empty()) {
      // One that is written and wrong has been reported.
      const Node* at = door->at("address");
      if (at == door->place && (at->is_mapping() || (at->is_null() && !at->broken()))) {
        say(problems, at, "a listener has no address", "add address: host:port");
      }
      continue;
    }
    for (auto other = doors.begin(); other != door; ++other) {
      if (can_listen_together(address, other->settings->address)) continue;
      // At the later one that is written.
      const bool here = door->place != nullptr || other->place == nullptr;
      const Door& at = here ? *door : *other;
      const Door& taken_by = here ? *other : *door;
      say(problems, at.at("address"),
          fmt::format("{} cannot be opened together with {} ({})", at.settings->address,
                      taken_by.settings->address, taken_by.in_words()),
          "use another port, or remove one of them");
      break;
    }
  }
}

void check_and_make_names(const std::vector<Door>& doors, Problems& problems) {
  std::set<std::string> names;
  for (const Door& door : doors) {
    const std::string& name = door.settings->name;
    if (name.empty() || names.insert(name).second) continue;
    say(problems, door.at("name"),
        fmt::format("two listeners have the name {}", config::quote(name)), "use another name");
  }
  for (const Door& door : doors) {
    std::string& name = door.settings->name;
    if (!name.empty()) continue;
    const std::string wanted(door.name_default.empty() ? std::string_view{door.settings->address}
                                                       : door.name_default);
    name = wanted;
    for (int i = 2; !names.insert(name).second; ++i) name = fmt::format("{}#{}", wanted, i);
  }
}

bool is_any_host(const net::Address& address) {
  const std::string host = address.host();
  return host == "0.0.0.0" || host == "::";
}

}  // namespace

bool can_listen_together(std::string_view one, std::string_view other) {
  const Result<net::Address> a = net::Address::parse(one);
  const Result<net::Address> b = net::Address::parse(other);
  if (!a.ok() || !b.ok()) return true;
  if (a->is_unix() || b->is_unix()) return !(*a == *b);
  if (a->port() == 0 || a->port() != b->port()) return true;
  if (a->family() == b->family()) return !(*a == *b || is_any_host(*a) || is_any_host(*b));
  // Our IPv6 sockets take IPv4 too when they are bound to every host.
  const net::Address& v6 = a->family() == AF_INET6 ? *a : *b;
  return !is_any_host(v6);
}

void add_default_listeners(RuntimeConfig& config, Places& places, std::string_view socket_path,
                           Problems& problems) {
  config.listeners.push_back({.address = std::string(kApiAddressDefault)});
  places.listeners.push_back(nullptr);
  if (socket_path.empty()) return;
  if (const Result<net::Address> address = net::Address::unix_path(socket_path); !address.ok()) {
    problems.add({.message = fmt::format("the API is not served on a Unix socket: {}",
                                         address.error().message()),
                  .remedy = "write listeners, or set XDG_RUNTIME_DIR to a shorter path",
                  .severity = config::Severity::kWarning});
    return;
  }
  config.listeners.push_back({.address = "unix:" + std::string(socket_path)});
  places.listeners.push_back(nullptr);
}

void finish_listeners(RuntimeConfig& config, const Places& places, Problems& problems) {
  if (config.admin.address.empty() &&
      (places.admin == nullptr || find_any_case(*places.admin, "address") == nullptr)) {
    config.admin.address = kAdminAddressDefault;
  }
  const std::vector<Door> doors = doors_of(config, places);
  check_addresses(doors, problems);
  check_and_make_names(doors, problems);
}

}  // namespace layotto::settings
