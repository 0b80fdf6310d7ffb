// What scripts are made of: requests as cheap for the attacker as they can be.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/h2_peer.h"

namespace layotto::attacks {

namespace wire = tests::h2;
using namespace std::string_literals;

inline constexpr int kOpen = wire::kEndHeaders;
inline constexpr int kWhole = wire::kEndHeaders | wire::kEndStream;

inline uint32_t id(uint32_t n) { return 2 * n + 1; }

inline std::string repeated(std::string_view bytes, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += bytes;
  return all;
}

inline const std::string kGetState = "/spec.proto.runtime.v1.Runtime/GetState";
inline const std::string kWatch = "/grpc.health.v1.Health/Watch";  // an answer without end

// The header block of a gRPC call on this connection: literals that enter the table the first
// time, six bytes from then on, as of a client that has always been good.
inline std::string call_block(std::string_view path, bool first) {
  std::string block;
  const wire::Fields fields = wire::grpc(path);
  for (size_t i = 0; i < fields.size(); ++i) {
    block += first ? wire::hpack_literal_indexed(fields[i].first, fields[i].second)
                   : wire::hpack_indexed(61 + fields.size() - i);
  }
  return block;
}
inline std::string call_head(uint32_t n, int flags, std::string_view path = kGetState) {
  return wire::headers(id(n), call_block(path, n == 0), flags);
}

// A gRPC message: GetState of this key.
inline std::string get_state(std::string_view key) {
  std::string message =
      "\x0a\x04"
      "demo\x12" +
      wire::hpack_integer(key.size(), 7, 0);
  message += key;
  return "\0"s + wire::number(static_cast<uint32_t>(message.size()), 4) + message;
}
inline std::string call(uint32_t n, std::string_view key = "small") {
  return call_head(n, kOpen) + wire::data(id(n), get_state(key));
}

inline constexpr uint32_t kWindowMax = 0x7fffffff;
// SETTINGS and WINDOW_UPDATE of a client that never holds anything back.
inline std::string open_windows() {
  return wire::settings({{wire::kInitialWindowSize, kWindowMax}}) +
         wire::window_update(0, kWindowMax - 65'535);
}

}  // namespace layotto::attacks
