// What the tests against real servers share: a loop on the system's clock, a dialer, calls as text.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "async/deadline.h"
#include "clients/redis/client.h"
#include "net/resolver.h"
#include "net/system_dialer.h"
#include "tests/support/redis_server.h"
#include "tests/support/socket_loop.h"

namespace layotto::clients::redis {

// Hosts are addresses, or localhost.
class NumericResolver final : public net::Resolver {
 public:
  Task<Result<std::vector<net::Address>>> resolve(std::string_view host, uint16_t port) override {
    using R = Result<std::vector<net::Address>>;
    auto address = net::Address::ip(host == "localhost" ? "127.0.0.1" : host, port);
    if (!address.ok()) return async::failed<R>(std::move(address).error());
    return async::ready(R(std::vector<net::Address>{*address}));
  }
};

class ServerTest : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  void SetUp() override {
    if (!tests::have_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  }
  void TearDown() override { disconnect(); }

  // A client for the address; why it did not connect, or "connected".
  std::string connect(const std::string& address) {
    disconnect();
    locator_ = std::make_unique<FixedLocator>(*net::Endpoint::parse(address));
    client_ = std::make_unique<Client>(loop.loop(), dialer, random, *locator_, options, counters);
    Status connected = loop.run(client_->connect());
    return connected.ok() ? "connected" : connected.error().to_string();
  }
  void disconnect() {
    if (client_ == nullptr) return;
    loop.run(client_->stop());
    client_.reset();
  }
  // The reply as text, or the error.
  std::string ask(Words words, Effect effect = Effect::kWrite, Duration patience = seconds(5)) {
    return loop.run(ask_within(client_.get(), std::move(words), effect, &loop.loop(), patience));
  }
  static Task<std::string> ask_within(Client* client, Words words, Effect effect, async::Loop* loop,
                                      Duration patience) {
    co_return co_await async::with_deadline(*loop, loop->now() + patience,
                                            ask_client(client, std::move(words), effect));
  }
  static Task<std::string> ask_client(Client* client, Words words, Effect effect) {
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    const Result<Reply> reply = co_await client->call(arguments, {.effect = effect});
    if (reply.ok()) co_return reply->to_string();
    co_return text_of(reply.error());
  }
  static std::string text_of(const Error& error) {
    return error.to_string() + (error.outcome_unknown() ? " [outcome unknown]" : "");
  }

  using seconds = std::chrono::seconds;
  using milliseconds = std::chrono::milliseconds;

  tests::SocketLoop loop;
  NumericResolver resolver;
  net::SystemDialer dialer{loop.loop(), resolver};
  Random random{1};
  ClientOptions options;
  ClientCounters counters;
  std::unique_ptr<FixedLocator> locator_;
  std::unique_ptr<Client> client_;
};

}  // namespace layotto::clients::redis
