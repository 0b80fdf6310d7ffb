// FakeStateStore: for the tests of what stands in front of a store. It notes what it was asked and
// answers as told, at once or when the test says so.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "blocks/state.h"

namespace layotto::blocks {

class FakeStateStore final : public StateStore {
 public:
  explicit FakeStateStore(async::Loop& loop) : go_(loop) {}

  // Operations that begin from now on wait for go().
  void hold() { hold_ = true; }
  void go() { go_.set(); }
  // What the next operation answers; for each item of a bulk the next one.
  void will_answer(Status status) { answers_.push_back(std::move(status)); }
  // "get k", "put k=v", "delete k", "bulk:" and "transact:" before their items.
  std::vector<std::string> asked;
  StateItem item{.found = true, .value = "v", .etag = "e"};

  Task<Status> start() override {
    asked.emplace_back("start");
    return async::ready_ok();
  }
  [[nodiscard]] Health health() const override {
    return {.state = Health::State::kReady, .reason = {}};
  }
  Task<Status> get(std::string_view key, Consistency, StateItem& out) override {
    out.clear();
    if (hold_) return held_get(this, key, &out);
    note("get ", key);
    out = item;
    return async::ready(answer());
  }
  Task<Status> write(StateWrite write) override {
    if (hold_) return held_write(this, write);
    note(write);
    return async::ready(answer());
  }
  Task<Status> write_bulk(std::span<const StateWrite> writes, std::span<Status> results) override {
    if (hold_) return held_bulk(this, writes, results);
    note("bulk:", "");
    for (size_t i = 0; i < writes.size(); ++i) {
      note(writes[i]);
      results[i] = answer();
    }
    return async::ready_ok();
  }
  Task<Status> transact(std::span<const StateWrite> writes) override {
    note("transact:", "");
    for (const StateWrite& write : writes) note(write);
    return async::ready(answer());
  }

 private:
  static Task<Status> held_get(FakeStateStore* self, std::string_view key, StateItem* out) {
    CO_TRY(co_await self->go_.wait());
    self->note("get ", key);  // the key still has to be there
    *out = self->item;
    co_return self->answer();
  }
  static Task<Status> held_write(FakeStateStore* self, StateWrite write) {
    if (Status waited = co_await self->go_.wait(); !waited.ok()) {
      co_return std::move(waited).error().unknown_outcome();
    }
    self->note(write);
    co_return self->answer();
  }
  static Task<Status> held_bulk(FakeStateStore* self, std::span<const StateWrite> writes,
                                std::span<Status> results) {
    CO_TRY(co_await self->go_.wait());
    for (size_t i = 0; i < writes.size(); ++i) {
      self->note(writes[i]);
      results[i] = self->answer();
    }
    co_return Status{};
  }
  void note(std::string_view what, std::string_view key) {
    asked.push_back(std::string(what) + std::string(key));
  }
  void note(const StateWrite& write) {
    if (write.kind == StateWrite::Kind::kPut) {
      asked.push_back(fmt::format("put {}={}", write.key, write.value));
    } else {
      note("delete ", write.key);
    }
  }
  Status answer() {
    if (answers_.empty()) return {};
    Status first = std::move(answers_.front());
    answers_.erase(answers_.begin());
    return first;
  }

  async::Event go_;
  bool hold_ = false;
  std::vector<Status> answers_;
};

}  // namespace layotto::blocks
