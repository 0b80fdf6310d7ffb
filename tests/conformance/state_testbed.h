// StateTestbed: one kind of state store as the conformance suite sees it. Whoever writes a store
// writes one of these and adds it to state_testbeds.cc; README.md says how.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "async/loop.h"
#include "base/clock.h"
#include "base/error.h"
#include "blocks/state.h"

namespace layotto::conformance {

// What one worker has of a store.
struct StateFront {
  std::shared_ptr<void> worker;  // what the store refers to
  std::unique_ptr<blocks::StateStore> store;
};

// A store with nothing in it, for one case: a folder, a database of a server. Used by one thread,
// except for make_front().
class StateBackend {
 public:
  virtual ~StateBackend() = default;
  // The time of the loops that the suite makes.
  [[nodiscard]] virtual const Clock& clock() const = 0;
  // A front that was not started yet. Called on the thread of `loop`, never by two at once.
  virtual StateFront make_front(async::Loop& loop) = 0;
  // Lets time pass as the store counts it: turns the clock, or waits for the server's.
  virtual void let_pass(std::chrono::milliseconds time) = 0;
  // The sidecar ends and begins again: what its fronts shared goes and is made anew. No front is
  // left when this is called. What lives in a server or in files stays.
  virtual void restart() = 0;
  // Takes away what the store needs (kills its server), so that it cannot answer, and brings it
  // back with its data. False when there is nothing that can be taken away.
  virtual bool take_away() { return false; }
  virtual void bring_back() {}
};

class StateTestbed {
 public:
  virtual ~StateTestbed() = default;
  // As in the configuration: "memory".
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Those of the component's spec: they select the cases.
  [[nodiscard]] virtual blocks::StateStore::Features features() const = 0;
  // Whether let_pass() costs no real time: long runs then let time pass, too.
  [[nodiscard]] virtual bool turns_clock() const = 0;
  // Whether the case is one for this testbed: further ways to run a store that has a testbed for
  // everything leave out what is slow or the same.
  [[nodiscard]] virtual bool runs(std::string_view /*case_name*/) const { return true; }
  // Called for every case. An Error when it cannot be run here (a server is not installed): the
  // cases are skipped, or fail where LAYOTTO_REQUIRE_SERVERS is set.
  virtual Result<std::unique_ptr<StateBackend>> open() = 0;
};

}  // namespace layotto::conformance
