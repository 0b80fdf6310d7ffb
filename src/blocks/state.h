// StateStore: keys and values with etags. One contract, the same on every store; the conformance
// suite (tests/conformance) has a case for each clause.
//
// Keys are byte strings of 1 to kStateKeyBytesMax bytes, case-sensitive, trailing spaces count.
// An etag is opaque and never reused for a key, even after delete or expiry. A write with
// Precondition::matches succeeds only if the key exists now with that etag; with
// Precondition::absent only if there is no live key; without one always, and it clears any TTL
// unless a new one is given. Expired = absent for every operation at once, whatever the collector
// does.
//
// Errors: a failed precondition is kAborted, and nothing else is. A back end that cannot be reached
// is kUnavailable, one that answers wrongly kInternal, a full one kResourceExhausted. A failure
// after which the write may have happened has Error::outcome_unknown() set. Before start() has
// succeeded every operation is kUnavailable.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/error.h"
#include "blocks/component.h"

namespace layotto::blocks {

inline constexpr size_t kStateKeyBytesMax = 4096;
inline constexpr size_t kEtagBytesMax = 256;
inline constexpr auto kStateTtlMax = std::chrono::seconds(10LL * 365 * 24 * 3600);

enum class Consistency : uint8_t { kDefault, kEventual, kStrong };

struct StateItem {
  bool found = false;
  std::string value;
  std::string etag;
  std::optional<WallTime> expires_at;

  void clear() {
    found = false;
    value.clear();
    etag.clear();
    expires_at.reset();
  }
};

struct Precondition {
  enum class Kind : uint8_t { kNone, kAbsent, kEtag };
  Kind kind = Kind::kNone;
  std::string_view etag;  // not empty exactly for kEtag

  static Precondition none() { return {}; }
  static Precondition absent() { return {.kind = Kind::kAbsent, .etag = {}}; }
  static Precondition matches(std::string_view etag) { return {.kind = Kind::kEtag, .etag = etag}; }
};

// One put or delete. Views (and the spans of bulk calls) live until the awaited task is done.
struct StateWrite {
  enum class Kind : uint8_t { kPut, kDelete };
  Kind kind = Kind::kPut;
  std::string_view key;
  std::string_view value;  // of a put
  Precondition precondition;
  std::optional<std::chrono::seconds> ttl;  // of a put; > 0 and at most kStateTtlMax
  Consistency consistency = Consistency::kDefault;
};

// Checked by everyone who hands writes to a store (ScopedStateStore does): key and etag sizes, TTL.
Status check_state_key(std::string_view key);
Status check_state_write(const StateWrite& write);

class StateStore : public Component {
 public:
  struct Features {
    bool transactions = false;
    bool ttl = false;
    bool survives_restart = false;  // of the sidecar
  };

  // Fills `out` (cleared first). A missing key is not an error: out.found is false.
  virtual Task<Status> get(std::string_view key, Consistency consistency, StateItem& out) = 0;
  // A delete of a missing key without precondition succeeds.
  virtual Task<Status> write(StateWrite write) = 0;
  // Independent items, each with its own result, applied in order for equal keys. The task fails as
  // a whole only when it was stopped, and then no result says anything. Default: one after the
  // other.
  virtual Task<Status> write_bulk(std::span<const StateWrite> writes, std::span<Status> results);
  // All preconditions and writes in one atomic step, in order, or nothing.
  virtual Task<Status> transact(std::span<const StateWrite> writes);
};

// Independent reads, at most `parallelism` at once (less than 1 counts as 1). Fails as a whole only
// when the caller was stopped. The spans have one size.
Task<Status> get_bulk(async::Loop& loop, StateStore& store, std::span<const std::string_view> keys,
                      Consistency consistency, size_t parallelism, std::span<StateItem> out,
                      std::span<Status> results);

// The Error of a failed precondition, the same words on every store.
Error etag_mismatch(std::string_view key, const Precondition& precondition);

}  // namespace layotto::blocks
