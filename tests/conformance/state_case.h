// StateCase: what one case of the suite works with: a fresh back end, a started front on the test's
// own thread, and calls that run an operation to its end.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task_group.h"
#include "blocks/state.h"
#include "tests/conformance/case_loop.h"
#include "tests/conformance/state_testbed.h"
#include "tests/support/later.h"

namespace layotto::base {

inline void PrintTo(Code code, std::ostream* out) { *out << code_name(code); }

}  // namespace layotto::base

namespace layotto::conformance {

using base::Code;
using blocks::Precondition;
using blocks::StateItem;
using blocks::StateStore;
using blocks::StateWrite;
using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- writes in words; views are borrowed as in StateWrite

inline StateWrite put(std::string_view key, std::string_view value) {
  return {.key = key, .value = value};
}
inline StateWrite put_if(std::string_view key, std::string_view value, std::string_view etag) {
  return {.key = key, .value = value, .precondition = Precondition::matches(etag)};
}
inline StateWrite create(std::string_view key, std::string_view value) {
  return {.key = key, .value = value, .precondition = Precondition::absent()};
}
inline StateWrite del(std::string_view key) {
  return {.kind = StateWrite::Kind::kDelete, .key = key};
}
inline StateWrite del_if(std::string_view key, std::string_view etag) {
  return {
      .kind = StateWrite::Kind::kDelete, .key = key, .precondition = Precondition::matches(etag)};
}
inline StateWrite expiring(StateWrite write, seconds ttl) {
  write.ttl = ttl;
  return write;
}

inline Code code_of(const Status& status) {
  return status.ok() ? Code::kOk : status.error().code();
}

class StateCase {
 public:
  StateCase(const StateTestbed& bed, StateBackend& backend);
  StateCase(const StateCase&) = delete;
  StateCase& operator=(const StateCase&) = delete;
  // Stops the front.
  ~StateCase();

  [[nodiscard]] const StateTestbed& bed() const { return bed_; }
  [[nodiscard]] StateBackend& backend() { return backend_; }
  [[nodiscard]] CaseLoop& main() { return loop_; }
  [[nodiscard]] StateStore& store() { return *front_.store; }

  // ---- operations, run to their end
  Status write(const StateWrite& write);
  Status transact(const std::vector<StateWrite>& writes);
  // The result of each.
  std::vector<Status> bulk(const std::vector<StateWrite>& writes);
  Status get(std::string_view key, StateItem& out);

  // ---- operations that must succeed: anything else is a failure of the test
  StateItem get(std::string_view key);
  // nullopt when there is no such key.
  std::optional<std::string> value_of(std::string_view key);
  // Empty when there is no such key.
  std::string etag_of(std::string_view key);
  // Writes and gives the new etag.
  std::string must_put(std::string_view key, std::string_view value);
  void must(const StateWrite& write);

  void let_pass(milliseconds time);
  // Stops the front, restarts what it shared, makes and starts another one.
  void restart();
  // A front that is not started; the caller stops it if it starts it.
  StateFront another_front() { return backend_.make_front(loop_.loop()); }

 private:
  void begin();
  void end();

  const StateTestbed& bed_;
  StateBackend& backend_;
  CaseLoop loop_;
  StateFront front_;
};

// What a case needs of a store to mean anything.
struct StateNeeds {
  bool transactions = false;
  bool ttl = false;
  bool survives_restart = false;
  // The opposite: cases for what is not claimed.
  bool no_transactions = false;
  bool no_ttl = false;
};

struct StateCaseSpec {
  std::string_view name;
  StateNeeds needs;
  void (*run)(StateCase& t);
};

}  // namespace layotto::conformance
