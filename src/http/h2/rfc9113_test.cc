// Every requirement of RFC 9113 (and RFC 7541 for header blocks) that a peer can break, one case
// each, named after the section. A broken stream must leave the others alone.
#include <gtest/gtest.h>

#include "tests/support/h2_violations.h"

namespace layotto::http::h2 {
namespace {

using tests::connection_error;
using tests::nothing;
using tests::Outcome;
using tests::SessionHarness;
using tests::stream_error;
using tests::Violation;
namespace wire = tests::h2;
using wire::data;
using wire::frame;
using wire::frame_claiming;
using wire::headers;
using wire::hpack;
using wire::hpack_indexed;
using wire::hpack_integer;
using wire::hpack_literal;
using wire::request;
using namespace std::string_literals;

// The stream the violations happen on; stream 1 is open meanwhile.
constexpr uint32_t kStream = 3;
constexpr uint32_t kOther = 1;
constexpr int kOpen = wire::kEndHeaders;
constexpr int kWhole = wire::kEndHeaders | wire::kEndStream;

Outcome connection(uint32_t code) { return connection_error(code); }
Outcome stream(uint32_t code) { return stream_error(kStream, code); }

std::string opened() { return request(kStream, wire::post("/"), kOpen); }
std::string half_closed() { return request(kStream, wire::get("/")); }
// A request with these fields in addition, or instead.
std::string with(const wire::Fields& more, int flags = kWhole) {
  wire::Fields fields = wire::get("/");
  fields.insert(fields.end(), more.begin(), more.end());
  return request(kStream, fields, flags);
}
std::string only(const wire::Fields& fields) { return request(kStream, fields); }
// A whole request with these bytes in its header block, behind the pseudo header fields.
std::string with_block(std::string_view bytes) {
  return headers(kStream, hpack(wire::get("/")) + std::string(bytes));
}
std::string data_of(size_t total, uint32_t on) {
  std::string all;
  for (size_t sent = 0; sent < total;) {
    const size_t n = std::min<size_t>(16'384, total - sent);
    all += data(on, std::string(n, 'x'), wire::kNoFlags);
    sent += n;
  }
  return all;
}

// ---- preparations

void answered_completely(SessionHarness& h) {
  h.feed(half_closed());
  h.respond(kStream, 200, true);
  h.flush();
  h.peer.forget_frames();
}
void reset_by_peer(SessionHarness& h) { h.exchange(opened() + wire::rst_stream(kStream)); }
void keep_data(SessionHarness& h) { h.consume = false; }

// ---- the table

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
  };
}

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
  };
}

std::vector<Violation> messages() {
  using namespace tests::h2;
  const Outcome malformed = stream(kProtocolError);
  const auto content_length = [](std::string_view length) {
    return with({{"content-length", std::string(length)}}, kOpen);
  };
  return {
      {"S8_1_SecondHeadersWithoutEndOfStream",
       opened() + headers(kStream, hpack({{"a", "b"}}), kEndHeaders), malformed},
      {"S8_1_TrailersAreTaken", opened() + headers(kStream, hpack({{"a", "b"}})), nothing()},
      {"S8_1_PseudoHeaderFieldInTrailers", opened() + headers(kStream, hpack({{":path", "/"}})),
       malformed},
      {"S8_1_MethodInTrailers", opened() + headers(kStream, hpack({{":method", "GET"}})),
       malformed},
      {"S8_1_UpperCaseInTrailers", opened() + headers(kStream, hpack({{"Digest", "x"}})),
       malformed},
      {"S8_1_EmptyTrailersAreTaken", opened() + headers(kStream, ""), nothing()},

      {"S8_1_1_LessDataThanContentLength", content_length("5") + data(kStream, "1234"), malformed},
      {"S8_1_1_MoreDataThanContentLength", content_length("3") + data(kStream, "1234", kNoFlags),
       malformed},
      {"S8_1_1_NoDataButContentLength", with({{"content-length", "5"}}), malformed},
      {"S8_1_1_TrailersInsteadOfContent",
       content_length("5") + headers(kStream, hpack({{"a", "b"}})), malformed},
      {"S8_1_1_ContentLengthTwiceDifferently",
       with({{"content-length", "5"}, {"content-length", "6"}}, kOpen), malformed},
      {"S8_1_1_ContentLengthNotANumber", content_length("five"), malformed},
      {"S8_1_1_ContentLengthNegative", content_length("-1"), malformed},
      {"S8_1_1_ContentLengthEmpty", content_length(""), malformed},
      {"S8_1_1_ContentLengthThatOverflows", content_length("99999999999999999999"), malformed},
      {"S8_1_1_ContentLengthThatFitsIsTaken", content_length("4") + data(kStream, "1234"),
       nothing()},

      {"S8_2_1_UpperCaseName", with({{"X-Upper", "x"}}), malformed},
      {"S8_2_1_EmptyName", with({{"", "x"}}), malformed},
      {"S8_2_1_SpaceInAName", with({{"a b", "x"}}), malformed},
      {"S8_2_1_ColonInAName", with({{"a:b", "x"}}), malformed},
      {"S8_2_1_NulInAName", with({{"a\0b"s, "x"}}), malformed},
      {"S8_2_1_NewlineInAName", with({{"a\nb", "x"}}), malformed},
      {"S8_2_1_HighByteInAName", with({{"caf\xc3\xa9", "x"}}), malformed},
      {"S8_2_1_DeleteInAName", with({{"a\x7f", "x"}}), malformed},
      {"S8_2_1_NulInAValue", with({{"x", "a\0b"s}}), malformed},
      {"S8_2_1_CarriageReturnInAValue", with({{"x", "a\rb"}}), malformed},
      {"S8_2_1_NewlineInAValue", with({{"x", "a\nb"}}), malformed},
      {"S8_2_1_SpaceBeforeAValue", with({{"x", " a"}}), malformed},
      {"S8_2_1_TabBehindAValue", with({{"x", "a\t"}}), malformed},
      {"S8_2_1_HighBytesInAValueAreTaken", with({{"x", "caf\xc3\xa9"}}), nothing()},
      {"S8_2_1_EmptyValueIsTaken", with({{"x", ""}}), nothing()},

      {"S8_2_2_Connection", with({{"connection", "close"}}), malformed},
      {"S8_2_2_KeepAlive", with({{"keep-alive", "5"}}), malformed},
      {"S8_2_2_ProxyConnection", with({{"proxy-connection", "close"}}), malformed},
      {"S8_2_2_TransferEncoding", with({{"transfer-encoding", "chunked"}}), malformed},
      {"S8_2_2_Upgrade", with({{"upgrade", "websocket"}}), malformed},
      {"S8_2_2_TeOtherThanTrailers", with({{"te", "gzip"}}), malformed},
      {"S8_2_2_TeTrailersAndMore", with({{"te", "trailers, deflate"}}), malformed},
      {"S8_2_2_TeTrailersIsTaken", with({{"te", "trailers"}}), nothing()},

      {"S8_3_UnknownPseudoHeaderField",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":nonsense", "x"}}),
       malformed},
      {"S8_3_PseudoHeaderFieldOfResponses",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":status", "200"}}),
       malformed},
      {"S8_3_PseudoHeaderFieldBehindAField",
       only({{":method", "GET"}, {":scheme", "http"}, {"x", "y"}, {":path", "/"}}), malformed},
      {"S8_3_PathTwice", with({{":path", "/other"}}), malformed},
      {"S8_3_MethodTwice", with({{":method", "GET"}}), malformed},
      {"S8_3_SchemeTwice", with({{":scheme", "http"}}), malformed},
      {"S8_3_AuthorityTwice", with({{":authority", "other"}}), malformed},
      {"S8_3_UpperCasePseudoHeaderField",
       only({{":Method", "GET"}, {":scheme", "http"}, {":path", "/"}}), malformed},
      {"S8_3_1_MethodMissing", only({{":scheme", "http"}, {":path", "/"}}), malformed},
      {"S8_3_1_SchemeMissing", only({{":method", "GET"}, {":path", "/"}}), malformed},
      {"S8_3_1_PathMissing", only({{":method", "GET"}, {":scheme", "http"}}), malformed},
      {"S8_3_1_AuthorityMayBeMissing",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "a"}}), nothing()},
      {"S8_3_1_NeitherAuthorityNorHost",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}), malformed},
      {"S8_3_1_PathEmpty",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_PathWithoutSlash",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "x"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_PathAsteriskWithGet",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "*"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_PathAsteriskWithOptionsIsTaken",
       only({{":method", "OPTIONS"}, {":scheme", "http"}, {":path", "*"}, {":authority", "a"}}),
       nothing()},
      {"S8_3_1_SpaceInAPath",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/a b"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_NewlineInAPath",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/a\nb"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_SpaceInAMethod",
       only({{":method", "G T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_EmptyMethod",
       only({{":method", ""}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_SpaceInAnAuthority",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a b"}}),
       malformed},
      {"S8_3_1_SlashInAnAuthority",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a/b"}}),
       malformed},
      {"S8_3_1_BrokenScheme",
       only({{":method", "GET"}, {":scheme", "1http"}, {":path", "/"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_TwoHosts", with({{"host", "a"}, {"host", "b"}}), malformed},
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
  };
}

void check(const Violation& violation, const Outcome& seen) { EXPECT_EQ(seen, violation.rfc); }

class Rfc9113 : public testing::TestWithParam<Violation> {};

TEST_P(Rfc9113, IsKeptByTheServerSide) {
  const Violation& violation = GetParam();
  SessionHarness h;
  h.greet();
  h.exchange(request(kOther, wire::post("/other"), kOpen));
  if (violation.prepare != nullptr) violation.prepare(h);
  h.exchange(violation.bytes);
  const Outcome seen = outcome_of(h.peer);
  check(violation, seen);
  if (seen.kind == Outcome::Kind::kConnection) {
    EXPECT_EQ(h.session.failure(), SessionFailure::kProtocol);
    EXPECT_EQ(h.exchange(request(1001, wire::get("/late"))), "") << "it went on after its GOAWAY";
    return;
  }
  // The connection and its other stream live on.
  EXPECT_EQ(h.session.failure(), SessionFailure::kNone);
  h.consume = true;
  h.exchange(data(kOther, "more", wire::kNoFlags) + data(kOther, "end"));
  EXPECT_EQ(h.received[kOther], 7);
  h.respond(kOther, 200, true);
  h.flush();
  EXPECT_EQ(h.peer.answer(kOther).status, "200");
  EXPECT_FALSE(h.peer.reset(kOther).has_value());
}

std::string name_of(const testing::TestParamInfo<Violation>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Framing, Rfc9113, testing::ValuesIn(framing()), name_of);
INSTANTIATE_TEST_SUITE_P(Streams, Rfc9113, testing::ValuesIn(streams()), name_of);
INSTANTIATE_TEST_SUITE_P(Compression, Rfc9113, testing::ValuesIn(compression()), name_of);
INSTANTIATE_TEST_SUITE_P(Messages, Rfc9113, testing::ValuesIn(messages()), name_of);

// ---- what does not fit the table

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

// ---- the client's side

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
  check(GetParam(), seen);
  if (seen.kind == Outcome::Kind::kConnection) {
    EXPECT_EQ(h.session.failure(), SessionFailure::kProtocol);
    return;
  }
  EXPECT_EQ(h.session.failure(), SessionFailure::kNone);
  EXPECT_EQ(h.exchange(headers(kOther, hpack({{":status", "200"}}))),
            "head 1 200 end | closed 1 NO_ERROR");
}

INSTANTIATE_TEST_SUITE_P(Answers, Rfc9113Client, testing::ValuesIn(answers()), name_of);

}  // namespace
}  // namespace layotto::http::h2
