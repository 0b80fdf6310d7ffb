// What the tables of src/http/h2/rfc9113_*_test.cc share: requests on the stream where a rule is
// broken, and what is looked at afterwards.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/support/h2_violations.h"

namespace layotto::tests::rfc9113 {

namespace wire = tests::h2;
using namespace std::string_literals;

// The stream the violations happen on; stream 1 is open meanwhile.
inline constexpr uint32_t kStream = 3;
inline constexpr uint32_t kOther = 1;
inline constexpr int kOpen = wire::kEndHeaders;
inline constexpr int kWhole = wire::kEndHeaders | wire::kEndStream;

inline Outcome connection(uint32_t code) { return connection_error(code); }
inline Outcome stream(uint32_t code) { return stream_error(kStream, code); }

inline std::string opened() { return wire::request(kStream, wire::post("/"), kOpen); }
inline std::string half_closed() { return wire::request(kStream, wire::get("/")); }
// A request with these fields in addition.
inline std::string with(const wire::Fields& more, int flags = kWhole) {
  wire::Fields fields = wire::get("/");
  fields.insert(fields.end(), more.begin(), more.end());
  return wire::request(kStream, fields, flags);
}
inline std::string only(const wire::Fields& fields, int flags = kWhole) {
  return wire::request(kStream, fields, flags);
}
// A whole request with these bytes in its header block, behind the pseudo header fields.
inline std::string with_block(std::string_view bytes) {
  return wire::headers(kStream, wire::hpack(wire::get("/")) + std::string(bytes));
}
// The head of a request whose block is not over.
inline std::string unfinished() {
  return wire::headers(kStream, wire::hpack(wire::get("/")), wire::kEndStream);
}
inline std::string data_of(size_t total, uint32_t on) {
  std::string all;
  for (size_t sent = 0; sent < total;) {
    const size_t n = std::min<size_t>(16'384, total - sent);
    all += wire::data(on, std::string(n, 'x'), wire::kNoFlags);
    sent += n;
  }
  return all;
}

// ---- preparations

inline void answered_completely(SessionHarness& h) {
  h.feed(half_closed());
  h.respond(kStream, 200, true);
  h.flush();
  h.peer.forget_frames();
}
inline void reset_by_peer(SessionHarness& h) { h.exchange(opened() + wire::rst_stream(kStream)); }
inline void reset_by_us(SessionHarness& h) {
  h.exchange(opened());
  h.session.reset(kStream, http::h2::ErrorCode::kCancel);
  h.flush();
  h.peer.forget();
  h.said();
}
// Streams 1 and 9 were used, those between them never.
inline void passed_over(SessionHarness& h) { h.exchange(wire::request(9, wire::get("/"))); }
inline void keep_data(SessionHarness& h) { h.consume = false; }

// ---- one case

inline void check_server(const Violation& violation, const http::ServerLimits& limits = {}) {
  SessionHarness h(http::h2::Side::kServer, limits);
  h.greet();
  h.exchange(wire::request(kOther, wire::post("/other"), kOpen));
  if (violation.prepare != nullptr) violation.prepare(h);
  h.exchange(violation.bytes);
  const Outcome seen = outcome_of(h.peer);
  EXPECT_EQ(seen, violation.rfc);
  if (seen.kind == Outcome::Kind::kConnection) {
    EXPECT_EQ(h.session.failure(), http::h2::SessionFailure::kProtocol);
    EXPECT_EQ(h.exchange(wire::request(1001, wire::get("/late"))), "")
        << "it went on after its GOAWAY";
    return;
  }
  // The connection and its other stream live on.
  EXPECT_EQ(h.session.failure(), http::h2::SessionFailure::kNone);
  h.consume = true;
  const size_t before = h.received[kOther];
  h.exchange(wire::data(kOther, "more", wire::kNoFlags) + wire::data(kOther, "end"));
  EXPECT_EQ(h.received[kOther], before + 7);
  h.respond(kOther, 200, true);
  h.flush();
  EXPECT_EQ(h.peer.answer(kOther).status, "200");
  EXPECT_FALSE(h.peer.reset(kOther).has_value());
}

inline std::string name_of(const testing::TestParamInfo<Violation>& info) {
  return info.param.name;
}

}  // namespace layotto::tests::rfc9113
