// Topology: one or several servers that hold one set of keys: a single server, a primary found by
// Sentinels, a cluster. Says which Client a key's commands go to, and what to do when a server says
// "not me" or "not now".
//
//   Request get{.arguments = words, .slot = slot_of(key), .effect = Effect::kRead};
//   CO_TRY(const Answer answer, co_await topology.call(get));
//   use(answer.reply);                        // a view: valid until this task waits again
//
// call() follows MOVED and ASK, loads scripts a server has forgotten, and sends again, after a
// pause, what a server refused with LOADING, TRYAGAIN, CLUSTERDOWN, READONLY, MASTERDOWN or BUSY
// and what was not sent: up to retries_max times. Whatever may have been executed is not repeated.
// Other error replies are replies.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "clients/redis/client.h"
#include "clients/redis/error_reply.h"
#include "clients/redis/options.h"
#include "clients/redis/script.h"

namespace layotto::clients::redis {

// Commands of one lane and slot keep their order. kPatient: for those that make the server wait
// (WAIT), so that nothing else waits behind them.
enum class Lane : uint8_t { kNormal, kPatient };

struct Request {
  // Everything they point to lives until the call is over. With a script, the first two are
  // overwritten.
  std::span<std::string_view> arguments;
  uint16_t slot = 0;  // of the keys; ignored where there are no slots
  Effect effect = Effect::kWrite;
  Lane lane = Lane::kNormal;
  const Script* script = nullptr;  // arguments: "", "", number of keys, keys, others
};

struct Answer {
  Reply reply;
  Client* client = nullptr;  // that answered; see Client::Pin for how long it stays
  uint64_t session = 0;      // the connection it came by
};

// What every client of a topology is made with. Everything outlives it.
struct TopologyEnv {
  async::Loop& loop;
  net::Dialer& dialer;
  Random& random;
  ClientCounters& counters;
  unsigned retries_max = kRetriesMax;
};

class Topology {
 public:
  Topology(const TopologyEnv& env, ClientOptions options)
      : env_(env), options_(std::move(options)) {}
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;
  virtual ~Topology() = default;

  // Returns when commands can be sent, or says why not; goes on trying anyway.
  virtual Task<Status> connect() = 0;
  virtual Task<void> drain() = 0;
  virtual Task<void> stop() = 0;
  [[nodiscard]] virtual Health health() const = 0;
  // Asks every server now.
  virtual Task<Status> ping() = 0;
  // True when keys of different slots cannot be in one command.
  [[nodiscard]] virtual bool has_slots() const { return false; }

  // The request outlives the call. An Error only when no reply came.
  Task<Result<Answer>> call(Request& request);

 protected:
  // Where the slot's commands go now; nullptr when nobody is known to have it: then why() says why.
  virtual Client* client_for(uint16_t slot, Lane lane) = 0;
  [[nodiscard]] virtual Error why_nobody(uint16_t slot) const = 0;
  // A server (`from`) says where the slot is (MOVED), or where to ask this once (ASK).
  virtual Client* redirected(const Redirection& to, bool for_good, Client& from, Lane lane);
  // A command did not reach its server, or was refused for what the server is now.
  virtual void looks_wrong(Client& client, ReplyError kind);

  [[nodiscard]] const TopologyEnv& env() const { return env_; }
  [[nodiscard]] const ClientOptions& options() const { return options_; }

 private:
  struct Attempts;
  [[nodiscard]] Duration pause_before(unsigned retry);

  const TopologyEnv env_;
  const ClientOptions options_;
};

// The two connections to one server; the patient one is made when first needed.
class ServerClients {
 public:
  ServerClients(const TopologyEnv& env, Locator& locator, const ClientOptions& options);

  Client& lane(Lane lane);
  [[nodiscard]] Client& normal() { return *normal_; }
  [[nodiscard]] const Client& normal() const { return *normal_; }
  void reconnect(std::string_view why);
  Task<void> drain();
  Task<void> stop();
  [[nodiscard]] bool pinned() const {
    return normal_->pinned() || (patient_ != nullptr && patient_->pinned());
  }

 private:
  static Task<void> connect_patient(Client* client);

  const TopologyEnv& env_;
  Locator& locator_;
  const ClientOptions& options_;
  std::unique_ptr<Client> normal_;
  std::unique_ptr<Client> patient_;
  uint64_t kicked_in_ = 0;  // the normal one's session in which the patient one was hurried
  async::TaskGroup tasks_;
  bool stopped_ = false;
};

// One server, always at the same place.
class Standalone final : public Topology {
 public:
  Standalone(const TopologyEnv& env, ClientOptions options, net::Endpoint endpoint);

  Task<Status> connect() override { return clients_.normal().connect(); }
  Task<void> drain() override { return clients_.drain(); }
  Task<void> stop() override { return clients_.stop(); }
  [[nodiscard]] Health health() const override { return clients_.normal().health(); }
  Task<Status> ping() override { return clients_.normal().ping(); }

 private:
  Client* client_for(uint16_t, Lane lane) override { return &clients_.lane(lane); }
  [[nodiscard]] Error why_nobody(uint16_t) const override;

  FixedLocator locator_;
  ServerClients clients_;
};

}  // namespace layotto::clients::redis
