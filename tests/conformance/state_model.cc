// The model: thousands of random operations, each answered by the store and by a map in this file;
// the two must agree. The seed is printed; LAYOTTO_SEED=<seed> runs it again.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "base/random.h"
#include "tests/conformance/state_cases.h"
#include "tests/support/deep.h"

namespace layotto::conformance {
namespace {

uint64_t chosen_seed() {
  if (const char* seed = std::getenv("LAYOTTO_SEED")) return std::strtoull(seed, nullptr, 10);
  return Random().next();
}

// What a store should hold. An empty etag is one that was not read yet.
class Model {
 public:
  struct Entry {
    std::string value;
    std::string etag;
    std::optional<milliseconds> expires;
  };

  [[nodiscard]] const Entry* find(const std::string& key) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    if (found->second.expires.has_value() && now_ >= *found->second.expires) return nullptr;
    return &found->second;
  }
  Code write(const StateWrite& write) {
    const std::string key(write.key);
    const Entry* entry = find(key);
    if (!meets(entry, write.precondition)) return Code::kAborted;
    if (write.kind == StateWrite::Kind::kDelete) {
      entries_.erase(key);
    } else {
      Entry& written = entries_[key];
      written = {.value = std::string(write.value), .etag = {}, .expires = std::nullopt};
      if (write.ttl.has_value()) written.expires = now_ + *write.ttl;
    }
    return Code::kOk;
  }
  Code transact(const std::vector<StateWrite>& writes) {
    const auto before = entries_;
    for (const StateWrite& one : writes) {
      if (write(one) == Code::kOk) continue;
      entries_ = before;
      return Code::kAborted;
    }
    return Code::kOk;
  }
  void learn(const std::string& key, const std::string& etag) { entries_[key].etag = etag; }
  void let_pass(milliseconds time) { now_ += time; }

 private:
  static bool meets(const Entry* entry, const Precondition& precondition) {
    switch (precondition.kind) {
      case Precondition::Kind::kNone:
        return true;
      case Precondition::Kind::kAbsent:
        return entry == nullptr;
      case Precondition::Kind::kEtag:
        return entry != nullptr && entry->etag == precondition.etag;
    }
    return false;
  }

  std::map<std::string, Entry> entries_;
  milliseconds now_{0};
};

class Run {
 public:
  Run(StateCase& t, uint64_t seed) : t_(t), random_(seed) {
    keys_ = {"a",
             "A",
             "a ",
             std::string("\0", 1),
             "\xff",
             std::string(400, 'k'),
             std::string(401, 'k'),
             std::string(4096, 'k'),
             "key-1",
             "key-2",
             "key-3",
             "key-4"};
  }

  void steps(int count) {
    for (step_ = 0; step_ < count && !testing::Test::HasFailure(); ++step_) one_step();
    for (const std::string& key : keys_) check(key);
  }

 private:
  void one_step() {
    const uint64_t kind = random_.below(100);
    const auto features = t_.bed().features();
    if (kind < 25) {
      check(any_key());
    } else if (kind < 65) {
      single();
    } else if (kind < 78) {
      bulk();
    } else if (kind < 91) {
      if (features.transactions) transaction();
    } else if (kind < 99) {
      if (t_.bed().turns_clock()) pass_time();
    } else if (features.survives_restart && t_.bed().turns_clock()) {
      t_.restart();
    }
  }

  const std::string& any_key() { return keys_[random_.below(keys_.size())]; }

  // Owns what the writes refer to until the step is over.
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }

  StateWrite any_write() {
    const std::string& key = any_key();
    StateWrite write = random_.below(4) == 0 ? del(key) : put(key, keep(any_value()));
    const uint64_t kind = random_.below(100);
    if (kind < 20) {
      write.precondition = Precondition::absent();
    } else if (kind < 60) {
      write.precondition = any_etag(key);
    }
    if (write.kind == StateWrite::Kind::kPut && t_.bed().features().ttl && t_.bed().turns_clock() &&
        random_.below(4) == 0) {
      write.ttl = seconds(1 + static_cast<int64_t>(random_.below(5)));
    }
    return write;
  }
  // Mostly the right one, else one that the key had, else nonsense.
  Precondition any_etag(const std::string& key) {
    const Model::Entry* entry = model_.find(key);
    const uint64_t kind = random_.below(10);
    if (kind < 6 && entry != nullptr) return Precondition::matches(keep(entry->etag));
    const std::set<std::string>& old = etags_[key];
    if (kind < 9 && !old.empty()) {
      auto at = old.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(random_.below(old.size())));
      return Precondition::matches(keep(*at));
    }
    return Precondition::matches(keep("nonsense"));
  }
  std::string any_value() {
    static constexpr std::array<size_t, 8> kLengths = {0, 1, 7, 100, 100, 3000, 5000, 50'000};
    std::string value(kLengths[random_.below(kLengths.size())], '\0');
    random_.fill(value);
    return value;
  }
  std::vector<StateWrite> any_writes() {
    std::vector<StateWrite> writes(1 + random_.below(6));
    for (StateWrite& write : writes) write = any_write();
    return writes;
  }

  void single() {
    const StateWrite write = any_write();
    const Code wanted = model_.write(write);
    const Status status = t_.write(write);
    ASSERT_EQ(code_of(status), wanted) << "step " << step_ << ", write";
    after({write});
  }
  void bulk() {
    const std::vector<StateWrite> writes = any_writes();
    const std::vector<Status> results = t_.bulk(writes);
    for (size_t i = 0; i < writes.size(); ++i) {
      const Code wanted = model_.write(writes[i]);
      ASSERT_EQ(code_of(results[i]), wanted) << "step " << step_ << ", bulk item " << i;
    }
    after(writes);
  }
  void transaction() {
    const std::vector<StateWrite> writes = any_writes();
    const Code wanted = model_.transact(writes);
    ASSERT_EQ(code_of(t_.transact(writes)), wanted) << "step " << step_ << ", transaction";
    after(writes);
  }
  void pass_time() {
    static constexpr std::array<int, 5> kSteps = {1, 100, 1000, 1500, 4000};
    const milliseconds time(kSteps[random_.below(kSteps.size())]);
    model_.let_pass(time);
    t_.let_pass(time);
  }

  void after(const std::vector<StateWrite>& writes) {
    for (const StateWrite& write : writes) check(std::string(write.key));
    kept_.clear();
  }
  void check(const std::string& key) {
    const StateItem item = t_.get(key);
    const Model::Entry* entry = model_.find(key);
    ASSERT_EQ(item.found, entry != nullptr) << "step " << step_ << ", key of " << key.size();
    if (entry == nullptr) return;
    ASSERT_TRUE(item.value == entry->value)
        << "step " << step_ << ", key of " << key.size() << ", value of " << entry->value.size();
    ASSERT_EQ(item.expires_at.has_value(), entry->expires.has_value()) << "step " << step_;
    if (entry->etag.empty()) {
      ASSERT_TRUE(etags_[key].insert(item.etag).second)
          << "step " << step_ << ": the etag " << item.etag << " was used before";
      model_.learn(key, item.etag);
    } else {
      ASSERT_EQ(item.etag, entry->etag) << "step " << step_;
    }
  }

  StateCase& t_;
  Random random_;
  Model model_;
  std::vector<std::string> keys_;
  std::map<std::string, std::set<std::string>> etags_;  // every one a key ever had
  std::deque<std::string> kept_;
  int step_ = 0;
};

void agrees_with_the_model(StateCase& t) {
  const uint64_t seed = chosen_seed();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  SCOPED_TRACE(fmt::format("LAYOTTO_SEED={}", seed));
  Run(t, seed).steps(tests::rounds(3000, 50'000));
}

constexpr StateCaseSpec kCases[] = {{"AgreesWithTheModel", {}, agrees_with_the_model}};

}  // namespace

std::span<const StateCaseSpec> model_cases() { return kCases; }

}  // namespace layotto::conformance
