// The client against real servers.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/redis_server_harness.h"
#include "tests/support/test_certificates.h"

namespace layotto::clients::redis {
namespace {

using tests::RedisServer;

class ClientServerTest : public ServerTest {};

TEST_F(ClientServerTest, AsksAndAnswers) {
  RedisServer server;
  options.client_name = "layotto-test";
  options.database = 3;
  options.primary_only = true;
  options.major_version_min = 4;
  const Script script("add", "return ARGV[1] + 1");
  options.scripts = {&script};
  ASSERT_EQ(connect(server.address()), "connected");
  EXPECT_TRUE(client_->greeting().resp3);
  EXPECT_FALSE(client_->greeting().version.empty());
  EXPECT_EQ(ask({"CLIENT", "GETNAME"}), "\"layotto-test\"");
  const std::string binary("a\0\r\n$b", 6);
  EXPECT_EQ(ask({"SET", binary, binary}), "OK");
  EXPECT_EQ(ask({"GET", binary}, Effect::kRead), "\"a\\x00\\x0d\\x0a$b\"");
  EXPECT_EQ(ask({"GET", "missing"}), "null");
  EXPECT_EQ(ask({"HSET", "h", "a", "1", "b", "2"}), "2");
  EXPECT_EQ(ask({"HMGET", "h", "a", "c", "b"}), "{\"1\", null, \"2\"}");
  EXPECT_EQ(ask({"HGETALL", "h"}), "map{\"a\", \"1\", \"b\", \"2\"}");
  EXPECT_EQ(ask({"EVALSHA", std::string(script.sha1()), "0", "41"}), "42");
  EXPECT_TRUE(ask({"GET", "h"}).starts_with("-WRONGTYPE"));
  EXPECT_EQ(server.command({"DBSIZE"}), "0") << "the data are in database 3";
  EXPECT_TRUE(loop.run(client_->ping()).ok());
  EXPECT_EQ(server.command({"CLUSTER", "KEYSLOT", "a{foo}b"}).substr(0, 4), "-ERR");
}

TEST_F(ClientServerTest, TakesLargeValues) {
  RedisServer server;
  ASSERT_EQ(connect(server.address()), "connected");
  for (const size_t size : {1000UL, 16UL * 1024, 100'000UL, 5'000'000UL}) {
    std::string value(size, '.');
    random.fill(value);
    ASSERT_EQ(ask({"SET", "k", value}), "OK");
    struct Compare {
      static Task<bool> run(Client* client, const std::string* value) {
        const std::string_view get[] = {"GET", "k"};
        const Result<Reply> reply = co_await client->call(get, {.effect = Effect::kRead});
        co_return reply.ok() && reply->text() == *value;
      }
    };
    EXPECT_TRUE(loop.run(Compare::run(client_.get(), &value))) << size;
  }
}

TEST_F(ClientServerTest, SpeaksResp2) {
  RedisServer server;
  options.protocol = Protocol::kResp2;
  options.client_name = "layotto-test";
  options.major_version_min = 4;
  ASSERT_EQ(connect(server.address()), "connected");
  EXPECT_FALSE(client_->greeting().resp3);
  EXPECT_FALSE(client_->greeting().version.empty());
  EXPECT_EQ(ask({"CLIENT", "GETNAME"}), "\"layotto-test\"");
  EXPECT_EQ(ask({"HSET", "h", "a", "1"}), "1");
  EXPECT_EQ(ask({"HGETALL", "h"}), "{\"a\", \"1\"}");
  EXPECT_EQ(ask({"GET", "missing"}), "null");
}

TEST_F(ClientServerTest, SpeaksResp2WhereHelloIsForbidden) {
  RedisServer server({.config = "rename-command HELLO \"\"\n"});
  options.client_name = "layotto-test";
  ASSERT_EQ(connect(server.address()), "connected");
  EXPECT_FALSE(client_->greeting().resp3);
  EXPECT_EQ(ask({"CLIENT", "GETNAME"}), "\"layotto-test\"");
  EXPECT_EQ(ask({"GET", "missing"}), "null");
}

TEST_F(ClientServerTest, LogsInWithAPassword) {
  RedisServer server({.password = "s3cret"});
  EXPECT_TRUE(connect(server.address()).starts_with("UNAUTHENTICATED: redis 127.0.0.1:"));
  options.password = "not-it";
  const std::string said = connect(server.address());
  EXPECT_TRUE(said.starts_with("UNAUTHENTICATED: redis 127.0.0.1:")) << said;
  EXPECT_NE(said.find("WRONGPASS"), std::string::npos);
  EXPECT_EQ(said.find("not-it"), std::string::npos);
  for (const Protocol protocol : {Protocol::kNegotiate, Protocol::kResp2}) {
    options.protocol = protocol;
    options.password = "not-it";
    EXPECT_TRUE(connect(server.address()).starts_with("UNAUTHENTICATED"));
    options.password = "s3cret";
    EXPECT_EQ(connect(server.address()), "connected");
    EXPECT_EQ(ask({"PING"}), "PONG");
  }
}

TEST_F(ClientServerTest, LogsInAsAUser) {
  RedisServer server({.config = "user app on >s3cret ~app:* +@all -@dangerous\n"});
  options.username = "app";
  options.password = "s3cret";
  for (const Protocol protocol : {Protocol::kNegotiate, Protocol::kResp2}) {
    options.protocol = protocol;
    ASSERT_EQ(connect(server.address()), "connected");
    EXPECT_EQ(ask({"SET", "app:k", "v"}), "OK");
    EXPECT_TRUE(ask({"SET", "k", "v"}).starts_with("-NOPERM"));
    EXPECT_TRUE(ask({"FLUSHALL"}).starts_with("-NOPERM"));
  }
}

TEST_F(ClientServerTest, SpeaksTls) {
  tests::TestCertificates certificates;
  RedisServer server({.certificates = certificates.folder().path()});
  TlsFiles tls({.ca_file = certificates.file("ca.pem"),
                .certificate_file = certificates.file("client.pem"),
                .key_file = certificates.file("client.key")});
  options.tls = &tls;
  ASSERT_EQ(connect(server.tls_address()), "connected");
  EXPECT_EQ(ask({"SET", "k", std::string(100'000, 'v')}), "OK");
  EXPECT_EQ(ask({"STRLEN", "k"}), "100000");

  TlsFiles other({.ca_file = certificates.file("other-ca.pem"),
                  .certificate_file = certificates.file("client.pem"),
                  .key_file = certificates.file("client.key")});
  options.tls = &other;
  EXPECT_NE(connect(server.tls_address()), "connected");
  options.tls = &tls;
  options.server_name = "another.test";
  EXPECT_NE(connect(server.tls_address()), "connected");
  options.server_name = "server.test";
  EXPECT_EQ(connect(server.tls_address()), "connected");
  options.server_name.clear();
  TlsFiles without_certificate({.ca_file = certificates.file("ca.pem")});
  options.tls = &without_certificate;
  EXPECT_NE(connect(server.tls_address()), "connected") << "the server wants to see ours";
}

TEST_F(ClientServerTest, NamesAServerThatIsNotThere) {
  const std::string address = "127.0.0.1:" + std::to_string(tests::free_port());
  const std::string said = connect(address);
  EXPECT_TRUE(said.starts_with("UNAVAILABLE: redis " + address + ": ")) << said;
  EXPECT_NE(said.find("refused"), std::string::npos) << said;
}

TEST_F(ClientServerTest, ATlsPortIsNoRedis) {
  tests::TestCertificates certificates;
  RedisServer server({.certificates = certificates.folder().path()});
  EXPECT_NE(connect(server.tls_address()), "connected");
  options.protocol = Protocol::kResp2;
  EXPECT_NE(connect(server.tls_address()), "connected");
}

TEST_F(ClientServerTest, AFullServerIsSaidToBeFull) {
  RedisServer server({.arguments = {"--maxclients", "1"}});
  ASSERT_EQ(connect(server.address()), "connected");
  std::unique_ptr<Client> first = std::move(client_);
  std::unique_ptr<FixedLocator> first_locator = std::move(locator_);
  const std::string said = connect(server.address());
  EXPECT_TRUE(said.starts_with("UNAVAILABLE")) << said;
  EXPECT_NE(said.find("max number of clients"), std::string::npos) << said;
  loop.run(first->stop());
  EXPECT_TRUE(loop.run_until([this] { return client_->state() == Client::State::kReady; }));
}

TEST_F(ClientServerTest, AServerThatStandsStillCostsTheDeadline) {
  RedisServer server;
  options.reply_timeout = milliseconds(300);
  ASSERT_EQ(connect(server.address()), "connected");
  server.pause();
  EXPECT_EQ(
      ask({"SET", "k", "v"}, Effect::kWrite, milliseconds(50)),
      "DEADLINE_EXCEEDED: redis " + server.address() + ": no reply in time [outcome unknown]");
  const std::string second = ask({"SET", "k", "v"}, Effect::kWrite, seconds(5));
  EXPECT_NE(second.find("no reply for 300 ms"), std::string::npos) << second;
  EXPECT_NE(second.find("[outcome unknown]"), std::string::npos) << second;
  server.resume();
  EXPECT_TRUE(loop.run_until([this] { return client_->state() == Client::State::kReady; }));
  EXPECT_EQ(ask({"SET", "k", "w"}), "OK");
}

TEST_F(ClientServerTest, AsksAgainAfterTheServerForgotItsClients) {
  RedisServer server;
  ASSERT_EQ(connect(server.address()), "connected");
  EXPECT_EQ(server.command({"CLIENT", "KILL", "TYPE", "normal"}), "1");
  EXPECT_EQ(ask({"GET", "k"}, Effect::kRead), "null");
  EXPECT_EQ(counters.disconnects.read(), 1U);
}

// Writers that count how often each of their keys was written, by hearsay: a key whose write was
// acknowledged must be there, one whose outcome is unknown may be, any other must not.
struct Hearsay {
  std::set<std::string> acknowledged;
  std::set<std::string> unknown;
  std::set<std::string> refused;
  size_t next = 0;
  bool enough = false;
};

Task<void> write_on(Client* client, Hearsay* hearsay, async::Loop* loop) {
  while (!hearsay->enough) {
    const std::string key = "k" + std::to_string(hearsay->next++);
    const std::string_view set[] = {"SET", key, "v"};
    const Result<Reply> reply = co_await client->call(set);
    if (reply.ok() && reply->text() == "OK") {
      hearsay->acknowledged.insert(key);
    } else if (!reply.ok() && reply.error().outcome_unknown()) {
      hearsay->unknown.insert(key);
    } else {
      hearsay->refused.insert(key);
      if (!(co_await loop->sleep(std::chrono::milliseconds(1))).ok()) co_return;
    }
  }
}

TEST_F(ClientServerTest, SaysTheTruthAboutWritesWhileTheServerIsKilled) {
  // Every write is on disk before it is acknowledged.
  RedisServer server({.arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
  options.reconnect_grace = milliseconds(20);
  options.reconnect_pause_max = milliseconds(50);
  ASSERT_EQ(connect(server.address()), "connected");
  Hearsay hearsay;
  async::TaskGroup writers(loop.loop());
  for (int i = 0; i < 16; ++i) writers.spawn(&write_on, client_.get(), &hearsay, &loop.loop());
  const int rounds = std::getenv("LAYOTTO_DEEP") != nullptr ? 100 : 5;
  for (int round = 0; round < rounds; ++round) {
    const size_t before = hearsay.acknowledged.size();
    ASSERT_TRUE(loop.run_until([&] { return hearsay.acknowledged.size() >= before + 50; }));
    server.kill();
    loop.run_until([&] { return client_->state() != Client::State::kReady; });
    server.start();
    ASSERT_TRUE(loop.run_until([&] { return client_->state() == Client::State::kReady; }));
  }
  hearsay.enough = true;
  ASSERT_TRUE(loop.run_until([&] { return writers.running() == 0; }));
  for (const std::string& key : hearsay.acknowledged) {
    ASSERT_EQ(server.command({"EXISTS", key}), "1") << "acknowledged and lost: " << key;
  }
  for (const std::string& key : hearsay.refused) {
    ASSERT_EQ(server.command({"EXISTS", key}), "0") << "refused and written: " << key;
  }
  EXPECT_GT(hearsay.unknown.size(), 0U);
  EXPECT_GE(counters.disconnects.read(), static_cast<uint64_t>(rounds));
}

TEST_F(ClientServerTest, PipelinesThousandsOfCommands) {
  RedisServer server;
  ASSERT_EQ(connect(server.address()), "connected");
  struct Counting {
    static Task<void> run(Client* client, int rounds, size_t* done) {
      const std::string_view incr[] = {"INCR", "n"};
      for (int i = 0; i < rounds; ++i) {
        const Result<Reply> reply = co_await client->call(incr);
        if (!reply.ok() || reply->type() != RespType::kInteger) co_return;
        ++*done;
      }
    }
  };
  size_t done = 0;
  for (int i = 0; i < 1000; ++i) loop.tasks().spawn(&Counting::run, client_.get(), 20, &done);
  EXPECT_TRUE(loop.run_until([&] { return done == 20'000; })) << done;
  EXPECT_EQ(server.command({"GET", "n"}), "20000");
}

}  // namespace
}  // namespace layotto::clients::redis
