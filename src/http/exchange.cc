#include "http/exchange.h"

namespace layotto::http {

void Exchange::reset() {
  clear();
  arena.reset();
  head_block.reset();
}

void Exchange::recycle() {
  clear();
  arena.recycle();
  head_block.reset();
}

void Exchange::clear() {
  CHECK(tasks.running() == 0, "an exchange is reused while its tasks run");
  cancel();
  stop.reset();
  port = nullptr;
  connection = nullptr;
  drain = nullptr;
  request = nullptr;
  request_bytes = response_bytes = 0;
  status = 0;
  deadline = TimePoint::max();
  grpc_status = -1;
  failure.reset();
  failure_reason = {};
  response_metadata = {};
  trailing_metadata = {};
  span = {};
  stats = nullptr;
  principal = {};
  compress_reply = false;
  operation = {};
  stage = {};
  slots_ = {};
  filters_entered_ = 0;
}

}  // namespace layotto::http
