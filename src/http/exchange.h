// Exchange: what is known about one request and its response, from the head to the last byte. Plain
// data plus the arena everything of this request lives in. Never a place to fetch services from.
//
// The connection owns it while it answers inline, the stream's root task otherwise; it lives until
// the response's last byte has left or the stream is gone, and every borrowed text of head, body
// and trailers lives exactly as long.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "async/drain.h"
#include "async/loop.h"
#include "async/stop_token.h"
#include "async/task_group.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "http/header_map.h"
#include "net/connection.h"
#include "telemetry/trace.h"

namespace layotto::http {

class OperationStats;
class RequestHead;
struct ResponseHead;
class Chain;

// The codec's side of an exchange, for what cannot be a return value.
class ExchangePort {
 public:
  // A 1xx head before the response (100-continue, 103). Ignored where the protocol has none.
  virtual void send_interim(const ResponseHead& head) = 0;

 protected:
  ~ExchangePort() = default;
};

class Exchange final : private async::Timer {
 public:
  explicit Exchange(async::Loop& loop_in) : tasks(loop_in), loop_(loop_in) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() = default;

  Arena arena;
  // Fires on reset, close, deadline and shutdown; every wait of this request is under it.
  async::StopSource stop;
  // Work that outlives handle() but not the exchange; joined after the last byte.
  async::TaskGroup tasks;

  // ---- set by the codec
  ExchangePort* port = nullptr;
  const net::Connection* connection = nullptr;
  // Soft drain: long work should come to an end. Never null while a request is handled.
  async::DrainSource* drain = nullptr;
  const RequestHead* request = nullptr;  // as received, for the access log
  HeaderBlockRef head_block;
  TimePoint start{};
  uint64_t start_ticks = 0;
  Duration duration{};          // from start_ticks to the last byte; set when the exchange ends
  uint64_t request_bytes = 0;   // payload received
  uint64_t response_bytes = 0;  // payload sent
  uint16_t status = 0;          // of the response head; 0 while there is none

  // ---- set on the way
  // The request's deadline; TimePoint::max() when there is none. Armed as one timer by
  // arm_deadline() when something has to wait.
  TimePoint deadline = TimePoint::max();
  // gRPC status the client sees, from head or trailers; -1 when the request is not gRPC.
  int grpc_status = -1;
  // Why a local reply was made.
  std::optional<Error> failure;
  // Machine-readable reason of a local reply, static text such as "grpc_unknown_method".
  std::string_view failure_reason;
  // Extra metadata for the answer: initial (response head) and trailing (gRPC trailers).
  HeaderMap response_metadata;
  HeaderMap trailing_metadata;
  // W3C trace context; not present() when the request came without one.
  telemetry::Span span;
  std::string_view principal;  // who was authenticated
  // gRPC: the client compresses and accepts compressed replies.
  bool compress_reply = false;
  // What handles the request, for logs and metrics ("/pkg.Service/Method" or a page's name): static
  // or in the arena.
  std::string_view operation;
  // Where it is counted, set together with `operation`; null: as "other".
  OperationStats* stats = nullptr;
  // Where in the chain the request is, static text.
  std::string_view stage;

  [[nodiscard]] async::Loop& loop() const { return loop_; }

  // Arms the one timer of the deadline; called by the codec when the request is not answered
  // inline.
  void arm_deadline() {
    if (deadline != TimePoint::max() && !armed()) loop_.arm(*this, deadline);
  }
  void disarm_deadline() { cancel(); }

  // Per-request state of a filter: made on first use, zero cost for filters that never ask.
  // `index` is the filter's place in its chain.
  template <class T>
  T& slot(size_t index) {
    CHECK(index < kSlotsMax, "a chain has more stateful filters than an exchange has slots");
    if (slots_[index] == nullptr) slots_[index] = arena.make<T>();
    return *static_cast<T*>(slots_[index]);
  }

  // Makes the object ready for the next request of a recycled stream. No task may be left.
  void reset();
  // The same, and keeps a chunk of the arena: for streams, of which few are in use.
  void recycle();

 private:
  friend class Chain;
  static constexpr size_t kSlotsMax = 8;

  void clear();
  void on_timer() override { stop.fire(async::StopReason::kDeadline); }

  async::Loop& loop_;
  std::array<void*, kSlotsMax> slots_{};
  uint32_t filters_entered_ = 0;
};

}  // namespace layotto::http
