#include "tests/conformance/state_case.h"

#include <utility>

namespace layotto::conformance {
namespace {

Task<Status> stop_store(StateStore* store) {
  co_await store->stop();
  co_return Status{};
}

}  // namespace

StateCase::StateCase(const StateTestbed& bed, StateBackend& backend)
    : bed_(bed), backend_(backend), loop_(backend.clock()) {
  begin();
}

StateCase::~StateCase() { end(); }

void StateCase::begin() {
  front_ = backend_.make_front(loop_.loop());
  const Status started = loop_.run(front_.store->start());
  CHECK(started.ok(), started.error().message());
}

void StateCase::end() {
  [[maybe_unused]] const Status stopped = loop_.run(stop_store(front_.store.get()));
  front_.store.reset();
  front_.worker.reset();
}

void StateCase::restart() {
  end();
  backend_.restart();
  begin();
}

void StateCase::let_pass(milliseconds time) {
  backend_.let_pass(time);
  loop_.loop().run_once(Duration(0));
}

Status StateCase::write(const StateWrite& write) {
  loop_.loop().run_once(Duration(0));
  return loop_.run(front_.store->write(write));
}

Status StateCase::transact(const std::vector<StateWrite>& writes) {
  loop_.loop().run_once(Duration(0));
  return loop_.run(front_.store->transact(writes));
}

std::vector<Status> StateCase::bulk(const std::vector<StateWrite>& writes) {
  loop_.loop().run_once(Duration(0));
  std::vector<Status> results(writes.size());
  const Status whole = loop_.run(front_.store->write_bulk(writes, results));
  EXPECT_TRUE(whole.ok()) << whole.error().message();
  return results;
}

Status StateCase::get(std::string_view key, StateItem& out) {
  loop_.loop().run_once(Duration(0));
  return loop_.run(front_.store->get(key, blocks::Consistency::kStrong, out));
}

StateItem StateCase::get(std::string_view key) {
  StateItem item;
  const Status status = get(key, item);
  EXPECT_TRUE(status.ok()) << status.error().to_string();
  if (item.found) {
    EXPECT_FALSE(item.etag.empty()) << "a key that is there has an etag";
  } else {
    EXPECT_TRUE(item.value.empty() && item.etag.empty() && !item.expires_at.has_value());
  }
  return item;
}

std::optional<std::string> StateCase::value_of(std::string_view key) {
  StateItem item = get(key);
  if (!item.found) return std::nullopt;
  return std::move(item.value);
}

std::string StateCase::etag_of(std::string_view key) { return get(key).etag; }

void StateCase::must(const StateWrite& one) {
  const Status status = write(one);
  EXPECT_TRUE(status.ok()) << status.error().to_string();
}

std::string StateCase::must_put(std::string_view key, std::string_view value) {
  must(put(key, value));
  return etag_of(key);
}

}  // namespace layotto::conformance
