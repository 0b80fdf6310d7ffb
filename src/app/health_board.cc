#include "app/health_board.h"

#include <algorithm>

#include "base/check.h"
#include "config/json_support.h"

namespace layotto::app {
namespace {

using blocks::Health;
namespace json = boost::json;

// From good to bad, as the worst over workers and components is taken.
int badness(Health::State state) {
  switch (state) {
    case Health::State::kReady:
      return 0;
    case Health::State::kDegraded:
      return 1;
    case Health::State::kStarting:
      return 2;
    case Health::State::kFailed:
      return 3;
  }
  return 3;
}

// The actuator knows three words; a degraded component still serves.
const char* actuator_word(Health::State state) {
  switch (state) {
    case Health::State::kStarting:
      return "INIT";
    case Health::State::kFailed:
      return "DOWN";
    case Health::State::kReady:
    case Health::State::kDegraded:
      break;
  }
  return "UP";
}

const char* worse_word(const char* a, const char* b) {
  const auto rank = [](std::string_view word) {
    return word == "DOWN" ? 2 : word == "INIT" ? 1 : 0;
  };
  return rank(a) >= rank(b) ? a : b;
}

const char* phase_word(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "INIT";
    case Phase::kDraining:
      return "DOWN";
    case Phase::kServing:
      break;
  }
  return "UP";
}

json::object component_json(const char* word, std::string_view reason) {
  json::object entry{{"status", word}};
  if (!reason.empty()) entry["details"] = json::object{{"reason", reason}};
  return entry;
}

}  // namespace

std::string_view health_state_name(Health::State state) {
  switch (state) {
    case Health::State::kStarting:
      return "starting";
    case Health::State::kReady:
      return "ready";
    case Health::State::kDegraded:
      return "degraded";
    case Health::State::kFailed:
      break;
  }
  return "failed";
}

void HealthBoard::add(std::string name, std::string type, bool required, unsigned workers) {
  const std::lock_guard lock(mutex_);
  records_[std::move(name)] = {.type = std::move(type),
                               .required = required,
                               .workers = std::vector<Health>(std::max(workers, 1U))};
}

void HealthBoard::report(std::string_view name, unsigned worker, Health health) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(name);
  CHECK(found != records_.end(), "health of a component nobody added");
  found->second.workers.at(worker) = std::move(health);
}

void HealthBoard::set_phase(Phase phase) {
  const std::lock_guard lock(mutex_);
  phase_ = phase;
}

void HealthBoard::set_unbuilt(std::vector<std::string> unbuilt) {
  const std::lock_guard lock(mutex_);
  unbuilt_ = std::move(unbuilt);
}

Phase HealthBoard::phase() const {
  const std::lock_guard lock(mutex_);
  return phase_;
}

const Health& HealthBoard::worst(const Record& record) {
  return *std::max_element(
      record.workers.begin(), record.workers.end(),
      [](const Health& a, const Health& b) { return badness(a.state) < badness(b.state); });
}

std::vector<HealthBoard::Entry> HealthBoard::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> all;
  for (const auto& [name, record] : records_) {
    all.push_back(
        {.name = name, .type = record.type, .required = record.required, .health = worst(record)});
  }
  return all;
}

bool HealthBoard::ready() const {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kServing) return false;
  return std::all_of(records_.begin(), records_.end(), [](const auto& each) {
    return !each.second.required || badness(worst(each.second).state) <= 1;
  });
}

HealthBoard::Document HealthBoard::liveness() const {
  // Alive means that we can answer; what depends on others belongs to readiness.
  const char* word = phase() == Phase::kStarting ? "INIT" : "UP";
  const json::object document{
      {"status", word},
      {"components", json::object{{"runtime_startup", component_json(word, {})}}}};
  return {.up = true, .json = json::serialize(document)};
}

HealthBoard::Document HealthBoard::readiness() const {
  const std::lock_guard lock(mutex_);
  const char* word = phase_word(phase_);
  json::object own = component_json(word, phase_ == Phase::kDraining ? "draining" : "");
  if (!unbuilt_.empty()) {
    json::array list(unbuilt_.begin(), unbuilt_.end());
    own["details"] = json::object{{"unbuilt", std::move(list)}};
  }
  json::object components{{"runtime_startup", std::move(own)}};
  for (const auto& [name, record] : records_) {
    const Health& health = worst(record);
    const char* component_word = actuator_word(health.state);
    if (record.required) word = worse_word(word, component_word);
    components[name] = component_json(component_word, health.reason);
  }
  const json::object document{{"status", word}, {"components", std::move(components)}};
  return {.up = std::string_view(word) == "UP", .json = json::serialize(document)};
}

}  // namespace layotto::app
