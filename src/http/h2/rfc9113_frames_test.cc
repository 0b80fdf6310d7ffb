// RFC 9113 §3.4, §4 to §7: frames and header blocks. One named case for each requirement that a
// peer can break; a broken stream leaves the others alone. What "IsTaken" must not be refused.
//
//   §3.4         preface, SETTINGS first                 S3_4_*
//   §4.1, §5.5   reserved bit, unknown flags and types   S4_1_*, S5_5_*
//   §4.2         frame sizes, of every frame             S4_2_*
//   §4.3         the block decodes (RFC 7541 itself: hpack/rfc7541_test.cc)   S4_3_*
//   §5.3, §6.3   PRIORITY                                S5_3_*, S6_3_*
//   §6.1, §6.2   DATA and HEADERS: stream, padding       S6_1_*, S6_2_*
//   §6.4 … §6.8  RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY             S6_4_* … S6_8_*
//   §6.10        CONTINUATION: nothing inside a header block                  S6_10_*
//   §7           unknown error codes mean nothing        S7_*
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
using wire::hpack_indexed;
using wire::hpack_integer;
using wire::request;

std::vector<Violation> framing() {
  using namespace tests::h2;
  return {
      {"S4_1_ReservedBitOfTheStreamIdIsIgnored",
       frame(kHeaders, kWhole, kStream | 0x80000000U, hpack(wire::get("/"))), nothing()},
      {"S4_1_UndefinedFlagsAreIgnored", frame(kPing, 0xfe, 0, "12345678"), nothing()},
      {"S4_2_DataLargerThanMaxFrameSize",
       opened() + frame_claiming(16'385, kData, kNoFlags, kStream, std::string(16'385, 'x')),
       connection(kFrameSizeError)},
      {"S4_2_HeadersLargerThanMaxFrameSize",
       frame_claiming(16'385, kHeaders, kWhole, kStream, std::string(16'385, 'x')),
       connection(kFrameSizeError)},
      {"S4_2_UnknownFrameLargerThanMaxFrameSize", frame_claiming(1 << 20, 0x77, 0, 0, "x"),
       connection(kFrameSizeError)},
      {"S4_2_HeadersTooShortForPriority", frame(kHeaders, kWhole | kHasPriority, kStream, "1234"),
       connection(kFrameSizeError)},

      {"S5_5_UnknownFrameIsIgnored", frame(0x42, 0xff, kStream, "whatever"), nothing()},
      {"S5_5_UnknownFrameInsideAHeaderBlock",
       headers(kStream, hpack(wire::get("/")), kEndStream) + frame(0x42, 0, kStream, "x"),
       connection(kProtocolError)},

      {"S6_1_DataOnStreamZero", data(0, "x"), connection(kProtocolError)},
      {"S6_1_PaddingAsLongAsTheData",
       opened() + data(kStream,
                       "\x04"
                       "123"s,
                       kPadded),
       connection(kProtocolError)},
      {"S6_1_PaddingLongerThanTheData", opened() + data(kStream, "\xff\x01"s, kPadded),
       connection(kProtocolError)},
      {"S6_1_PaddedDataWithoutPadLength", opened() + data(kStream, "", kPadded),
       connection(kFrameSizeError)},
      {"S6_1_DataOfPaddingOnly", opened() + data(kStream, "\x03\0\0\0"s, kPadded), nothing()},

      {"S6_2_HeadersOnStreamZero", headers(0, hpack(wire::get("/"))), connection(kProtocolError)},
      {"S6_2_PaddingLongerThanTheHeaders",
       headers(kStream, "\xff" + hpack(wire::get("/")), kWhole | kPadded),
       connection(kProtocolError)},
      {"S6_2_PaddedHeadersAreTaken",
       headers(kStream, "\x02" + hpack(wire::get("/")) + "\0\0"s, kWhole | kPadded), nothing()},
      {"S6_2_HeadersWithPriorityAreTaken",
       headers(kStream, number(0, 4) + "\x10" + hpack(wire::get("/")), kWhole | kHasPriority),
       nothing()},

      {"S6_3_PriorityOnStreamZero", wire::priority(0, 1), connection(kProtocolError)},
      {"S6_3_PriorityOfWrongLength", opened() + frame(kPriority, 0, kStream, "1234"),
       stream(kFrameSizeError)},
      {"S6_3_PriorityOnAnIdleStreamIsIgnored", wire::priority(77, 0), nothing()},
      {"S6_3_PriorityOnItselfIsIgnored", opened() + wire::priority(kStream, kStream), nothing()},
      {"S5_3_HeadersThatDependOnThemselves",
       headers(kStream, number(kStream, 4) + "\x10" + hpack(wire::get("/")), kWhole | kHasPriority),
       nothing()},

      {"S6_4_RstStreamOnStreamZero", wire::rst_stream(0), connection(kProtocolError)},
      {"S6_4_RstStreamOnAnIdleStream", wire::rst_stream(99), connection(kProtocolError)},
      {"S6_4_RstStreamTooShort", opened() + frame(kRstStream, 0, kStream, "123"),
       connection(kFrameSizeError)},
      {"S6_4_RstStreamTooLong", opened() + frame(kRstStream, 0, kStream, "12345"),
       connection(kFrameSizeError)},

      {"S6_5_SettingsOnAStream", frame(kSettings, 0, kStream), connection(kProtocolError)},
      {"S6_5_SettingsAckWithPayload", frame(kSettings, kAck, 0, "123456"),
       connection(kFrameSizeError)},
      {"S6_5_SettingsOfOddLength", frame(kSettings, 0, 0, "12345"), connection(kFrameSizeError)},
      {"S6_5_SettingsAckNobodyWaitsFor", wire::settings_ack(), nothing()},
      {"S6_5_2_EnablePushNeitherZeroNorOne", wire::settings({{kEnablePush, 2}}),
       connection(kProtocolError)},
      {"S6_5_2_InitialWindowTooLarge", wire::settings({{kInitialWindowSize, 0x80000000U}}),
       connection(kFlowControlError)},
      {"S6_5_2_MaxFrameSizeTooSmall", wire::settings({{kMaxFrameSize, 16'383}}),
       connection(kProtocolError)},
      {"S6_5_2_MaxFrameSizeTooLarge", wire::settings({{kMaxFrameSize, 1 << 24}}),
       connection(kProtocolError)},
      {"S6_5_2_LargestValuesAreTaken",
       wire::settings({{kMaxFrameSize, (1 << 24) - 1},
                       {kInitialWindowSize, 0x7fffffff},
                       {kHeaderTableSize, 0xffffffff},
                       {kMaxConcurrentStreams, 0xffffffff},
                       {kMaxHeaderListSize, 0xffffffff}}),
       nothing()},

      {"S6_6_PushPromiseFromAClient",
       opened() + frame(kPushPromise, kEndHeaders, kStream, number(2, 4) + hpack(wire::get("/"))),
       connection(kProtocolError)},

      {"S6_7_PingOnAStream", frame(kPing, 0, kStream, "12345678"), connection(kProtocolError)},
      {"S6_7_PingTooShort", frame(kPing, 0, 0, "1234567"), connection(kFrameSizeError)},
      {"S6_7_PingTooLong", frame(kPing, 0, 0, "123456789"), connection(kFrameSizeError)},
      {"S6_7_PingAckNobodyWaitsForIsIgnored", wire::ping("12345678", kAck), nothing()},

      {"S6_8_GoawayOnAStream", frame(kGoaway, 0, kStream, "12345678"), connection(kProtocolError)},
      {"S6_8_GoawayTooShort", frame(kGoaway, 0, 0, "1234567"), connection(kFrameSizeError)},
      {"S6_8_GoawayOfAClientWithTheHighestStream", wire::goaway(0x7fffffff), nothing()},

      {"S6_10_ContinuationWithoutHeaders", wire::continuation(kStream, "x"),
       connection(kProtocolError)},
      {"S6_10_ContinuationAfterTheEndOfTheHeaders", half_closed() + wire::continuation(kStream, ""),
       connection(kProtocolError)},
      {"S6_10_ContinuationOnStreamZero",
       headers(kStream, hpack(wire::get("/")), kEndStream) + wire::continuation(0, ""),
       connection(kProtocolError)},
      {"S6_10_ContinuationOnAnotherStream",
       headers(kStream, hpack(wire::get("/")), kEndStream) + wire::continuation(5, ""),
       connection(kProtocolError)},
      {"S6_10_DataInsideAHeaderBlock",
       headers(kStream, hpack(wire::get("/")), kEndStream) + data(kOther, "x"),
       connection(kProtocolError)},
      {"S6_10_PingInsideAHeaderBlock",
       headers(kStream, hpack(wire::get("/")), kEndStream) + wire::ping(),
       connection(kProtocolError)},
      {"S6_10_HeadersInsideAHeaderBlock",
       headers(kStream, hpack(wire::get("/")), kEndStream) + half_closed(),
       connection(kProtocolError)},
      {"S6_10_EmptyContinuationsAreTaken",
       headers(kStream, hpack(wire::get("/")), kEndStream) +
           wire::continuation(kStream, "", kNoFlags) + wire::continuation(kStream, ""),
       nothing()},

      {"S4_1_ReservedBitOfAWindowUpdateIsIgnored",
       frame(kWindowUpdate, 0, 0, number(0x80000001U, 4)), nothing()},
      {"S4_2_DataOfMaxFrameSizeIsTaken", opened() + data(kStream, std::string(16'384, 'x')),
       nothing()},
      {"S4_2_SettingsLargerThanMaxFrameSize", frame_claiming(16'386, kSettings, 0, 0, "x"),
       connection(kFrameSizeError)},
      {"S4_2_PingLargerThanMaxFrameSize", frame_claiming(16'385, kPing, 0, 0, "x"),
       connection(kFrameSizeError)},
      {"S4_2_GoawayLargerThanMaxFrameSize", frame_claiming(16'385, kGoaway, 0, 0, "x"),
       connection(kFrameSizeError)},
      {"S4_2_ContinuationLargerThanMaxFrameSize",
       unfinished() + frame_claiming(16'385, kContinuation, kEndHeaders, kStream, "x"),
       connection(kFrameSizeError)},
      {"S6_2_PaddedHeadersWithoutPadLength", headers(kStream, "", kWhole | kPadded),
       connection(kFrameSizeError)},
      {"S6_2_PaddedHeadersTooShortForPriority",
       headers(kStream,
               "\x00"
               "1234"s,
               kWhole | kPadded | kHasPriority),
       connection(kFrameSizeError)},
      {"S6_2_HeadersOfPaddingOnly", headers(kStream, "\x02\0\0"s, kWhole | kPadded),
       stream(kProtocolError)},
      {"S6_2_HeadersPaddedAndWithPriorityAreTaken",
       headers(kStream, "\x01"s + number(0, 4) + "\x10" + hpack(wire::get("/")) + "\0"s,
               kWhole | kPadded | kHasPriority),
       nothing()},
      {"S6_3_PriorityOfWrongLengthOnAnIdleStream", frame(kPriority, 0, 99, "123456"),
       connection(kFrameSizeError)},
      {"S6_4_RstStreamOnAnEvenStream", wire::rst_stream(2), connection(kProtocolError)},
      {"S6_5_SettingsAckOnAStream", frame(kSettings, kAck, kStream), connection(kProtocolError)},
      {"S6_5_2_UnknownSettingIsIgnored", wire::settings({{0x7777, 0xffffffff}}), nothing()},
      {"S6_5_2_NoStreamsAllowedIsTaken", wire::settings({{kMaxConcurrentStreams, 0}}), nothing()},
      {"S6_5_3_TheLastValueOfASettingHolds",
       wire::settings({{kMaxFrameSize, 20'000}, {kMaxFrameSize, 16'384}}), nothing()},
      {"S6_5_3_AWrongValueBehindAGoodOne",
       wire::settings({{kMaxFrameSize, 20'000}, {kMaxFrameSize, 1}}), connection(kProtocolError)},
      {"RFC8441_S3_EnableConnectProtocolNeitherZeroNorOne", wire::settings({{0x8, 2}}),
       connection(kProtocolError)},
      {"RFC9218_S2_1_NoPrioritiesNeitherZeroNorOne", wire::settings({{0x9, 2}}),
       connection(kProtocolError)},
      {"S6_6_PushPromiseOnStreamZero",
       frame(kPushPromise, kEndHeaders, 0, number(2, 4) + hpack(wire::get("/"))),
       connection(kProtocolError)},
      {"S6_8_GoawayWithDebugDataIsTaken",
       frame(kGoaway, 0, 0, number(0x7fffffff, 4) + number(0, 4) + "so long"), nothing()},
      {"S6_8_GoawayWithARisingStream", wire::goaway(5) + wire::goaway(7),
       connection(kProtocolError)},
      {"S6_10_SettingsInsideAHeaderBlock", unfinished() + wire::settings(),
       connection(kProtocolError)},
      {"S6_10_PriorityInsideAHeaderBlock", unfinished() + wire::priority(kStream, 0),
       connection(kProtocolError)},
      {"S6_10_RstStreamInsideAHeaderBlock", unfinished() + wire::rst_stream(kStream),
       connection(kProtocolError)},
      {"S6_10_WindowUpdateInsideAHeaderBlock", unfinished() + wire::window_update(0, 1),
       connection(kProtocolError)},
      {"S6_10_GoawayInsideAHeaderBlock", unfinished() + wire::goaway(0),
       connection(kProtocolError)},
      {"S6_10_PushPromiseInsideAHeaderBlock",
       unfinished() + frame(kPushPromise, kEndHeaders, kStream, number(2, 4)),
       connection(kProtocolError)},
      {"S6_10_ContinuationOfTrailersIsTaken",
       opened() + headers(kStream, hpack({{"a", "b"}}), kEndStream) +
           wire::continuation(kStream, hpack({{"c", "d"}})),
       nothing()},
      {"S7_UnknownErrorCodeOfRstStreamIsTaken", opened() + wire::rst_stream(kStream, 0xabcdef),
       nothing()},
      {"S7_UnknownErrorCodeOfGoawayIsTaken", wire::goaway(0x7fffffff, 0xabcdef), nothing()},
  };
}

std::vector<Violation> compression() {
  using namespace tests::h2;
  const Outcome broken = connection(kCompressionError);
  const std::string huffman_name = "\x00\x01x"s;  // literal, name "x", value follows
  return {
      {"S4_3_IndexZero", with_block("\x80"), broken},
      {"S4_3_IndexBeyondBothTables", with_block(hpack_indexed(62)), broken},
      {"S4_3_NameIndexBeyondBothTables", with_block(hpack_integer(62, 6, 0x40) + "\x01v"), broken},
      {"S4_3_IndexThatOverflows", with_block("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s),
       broken},
      {"S4_3_IntegerWithoutEnd", with_block("\xff\xff\xff"), broken},
      {"S4_3_StringLongerThanTheBlock", with_block("\x00\x01x\x7f"s + "abc"), broken},
      {"S4_3_FieldCutOff", with_block("\x00\x01x"s), broken},
      {"S4_3_EmptyHeaderBlock", headers(kStream, ""), stream(kProtocolError)},
      {"S4_3_LengthThatOverflows", with_block("\x00\x01x\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s),
       broken},
      {"S4_3_TableSizeAboveTheLimit",
       headers(kStream, wire::hpack_table_size(4097) + hpack(wire::get("/"))), broken},
      {"S4_3_TableSizeBehindAField", with_block(wire::hpack_table_size(100)), broken},
      {"S4_3_TableSizeUpToTheLimitIsTaken",
       headers(kStream,
               wire::hpack_table_size(0) + wire::hpack_table_size(4096) + hpack(wire::get("/"))),
       nothing()},
      {"S4_3_HuffmanWithEndOfStringCode", with_block(huffman_name + "\x84\xff\xff\xff\xff"),
       broken},
      {"S4_3_HuffmanPaddedWithMoreThanSevenBits", with_block(huffman_name + "\x82\x1f\xff"),
       broken},
      {"S4_3_HuffmanPaddedWithZeros", with_block(huffman_name + "\x81\x18"), broken},
      {"S4_3_HuffmanIsTaken", with_block(huffman_name + "\x81\x1f"), nothing()},
      {"S4_3_FieldPushedOutOfTheTable",
       with_block(wire::hpack_literal_indexed("a", "b") +
                  wire::hpack_literal_indexed("c", std::string(5000, 'd')) + hpack_indexed(62)),
       broken},
      {"S4_3_BlockOfARefusedStreamStillCounts",
       request(5, {{":method", "BAD METHOD"}}) + headers(7, wire::hpack_literal_indexed("x", "y")) +
           headers(9, hpack(wire::get("/")) + hpack_indexed(62)),
       stream_error(5, kProtocolError)},
      {"S4_3_AFieldCutByAFrameIsTaken",
       headers(kStream, hpack(wire::get("/")) + "\x00\x01x\x05va"s, kEndStream) +
           wire::continuation(kStream, "lue"),
       nothing()},
      {"S4_3_ABlockThatEndsInsideAField",
       headers(kStream, hpack(wire::get("/")) + "\x00\x01x\x05va"s, kEndStream) +
           wire::continuation(kStream, "l"),
       broken},
      {"S4_3_BrokenTrailers", opened() + headers(kStream, "\x80"), broken},
      {"S4_3_BrokenBlockOnAStreamWeHaveReset", headers(kStream, "\x80"), broken, reset_by_us},
      {"S4_3_BrokenBlockOnAHalfClosedStream", half_closed() + headers(kStream, "\x80"), broken},
      {"S4_3_BrokenBlockOfAMalformedRequest",
       headers(kStream, hpack({{"Upper", "x"}}) + hpack_indexed(62)), broken},
      {"S4_3_BlockOnAStreamWeHaveResetStillCounts",
       headers(kStream, wire::hpack_literal_indexed("x", "y")) +
           headers(5, hpack(wire::get("/")) + hpack_indexed(62)),
       nothing(), reset_by_us},
  };
}

class Rfc9113Frames : public testing::TestWithParam<Violation> {};
TEST_P(Rfc9113Frames, IsKeptByTheServerSide) { check_server(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Case, Rfc9113Frames, testing::ValuesIn(framing()), name_of);

class Rfc9113Compression : public testing::TestWithParam<Violation> {};
TEST_P(Rfc9113Compression, IsKeptByTheServerSide) { check_server(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Case, Rfc9113Compression, testing::ValuesIn(compression()), name_of);

// ---- what does not fit the tables

TEST(Rfc9113Preface, S3_4_WrongPrefaceEndsTheConnection) {
  SessionHarness h;
  h.exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX" + wire::settings());
  EXPECT_EQ(outcome_of(h.peer), connection(wire::kProtocolError));
  EXPECT_EQ(h.session.failure(), SessionFailure::kProtocol);
}

TEST(Rfc9113Preface, S3_4_FirstFrameMustBeSettings) {
  SessionHarness h;
  h.exchange(wire::kPreface + wire::ping() + wire::settings());
  EXPECT_EQ(outcome_of(h.peer), connection(wire::kProtocolError));
}

TEST(Rfc9113Preface, S3_4_AnAcknowledgementIsNoSettings) {
  SessionHarness h;
  h.exchange(wire::kPreface + wire::settings_ack());
  EXPECT_EQ(outcome_of(h.peer), connection(wire::kProtocolError));
}

TEST(Rfc9113Preface, S3_4_AServerBeginsWithSettings) {
  SessionHarness h(Side::kClient);
  h.exchange(wire::ping());
  EXPECT_EQ(outcome_of(h.peer), connection(wire::kProtocolError));
}

TEST(Rfc9113Preface, S3_4_AClientsFirstFrameMustNotBeARequest) {
  SessionHarness h;
  h.exchange(wire::kPreface + request(1, wire::get("/")));
  EXPECT_EQ(outcome_of(h.peer), connection(wire::kProtocolError));
  EXPECT_EQ(h.said(), "");
}

TEST(Rfc9113Preface, S3_4_ServersAcknowledgementIsNoSettings) {
  SessionHarness h(Side::kClient);
  h.exchange(wire::settings_ack());
  EXPECT_EQ(outcome_of(h.peer), connection(wire::kProtocolError));
}

TEST(Rfc9113Settings, S6_5_3_EveryFrameIsAcknowledgedOnce) {
  SessionHarness h;
  h.greet();
  h.exchange(wire::settings() + wire::settings({{wire::kMaxFrameSize, 20'000}}) +
             wire::settings_ack());
  EXPECT_EQ(h.peer.count(wire::kSettings), 2);
}

TEST(Rfc9113Ping, S6_7_ItsAnswerHasTheSamePayload) {
  SessionHarness h;
  h.greet();
  h.exchange(wire::ping("abcdefgh"));
  EXPECT_EQ(h.peer.last(wire::kPing).payload, "abcdefgh");
  EXPECT_EQ(h.peer.last(wire::kPing).flags, wire::kAck);
}

TEST(Rfc9113Compression, S4_3_1_ASmallerTableMustBeAcknowledgedInTheFirstBlock) {
  ServerLimits limits;
  limits.header_table_bytes = 100;
  SessionHarness late(Side::kServer, limits);
  late.greet();
  late.exchange(request(kStream, wire::get("/")));
  EXPECT_EQ(outcome_of(late.peer), connection(wire::kCompressionError));
  SessionHarness in_time(Side::kServer, limits);
  in_time.greet();
  in_time.exchange(headers(kStream, wire::hpack_table_size(100) + hpack(wire::get("/"))));
  EXPECT_EQ(outcome_of(in_time.peer), nothing());
}

}  // namespace
}  // namespace layotto::http::h2
