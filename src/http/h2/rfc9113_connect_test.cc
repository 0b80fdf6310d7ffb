// RFC 9113 §8.5 and RFC 8441: CONNECT, plain and extended. One named case for each requirement that
// a peer can break.
//
//   §8.5          :method and :authority, nothing else; then DATA and the frames of streams only
//   RFC 8441 §3   :protocol only where we have allowed it
//   RFC 8441 §4   :protocol with CONNECT only, with :scheme and :path
#include <gtest/gtest.h>

#include "tests/support/h2_rfc_cases.h"

namespace layotto::http::h2 {
namespace {

using namespace tests::rfc9113;
using tests::nothing;
using tests::Outcome;
using tests::SessionHarness;
using tests::Violation;
using wire::data;
using wire::headers;
using wire::hpack;
using wire::request;

const wire::Fields kConnect = {{":method", "CONNECT"}, {":authority", "a:1"}};
const wire::Fields kWebSocket = {{":method", "CONNECT"},
                                 {":protocol", "websocket"},
                                 {":scheme", "https"},
                                 {":path", "/chat"},
                                 {":authority", "a"}};

wire::Fields without(wire::Fields fields, std::string_view name) {
  std::erase_if(fields, [name](const auto& field) { return field.first == name; });
  return fields;
}
wire::Fields with_field(wire::Fields fields, const std::string& name, const std::string& value) {
  fields.emplace_back(name, value);
  return fields;
}

void connected(SessionHarness& h) {
  h.exchange(only(kConnect, kOpen));
  h.respond(kStream, 200, false);
  h.flush();
}

std::vector<Violation> connect() {
  using namespace tests::h2;
  const Outcome malformed = stream(kProtocolError);
  return {
      {"S8_5_ConnectWithAPath",
       only({{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}}), malformed},
      {"S8_5_ConnectWithAScheme",
       only({{":method", "CONNECT"}, {":authority", "a:1"}, {":scheme", "http"}}), malformed},
      {"S8_5_ConnectWithoutAuthority", only({{":method", "CONNECT"}}), malformed},
      {"S8_5_ConnectIsTaken",
       request(kStream, {{":method", "CONNECT"}, {":authority", "a:1"}}, kOpen), nothing()},
      {"RFC8441_ProtocolWithoutPermission",
       only({{":method", "CONNECT"},
             {":authority", "a"},
             {":scheme", "http"},
             {":path", "/"},
             {":protocol", "websocket"}}),
       malformed},
      {"S8_5_ConnectWithAnEmptyAuthority", only({{":method", "CONNECT"}, {":authority", ""}}),
       malformed},
      {"S8_5_ConnectWithAHostInsteadOfAnAuthority", only({{":method", "CONNECT"}, {"host", "a:1"}}),
       malformed},
      {"S8_5_ConnectWithUserinfo", only({{":method", "CONNECT"}, {":authority", "u@a:1"}}),
       malformed},
      {"S8_5_ConnectWithFieldsOfAConnection", only(with_field(kConnect, "upgrade", "x")),
       malformed},
      {"S8_5_DataOnAConnectedStreamAreTaken", data(kStream, "x", kNoFlags), nothing(), connected},
      {"S8_5_TheEndOfAConnectedStreamIsTaken", data(kStream, ""), nothing(), connected},
      {"S8_5_FramesOfStreamsOnAConnectedStreamAreTaken",
       wire::window_update(kStream, 1) + wire::priority(kStream, 0) + wire::rst_stream(kStream),
       nothing(), connected},
      {"S8_5_TrailersOnAConnectedStream", headers(kStream, hpack({{"a", "b"}})), malformed,
       connected},
      {"S8_5_HeadersOnAConnectedStream", headers(kStream, hpack({{"a", "b"}}), kOpen), malformed,
       connected},
      {"S8_5_ConnectInLowerCaseIsAnotherMethod",
       only({{":method", "connect"}, {":authority", "a:1"}}), malformed},
  };
}

std::vector<Violation> extended() {
  using namespace tests::h2;
  const Outcome malformed = stream(kProtocolError);
  return {
      {"RFC8441_S4_ExtendedConnectIsTaken", only(kWebSocket, kOpen), nothing()},
      {"RFC8441_S4_PlainConnectIsStillTaken", only(kConnect, kOpen), nothing()},
      {"RFC8441_S4_ProtocolWithAnotherMethod",
       only(with_field(wire::get("/"), ":protocol", "websocket")), malformed},
      {"RFC8441_S4_ProtocolWithoutAScheme", only(without(kWebSocket, ":scheme")), malformed},
      {"RFC8441_S4_ProtocolWithoutAPath", only(without(kWebSocket, ":path")), malformed},
      {"RFC8441_S4_ProtocolWithoutAnAuthority", only(without(kWebSocket, ":authority")), malformed},
      {"RFC8441_S4_PathWithoutAProtocol", only(without(kWebSocket, ":protocol")), malformed},
      {"RFC8441_S4_ProtocolTwice", only(with_field(kWebSocket, ":protocol", "websocket")),
       malformed},
      {"RFC8441_S4_ProtocolEmpty",
       only(with_field(without(kWebSocket, ":protocol"), ":protocol", "")), malformed},
      {"RFC8441_S4_SpaceInAProtocol",
       only(with_field(without(kWebSocket, ":protocol"), ":protocol", "web socket")), malformed},
      {"RFC8441_S4_ProtocolBehindAField",
       only(with_field(with_field(without(kWebSocket, ":protocol"), "x", "y"), ":protocol", "z")),
       malformed},
      {"RFC8441_S4_ProtocolInTrailers",
       only(kWebSocket, kOpen) + headers(kStream, hpack({{":protocol", "websocket"}})), malformed},
      {"RFC8441_S5_UpgradeInTheRequest", only(with_field(kWebSocket, "upgrade", "websocket")),
       malformed},
      {"RFC8441_S5_ConnectionInTheRequest", only(with_field(kWebSocket, "connection", "Upgrade")),
       malformed},
  };
}

class Rfc9113Connect : public testing::TestWithParam<Violation> {};
TEST_P(Rfc9113Connect, IsKeptByTheServerSide) { check_server(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Case, Rfc9113Connect, testing::ValuesIn(connect()), name_of);

class Rfc8441 : public testing::TestWithParam<Violation> {};
TEST_P(Rfc8441, IsKeptByTheServerSide) {
  ServerLimits limits;
  limits.extended_connect = true;
  check_server(GetParam(), limits);
}
INSTANTIATE_TEST_SUITE_P(Case, Rfc8441, testing::ValuesIn(extended()), name_of);

TEST(Rfc8441Settings, S3_SaysThatItIsAllowedOnlyWhereItIs) {
  for (const bool allowed : {false, true}) {
    ServerLimits limits;
    limits.extended_connect = allowed;
    SessionHarness h(Side::kServer, limits);
    h.flush();
    EXPECT_EQ(h.peer.setting(0x8), allowed ? std::optional<uint32_t>(1) : std::nullopt);
  }
}

}  // namespace
}  // namespace layotto::http::h2
