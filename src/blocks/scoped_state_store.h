// ScopedStateStore: what every caller of a state store keeps to, in front of one: the key prefix of
// the configuration, and the limits of blocks/state.h. Callers see their own keys only; errors name
// them without the prefix, too.
//
// The prefix is chosen by `key_prefix`, compared without regard to case:
//   empty or "none"   the key as it is
//   "name"            <store name>||<key>
//   "appid"           <app id>||<key>; as it is when there is no app id
//   any other text    <that text in lower case>||<key>
//
// Errors of its own: "||" in a key is kUnknown with the words of Layotto, an empty or too long key
// (its prefix counts), an etag or a TTL beyond the limits is kInvalidArgument. Nothing was done
// then. One front, one thread. Without a prefix nothing is allocated, with one nothing as long as
// no more than kScratchKept operations wait at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "blocks/state.h"

namespace layotto::blocks {

class ScopedStateStore final : public StateStore {
 public:
  struct Options {
    std::string key_prefix;
    std::string store_name;
    std::string app_id;
  };
  static constexpr std::string_view kSeparator = "||";

  // `inner` outlives the result. kInvalidArgument when the prefix contains "||".
  static Result<std::unique_ptr<ScopedStateStore>> make(StateStore& inner, Options options);

  Task<Status> get(std::string_view key, Consistency consistency, StateItem& out) override;
  Task<Status> write(StateWrite write) override;
  // An item against the limits fails for itself; the others are written.
  Task<Status> write_bulk(std::span<const StateWrite> writes, std::span<Status> results) override;
  // One item against the limits fails them all.
  Task<Status> transact(std::span<const StateWrite> writes) override;

  // The life of the component is the inner store's.
  Task<Status> start() override { return inner_.start(); }
  Task<void> drain() override { return inner_.drain(); }
  Task<void> stop() override { return inner_.stop(); }
  [[nodiscard]] Health health() const override { return inner_.health(); }
  Task<Status> backup(std::string_view folder) override { return inner_.backup(folder); }
  Task<Status> probe() override { return inner_.probe(); }

 private:
  // Where a key with its prefix is put together. It stays where it is while an operation waits.
  using Scratch = std::unique_ptr<std::string>;
  static constexpr size_t kScratchKept = 64;

  ScopedStateStore(StateStore& inner, std::string prefix)
      : inner_(inner), prefix_(std::move(prefix)) {}

  // Within every rule, seen at a glance; what is not may still be.
  [[nodiscard]] bool is_plain(std::string_view key) const;
  [[nodiscard]] Status check_key(std::string_view key) const;
  [[nodiscard]] Status check(const StateWrite& write) const;
  Scratch take_scratch(std::string_view key);
  void give_scratch(Scratch scratch);
  [[nodiscard]] Status restored(Status status) const;
  Task<Status> finish(Task<Status> running, Scratch scratch);
  static Task<Status> wait(ScopedStateStore* self, Task<Status> running, Scratch scratch);
  static Task<Status> bulk_prefixed(ScopedStateStore* self, std::span<const StateWrite> writes,
                                    std::span<Status> results);
  static Task<Status> transact_prefixed(ScopedStateStore* self, std::span<const StateWrite> writes);

  StateStore& inner_;
  const std::string prefix_;  // with its separator; empty for none
  std::vector<Scratch> free_scratch_;
};

}  // namespace layotto::blocks
