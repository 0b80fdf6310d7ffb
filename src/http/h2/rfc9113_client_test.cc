// RFC 9113 as a server can break it: answers, and what only a server may not send. One named case
// each; frames, windows and header blocks go the way of the server's side (rfc9113_frames_test.cc),
// the cases here show that they do so for a client as well.
//
//   §5.1          frames on streams that are not open     S5_1_*
//   §6.5.2, §6.6, §8.4   no push                          S6_5_2_*, S6_6_*
//   §6.8          GOAWAY                                  S6_8_*
//   §8.1, §8.1.1  order of frames, content-length         S8_1_*, S8_1_1_*
//   §8.2, §8.3.2  fields, :status                         S8_2_*, S8_3_*
//   §8.6          no 101                                  S8_6_*
#include <gtest/gtest.h>

#include "tests/support/h2_rfc_cases.h"

namespace layotto::http::h2 {
namespace {

using namespace tests::rfc9113;
using tests::nothing;
using tests::Outcome;
using tests::outcome_of;
using tests::SessionHarness;
using tests::stream_error;
using tests::Violation;
using wire::data;
using wire::frame;
using wire::frame_claiming;
using wire::headers;
using wire::hpack;
using wire::request;

std::string answer(const wire::Fields& fields, int flags = kWhole) {
  return headers(kStream, hpack(fields), flags);
}

std::vector<Violation> answers() {
  using namespace tests::h2;
  const Outcome malformed = stream(kProtocolError);
  const wire::Fields ok = {{":status", "200"}};
  return {
      {"S5_1_HeadersOnAnIdleStream", headers(99, hpack(ok)), connection(kProtocolError)},
      {"S5_1_DataOnAnIdleStream", data(99, "x"), connection(kProtocolError)},
      {"S5_1_HeadersOnAnEvenStream", headers(2, hpack(ok)), connection(kProtocolError)},
      {"S6_5_2_ServerEnablesPush", wire::settings({{kEnablePush, 1}}), connection(kProtocolError)},
      {"S6_6_PushPromiseThoughForbidden",
       frame(kPushPromise, kEndHeaders, kStream, number(2, 4) + hpack(wire::get("/"))),
       connection(kProtocolError)},
      {"S6_8_GoawayWithARisingStream", wire::goaway(5) + wire::goaway(7),
       connection(kProtocolError)},
      {"S8_1_DataBeforeTheHead", data(kStream, "x"), malformed},
      {"S8_1_InterimHeadThatEndsTheStream", answer({{":status", "103"}}), malformed},
      {"S8_1_DataBehindAnInterimHead",
       answer({{":status", "103"}}, kOpen) + data(kStream, "x", kNoFlags), malformed},
      {"S8_1_TrailersWithoutEndOfStream", answer(ok, kOpen) + answer({{"a", "b"}}, kOpen),
       malformed},
      {"S8_1_StatusInTrailers", answer(ok, kOpen) + answer({{":status", "200"}}), malformed},
      {"S8_1_1_LessDataThanContentLength",
       answer({{":status", "200"}, {"content-length", "5"}}, kOpen) + data(kStream, "x"),
       malformed},
      {"S8_1_1_MoreDataThanContentLength",
       answer({{":status", "200"}, {"content-length", "1"}}, kOpen) + data(kStream, "xy"),
       malformed},
      {"S8_2_1_UpperCaseName", answer({{":status", "200"}, {"X-Upper", "x"}}), malformed},
      {"S8_2_1_NewlineInAValue", answer({{":status", "200"}, {"x", "a\nb"}}), malformed},
      {"S8_2_2_Connection", answer({{":status", "200"}, {"connection", "close"}}), malformed},
      {"S8_2_2_TransferEncoding", answer({{":status", "200"}, {"transfer-encoding", "chunked"}}),
       malformed},
      {"S8_3_PseudoHeaderFieldOfRequests", answer({{":status", "200"}, {":path", "/"}}), malformed},
      {"S8_3_2_StatusMissing", answer({{"x", "y"}}), malformed},
      {"S8_3_2_StatusTwice", answer({{":status", "200"}, {":status", "200"}}), malformed},
      {"S8_3_2_StatusBehindAField", answer({{"x", "y"}, {":status", "200"}}), malformed},
      {"S8_3_2_StatusOfTwoDigits", answer({{":status", "20"}}), malformed},
      {"S8_3_2_StatusOfFourDigits", answer({{":status", "2000"}}), malformed},
      {"S8_3_2_StatusNotANumber", answer({{":status", "2x0"}}), malformed},
      {"S8_6_SwitchingProtocols", answer({{":status", "101"}}, kOpen), malformed},
      {"S8_3_2_UnknownStatusIsTaken", answer({{":status", "299"}}), nothing()},
      {"S9_1_ContentLengthOfAnAnswerToHeadIsTaken",
       headers(5, hpack({{":status", "200"}, {"content-length", "99"}})), nothing()},

      {"S3_4_UnknownSettingIsIgnored", wire::settings({{0x7777, 1}}), nothing()},
      {"S4_2_FrameLargerThanMaxFrameSize", frame_claiming(16'385, kData, 0, kStream, "x"),
       connection(kFrameSizeError)},
      {"S4_3_BrokenHeaderBlock", headers(kStream, "\x80"), connection(kCompressionError)},
      {"S4_3_BrokenTrailers", answer(ok, kOpen) + headers(kStream, "\x80"),
       connection(kCompressionError)},
      {"S5_1_RstStreamOnAnIdleStream", wire::rst_stream(99), connection(kProtocolError)},
      {"S5_1_WindowUpdateOnAnIdleStream", wire::window_update(99, 1), connection(kProtocolError)},
      {"S5_1_DataOnAnEvenStream", data(2, "x"), connection(kProtocolError)},
      {"S5_1_DataBehindTheEnd", answer(ok) + data(kStream, "x"), connection(kStreamClosed)},
      {"S5_1_HeadersBehindTheEnd", answer(ok) + answer(ok), connection(kStreamClosed)},
      {"S5_1_DataAfterRstStream", wire::rst_stream(kStream) + data(kStream, "x"),
       stream(kStreamClosed)},
      {"S5_1_WindowUpdateBehindTheEndIsIgnored", answer(ok) + wire::window_update(kStream, 1),
       nothing()},
      {"S6_1_DataOnStreamZero", data(0, "x"), connection(kProtocolError)},
      {"S6_1_PaddingLongerThanTheData", answer(ok, kOpen) + data(kStream, "\xff\x01"s, kPadded),
       connection(kProtocolError)},
      {"S6_2_HeadersOnStreamZero", headers(0, hpack(ok)), connection(kProtocolError)},
      {"S6_4_RstStreamTooShort", frame(kRstStream, 0, kStream, "123"), connection(kFrameSizeError)},
      {"S6_5_SettingsOfOddLength", frame(kSettings, 0, 0, "12345"), connection(kFrameSizeError)},
      {"S6_5_SettingsOnAStream", frame(kSettings, 0, kStream), connection(kProtocolError)},
      {"S6_5_2_EnablePushOfZeroIsTaken", wire::settings({{kEnablePush, 0}}), nothing()},
      {"S6_5_2_InitialWindowTooLarge", wire::settings({{kInitialWindowSize, 0x80000000U}}),
       connection(kFlowControlError)},
      {"S6_5_2_MaxFrameSizeTooSmall", wire::settings({{kMaxFrameSize, 16'383}}),
       connection(kProtocolError)},
      {"S6_6_PushPromiseOnStreamZero",
       frame(kPushPromise, kEndHeaders, 0, number(2, 4) + hpack(wire::get("/"))),
       connection(kProtocolError)},
      {"S6_7_PingTooShort", frame(kPing, 0, 0, "1234567"), connection(kFrameSizeError)},
      {"S6_8_GoawayOnAStream", frame(kGoaway, 0, kStream, "12345678"), connection(kProtocolError)},
      {"S6_8_GoawayTooShort", frame(kGoaway, 0, 0, "1234567"), connection(kFrameSizeError)},
      {"S6_9_WindowUpdateOfZeroOnAStream", wire::window_update(5, 0),
       stream_error(5, kProtocolError)},
      {"S6_9_WindowUpdateOfZeroOnTheConnection", wire::window_update(0, 0),
       connection(kProtocolError)},
      {"S6_9_1_WindowOfTheConnectionTooLarge", wire::window_update(0, 0x7fffffff),
       connection(kFlowControlError)},
      {"S6_10_DataInsideAHeaderBlock", headers(kStream, hpack(ok), kNoFlags) + data(kOther, "x"),
       connection(kProtocolError)},
      {"S6_10_ContinuationWithoutHeaders", wire::continuation(kStream, "x"),
       connection(kProtocolError)},
      {"S8_1_DataOfAnAnswerToHead", headers(5, hpack(ok), kOpen) + data(5, "x"),
       stream_error(5, kProtocolError)},
      {"S8_1_1_DataOfAnAnswerWithoutContent",
       answer({{":status", "204"}}, kOpen) + data(kStream, "x"), malformed},
      {"S8_1_1_DataOfNotModified", answer({{":status", "304"}}, kOpen) + data(kStream, "x"),
       malformed},
      {"S8_1_1_ContentLengthOfNotModifiedIsTaken",
       answer({{":status", "304"}, {"content-length", "99"}}), nothing()},
      {"S8_1_1_NoDataButContentLength", answer({{":status", "200"}, {"content-length", "5"}}),
       malformed},
      {"S8_1_1_ContentLengthNotANumber", answer({{":status", "200"}, {"content-length", "x"}}),
       malformed},
      {"S8_1_SecondFinalHead", answer(ok, kOpen) + answer(ok), malformed},
      {"S8_1_InterimHeadBehindTheFinalOne", answer(ok, kOpen) + answer({{":status", "103"}}, kOpen),
       malformed},
      {"S8_1_EmptyTrailersAreTaken", answer(ok, kOpen) + headers(kStream, ""), nothing()},
      {"S8_2_1_EmptyName", answer({{":status", "200"}, {"", "x"}}), malformed},
      {"S8_2_1_NulInAValue", answer({{":status", "200"}, {"x", "a\0b"s}}), malformed},
      {"S8_2_1_UpperCaseInTrailers", answer(ok, kOpen) + answer({{"Upper", "x"}}), malformed},
      {"S8_2_2_KeepAlive", answer({{":status", "200"}, {"keep-alive", "5"}}), malformed},
      {"S8_2_2_Upgrade", answer({{":status", "200"}, {"upgrade", "h2c"}}), malformed},
      {"S8_2_2_ProxyConnection", answer({{":status", "200"}, {"proxy-connection", "x"}}),
       malformed},
      {"S8_3_UnknownPseudoHeaderField", answer({{":status", "200"}, {":x", "y"}}), malformed},
      {"S8_3_ProtocolInAnAnswer", answer({{":status", "200"}, {":protocol", "websocket"}}),
       malformed},
      {"S8_3_2_StatusEmpty", answer({{":status", ""}}), malformed},
      {"S8_3_2_StatusBelowOneHundred", answer({{":status", "099"}}), malformed},
      {"S8_3_2_StatusWithASign", answer({{":status", "+20"}}), malformed},
  };
}

class Rfc9113Client : public testing::TestWithParam<Violation> {};

TEST_P(Rfc9113Client, IsKeptByTheClientSide) {
  SessionHarness h(Side::kClient);
  h.greet();
  ASSERT_EQ(h.get("/other"), kOther);
  ASSERT_EQ(h.get("/"), kStream);
  ASSERT_EQ(h.request({.method_text = "HEAD",
                       .path = "/",
                       .authority = "a",
                       .scheme = "http",
                       .method = Method::kHead},
                      true),
            5U);
  h.flush();
  h.exchange(GetParam().bytes);
  const Outcome seen = outcome_of(h.peer);
  EXPECT_EQ(seen, GetParam().rfc);
  if (seen.kind == Outcome::Kind::kConnection) {
    EXPECT_EQ(h.session.failure(), SessionFailure::kProtocol);
    return;
  }
  EXPECT_EQ(h.session.failure(), SessionFailure::kNone);
  EXPECT_EQ(h.exchange(headers(kOther, hpack({{":status", "200"}}))),
            "head 1 200 end | closed 1 NO_ERROR");
}

INSTANTIATE_TEST_SUITE_P(Case, Rfc9113Client, testing::ValuesIn(answers()), name_of);

}  // namespace
}  // namespace layotto::http::h2
