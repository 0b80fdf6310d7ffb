// RFC 9113 §5.1, §5.1.1, §5.1.2: what may come on a stream in each state, and which ids there are.
// One named case for each requirement that a peer can break.
//
//   idle                     S5_1_*OnAnIdleStream, S6_4_RstStreamOnAnIdleStream (frames)
//   half-closed (remote)     S5_1_*OnAHalfClosedStream
//   closed by END_STREAM     S5_1_*OnAClosedStream
//   closed by their reset    S5_1_*AfterRstStream
//   closed by our reset      S5_1_*AfterOurReset
//   passed over              S5_1_1_*OnAStreamThatWasPassedOver
//   ids                      S5_1_1_*
//   concurrency              S5_1_2_*
#include <gtest/gtest.h>

#include "tests/support/h2_rfc_cases.h"

namespace layotto::http::h2 {
namespace {

using namespace tests::rfc9113;
using tests::nothing;
using tests::outcome_of;
using tests::SessionHarness;
using tests::stream_error;
using tests::Violation;
using wire::data;
using wire::headers;
using wire::hpack;
using wire::request;

std::vector<Violation> streams() {
  using namespace tests::h2;
  return {
      {"S5_1_DataOnAnIdleStream", data(99, "x"), connection(kProtocolError)},
      {"S5_1_WindowUpdateOnAnIdleStream", wire::window_update(99, 1), connection(kProtocolError)},
      {"S5_1_DataOnAHalfClosedStream", half_closed() + data(kStream, "x"), stream(kStreamClosed)},
      {"S5_1_HeadersOnAHalfClosedStream", half_closed() + headers(kStream, hpack({{"a", "b"}})),
       stream(kStreamClosed)},
      {"S5_1_WindowUpdateOnAHalfClosedStreamIsTaken",
       half_closed() + wire::window_update(kStream, 1), nothing()},
      {"S5_1_DataOnAClosedStream", data(kStream, "x"), connection(kStreamClosed),
       answered_completely},
      {"S5_1_HeadersOnAClosedStream", headers(kStream, hpack({{"a", "b"}})),
       connection(kStreamClosed), answered_completely},
      {"S5_1_WindowUpdateOnAClosedStreamIsIgnored", wire::window_update(kStream, 1), nothing(),
       answered_completely},
      {"S5_1_RstStreamOnAClosedStreamIsIgnored", wire::rst_stream(kStream), nothing(),
       answered_completely},
      {"S5_1_PriorityOnAClosedStreamIsIgnored", wire::priority(kStream, 0), nothing(),
       answered_completely},
      {"S5_1_DataAfterRstStream", data(kStream, "x"), stream(kStreamClosed), reset_by_peer},
      {"S5_1_HeadersAfterRstStream", headers(kStream, hpack({{"a", "b"}})), stream(kStreamClosed),
       reset_by_peer},
      {"S5_1_WindowUpdateAfterRstStreamIsIgnored", wire::window_update(kStream, 1), nothing(),
       reset_by_peer},
      {"S5_1_1_EvenStreamId", request(2, wire::get("/")), connection(kProtocolError)},
      {"S5_1_1_StreamIdBelowTheLast", request(9, wire::get("/")) + request(7, wire::get("/")),
       connection(kProtocolError)},
      {"S5_1_1_StreamIdUsedTwice", half_closed() + half_closed(), stream(kStreamClosed)},
      {"S5_1_1_GapsInStreamIdsAreTaken", request(101, wire::get("/")), nothing()},
      {"S5_1_1_TheHighestStreamIdIsTaken", request(0x7fffffff, wire::get("/")), nothing()},

      {"S5_1_DataOnAnEvenStream", data(2, "x"), connection(kProtocolError)},
      {"S5_1_WindowUpdateOnAnEvenStream", wire::window_update(2, 1), connection(kProtocolError)},
      {"S5_1_RstStreamOnAHalfClosedStreamIsTaken", half_closed() + wire::rst_stream(kStream),
       nothing()},
      {"S5_1_PriorityOnAHalfClosedStreamIsTaken", half_closed() + wire::priority(kStream, 0),
       nothing()},
      {"S5_1_EmptyDataOnAHalfClosedStream", half_closed() + data(kStream, ""),
       stream(kStreamClosed)},
      {"S5_1_PaddingOnAHalfClosedStream",
       half_closed() + data(kStream, "\x01\0"s, kPadded | kEndStream), stream(kStreamClosed)},
      {"S5_1_TrailersTwice",
       opened() + headers(kStream, hpack({{"a", "b"}})) + headers(kStream, hpack({{"a", "b"}})),
       stream(kStreamClosed)},
      {"S5_1_DataBehindTrailers",
       opened() + headers(kStream, hpack({{"a", "b"}})) + data(kStream, "x"),
       stream(kStreamClosed)},
      {"S5_1_EmptyDataOnAClosedStream", data(kStream, ""), connection(kStreamClosed),
       answered_completely},
      {"S5_1_RstStreamAfterRstStreamIsIgnored", wire::rst_stream(kStream), nothing(),
       reset_by_peer},
      {"S5_1_PriorityAfterRstStreamIsIgnored", wire::priority(kStream, 0), nothing(),
       reset_by_peer},
      {"S5_1_DataAfterOurResetIsIgnored", data(kStream, "x"), nothing(), reset_by_us},
      {"S5_1_HeadersAfterOurResetAreIgnored", headers(kStream, hpack({{"a", "b"}})), nothing(),
       reset_by_us},
      {"S5_1_WindowUpdateAfterOurResetIsIgnored", wire::window_update(kStream, 1), nothing(),
       reset_by_us},
      {"S5_1_WindowUpdateOfZeroAfterOurResetIsIgnored", wire::window_update(kStream, 0), nothing(),
       reset_by_us},
      {"S5_1_RstStreamAfterOurResetIsIgnored", wire::rst_stream(kStream), nothing(), reset_by_us},
      {"S5_1_PriorityAfterOurResetIsIgnored", wire::priority(kStream, 0), nothing(), reset_by_us},
      {"S5_1_1_HeadersOnAStreamThatWasPassedOver", request(kStream, wire::get("/")),
       connection(kProtocolError), passed_over},
      {"S5_1_1_DataOnAStreamThatWasPassedOverIsIgnored", data(kStream, "x"), nothing(),
       passed_over},
      {"S5_1_1_WindowUpdateOnAStreamThatWasPassedOverIsIgnored", wire::window_update(kStream, 1),
       nothing(), passed_over},
      {"S5_1_1_RstStreamOnAStreamThatWasPassedOverIsIgnored", wire::rst_stream(kStream), nothing(),
       passed_over},
      {"S5_1_1_StreamIdUsedTwiceAfterItsEnd", half_closed(), connection(kStreamClosed),
       answered_completely},
  };
}

class Rfc9113Streams : public testing::TestWithParam<Violation> {};
TEST_P(Rfc9113Streams, IsKeptByTheServerSide) { check_server(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Case, Rfc9113Streams, testing::ValuesIn(streams()), name_of);

// ---- what does not fit the table

TEST(Rfc9113Streams, S5_1_2_MoreStreamsThanAreAllowed) {
  ServerLimits limits;
  limits.concurrent_streams_max = 2;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  h.exchange(request(1, wire::post("/"), kOpen) + request(3, wire::post("/"), kOpen) +
             request(5, wire::post("/"), kOpen));
  EXPECT_EQ(outcome_of(h.peer), stream_error(5, wire::kRefusedStream));
  // There is room again when one has ended, half-closed ones count.
  h.exchange(data(1, ""));
  h.exchange(request(7, wire::post("/"), kOpen));
  EXPECT_EQ(h.peer.reset(7), wire::kRefusedStream);
  h.respond(1, 200, true);
  h.exchange(request(9, wire::post("/"), kOpen));
  EXPECT_FALSE(h.peer.reset(9).has_value());
}

TEST(Rfc9113Streams, S5_1_2_ARefusedStreamIsNotAClosedConnection) {
  ServerLimits limits;
  limits.concurrent_streams_max = 1;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  h.exchange(request(1, wire::post("/"), kOpen) + request(3, wire::post("/"), kOpen) +
             data(3, "late") + headers(3, hpack({{"a", "b"}})) + wire::window_update(3, 1));
  EXPECT_EQ(outcome_of(h.peer), stream_error(3, wire::kRefusedStream));
  EXPECT_EQ(h.session.failure(), SessionFailure::kNone);
}

}  // namespace
}  // namespace layotto::http::h2
