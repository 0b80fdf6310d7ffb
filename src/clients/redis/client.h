// Client: one connection to one Redis server for everybody on a worker: what is asked in one pass
// leaves in one send, replies come back in order. It connects again by itself, for ever: at once
// when a connection that was of use is lost, after longer and longer pauses when attempts fail.
//
//   Client client(loop, dialer, random, locator, options, counters);
//   CO_TRY(co_await client.connect());
//   const std::string_view get[] = {"GET", key};
//   CO_TRY(const Reply reply, co_await client.call(get, {.effect = Effect::kRead}));
//   value = reply.text();                     // a view: valid until this task waits again
//   …
//   co_await client.drain();
//   co_await client.stop();
//
// A call costs no coroutine frame and no allocation: it lives in the frame that awaits it, and so
// must its arguments. The reply resumes the caller at once, while it lies in the read buffer; error
// replies are replies (error_reply.h).
//
// When something goes wrong                            the call ends with
//   caller stopped, command not sent                   kUnavailable, or the reason of the stop
//   caller stopped, command sent                       the reason of the stop
//   connection lost, command not sent                  (waits for the next connection)
//   connection lost, command sent, Effect::kRead       (waits likewise), once; then kUnavailable
//   connection lost, command sent, Effect::kWrite      kUnavailable, outcome_unknown()
//   no connection, longer than reconnect_grace and     kUnavailable, says why
//     after an attempt has failed
//   too many calls or bytes                            kResourceExhausted
//   draining or stopped                                kUnavailable
// A stopped write that was sent is outcome_unknown(), too: the server may still execute it.
//
// Belongs to one loop. connect() may be called again; after stop() the client is only destroyed.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/loop.h"
#include "async/task_group.h"
#include "base/random.h"
#include "clients/redis/call_ring.h"
#include "clients/redis/command.h"
#include "clients/redis/conversation.h"
#include "clients/redis/handshake.h"
#include "clients/redis/locator.h"
#include "clients/redis/options.h"
#include "clients/redis/resp.h"
#include "net/dialer.h"

namespace layotto::clients::redis {

class Client;

// What a command may do. kRead: it changes nothing, so that it may be sent twice.
enum class Effect : uint8_t { kRead, kWrite };

struct CallOptions {
  Effect effect = Effect::kWrite;
  // Right behind an ASKING, which makes a cluster's server take a slot it does not own yet.
  bool asking = false;
  // On this connection (Client::session()) or not at all; 0: on any.
  uint64_t only_session = 0;
};

// An awaited command. Made by Client::call().
class [[nodiscard]] Call final : public async::Waiter {
 public:
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!prepare(self)) return false;
    self_ = self;
    if (submit()) return true;
    leave_stop();
    return false;
  }
  Result<Reply> await_resume();

 private:
  friend class Client;
  enum class State : uint8_t { kNew, kWaiting, kSent, kAnswered, kFailed };

  Call(Client& client, async::Loop& loop, Arguments arguments, CallOptions options)
      : Waiter(loop), client_(client), arguments_(arguments), options_(options) {}
  bool submit();
  void leave_stop() { static_cast<base::ListLink<async::StopNode>*>(this)->unlink(); }
  // Ends the call; resumes its task now, respectively in the next pass.
  void answer(Reply reply);
  void fail(Error error);

  Client& client_;
  const Arguments arguments_;
  const CallOptions options_;
  State state_ = State::kNew;
  bool resent_ = false;
  uint64_t number_ = 0;       // in the ring, once sent
  uint64_t bytes_until_ = 0;  // of the connection's output, with the last byte of this command
  std::coroutine_handle<> self_;
  Reply reply_;
  std::optional<Error> error_;
};

class Client final : private async::Timer {
 public:
  enum class State : uint8_t { kIdle, kConnecting, kReady, kDown, kStopped };

  // Everything outlives the client.
  Client(async::Loop& loop, net::Dialer& dialer, Random& random, Locator& locator,
         const ClientOptions& options, ClientCounters& counters);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Returns when connected, or when an attempt has failed: with its Error. Attempts go on anyway.
  Task<Status> connect();
  // Refuses new calls, waits for the replies due.
  Task<void> drain();
  // Ends everything; no task is left.
  Task<void> stop();

  // `arguments`, the array and what it points to, live in the frame that awaits the call.
  Call call(Arguments arguments, CallOptions options = {}) {
    return {*this, loop_, arguments, options};
  }
  // Asks the server now. When it does not answer in the caller's time, health() says so until it
  // says anything again.
  Task<Status> ping();
  // Leaves this connection when the replies due have come (or kLeaveTimeout has passed), or the
  // attempt under way at once, and looks for the server again: it is not the one we want any more.
  // Ends a pause, too: calls wait for the attempt then made.
  void reconnect(std::string_view why);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] Health health() const;
  // Where the connection goes, or went last; empty before the first attempt.
  [[nodiscard]] const std::string& address() const { return address_; }
  // Number of the connection, 0 while there is none.
  [[nodiscard]] uint64_t session() const { return is_up() ? session_ : 0; }
  [[nodiscard]] const Greeting& greeting() const { return greeting_; }
  [[nodiscard]] size_t in_flight() const { return ring_.size(); }
  [[nodiscard]] size_t waiting() const { return waiting_count_; }
  // Why the last connection or attempt failed; nullptr when none has.
  [[nodiscard]] const Error* last_error() const {
    return last_error_.has_value() ? &*last_error_ : nullptr;
  }

  // While a pin exists somebody means to go on using the client, whatever becomes of the server.
  class Pin {
   public:
    explicit Pin(Client& client) : client_(client) { ++client_.pins_; }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { --client_.pins_; }

   private:
    Client& client_;
  };
  [[nodiscard]] bool pinned() const { return pins_ > 0; }

 private:
  friend class Call;

  static Task<void> supervise(Client* self);
  Task<void> run();
  Task<Status> attempt();
  Task<Status> establish();
  Task<Status> read_replies();
  Task<Status> wait_for_kick();

  [[nodiscard]] bool is_up() const { return state_ == State::kReady && !leaving_; }
  [[nodiscard]] bool has_room_to_send() const {
    return connection_->unsent() < options_.unsent_bytes_max;
  }
  bool submit(Call& call);
  bool refuse(Call& call, Error error);
  void send(Call& call);
  void abandon(Call& call);
  void deliver(Reply reply);
  void on_error_reply(std::string_view text);
  void came_up();
  void attempt_failed(Error why);
  void lost(Error why);
  void end_sent_calls(uint64_t bytes_written, const Error& why);
  bool wait_again(Call& call, bool sent);
  void begin_grace();
  void refuse_waiting();
  void break_off(Error why);
  void wake_if_quiet();
  void on_timer() override;
  [[nodiscard]] Error named(const Error& error) const;
  [[nodiscard]] Error not_connected() const;
  [[nodiscard]] Error too_many_bytes() const;
  [[nodiscard]] Error stopped_error(const Call& call) const;
  [[nodiscard]] Duration next_pause();

  async::Loop& loop_;
  net::Dialer& dialer_;
  Random& random_;
  Locator& locator_;
  const ClientOptions& options_;
  ClientCounters& counters_;

  State state_ = State::kIdle;
  bool draining_ = false;
  bool stopping_ = false;
  bool leaving_ = false;         // nothing is sent any more, replies still come
  bool answered_ = false;        // this connection was of use to a call
  bool attempt_failed_ = false;  // since the connection was lost
  bool down_too_long_ = false;   // the grace is over: calls are refused
  bool resp2_only_ = false;      // HELLO made the peer hang up last time
  uint32_t failures_ = 0;        // in a row: attempts, and connections that were of no use
  uint32_t pins_ = 0;
  size_t waiting_count_ = 0;
  size_t abandoned_ = 0;
  uint64_t attempts_ = 0;  // ended
  uint64_t session_ = 0;
  TimePoint up_since_;
  TimePoint down_since_;
  TimePoint heard_at_;  // a reply came, or the first command after a silence was sent

  std::string address_;
  Greeting greeting_;
  std::unique_ptr<net::Connection> connection_;
  RespParser parser_;
  CallRing ring_;
  async::WaitList waiting_;
  std::optional<Error> broken_;  // why this connection is to end
  std::string leave_why_;
  std::optional<Error> last_error_;
  std::optional<Error> silence_;  // why the last ping had no answer; until anything is heard
  async::Event attempted_;        // woken when an attempt has ended
  async::Event kick_;             // woken to try again at once
  async::Event quiet_;            // woken when no call is left
  async::StopSource attempt_;     // of the attempt under way, or the last one
  async::TaskGroup tasks_;
};

}  // namespace layotto::clients::redis
