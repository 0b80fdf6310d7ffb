#include "clients/redis/conversation.h"

#include <utility>

namespace layotto::clients::redis {
namespace {

constexpr size_t kBufferBytes = 8 * 1024;

}  // namespace

Conversation::Conversation(net::Connection& connection, std::string_view address)
    : connection_(connection), address_(address), buffer_(kBufferBytes) {}

void Conversation::say(Arguments command) {
  append_command(connection_.out(), command);
  connection_.schedule_flush();
  ++expected_;
}

Task<Result<Reply>> Conversation::next(Pushes pushes) {
  while (true) {
    RespParser::Outcome outcome = parser_.next();
    while (outcome == RespParser::Outcome::kReply) {
      const bool is_push = parser_.reply().type() == RespType::kPush;
      if (!is_push && expected_ > 0) --expected_;
      if (!is_push || pushes == Pushes::kGive) co_return parser_.reply();
      outcome = parser_.next();
    }
    if (outcome == RespParser::Outcome::kBroken) {
      co_return base::internal("redis {} does not speak RESP: {}", address_, parser_.problem())
          .upstream();
    }
    CO_TRY(co_await connection_.readable().wait());
    const net::ReadResult got = connection_.read_some(buffer_);
    if (got.outcome == net::ReadOutcome::kWouldBlock) continue;
    if (got.outcome != net::ReadOutcome::kBytes) co_return lost(got);
    parser_.feed({buffer_.data(), got.size});
  }
}

Error Conversation::lost(const net::ReadResult& got) const {
  const Error* failure = connection_.failure();
  const std::string_view why = got.outcome == net::ReadOutcome::kEnd || failure == nullptr
                                   ? std::string_view("the server closed the connection")
                                   : failure->message();
  return base::unavailable("redis {}: {}", address_, why).upstream().retryable();
}

Status Conversation::end() {
  RespParser::Outcome outcome = parser_.next();
  while (outcome == RespParser::Outcome::kReply && parser_.reply().type() == RespType::kPush) {
    outcome = parser_.next();
  }
  if (expected_ > 0 || outcome != RespParser::Outcome::kMore || parser_.held() > 0) {
    return base::internal("redis {} answers what it was not asked", address_).upstream();
  }
  return {};
}

}  // namespace layotto::clients::redis
