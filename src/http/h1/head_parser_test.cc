// HeadParser: what it accepts, what it refuses and why, however the bytes come in pieces.
#include "http/h1/head_parser.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace layotto::http::h1 {
namespace {

using namespace std::string_literals;

constexpr HeadLimits kLimits{.bytes_max = 4096, .fields_max = 20};

// Everything there is to say about what a parser made of some bytes.
struct Parsed {
  Fault fault = Fault::kNone;
  bool complete = false;
  size_t used = 0;
  std::string method, path, authority;
  Protocol protocol = Protocol::kHttp2;
  std::vector<std::pair<std::string, std::string>> fields;
  Framing::Kind kind = Framing::Kind::kNone;
  uint64_t length = 0;
  bool keep_alive = false;
  bool expects_continue = false;

  bool operator==(const Parsed&) const = default;
};

Parsed look_at(HeadParser& parser, size_t used) {
  Parsed seen{.fault = parser.fault(), .complete = parser.complete(), .used = used};
  if (!seen.complete) {
    seen.used = 0;  // where a fault is noticed does not matter
    return seen;
  }
  const Framing framing = parser.framing();
  seen.kind = framing.kind;
  seen.length = framing.length;
  seen.keep_alive = framing.keep_alive;
  seen.expects_continue = framing.expects_continue;
  const HeaderBlockRef block = parser.take_block();
  seen.method = block->line().method_text;
  seen.path = block->line().path;
  seen.authority = block->line().authority;
  seen.protocol = block->line().protocol;
  for (const HeaderField& field : block->fields()) {
    seen.fields.emplace_back(field.name, field.value);
  }
  return seen;
}

// In pieces that end at the given places.
Parsed parse_in_pieces(std::string_view bytes, std::vector<size_t> ends,
                       HeadLimits limits = kLimits) {
  HeadParser parser(limits);
  ends.push_back(bytes.size());
  size_t begin = 0;
  size_t used = 0;
  for (const size_t end : ends) {
    // In memory of its own: reading beyond the piece is seen.
    const std::string piece(bytes.substr(begin, end - begin));
    const size_t taken = parser.feed(piece);
    EXPECT_LE(taken, piece.size());
    used += taken;
    begin = end;
    if (parser.complete() || parser.fault() != Fault::kNone) break;
    EXPECT_EQ(taken, piece.size());
  }
  return look_at(parser, used);
}

Parsed parse(std::string_view bytes, HeadLimits limits = kLimits) {
  return parse_in_pieces(bytes, {}, limits);
}

Fault fault_of(std::string_view bytes, HeadLimits limits = kLimits) {
  return parse(bytes, limits).fault;
}

std::string with_fields(std::string_view fields, std::string_view method = "POST") {
  return std::string(method) + " / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

// ---- accepted

TEST(H1Head, ReadsARequest) {
  const std::string head = "GET /path?q=1 HTTP/1.1\r\nHost: example.com:80\r\nAccept:*/*\r\n\r\n";
  const Parsed seen = parse(head + "x");
  EXPECT_TRUE(seen.complete);
  EXPECT_EQ(seen.used, head.size());
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.path, "/path?q=1");
  EXPECT_EQ(seen.authority, "example.com:80");
  EXPECT_EQ(seen.protocol, Protocol::kHttp11);
  EXPECT_EQ(seen.fields, (std::vector<std::pair<std::string, std::string>>{
                             {"host", "example.com:80"}, {"accept", "*/*"}}));
  EXPECT_EQ(seen.kind, Framing::Kind::kNone);
  EXPECT_TRUE(seen.keep_alive);
}

TEST(H1Head, LowersNamesAndTrimsValues) {
  const Parsed seen = parse(with_fields("X-MiXed: \t A b\t C \t\r\nEmpty:\r\nAlso-Empty:  \r\n"));
  ASSERT_TRUE(seen.complete);
  EXPECT_EQ(seen.fields[1], (std::pair<std::string, std::string>("x-mixed", "A b\t C")));
  EXPECT_EQ(seen.fields[2], (std::pair<std::string, std::string>("empty", "")));
  EXPECT_EQ(seen.fields[3], (std::pair<std::string, std::string>("also-empty", "")));
}

TEST(H1Head, KeepsDuplicatesInOrder) {
  const Parsed seen = parse(with_fields("A: 1\r\nB: 2\r\nA: 3\r\n"));
  ASSERT_EQ(seen.fields.size(), 4);
  EXPECT_EQ(seen.fields[1].second, "1");
  EXPECT_EQ(seen.fields[3].second, "3");
}

TEST(H1Head, ReadsEveryFormOfTarget) {
  struct Case {
    std::string line, path, authority;
  };
  const Case cases[] = {
      {"GET /a//b/../c;d=e?f=/?&g HTTP/1.1", "/a//b/../c;d=e?f=/?&g", "host"},
      {"GET http://other:81/x?y HTTP/1.1", "/x?y", "other:81"},
      {"GET HTTPS://[::1]:81 HTTP/1.1", "/", "[::1]:81"},
      {"GET http://other?y HTTP/1.1", "/?y", "other"},
      {"OPTIONS * HTTP/1.1", "*", "host"},
      {"OPTIONS http://other HTTP/1.1", "*", "other"},
      {"CONNECT other:443 HTTP/1.1", "", "other:443"},
  };
  for (const Case& c : cases) {
    const Parsed seen = parse(c.line + "\r\nHost: host\r\n\r\n");
    EXPECT_TRUE(seen.complete) << c.line;
    EXPECT_EQ(seen.path, c.path) << c.line;
    EXPECT_EQ(seen.authority, c.authority) << c.line;
  }
}

TEST(H1Head, TheTargetsAuthorityReplacesHost) {
  const Parsed seen = parse("GET http://target/ HTTP/1.1\r\nHost: field\r\n\r\n");
  ASSERT_EQ(seen.fields.size(), 1);
  EXPECT_EQ(seen.fields[0].second, "target");
}

TEST(H1Head, SkipsEmptyLinesBefore) {
  HeadParser parser(kLimits);
  EXPECT_EQ(parser.feed("\r\n\r"), 3);
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.feed("\nG"), 2);
  EXPECT_TRUE(parser.started());
  parser.feed("ET / HTTP/1.1\r\nHost:\r\n\r\n");
  EXPECT_TRUE(parser.complete());
}

TEST(H1Head, KnowsWhetherTheConnectionGoesOn) {
  struct Case {
    std::string version, fields;
    bool keep_alive;
  };
  const Case cases[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: Upgrade, CLOSE\r\n", false},
      {"1.1", "Connection: x\r\nConnection: close\r\n", false},
      {"1.1", "Connection: closed\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: Keep-Alive\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
  };
  for (const Case& c : cases) {
    const Parsed seen = parse("GET / HTTP/" + c.version + "\r\nHost: a\r\n" + c.fields + "\r\n");
    EXPECT_TRUE(seen.complete) << c.fields;
    EXPECT_EQ(seen.keep_alive, c.keep_alive) << c.version << c.fields;
  }
}

TEST(H1Head, KnowsHowTheBodyIsFramed) {
  EXPECT_EQ(parse(with_fields("Content-Length: 0\r\n")).kind, Framing::Kind::kNone);
  const Parsed length = parse(with_fields("Content-Length: 0042\r\nContent-Length: 42\r\n"));
  EXPECT_EQ(length.kind, Framing::Kind::kLength);
  EXPECT_EQ(length.length, 42);
  EXPECT_EQ(parse(with_fields("Transfer-Encoding: Chunked\r\n")).kind, Framing::Kind::kChunked);
  EXPECT_EQ(parse(with_fields("Transfer-Encoding: , chunked,\r\n")).kind, Framing::Kind::kChunked);
}

TEST(H1Head, ExpectsContinueOnlyWithABody) {
  EXPECT_TRUE(parse(with_fields("Expect: 100-Continue\r\nContent-Length: 1\r\n")).expects_continue);
  EXPECT_FALSE(parse(with_fields("Expect: 100-continue\r\n")).expects_continue);
  const Parsed old = parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_TRUE(old.complete);
  EXPECT_FALSE(old.expects_continue);
}

// ---- refused

TEST(H1Head, RefusesWhatIsMalformed) {
  struct Case {
    std::string head;
    Fault fault;
  };
  const std::string host = "Host: a\r\n\r\n";
  const Case cases[] = {
      // Request lines.
      {"GET / HTTP/1.1\n" + host, Fault::kBareLf},
      {"GET / HTTP/1.1\r" + host, Fault::kBareCr},
      {"GET / HTTP/1.1\r\r\n" + host, Fault::kBareCr},
      {"GET /\0 HTTP/1.1\r\n"s + host, Fault::kControlCharacter},
      {"\x16\x03\x01\x02", Fault::kControlCharacter},
      {"\n", Fault::kBareLf},
      {"GET\r\n", Fault::kRequestLine},
      {"GET /\r\n", Fault::kRequestLine},
      {"GET  HTTP/1.1\r\n", Fault::kRequestLine},
      {"GET  / HTTP/1.1\r\n", Fault::kRequestLine},
      {"GET /  HTTP/1.1\r\n", Fault::kRequestLine},
      {"GET / a HTTP/1.1\r\n", Fault::kRequestLine},
      {"GET / HTTP/1.1 \r\n", Fault::kRequestLine},
      {" GET / HTTP/1.1\r\n", Fault::kRequestLine},
      {"GET\t/ HTTP/1.1\r\n", Fault::kRequestLine},
      {"GE(T / HTTP/1.1\r\n", Fault::kMethod},
      {"GET:/ / HTTP/1.1\r\n", Fault::kMethod},
      {"G\xc3\x89T / HTTP/1.1\r\n", Fault::kMethod},
      {"GET / HTTP/1\r\n", Fault::kVersion},
      {"GET / http/1.1\r\n", Fault::kVersion},
      {"GET / HTTP/1.11\r\n", Fault::kVersion},
      {"GET / HTTP/+1.1\r\n", Fault::kVersion},
      {"GET / HTTP/a.b\r\n", Fault::kVersion},
      {"GET / ICY/1.1\r\n", Fault::kVersion},
      {"GET / HTTP/1.2\r\n", Fault::kVersionNotSupported},
      {"GET / HTTP/0.9\r\n", Fault::kVersionNotSupported},
      {"GET / HTTP/2.0\r\n", Fault::kVersionNotSupported},
      {"GET path HTTP/1.1\r\n", Fault::kTarget},
      {"GET * HTTP/1.1\r\n", Fault::kTarget},
      {"GET /a#b HTTP/1.1\r\n", Fault::kTarget},
      {"GET /\xc3\xa9 HTTP/1.1\r\n", Fault::kTarget},
      {"GET /a\tb HTTP/1.1\r\n", Fault::kTarget},
      {"GET ftp://a/ HTTP/1.1\r\n", Fault::kTarget},
      {"GET http:/// HTTP/1.1\r\n", Fault::kTarget},
      {"GET http://u@a/ HTTP/1.1\r\n", Fault::kTarget},
      {"GET host:80 HTTP/1.1\r\n", Fault::kTarget},
      {"CONNECT / HTTP/1.1\r\n", Fault::kTarget},
      {"CONNECT host HTTP/1.1\r\n", Fault::kTarget},
      {"CONNECT http://a:1/ HTTP/1.1\r\n", Fault::kTarget},
      // Fields.
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", Fault::kFolded},
      {with_fields("A: 1\r\n 2\r\n"), Fault::kFolded},
      {with_fields("A: 1\r\n\t2\r\n"), Fault::kFolded},
      {with_fields("A 1\r\n"), Fault::kFieldWithoutColon},
      {with_fields("A : 1\r\n"), Fault::kFieldName},
      {with_fields("A\t: 1\r\n"), Fault::kFieldName},
      {with_fields(": 1\r\n"), Fault::kFieldName},
      {with_fields("A(): 1\r\n"), Fault::kFieldName},
      {with_fields("\xc3\xa9: 1\r\n"), Fault::kFieldName},
      {with_fields("A: 1\n"), Fault::kBareLf},
      {with_fields("A: 1\rB: 2\r\n"), Fault::kBareCr},
      {with_fields("A: 1\r\r\n"), Fault::kBareCr},
      {with_fields("A: \0\r\n"s), Fault::kControlCharacter},
      {with_fields("A: \x01\r\n"), Fault::kControlCharacter},
      {with_fields("A: \x7f\r\n"), Fault::kControlCharacter},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", Fault::kBareLf},
      // Host.
      {"GET / HTTP/1.1\r\n\r\n", Fault::kNoHost},
      {"GET http://a/ HTTP/1.1\r\n\r\n", Fault::kNoHost},
      {with_fields("Host: a\r\n"), Fault::kSeveralHosts},
      {with_fields("hOST: b\r\n"), Fault::kSeveralHosts},
      {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Fault::kHost},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Fault::kHost},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Fault::kHost},
      {"GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", Fault::kHost},
      // Framing.
      {with_fields("Content-Length:\r\n"), Fault::kContentLength},
      {with_fields("Content-Length: +1\r\n"), Fault::kContentLength},
      {with_fields("Content-Length: -1\r\n"), Fault::kContentLength},
      {with_fields("Content-Length: 0x1\r\n"), Fault::kContentLength},
      {with_fields("Content-Length: 1 1\r\n"), Fault::kContentLength},
      {with_fields("Content-Length: 1, 1\r\n"), Fault::kContentLength},
      {with_fields("Content-Length: 1\r\nContent-Length: 2\r\n"), Fault::kContentLengthsDiffer},
      {with_fields("Content-Length: 0\r\nContent-Length: 2\r\n"), Fault::kContentLengthsDiffer},
      {with_fields("Content-Length: 18446744073709551617\r\n"), Fault::kContentTooLarge},
      {with_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
       Fault::kLengthAndEncoding},
      {with_fields("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
       Fault::kLengthAndEncoding},
      {with_fields("Transfer-Encoding:\r\n"), Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: identity\r\n"), Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: xchunked\r\n"), Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: chunked;q=1\r\n"), Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: chunked, gzip\r\n"), Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: chunked, chunked\r\n"), Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
       Fault::kEncodingNotChunked},
      {with_fields("Transfer-Encoding: gzip, chunked\r\n"), Fault::kEncodingNotSupported},
      {with_fields("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
       Fault::kEncodingNotSupported},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::kEncodingInHttp10},
      {with_fields("Expect: 200-ok\r\nContent-Length: 1\r\n"), Fault::kExpectation},
  };
  for (const Case& c : cases) {
    const Parsed whole = parse(c.head);
    EXPECT_FALSE(whole.complete) << c.head;
    EXPECT_EQ(fault_text(whole.fault), fault_text(c.fault)) << c.head;
    for (size_t at = 0; at < c.head.size(); ++at) {
      EXPECT_EQ(parse_in_pieces(c.head, {at}), whole) << c.head << " cut at " << at;
    }
  }
}

TEST(H1Head, IsTheSameInAnyTwoPieces) {
  const std::string heads[] = {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\nGET http://a:1/b?c HTTP/1.1\r\nHOST: x\r\nConnection: close\r\nEmpty:\r\n\r\nbody",
      with_fields("Content-Length: 5\r\nExpect: 100-continue\r\nX: \t y \r\n") + "hello",
      with_fields("Transfer-Encoding: chunked\r\nTrailer: x\r\n") + "0\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
  };
  for (const std::string& head : heads) {
    const Parsed whole = parse(head);
    EXPECT_TRUE(whole.complete) << head;
    for (size_t first = 0; first <= head.size(); ++first) {
      for (size_t second = first; second <= head.size(); ++second) {
        ASSERT_EQ(parse_in_pieces(head, {first, second}), whole) << first << " " << second;
      }
    }
  }
}

// ---- limits

TEST(H1Head, RefusesALineOrFieldsThatAreTooLarge) {
  const HeadLimits small{.bytes_max = 200, .fields_max = 3};
  const std::string long_path = "/" + std::string(300, 'x');
  EXPECT_EQ(fault_of("GET " + long_path + " HTTP/1.1\r\n", small), Fault::kRequestLineTooLong);
  EXPECT_EQ(fault_of(std::string(201, '\r').replace(0, 200, std::string(200, 'G')), small),
            Fault::kRequestLineTooLong);
  EXPECT_EQ(fault_of(with_fields("A: " + std::string(200, 'x') + "\r\n"), small),
            Fault::kFieldsTooLarge);
  // Small on the wire, larger as HTTP/2 counts.
  EXPECT_EQ(fault_of(with_fields("A: " + std::string(120, 'x') + "\r\nB: 12345\r\n"), small),
            Fault::kFieldsTooLarge);
  EXPECT_EQ(fault_of(with_fields("A:\r\nB:\r\n"), small), Fault::kNone);
  EXPECT_EQ(fault_of(with_fields("A:\r\nB:\r\nC:\r\n"), small), Fault::kFieldsTooLarge);
  std::string empty_lines;
  for (int i = 0; i < 101; ++i) empty_lines += "\r\n";
  EXPECT_EQ(fault_of(empty_lines, small), Fault::kRequestLineTooLong);
}

TEST(H1Head, CountsTheBytesOfTheWholeHead) {
  const std::string head = with_fields("A: 1\r\n");
  const size_t fields = 5 + 32 + 2 + 32;
  ASSERT_LT(head.size(), fields);
  const std::string padded = with_fields("A: " + std::string(60, ' ') + "1\r\n");
  const size_t size = padded.size();
  EXPECT_TRUE(parse(padded, {.bytes_max = size, .fields_max = 9}).complete);
  EXPECT_EQ(fault_of(padded, {.bytes_max = size - 1, .fields_max = 9}), Fault::kFieldsTooLarge);
  for (size_t at = 0; at < size; ++at) {
    EXPECT_EQ(parse_in_pieces(padded, {at}, {.bytes_max = size - 1, .fields_max = 9}).fault,
              Fault::kFieldsTooLarge);
  }
}

TEST(H1Head, BeginsAnewAfterEachHead) {
  HeadParser parser(kLimits);
  parser.feed(with_fields("Content-Length: 3\r\nConnection: close\r\n"));
  ASSERT_TRUE(parser.complete());
  parser.begin();
  EXPECT_FALSE(parser.started());
  parser.feed("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
  const Parsed seen = look_at(parser, 0);
  EXPECT_TRUE(seen.complete);
  EXPECT_TRUE(seen.keep_alive);
  EXPECT_EQ(seen.kind, Framing::Kind::kNone);
  EXPECT_EQ(seen.authority, "b");
}

}  // namespace
}  // namespace layotto::http::h1
