// RFC 9113 §8.1 to §8.3: what a request is. One named case for each requirement that a peer can
// break: a malformed request costs its stream, PROTOCOL_ERROR.
//
//   §8.1     HEADERS, DATA, trailers                                S8_1_*
//   §8.1.1   content-length                                         S8_1_1_*
//   §8.2.1   names and values                                       S8_2_1_*
//   §8.2.2   fields of a connection, TE                             S8_2_2_*
//   §8.3     pseudo header fields: known, first, once, not in trailers    S8_3_*
//   §8.3.1   :method, :scheme, :path, :authority                    S8_3_1_*
//   §8.5     CONNECT: rfc9113_connect_test.cc
//   §8.3.2   answers, §8.4 PUSH_PROMISE: rfc9113_client_test.cc
#include <gtest/gtest.h>

#include "tests/support/h2_rfc_cases.h"

namespace layotto::http::h2 {
namespace {

using namespace tests::rfc9113;
using tests::nothing;
using tests::Outcome;
using tests::outcome_of;
using tests::SessionHarness;
using tests::Violation;
using wire::data;
using wire::headers;
using wire::hpack;

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

      {"S8_1_ConnectionFieldInTrailers", opened() + headers(kStream, hpack({{"connection", "x"}})),
       malformed},
      {"S8_1_NewlineInTrailers", opened() + headers(kStream, hpack({{"a", "b\nc"}})), malformed},
      {"S8_1_UnknownPseudoHeaderFieldInTrailers", opened() + headers(kStream, hpack({{":x", "y"}})),
       malformed},
      {"S8_1_1_ContentLengthTwiceTheSame",
       with({{"content-length", "5"}, {"content-length", "5"}}, kOpen), malformed},
      {"S8_1_1_ContentLengthWithAPlus", content_length("+1"), malformed},
      {"S8_1_1_ContentLengthInHex", content_length("0x1"), malformed},
      {"S8_1_1_ContentLengthList", content_length("5, 5"), malformed},
      {"S8_1_1_ContentLengthAndNothingButTheEnd", content_length("1") + data(kStream, ""),
       malformed},
      {"S8_1_1_ContentLengthDoesNotCountPadding",
       content_length("1") + data(kStream, "\x02x\0\0"s, kPadded | kEndStream), nothing()},
      {"S8_1_1_ContentLengthOfZeroWithoutContentIsTaken", with({{"content-length", "0"}}),
       nothing()},
      {"S8_2_1_TabBeforeAValue", with({{"x", "\ta"}}), malformed},
      {"S8_2_1_SpaceBehindAValue", with({{"x", "a "}}), malformed},
      {"S8_2_1_NewlineInTheValueOfAKnownField", with({{"user-agent", "a\nb"}}), malformed},
      {"S8_2_1_NulInTheValueOfAKnownField", with({{"cookie", "a\0b"s}}), malformed},
      {"S8_2_1_UpperCaseInAKnownName", with({{"Cookie", "a=b"}}), malformed},
      {"S8_2_2_ConnectionEmpty", with({{"connection", ""}}), malformed},
      {"S8_2_2_TeEmpty", with({{"te", ""}}), malformed},
      {"S8_2_3_CookieInPiecesIsTaken", with({{"cookie", "a=b"}, {"cookie", "c=d"}}), nothing()},
      {"S8_3_NameOfNothingButAColon", with_block("\x00\x01:\x01x"s), malformed},
      {"S8_3_PseudoHeaderFieldEmptyName",
       only({{":", "x"}, {":method", "GET"}, {":scheme", "http"}, {":path", "/"}}), malformed},
      {"S8_3_AuthorityBehindAField",
       only({{":method", "GET"},
             {":scheme", "http"},
             {":path", "/"},
             {"x", "y"},
             {":authority", "a"}}),
       malformed},
      {"S8_3_NothingButFields", only({{"x", "y"}}), malformed},
      {"S8_3_1_SchemeEmpty",
       only({{":method", "GET"}, {":scheme", ""}, {":path", "/"}, {":authority", "a"}}), malformed},
      {"S8_3_1_SpaceInAScheme",
       only({{":method", "GET"}, {":scheme", "ht tp"}, {":path", "/"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_OtherSchemesAreTaken",
       only({{":method", "GET"}, {":scheme", "coap"}, {":path", "x"}, {":authority", "a"}}),
       nothing()},
      {"S8_3_1_UserinfoInAnAuthority",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "u@a"}}),
       malformed},
      {"S8_3_1_UserinfoInAHost",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "u@a"}}), malformed},
      {"S8_3_1_NewlineInAMethod",
       only({{":method", "GET\n"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_NulInAPath",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/\0"s}, {":authority", "a"}}),
       malformed},
      {"S8_3_1_NulInAnAuthority",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a\0"s}}),
       malformed},
      {"S8_3_1_AuthorityEmptyAndNoHost",
       only({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", ""}}),
       malformed},
      {"S8_3_1_PathEmptyWithOptions",
       only({{":method", "OPTIONS"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}}),
       malformed},
  };
}

class Rfc9113Messages : public testing::TestWithParam<Violation> {};
TEST_P(Rfc9113Messages, IsKeptByTheServerSide) { check_server(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Case, Rfc9113Messages, testing::ValuesIn(messages()), name_of);

// ---- every byte that must not be in a name or a value

TEST(Rfc9113Messages, S8_2_1_NoByteIsForgotten) {
  for (int c = 0; c < 256; ++c) {
    const std::string byte(1, static_cast<char>(c));
    const bool token =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
        (c != 0 && std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c)));
    SessionHarness name;
    name.greet();
    name.exchange(with({{"a" + byte + "b", "x"}}));
    EXPECT_EQ(outcome_of(name.peer), token ? nothing() : stream(wire::kProtocolError)) << c;
    SessionHarness value;
    value.greet();
    value.exchange(with({{"x", "a" + byte + "b"}}));
    // RFC 9110 §5.5 leaves out the other control characters too.
    const bool visible = c == '\t' || (c >= 0x20 && c != 0x7f);
    EXPECT_EQ(outcome_of(value.peer), visible ? nothing() : stream(wire::kProtocolError)) << c;
  }
}

}  // namespace
}  // namespace layotto::http::h2
