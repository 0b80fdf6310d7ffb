// RFC 9113 §5.2, §6.9: windows. One named case for each requirement that a peer can break.
//
//   §6.9     length and increment of WINDOW_UPDATE                            S6_9_*
//   §6.9.1   no more data than the windows, padding counts; no window above 2^31-1   S6_9_1_*
//   §6.9.2   SETTINGS_INITIAL_WINDOW_SIZE moves all windows, below zero too   S6_9_2_*
#include <gtest/gtest.h>

#include "tests/support/h2_rfc_cases.h"

namespace layotto::http::h2 {
namespace {

using namespace tests::rfc9113;
using tests::nothing;
using tests::outcome_of;
using tests::SessionHarness;
using tests::Violation;
using wire::data;
using wire::frame;
using wire::request;

std::vector<Violation> windows() {
  using namespace tests::h2;
  return {
      {"S6_9_WindowUpdateOfZeroOnAStream", opened() + wire::window_update(kStream, 0),
       stream(kProtocolError)},
      {"S6_9_WindowUpdateOfZeroOnTheConnection", wire::window_update(0, 0),
       connection(kProtocolError)},
      {"S6_9_WindowUpdateTooShort", frame(kWindowUpdate, 0, 0, "123"), connection(kFrameSizeError)},
      {"S6_9_WindowUpdateTooLong", frame(kWindowUpdate, 0, 0, "12345"),
       connection(kFrameSizeError)},
      {"S6_9_1_WindowOfAStreamTooLarge", opened() + wire::window_update(kStream, 0x7fffffff),
       stream(kFlowControlError)},
      {"S6_9_1_WindowOfTheConnectionTooLarge", wire::window_update(0, 0x7fffffff),
       connection(kFlowControlError)},
      {"S6_9_1_MoreDataThanTheStreamsWindow", opened() + data_of(256UL * 1024 + 1, kStream),
       stream(kFlowControlError), keep_data},
      {"S6_9_1_AsMuchDataAsTheStreamsWindowIsTaken", opened() + data_of(64UL * 1024, kStream),
       nothing(), keep_data},
      {"S6_9_2_SettingsMakeAWindowTooLarge",
       opened() + wire::window_update(kStream, 1000) +
           wire::settings({{kInitialWindowSize, 0x7fffffff}}),
       connection(kFlowControlError)},
      {"S6_9_WindowUpdateOfAStreamTooShort", opened() + frame(kWindowUpdate, 0, kStream, "123"),
       connection(kFrameSizeError)},
      {"S6_9_WindowUpdateOfZeroOnAHalfClosedStream",
       half_closed() + wire::window_update(kStream, 0), stream(kProtocolError)},
      {"S6_9_1_WindowOfAStreamTooLargeLittleByLittle",
       opened() + wire::window_update(kStream, 0x7fff0000) + wire::window_update(kStream, 1),
       stream(kFlowControlError)},
      {"S6_9_1_WindowOfTheConnectionTooLargeLittleByLittle",
       wire::window_update(0, 0x7fff0000) + wire::window_update(0, 1),
       connection(kFlowControlError)},
      {"S6_9_1_LargestWindowsAreTaken",
       opened() + wire::window_update(kStream, 0x7fff0000) + wire::window_update(0, 0x7fff0000),
       nothing()},
      {"S6_9_1_PaddingCountsAgainstTheStreamsWindow",
       opened() + data_of(64UL * 1024 - 100, kStream) +
           data(kStream, std::string(1, '\x7f') + std::string(128, '\0'), kPadded),
       stream(kFlowControlError), keep_data},
      {"S6_9_2_SettingsMakeAWindowTooLargeForAMoment",
       opened() + wire::window_update(kStream, 1000) +
           wire::settings({{kInitialWindowSize, 0x7fffffff}, {kInitialWindowSize, 0}}),
       connection(kFlowControlError)},
      {"S6_9_2_SettingsMakeAWindowTooLargeAndAreTakenBack",
       opened() + wire::window_update(kStream, 1000) +
           wire::settings({{kInitialWindowSize, 0x7fffffff}, {kInitialWindowSize, 65'535}}),
       connection(kFlowControlError)},
      {"S6_9_2_SettingsMakeAWindowAsLargeAsItMayBe",
       opened() + wire::window_update(kStream, 1000) +
           wire::settings({{kInitialWindowSize, 0x7fffffff - 1000}, {kInitialWindowSize, 0}}),
       nothing()},
  };
}

class Rfc9113Windows : public testing::TestWithParam<Violation> {};
TEST_P(Rfc9113Windows, IsKeptByTheServerSide) { check_server(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Case, Rfc9113Windows, testing::ValuesIn(windows()), name_of);

// ---- what does not fit the table

TEST(Rfc9113Windows, S6_9_1_MoreDataThanTheConnectionsWindow) {
  ServerLimits limits;
  limits.connection_window_bytes = 300'000;
  limits.stream_window_bytes = 200'000;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  h.consume = false;
  h.exchange(request(kOther, wire::post("/"), kOpen) + opened() + data_of(200'000, kOther));
  h.exchange(data_of(100'000, kStream));
  EXPECT_EQ(outcome_of(h.peer), nothing());
  h.exchange(data(kStream, "x"));
  EXPECT_EQ(outcome_of(h.peer), connection(wire::kFlowControlError));
}

TEST(Rfc9113Windows, S6_9_1_DataOfDeadStreamsCountAgainstTheConnectionAndAreGivenBack) {
  ServerLimits limits;
  limits.connection_window_bytes = 100'000;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  reset_by_us(h);
  for (int i = 0; i < 10; ++i) {
    h.exchange(data_of(60'000, kStream));
    ASSERT_EQ(outcome_of(h.peer), nothing()) << i;
  }
  EXPECT_GE(h.peer.window_updates(0), 500'000);
}

// A window below zero: nothing leaves until the peer has given back what is missing.
TEST(Rfc9113Windows, S6_9_2_NegativeWindowsHoldBackUntilTheyArePositive) {
  SessionHarness h;
  h.greet({{wire::kInitialWindowSize, 1000}});
  h.exchange(half_closed());
  h.respond(kStream, 200, false);
  h.send(kStream, std::string(3000, 'x'), true);
  h.flush();
  EXPECT_EQ(h.peer.answer(kStream).body.size(), 1000);
  h.exchange(wire::settings({{wire::kInitialWindowSize, 100}}));  // -900 now
  h.exchange(wire::window_update(kStream, 900));
  EXPECT_EQ(h.peer.answer(kStream).body.size(), 1000);
  h.exchange(wire::window_update(kStream, 1));
  EXPECT_EQ(h.peer.answer(kStream).body.size(), 1001);
  h.exchange(wire::settings({{wire::kInitialWindowSize, 0}}));  // -100
  h.exchange(wire::settings({{wire::kInitialWindowSize, 5000}}));
  EXPECT_EQ(h.peer.answer(kStream).body.size(), 3000);
  EXPECT_TRUE(h.peer.answer(kStream).ended);
}

TEST(Rfc9113Windows, S6_9_2_TheConnectionsWindowIsNotMovedBySettings) {
  SessionHarness h;
  h.greet({{wire::kInitialWindowSize, 1'000'000}});
  h.exchange(half_closed());
  h.respond(kStream, 200, false);
  h.send(kStream, std::string(100'000, 'x'), true);
  h.flush();
  EXPECT_EQ(h.peer.answer(kStream).body.size(), 65'535);
  h.exchange(wire::window_update(0, 100'000));
  EXPECT_EQ(h.peer.answer(kStream).body.size(), 100'000);
}

}  // namespace
}  // namespace layotto::http::h2
