// HealthBoard: how every component and the process are doing, for the actuator, the admin page and
// grpc.health. Any thread writes, any thread reads.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "blocks/component.h"

namespace layotto::app {

enum class Phase : uint8_t { kStarting, kServing, kDraining };

class HealthBoard {
 public:
  struct Entry {
    std::string name;  // "state.demo"
    std::string type;  // "redis"
    bool required = true;
    blocks::Health health;  // the worst over all workers
  };

  // Before any report().
  void add(std::string name, std::string type, bool required, unsigned workers);
  void report(std::string_view name, unsigned worker, blocks::Health health);
  void set_phase(Phase phase);
  // Shown with the process's own entry: what was left out by --skip-unbuilt.
  void set_unbuilt(std::vector<std::string> unbuilt);

  [[nodiscard]] Phase phase() const;
  [[nodiscard]] std::vector<Entry> entries() const;
  // The process can take work: serving, and every required component is ready.
  [[nodiscard]] bool ready() const;

  // Layotto's actuator document: {"status": "UP"|"DOWN"|"INIT", "components": {…}}.
  struct Document {
    bool up = false;
    std::string json;
  };
  [[nodiscard]] Document liveness() const;
  [[nodiscard]] Document readiness() const;

 private:
  struct Record {
    std::string type;
    bool required = true;
    std::vector<blocks::Health> workers;
  };
  static const blocks::Health& worst(const Record& record);

  mutable std::mutex mutex_;
  std::map<std::string, Record, std::less<>> records_;
  std::vector<std::string> unbuilt_;
  Phase phase_ = Phase::kStarting;
};

std::string_view health_state_name(blocks::Health::State state);

}  // namespace layotto::app
