// A Redis server made of memory for the tests of this room: it remembers what it was asked and says
// what the test tells it to. Everything runs on a TestLoop.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "async/test_loop.h"
#include "clients/redis/client.h"
#include "net/memory_pipe.h"
#include "tests/support/later.h"

namespace layotto::clients::redis {

// The server's end of one connection.
class FakeConnection {
 public:
  FakeConnection(std::unique_ptr<net::MemoryConnection> end, std::string target)
      : end_(std::move(end)), target_(std::move(target)) {}

  [[nodiscard]] const std::string& target() const { return target_; }
  // Takes what has come; commands as "GET k", in order.
  std::vector<std::string> read() {
    std::vector<std::string> commands;
    char buffer[4096];
    while (true) {
      const net::ReadResult got = end_->read_some(buffer);
      if (got.outcome == net::ReadOutcome::kEnd || got.outcome == net::ReadOutcome::kError) {
        ended_ = true;
      }
      if (got.outcome != net::ReadOutcome::kBytes) return commands;
      parser_.feed({buffer, got.size});
      while (parser_.next() == RespParser::Outcome::kReply) {
        std::string command;
        for (const Reply word : parser_.reply()) {
          if (!command.empty()) command += ' ';
          command += word.text();
        }
        commands.push_back(std::move(command));
      }
      CHECK(!parser_.broken(), "the client sends nonsense");
    }
  }
  void say(std::string_view bytes) {
    end_->out().append(bytes);
    end_->schedule_flush();
  }
  void close() { end_->close(net::Connection::Close::kOrderly); }
  void reset() { end_->close(net::Connection::Close::kReset); }
  // The client is gone.
  [[nodiscard]] bool ended() const { return ended_; }
  // How much may lie here unread; 0: the client's socket buffer is full.
  void set_capacity(size_t capacity) { end_->set_capacity(capacity); }

 private:
  std::unique_ptr<net::MemoryConnection> end_;
  std::string target_;
  RespParser parser_;
  bool ended_ = false;
};

// Connects to FakeConnections, or refuses.
class FakeDialer final : public net::Dialer {
 public:
  explicit FakeDialer(async::Loop& loop) : loop_(loop), never_(loop) {}

  Task<Result<std::unique_ptr<net::Connection>>> dial(const net::Endpoint& endpoint,
                                                      const net::DialOptions&) override {
    using R = Result<std::unique_ptr<net::Connection>>;
    ++dials;
    if (hang) return wait_for_ever();
    if (refuse || refused.contains(endpoint.to_string())) {
      return async::failed<R>(base::unavailable("connection refused").upstream().retryable());
    }
    auto [near, far] = net::MemoryPipe::make(loop_);
    if (capacity.has_value()) far->set_capacity(*capacity);
    connections.push_back(std::make_unique<FakeConnection>(std::move(far), endpoint.to_string()));
    return async::ready(R(std::unique_ptr<net::Connection>(std::move(near))));
  }

  bool refuse = false;
  bool hang = false;
  std::set<std::string> refused;  // addresses
  std::optional<size_t> capacity;
  int dials = 0;
  std::vector<std::unique_ptr<FakeConnection>> connections;

 private:
  Task<Result<std::unique_ptr<net::Connection>>> wait_for_ever() {
    CO_TRY(co_await never_.wait());
    co_return base::internal("woken");
  }
  async::Loop& loop_;
  async::Event never_;
};

// A fake server that shakes hands by itself; everything else is the test's business.
class FakeServer {
 public:
  explicit FakeServer(async::TestLoop& test) : test_(test), dialer_(test.loop()) {}

  [[nodiscard]] FakeDialer& dialer() { return dialer_; }
  // What a first command is answered with; nullopt: it is not one of the handshake.
  std::function<std::optional<std::string>(const std::string& command)> greet =
      [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("HELLO 3")) {
      return "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
             "$5\r\nproto\r\n:3\r\n";
    }
    if (command == "PING") return "+PONG\r\n";
    if (command == "ROLE") return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
    if (command.starts_with("SELECT") || command.starts_with("AUTH") ||
        command.starts_with("CLIENT")) {
      return "+OK\r\n";
    }
    if (command.starts_with("SCRIPT LOAD ")) {
      return fmt::format("${}\r\n{}\r\n", 40, Script("", command.substr(12)).sha1());
    }
    return std::nullopt;
  };

  // Addresses that accept connections and answer nothing by themselves.
  std::set<std::string> silent;

  // Runs until nothing moves; answers handshakes; the rest is in commands().
  void run() {
    size_t before = 0;
    do {
      before = said_ + commands_.size();
      test_.run();
      for (const auto& connection : dialer_.connections) {
        for (std::string& command : connection->read()) {
          const bool answers = !silent.contains(connection->target());
          if (const auto answer = greet(command); answers && answer.has_value()) {
            greetings_.push_back(std::move(command));
            connection->say(*answer);
            ++said_;
          } else {
            asked_at_.push_back(connection->target());
            commands_.push_back(std::move(command));
          }
        }
      }
      test_.run();
    } while (said_ + commands_.size() != before);
  }
  // What was asked since this was last called.
  std::vector<std::string> commands() {
    run();
    asked_at_.clear();
    return std::exchange(commands_, {});
  }
  // The same as "address: command".
  std::vector<std::string> commands_by_address() {
    run();
    std::vector<std::string> all = std::exchange(commands_, {});
    for (size_t i = 0; i < all.size(); ++i) all[i] = asked_at_[i] + ": " + all[i];
    asked_at_.clear();
    return all;
  }
  std::vector<std::string> greetings() { return std::exchange(greetings_, {}); }
  // The newest connection.
  [[nodiscard]] FakeConnection& connection() { return *dialer_.connections.back(); }
  void say(std::string_view bytes) {
    connection().say(bytes);
    run();
  }
  // The same on the newest connection to an address, of those that live if there are any.
  void say_at(std::string_view target, std::string_view bytes) {
    connection_to(target).say(bytes);
    run();
  }
  [[nodiscard]] FakeConnection& connection_to(std::string_view target) {
    FakeConnection* found = nullptr;
    for (const auto& connection : dialer_.connections) {
      if (connection->target() != target) continue;
      if (found == nullptr || found->ended() || !connection->ended()) found = connection.get();
    }
    CHECK(found != nullptr, "nobody has connected there");
    return *found;
  }
  // How many connections there were to it.
  [[nodiscard]] size_t connections_to(std::string_view target) const {
    size_t count = 0;
    for (const auto& connection : dialer_.connections) {
      count += connection->target() == target ? 1 : 0;
    }
    return count;
  }

 private:
  async::TestLoop& test_;
  FakeDialer dialer_;
  size_t said_ = 0;
  std::vector<std::string> commands_;
  std::vector<std::string> asked_at_;
  std::vector<std::string> greetings_;
};

// What became of one call.
struct Said {
  tests::Later<Result<std::string>> result;  // the reply as text
  async::StopSource stop;

  [[nodiscard]] bool ended() const { return result.has_value(); }
  std::string text() {
    if (!result.has_value()) return "(waits)";
    if (result->ok()) return **result;
    const Error& error = result->error();
    return error.to_string() + (error.outcome_unknown() ? " [outcome unknown]" : "") +
           (error.retry() == base::Retry::kYes ? " [retryable]" : "");
  }
};

inline Task<void> ask_and_tell(Client* client, std::vector<std::string> words, CallOptions options,
                               Said* said) {
  const std::vector<std::string_view> arguments(words.begin(), words.end());
  Result<Reply> reply = co_await client->call(arguments, options);
  if (reply.ok()) {
    said->result.emplace(reply->to_string());
  } else {
    said->result.emplace(std::move(reply).error());
  }
}

// A client of a fake server.
class ClientTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (client_ != nullptr) stop();
  }
  Client& client() {
    if (client_ == nullptr) {
      client_ = std::make_unique<Client>(test.loop(), server.dialer(), random, locator, options,
                                         counters);
    }
    return *client_;
  }
  // Connects, lets the connection live for a while, forgets what was said so far.
  void connect() {
    tests::Later<Status> connected;
    test.tasks().spawn(&tell, client().connect(), &connected);
    server.run();
    ASSERT_TRUE(connected.has_value());
    ASSERT_TRUE(connected->ok()) << connected->error().to_string();
    test.advance(std::chrono::seconds(2));
    server.greetings();
  }
  void stop() {
    tests::Later<Status> stopped;
    test.tasks().spawn(&tell, end(client_.get()), &stopped);
    server.run();
    CHECK(stopped.has_value(), "stop() does not end");
  }
  Said* ask(std::vector<std::string> words, CallOptions call_options = {}) {
    Said* said = &said_.emplace_back();
    test.tasks().spawn_under(said->stop, &ask_and_tell, &client(), std::move(words), call_options,
                             said);
    return said;
  }
  Said* read(const std::string& key) { return ask({"GET", key}, {.effect = Effect::kRead}); }
  Said* write(const std::string& key) { return ask({"SET", key, "v"}); }
  static Task<void> tell(Task<Status> task, tests::Later<Status>* later) {
    later->emplace(co_await std::move(task));
  }
  static Task<Status> end(Client* client) {
    co_await client->stop();
    co_return Status{};
  }

  async::TestLoop test;
  FakeServer server{test};
  Random random{1};
  FixedLocator locator{{.host = "redis.test", .port = 6379}};
  ClientOptions options;
  ClientCounters counters;
  std::unique_ptr<Client> client_;
  std::deque<Said> said_;
};

}  // namespace layotto::clients::redis
