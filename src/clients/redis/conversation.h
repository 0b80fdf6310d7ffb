// Conversation: one question after the other on a connection that nobody else uses yet: shaking
// hands, asking a Sentinel.
//
//   Conversation talk(connection, address);
//   talk.say({"HELLO", "3"});
//   talk.say({"PING"});                        // both leave in one send
//   CO_TRY(const Reply hello, co_await talk.hear());
//   CO_TRY(const Reply pong, co_await talk.hear());
//
// A reply is valid until the next hear(). Waits under the caller's StopSource.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "clients/redis/command.h"
#include "clients/redis/resp.h"
#include "net/connection.h"

namespace layotto::clients::redis {

class Conversation {
 public:
  // `address` is for messages and must outlive the conversation.
  Conversation(net::Connection& connection, std::string_view address);

  void say(Arguments command);
  void say(std::initializer_list<std::string_view> command) {
    say(Arguments(command.begin(), command.size()));
  }
  // The next reply in order; push messages are left out. Error replies are replies.
  Task<Result<Reply>> hear() { return next(Pushes::kLeaveOut); }
  // The same, push messages included.
  Task<Result<Reply>> hear_any() { return next(Pushes::kGive); }
  // True until the other side has said anything.
  [[nodiscard]] bool silent() const { return connection_.bytes_read() == 0; }
  // Ok when every reply was heard and nothing else has come.
  Status end();

 private:
  enum class Pushes : uint8_t { kLeaveOut, kGive };
  Task<Result<Reply>> next(Pushes pushes);
  [[nodiscard]] Error lost(const net::ReadResult& got) const;

  net::Connection& connection_;
  std::string_view address_;
  RespParser parser_;
  std::vector<char> buffer_;
  size_t expected_ = 0;
};

}  // namespace layotto::clients::redis
