#include "net/connection.h"

#include <array>

#include "async/deadline.h"

namespace layotto::net {
namespace {

Task<Status> send_then_drop(Connection& connection, size_t drop_max) {
  connection.finish_writing();
  CO_TRY(co_await wait_for_room(connection, 0));
  std::array<char, 4096> dropped;
  size_t total = 0;
  while (total < drop_max) {
    CO_TRY(co_await connection.readable().wait());
    const ReadResult got = connection.read_some(dropped);
    if (got.outcome == ReadOutcome::kWouldBlock) continue;
    if (got.outcome != ReadOutcome::kBytes) break;
    total += got.size;
  }
  co_return Status{};
}

}  // namespace

Task<Status> wait_for_room(Connection& connection, size_t unsent_max) {
  while (connection.unsent() > unsent_max) {
    if (connection.failure() != nullptr) co_return connection.failure()->clone();
    CO_TRY(co_await connection.room().wait());
  }
  if (connection.failure() != nullptr) co_return connection.failure()->clone();
  co_return Status{};
}

Task<void> linger_and_close(Connection& connection, TimePoint until, size_t drop_max) {
  const Status lingered =
      co_await async::shielded(connection.loop(), until, send_then_drop(connection, drop_max));
  connection.close(lingered.ok() ? Connection::Close::kOrderly : Connection::Close::kReset);
}

}  // namespace layotto::net
