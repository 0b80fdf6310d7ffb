// The store under load while its servers go away, forget, stand still, move. Each writer counts in
// a key of its own, with etags, and holds the store to what it was told.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "clients/redis/slot.h"
#include "tests/conformance/redis_store.h"
#include "tests/support/deep.h"

namespace layotto::components::state::redis {
namespace {

using base::Code;
using blocks::Consistency;
using blocks::Health;
using blocks::Precondition;
using blocks::StateItem;
using blocks::StateWrite;
using conformance::RedisStore;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Load {
 public:
  struct Options {
    size_t writers = 16;
    std::string prefix;
    Consistency consistency = Consistency::kDefault;
    Duration patience = seconds(20);
  };
  // What the writers were told, all together.
  struct Told {
    size_t acknowledged = 0;
    size_t unknown = 0;
    size_t refused = 0;  // and not executed
    size_t unread = 0;
    std::string wrong;  // what must not be
  };

  Load(RedisStore& store, Options options) : store_(store), options_(std::move(options)) {
    for (size_t i = 0; i < options_.writers; ++i) {
      writers_.push_back({.key = options_.prefix + "count-" + std::to_string(i)});
    }
    for (Writer& writer : writers_) {
      store_.loop().tasks().spawn(&count, this, &writer);
      ++running_;
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { end(); }

  // Until each writer has had this many more acknowledgements.
  bool goes_on(int writes) {
    std::vector<int> until;
    for (const Writer& writer : writers_) until.push_back(writer.acknowledged + writes);
    return store_.loop().run_until([&] {
      for (size_t i = 0; i < writers_.size(); ++i) {
        if (writers_[i].acknowledged < until[i]) return false;
      }
      return true;
    });
  }
  template <class F>
  bool goes_on_until(F condition) {
    return store_.loop().run_until(condition);
  }
  [[nodiscard]] const Told& told() const { return told_; }
  Told finish() {
    end();
    for (Writer& writer : writers_) check(writer, store_.get(writer.key));
    return told_;
  }

 private:
  struct Writer {
    std::string key;
    int acknowledged = 0;
    int least = 0;  // what was acknowledged last
    int most = 0;   // what was ever tried
  };

  static Task<void> count(Load* load, Writer* writer) {
    while (!load->stopping_) {
      StateItem item;
      Status got = co_await load->within(load->store_.store().get(writer->key, {}, item));
      if (!got.ok()) {
        ++load->told_.unread;
        load->look_at(got.error(), *writer);
        co_await load->rest();
        continue;
      }
      const int seen = load->check(*writer, item);
      const bool in_doubt = writer->most > seen;
      writer->most = std::max(writer->most, seen + 1);
      const std::string next = std::to_string(seen + 1);
      Status put = co_await load->within(load->store_.store().write(
          {.key = writer->key,
           .value = next,
           .precondition = item.found ? Precondition::matches(item.etag) : Precondition::absent(),
           .consistency = load->options_.consistency}));
      if (put.ok()) {
        writer->least = seen + 1;
        ++writer->acknowledged;
        ++load->told_.acknowledged;
        continue;
      }
      if (put.error().outcome_unknown()) {
        ++load->told_.unknown;
      } else if (put.error().code() != Code::kAborted) {
        ++load->told_.refused;
        if (!in_doubt) writer->most = seen;
      } else if (in_doubt) {
        continue;  // an earlier one was executed after all
      }
      load->look_at(put.error(), *writer);
      co_await load->rest();
    }
    --load->running_;
  }

  void end() {
    stopping_ = true;
    CHECK(store_.loop().run_until([&] { return running_ == 0; }), "a writer does not end");
  }
  int check(const Writer& writer, const StateItem& item) {
    const int value = item.found ? std::stoi(item.value) : 0;
    if (value < writer.least || value > writer.most) {
      told_.wrong += fmt::format("{} is {}, and {} was acknowledged, {} tried\n", writer.key, value,
                                 writer.least, writer.most);
    }
    return value;
  }
  void look_at(const Error& error, const Writer& writer) {
    if (error.code() == Code::kUnavailable || error.code() == Code::kDeadlineExceeded) return;
    told_.wrong += fmt::format("{}: {}\n", writer.key, error.to_string());
  }
  async::DeadlineAwaiter<Status> within(Task<Status> task) {
    async::Loop& loop = store_.loop().loop();
    return async::with_deadline(loop, loop.now() + options_.patience, std::move(task));
  }
  Task<void> rest() { (void)co_await store_.loop().loop().sleep(milliseconds(2)); }

  RedisStore& store_;
  const Options options_;
  std::vector<Writer> writers_;
  size_t running_ = 0;
  bool stopping_ = false;
  Told told_;
};

class RedisStateLoad : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tests::have_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  }
  RedisStore& open(const std::string& settings) {
    store_ = std::make_unique<RedisStore>("{" + settings + "}");
    const Status started = store_->start();
    CHECK(started.ok(), started.error().message());
    return *store_;
  }
  static std::string joined(const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& each : all) text += (text.empty() ? "" : ",") + each;
    return text;
  }
  static Code code(const Status& status) { return status.ok() ? Code::kOk : status.error().code(); }
  static bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
  }
  // Ends the store's connections to the server, and no others; how many there were.
  static int cut(const tests::RedisServer& server) {
    const std::string list = server.command({"CLIENT", "LIST", "TYPE", "normal"});
    int count = 0;
    for (size_t at = 0; at < list.size();) {
      const size_t end = std::min(list.find('\n', at), list.size());
      const std::string line = list.substr(at, end - at);
      at = end + 1;
      if (!has(line, " name=layotto ")) continue;
      const size_t id = line.find("id=") + 3;
      const std::string killed =
          server.command({"CLIENT", "KILL", "ID", line.substr(id, line.find(' ', id) - id)});
      CHECK(killed == "1", killed);
      ++count;
    }
    return count;
  }

  std::unique_ptr<RedisStore> store_;
};

// ---- one server

TEST_F(RedisStateLoad, AServerThatIsKilledHasWhatItAcknowledged) {
  tests::RedisServer server({.arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
  RedisStore& store = open("redis_host: '" + server.address() + "'");
  Load load(store, {});
  const int rounds = tests::rounds(1, 20);
  for (int round = 0; round < rounds; ++round) {
    ASSERT_TRUE(load.goes_on(10));
    server.kill();
    ASSERT_TRUE(load.goes_on_until([&] { return !store.ready(); }));
    EXPECT_EQ(store.store().health().state, Health::State::kFailed);
    EXPECT_TRUE(has(store.store().health().reason, server.address()));
    const size_t before = load.told().refused + load.told().unread;
    ASSERT_TRUE(
        load.goes_on_until([&] { return load.told().refused + load.told().unread > before; }));
    server.start();
    ASSERT_TRUE(load.goes_on(1));
    EXPECT_TRUE(store.ready());
  }
  EXPECT_EQ(load.finish().wrong, "");
}

TEST_F(RedisStateLoad, ForgottenScriptsAreNotNoticed) {
  tests::RedisServer server;
  RedisStore& store = open("redis_host: '" + server.address() + "'");
  Load load(store, {});
  const int rounds = tests::rounds(50, 2000);
  for (int i = 0; i < rounds; ++i) {
    ASSERT_TRUE(load.goes_on(1));
    ASSERT_EQ(server.command({"SCRIPT", "FLUSH", i % 2 == 0 ? "SYNC" : "ASYNC"}), "OK");
  }
  ASSERT_TRUE(load.goes_on(1));
  const Load::Told told = load.finish();
  EXPECT_EQ(told.wrong, "");
  EXPECT_EQ(told.unknown + told.refused + told.unread, 0U);
  EXPECT_FALSE(has(store.metrics(), "reason=\"script\"} 0"));
}

TEST_F(RedisStateLoad, CutConnectionsCostOnlyWhatWasOnTheWay) {
  tests::RedisServer server;
  RedisStore& store = open("redis_host: '" + server.address() + "'");
  Load load(store, {});
  const size_t cuts = static_cast<size_t>(tests::rounds(20, 2000));
  for (size_t i = 0; i < cuts; ++i) {
    ASSERT_TRUE(load.goes_on(2));
    ASSERT_EQ(server.command({"CLIENT", "KILL", "TYPE", "normal"}), "1");
  }
  ASSERT_TRUE(load.goes_on(1));
  const Load::Told told = load.finish();
  EXPECT_EQ(told.wrong, "");
  EXPECT_EQ(told.refused + told.unread, 0U) << "what may be sent again is";
  EXPECT_LE(told.unknown, cuts * 16);
}

TEST_F(RedisStateLoad, AServerThatStandsStillLosesNothing) {
  tests::RedisServer server;
  RedisStore& store = open("redis_host: '" + server.address() + "'");
  Load load(store, {.patience = milliseconds(200)});
  const int rounds = tests::rounds(1, 20);
  for (int round = 0; round < rounds; ++round) {
    ASSERT_TRUE(load.goes_on(5));
    server.pause();
    const size_t before = load.told().unknown + load.told().unread;
    ASSERT_TRUE(load.goes_on_until(
        [&] { return load.told().unknown + load.told().unread >= before + 20; }));
    server.resume();
  }
  ASSERT_TRUE(load.goes_on(5));
  EXPECT_EQ(load.finish().wrong, "");
}

// ---- several

// As redis-cli moves a slot: the keys one by one, the commands of clients in between.
TEST_F(RedisStateLoad, ASlotThatMovesIsNotNoticed) {
  tests::RedisCluster cluster;
  RedisStore& store =
      open("redis_type: cluster, redis_host: '" + joined(cluster.addresses()) + "'");
  const std::string slot = std::to_string(clients::redis::slot_of("{t}"));
  size_t from = tests::RedisCluster::owner(clients::redis::slot_of("{t}"));
  Load load(store, {.prefix = "{t}."});
  Load others(store, {});
  const StateWrite a{.key = "{t}.a", .value = "1"};
  const StateWrite b{.key = "{t}.b", .value = "1"};
  ASSERT_TRUE(store.transact({a, b}).ok());
  const int rounds = tests::rounds(2, 20);
  for (int round = 0; round < rounds; ++round) {
    ASSERT_TRUE(load.goes_on(5));
    const size_t to = (from + 1) % cluster.size();
    const std::string source = cluster.node_id(from);
    const std::string target = cluster.node_id(to);
    const std::string port = std::to_string(cluster.node(to).port());
    const auto move = [&](std::string_view key) {
      return cluster.node(from).command({"MIGRATE", "127.0.0.1", port, key, "0", "1000"});
    };
    ASSERT_EQ(cluster.node(to).command({"CLUSTER", "SETSLOT", slot, "IMPORTING", source}), "OK");
    ASSERT_EQ(cluster.node(from).command({"CLUSTER", "SETSLOT", slot, "MIGRATING", target}), "OK");
    ASSERT_TRUE(load.goes_on(1));
    ASSERT_EQ(move("{t}.a"), "OK");
    EXPECT_EQ(store.get("{t}.a").value, "1");
    EXPECT_TRUE(store.put("{t}.new", "1").ok()) << "what is new is made where the slot goes";
    EXPECT_EQ(cluster.node(to).command({"EXISTS", "{t}.new"}).substr(0, 6), "-MOVED");
    const Status half = store.transact({{.key = "{t}.a", .value = "2"}, b});
    ASSERT_EQ(code(half), Code::kUnavailable) << "its keys are on two servers";
    EXPECT_FALSE(half.error().outcome_unknown());
    EXPECT_TRUE(has(half.error().message(), "TRYAGAIN")) << half.error().message();
    EXPECT_EQ(store.get("{t}.a").value, "1");
    while (true) {
      const std::string key = cluster.node(from).command({"CLUSTER", "GETKEYSINSLOT", slot, "1"});
      if (key.empty()) break;
      ASSERT_EQ(move(key), "OK");
      ASSERT_TRUE(load.goes_on(1));
    }
    ASSERT_EQ(cluster.node(to).command({"CLUSTER", "SETSLOT", slot, "NODE", target}), "OK");
    ASSERT_TRUE(load.goes_on(1));
    ASSERT_EQ(cluster.node(from).command({"CLUSTER", "SETSLOT", slot, "NODE", target}), "OK");
    ASSERT_TRUE(load.goes_on(1));
    EXPECT_TRUE(store.transact({a, b}).ok());
    from = to;
  }
  const Load::Told told = load.finish();
  EXPECT_EQ(told.wrong, "");
  EXPECT_EQ(told.unknown + told.refused + told.unread, 0U);
  const Load::Told elsewhere = others.finish();
  EXPECT_EQ(elsewhere.wrong, "");
  EXPECT_EQ(elsewhere.unknown + elsewhere.refused + elsewhere.unread, 0U);
  EXPECT_FALSE(has(store.metrics(), "reason=\"redirection\"} 0"));
}

TEST_F(RedisStateLoad, CutConnectionsToAClusterCostOnlyWhatWasOnTheWay) {
  tests::RedisCluster cluster;
  RedisStore& store =
      open("redis_type: cluster, redis_host: '" + joined(cluster.addresses()) + "'");
  Load load(store, {});
  const size_t cuts = static_cast<size_t>(tests::rounds(20, 2000));
  for (size_t i = 0; i < cuts; ++i) {
    ASSERT_TRUE(load.goes_on(2));
    ASSERT_EQ(cut(cluster.node(i % cluster.size())), 1);
  }
  ASSERT_TRUE(load.goes_on(1));
  const Load::Told told = load.finish();
  EXPECT_EQ(told.wrong, "");
  EXPECT_EQ(told.refused + told.unread, 0U);
  EXPECT_LE(told.unknown, cuts * 16);
}

// The old primary stands still, so that what waits there does not even see its connection end.
TEST_F(RedisStateLoad, AFailoverKeepsWhatWasAcknowledgedStrongly) {
  tests::RedisSentinels sentinels;
  RedisStore& store = open(
      "sentinel_master_name: main, replicas_min: 1, replicas_timeout: 100ms, "
      "redis_host: '" +
      joined(sentinels.sentinel_addresses()) + "'");

  // As with one server: a connection that is cut is made again at once.
  {
    Load cut_off(store, {.prefix = "cut-"});
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(cut_off.goes_on(2));
      ASSERT_EQ(cut(sentinels.primary()), 1);
    }
    ASSERT_TRUE(cut_off.goes_on(1));
    const Load::Told told = cut_off.finish();
    EXPECT_EQ(told.wrong, "");
    EXPECT_EQ(told.refused + told.unread, 0U);
  }

  constexpr size_t kWriters = 4;
  Load load(store,
            {.writers = kWriters, .consistency = Consistency::kStrong, .patience = seconds(5)});
  ASSERT_TRUE(load.goes_on(20));
  tests::RedisServer& old = sentinels.primary();
  old.pause();
  ASSERT_TRUE(load.goes_on_until([&] { return sentinels.primary_address() != old.address(); }));
  // Nothing is strong any more: the new one has no replica.
  const size_t before = load.told().unknown;
  ASSERT_TRUE(load.goes_on_until([&] { return load.told().unknown >= before + kWriters; }));
  EXPECT_EQ(load.finish().wrong, "");

  Load weak(store, {.prefix = "weak-"});
  ASSERT_TRUE(weak.goes_on(20));
  old.resume();
  ASSERT_TRUE(weak.goes_on(20));
  const Load::Told told = weak.finish();
  EXPECT_EQ(told.wrong, "");
  EXPECT_EQ(told.unknown, 0U);
  EXPECT_TRUE(store.ready()) << store.store().health().reason;
  EXPECT_NE(sentinels.current_primary(), &old);
  EXPECT_EQ(sentinels.current_primary()->command({"HGET", "weak-count-0", "data"}),
            store.get("weak-count-0").value);
}

}  // namespace
}  // namespace layotto::components::state::redis
