#include "clients/redis/sentinel.h"

#include <charconv>
#include <utility>

#include "async/deadline.h"

namespace layotto::clients::redis {
namespace {

ClientOptions primary_options(ClientOptions options) {
  options.primary_only = true;
  return options;
}

Result<net::Endpoint> endpoint_of(Reply reply, std::string_view sentinel, std::string_view name) {
  if (reply.is_error()) return to_error(sentinel, reply.text());
  if (reply.is_null()) {
    return base::unavailable("Sentinel {} knows no primary named '{}'", sentinel, name).upstream();
  }
  net::Endpoint endpoint;
  if (reply.is_collection() && reply.size() == 2 && reply[0].is_text() && reply[1].is_text()) {
    endpoint.host = reply[0].text();
    const std::string_view port = reply[1].text();
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error == std::errc() && end == port.data() + port.size() && endpoint.port != 0 &&
        !endpoint.host.empty()) {
      return endpoint;
    }
  }
  return base::internal("Sentinel {} answers {} where an address was asked for", sentinel,
                        reply.to_string())
      .upstream();
}

// "main 10.0.0.1 6379 10.0.0.2 6379": the new address when it is about `name`.
std::string new_address(std::string_view news, std::string_view name) {
  if (!news.starts_with(name) || !news.substr(name.size()).starts_with(' ')) return {};
  const size_t port_at = news.rfind(' ');
  const size_t host_at = news.rfind(' ', port_at - 1);
  if (host_at == std::string_view::npos || host_at <= name.size()) return {};
  net::Endpoint endpoint;
  endpoint.host = news.substr(host_at + 1, port_at - host_at - 1);
  const std::string_view port = news.substr(port_at + 1);
  std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  return endpoint.to_string();
}

}  // namespace

// ---- asking

Task<Result<std::unique_ptr<net::Connection>>> SentinelLocator::open(size_t sentinel) {
  const net::Endpoint& endpoint = sentinels_.sentinels[sentinel];
  net::DialOptions dial{
      .server_name = options_.server_name,
      .connect_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(kSentinelTimeout)};
  if (options_.tls != nullptr) {
    CO_TRY(dial.tls, options_.tls->current());
  }
  CO_TRY(auto connection, co_await env_.dialer.dial(endpoint, dial));
  if (sentinels_.password.empty()) co_return std::move(connection);
  const std::string address = endpoint.to_string();
  Conversation talk(*connection, address);
  if (sentinels_.username.empty()) {
    talk.say({"AUTH", sentinels_.password});
  } else {
    talk.say({"AUTH", sentinels_.username, sentinels_.password});
  }
  CO_TRY(const Reply reply, co_await talk.hear());
  if (reply.is_error()) co_return to_error(address, reply.text());
  co_return std::move(connection);
}

Task<Result<net::Endpoint>> SentinelLocator::ask(Conversation& talk, size_t sentinel) {
  talk.say({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinels_.name});
  CO_TRY(const Reply reply, co_await talk.hear());
  co_return endpoint_of(reply, sentinels_.sentinels[sentinel].to_string(), sentinels_.name);
}

Task<Result<net::Endpoint>> SentinelLocator::ask_one(size_t sentinel) {
  CO_TRY(const auto connection, co_await open(sentinel));
  const std::string address = sentinels_.sentinels[sentinel].to_string();
  Conversation talk(*connection, address);
  co_return co_await ask(talk, sentinel);
}

Task<Result<net::Endpoint>> SentinelLocator::locate() {
  std::string reasons;
  const size_t first = last_good_;
  for (size_t i = 0; i < count(); ++i) {
    const size_t sentinel = (first + i) % count();
    auto answer = co_await async::with_deadline(env_.loop, env_.loop.now() + kSentinelTimeout,
                                                ask_one(sentinel));
    if (answer.ok()) {
      last_good_ = sentinel;
      co_return answer;
    }
    async::StopSource* stop = co_await async::current_stop();
    if (stop != nullptr && stop->fired()) break;
    if (!reasons.empty()) reasons += "; ";
    reasons +=
        fmt::format("{}: {}", sentinels_.sentinels[sentinel].to_string(), answer.error().message());
  }
  // The next attempt begins with another one, should this one say nonsense.
  last_good_ = (first + 1) % count();
  co_return base::unavailable("no Sentinel says where the primary '{}' is: {}", sentinels_.name,
                              reasons.empty() ? std::string_view("there was no time") : reasons)
      .upstream()
      .retryable();
}

// ---- following

Sentinel::Sentinel(const TopologyEnv& env, ClientOptions options, SentinelOptions sentinels)
    : Topology(env, primary_options(std::move(options))),
      sentinels_(std::move(sentinels)),
      locator_(this->env(), sentinels_, this->options()),
      clients_(this->env(), locator_, this->options()),
      tasks_(env.loop) {
  CHECK(!sentinels_.sentinels.empty());
}

Error Sentinel::why_nobody(uint16_t) const { return base::internal("there is always a client"); }

Task<Status> Sentinel::connect() {
  if (tasks_.running() == 0) tasks_.spawn(&watch, this);
  co_return co_await clients_.normal().connect();
}

Task<void> Sentinel::stop() {
  tasks_.stop(async::StopReason::kShutdown);
  co_await tasks_.join();
  co_await clients_.stop();
}

// Listens to one Sentinel after the other, so that one that is cut off does not keep us from the
// news for long.
Task<void> Sentinel::watch(Sentinel* self) {
  async::StopSource* stop = co_await async::current_stop();
  for (size_t turn = 0; !stop->fired(); ++turn) {
    const Status ended = co_await self->listen(turn % self->locator_.count());
    if (!ended.ok() && !stop->fired()) (void)co_await self->env().loop.sleep(kSentinelTimeout);
  }
}

// For kSentinelInterval. Ok when it was there to the end.
Task<Status> Sentinel::listen(size_t sentinel) {
  CO_TRY(const auto connection,
         co_await async::with_deadline(env().loop, env().loop.now() + kSentinelTimeout,
                                       locator_.open(sentinel)));
  const std::string address = sentinels_.sentinels[sentinel].to_string();
  Conversation talk(*connection, address);
  CO_TRY(const net::Endpoint primary,
         co_await async::with_deadline(env().loop, env().loop.now() + kSentinelTimeout,
                                       locator_.ask(talk, sentinel)));
  primary_is(primary.to_string());
  talk.say({"SUBSCRIBE", "+switch-master"});
  const TimePoint until = env().loop.now() + kSentinelInterval;
  while (true) {
    Result<Reply> news = co_await async::with_deadline(env().loop, until, talk.hear_any());
    if (!news.ok()) {
      if (env().loop.now() >= until) co_return Status{};
      co_return std::move(news).error();
    }
    // {"message", channel, text}; the answer to SUBSCRIBE looks the same, with a number.
    if (!news->is_collection() || news->size() != 3 || !(*news)[2].is_text()) continue;
    const std::string told = new_address((*news)[2].text(), sentinels_.name);
    if (!told.empty()) primary_is(told);
  }
}

void Sentinel::primary_is(const std::string& address) {
  const Client& client = clients_.normal();
  if (client.address() == address) return;
  if (client.address().empty()) return;  // not asked yet: it will be
  clients_.reconnect(fmt::format("the Sentinels say that {} is the primary now", address));
}

}  // namespace layotto::clients::redis
