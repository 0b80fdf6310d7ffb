#include "clients/redis/topology.h"

#include <algorithm>
#include <utility>

namespace layotto::clients::redis {
namespace {

// Refused for what the server is at the moment, and not executed.
bool is_not_now(ReplyError kind) {
  switch (kind) {
    case ReplyError::kLoading:
    case ReplyError::kMasterDown:
    case ReplyError::kBusy:
    case ReplyError::kReadOnly:
    case ReplyError::kTryAgain:
    case ReplyError::kClusterDown:
      return true;
    default:
      return false;
  }
}

}  // namespace

// What one call has been through.
struct Topology::Attempts {
  Client* client = nullptr;  // the next to be asked; nullptr: whoever has the slot
  bool asking = false;
  unsigned retries = 0;
  unsigned redirects = 0;
};

Task<Result<Answer>> Topology::call(Request& request) {
  Attempts attempts;
  if (request.script != nullptr) {
    request.arguments[0] = "EVALSHA";
    request.arguments[1] = request.script->sha1();
  }
  while (true) {
    Client* const client =
        attempts.client != nullptr ? attempts.client : client_for(request.slot, request.lane);
    Error refused = Error::cancelled();
    if (client == nullptr) {
      refused = why_nobody(request.slot);
    } else {
      const Client::Pin pin(*client);
      Result<Reply> reply = co_await client->call(
          request.arguments, {.effect = request.effect, .asking = attempts.asking});
      if (reply.ok() && !reply->is_error()) [[likely]] {
        co_return Answer{*reply, client, client->session()};
      }
      if (reply.ok()) {
        const ReplyError kind = reply_error_kind(reply->text());
        if (kind == ReplyError::kNoScript && request.script != nullptr &&
            request.arguments[0] != "EVAL") {
          // Runs the script and loads it, in one step.
          request.arguments[0] = "EVAL";
          request.arguments[1] = request.script->text();
          attempts.client = client;
          env_.counters.scripts_loaded.add();
          continue;
        }
        if ((kind == ReplyError::kMoved || kind == ReplyError::kAsk) && has_slots() &&
            attempts.redirects++ < kRedirectsMax) {
          const auto to = parse_redirection(reply->text());
          if (to.ok()) {
            env_.counters.redirected.add();
            attempts.asking = kind == ReplyError::kAsk;
            attempts.client = redirected(*to, kind == ReplyError::kMoved, *client, request.lane);
            if (attempts.client != nullptr) continue;
          }
        }
        if (!is_not_now(kind)) co_return Answer{*reply, client, client->session()};
        looks_wrong(*client, kind);
        if (attempts.retries >= env_.retries_max) {
          co_return Answer{*reply, client, client->session()};
        }
        refused = to_error(client->address(), reply->text());
      } else {
        refused = std::move(reply).error();
        looks_wrong(*client, ReplyError::kOther);
        // Another server may have the slot soon; a single one has been waited for already.
        if (!has_slots() || refused.code() != Code::kUnavailable || refused.outcome_unknown()) {
          co_return refused;
        }
      }
    }
    if (attempts.retries >= env_.retries_max) co_return refused;
    env_.counters.retried.add();
    const Status slept = co_await env_.loop.sleep(pause_before(attempts.retries++));
    if (!slept.ok()) co_return refused;
    attempts.client = nullptr;
    attempts.asking = false;
  }
}

Duration Topology::pause_before(unsigned retry) {
  Duration pause = kRetryPauseFirst;
  for (unsigned i = 0; i < retry && pause < kRetryPauseMax; ++i) pause *= 2;
  pause = std::min<Duration>(pause, kRetryPauseMax);
  return Duration(
      static_cast<int64_t>(static_cast<double>(pause.count()) * (0.5 + 0.5 * env_.random.unit())));
}

Client* Topology::redirected(const Redirection&, bool, Client&, Lane) { return nullptr; }

void Topology::looks_wrong(Client&, ReplyError) {}

// ---- the connections to one server

ServerClients::ServerClients(const TopologyEnv& env, Locator& locator, const ClientOptions& options)
    : env_(env),
      locator_(locator),
      options_(options),
      normal_(std::make_unique<Client>(env.loop, env.dialer, env.random, locator, options,
                                       env.counters)),
      tasks_(env.loop) {}

Client& ServerClients::lane(Lane lane) {
  // Nothing is made any more once we stop: the normal one says so.
  if (lane == Lane::kNormal || (stopped_ && patient_ == nullptr)) return *normal_;
  if (patient_ == nullptr) {
    patient_ = std::make_unique<Client>(env_.loop, env_.dialer, env_.random, locator_, options_,
                                        env_.counters);
    tasks_.spawn(&connect_patient, patient_.get());
  } else if (patient_->state() == Client::State::kDown && normal_->session() != 0 &&
             normal_->session() != kicked_in_) {
    // The server is there again: no pause is needed, this once.
    kicked_in_ = normal_->session();
    patient_->reconnect("it is wanted again");
  }
  return *patient_;
}

Task<void> ServerClients::connect_patient(Client* client) {
  (void)co_await client->connect();  // it goes on trying; calls see why it fails
}

void ServerClients::reconnect(std::string_view why) {
  normal_->reconnect(why);
  if (patient_ != nullptr) patient_->reconnect(why);
}

Task<void> ServerClients::drain() {
  co_await normal_->drain();
  if (patient_ != nullptr) co_await patient_->drain();
}

Task<void> ServerClients::stop() {
  stopped_ = true;
  co_await normal_->stop();
  if (patient_ != nullptr) co_await patient_->stop();
  co_await tasks_.join();
}

// ---- one server

Standalone::Standalone(const TopologyEnv& env, ClientOptions options, net::Endpoint endpoint)
    : Topology(env, std::move(options)),
      locator_(std::move(endpoint)),
      clients_(this->env(), locator_, this->options()) {}

Error Standalone::why_nobody(uint16_t) const { return base::internal("there is always a client"); }

}  // namespace layotto::clients::redis
