// Session: what goes in and what comes out when everybody keeps to the rules. The rules themselves:
// rfc9113_*_test.cc; floods: attack_test.cc.
#include "http/h2/session.h"

#include <gtest/gtest.h>

#include "tests/support/h2_session_harness.h"

namespace layotto::http::h2 {
namespace {

using tests::H2Frame;
using tests::SessionHarness;
namespace wire = tests::h2;

constexpr uint32_t kDefaultWindow = 65535;

// ---- server: requests

TEST(Session, TellsItsSettingsFirst) {
  ServerLimits limits;
  limits.concurrent_streams_max = 77;
  limits.stream_window_bytes = 111'111;
  limits.header_bytes_max = 22'222;
  limits.header_table_bytes = 333;
  limits.connection_window_bytes = 1'000'000;
  SessionHarness h(Side::kServer, limits);
  h.flush();
  ASSERT_FALSE(h.peer.frames().empty());
  EXPECT_EQ(h.peer.frames()[0].type, wire::kSettings);
  EXPECT_EQ(h.peer.setting(wire::kMaxConcurrentStreams), 77);
  EXPECT_EQ(h.peer.setting(wire::kInitialWindowSize), 111'111);
  EXPECT_EQ(h.peer.setting(wire::kMaxHeaderListSize), 22'222);
  EXPECT_EQ(h.peer.setting(wire::kHeaderTableSize), 333);
  EXPECT_EQ(h.peer.setting(wire::kMaxFrameSize), 16'384);
  EXPECT_EQ(h.peer.window_updates(0), 1'000'000 - kDefaultWindow);
}

TEST(Session, AcknowledgesTheSettingsOfThePeer) {
  SessionHarness h;
  EXPECT_FALSE(h.session.settings_received());
  EXPECT_EQ(h.exchange(wire::kPreface + wire::settings()), "settings");
  EXPECT_TRUE(h.session.settings_received());
  EXPECT_EQ(h.peer.last(wire::kSettings).flags, wire::kAck);
}

TEST(Session, GivesARequestWithAllItsFieldsInOrder) {
  SessionHarness h;
  h.greet();
  auto fields = wire::get("/a?b=c");
  fields.insert(fields.end(), {{"x-one", "1"}, {"cookie", "a=b"}, {"x-one", "2"}, {"empty", ""}});
  EXPECT_EQ(h.exchange(wire::request(1, fields)), "head 1 GET /a?b=c end");
  const HeaderBlock& block = *h.heads[1].get();
  EXPECT_EQ(block.line().method, Method::kGet);
  EXPECT_EQ(block.line().scheme, "http");
  EXPECT_EQ(block.line().authority, "test.example");
  EXPECT_EQ(block.line().protocol, Protocol::kHttp2);
  ASSERT_EQ(block.fields().size(), 4);
  EXPECT_EQ(block.fields()[0].name, "x-one");
  EXPECT_EQ(block.fields()[1].id, HeaderId::kCookie);
  EXPECT_EQ(block.fields()[2].value, "2");
  EXPECT_EQ(block.fields()[3].value, "");
}

TEST(Session, TakesTheHostFieldWhenThereIsNoAuthority) {
  SessionHarness h;
  h.greet();
  wire::Fields fields = wire::get("/");
  fields.pop_back();
  fields.emplace_back("host", "by-host.example");
  h.exchange(wire::request(1, fields));
  EXPECT_EQ(h.heads[1]->line().authority, "by-host.example");
}

TEST(Session, GivesTheSameWhereverTheBytesAreCut) {
  const std::string bytes = wire::kPreface + wire::settings() + wire::settings_ack() +
                            wire::request(1, wire::post("/x"), wire::kEndHeaders) +
                            wire::data(1, "hello", wire::kNoFlags) +
                            wire::headers(1, wire::hpack({{"a", "b"}})) + wire::ping();
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    SessionHarness h;
    h.feed(std::string_view(bytes).substr(0, cut));
    h.feed(std::string_view(bytes).substr(cut));
    h.flush();
    EXPECT_EQ(h.received[1], 5) << cut;
    EXPECT_TRUE(h.heads[1]) << cut;
    EXPECT_TRUE(h.trailers[1]) << cut;
    EXPECT_EQ(h.peer.last(wire::kPing).flags, wire::kAck) << cut;
  }
}

TEST(Session, TakesBytesOneByOne) {
  SessionHarness h;
  const std::string big(300, 'v');
  const std::string block = wire::hpack(wire::post("/x")) + wire::hpack({{"big", big}});
  std::string bytes =
      wire::kPreface + wire::settings() + wire::headers(1, block.substr(0, 100), wire::kNoFlags);
  for (size_t at = 100; at < block.size(); at += 20) {
    const bool last = at + 20 >= block.size();
    bytes += wire::continuation(1, block.substr(at, 20), last ? wire::kEndHeaders : wire::kNoFlags);
  }
  bytes += wire::data(1, "end");
  for (const char c : bytes) h.feed({&c, 1});
  EXPECT_EQ(h.said(), "settings | head 1 POST /x | data 1 'e' | data 1 'n' | data 1 'd' end");
  EXPECT_EQ(h.heads[1]->fields().back().value, big);
}

TEST(Session, GivesDataAndTrailers) {
  SessionHarness h;
  h.greet();
  EXPECT_EQ(h.exchange(wire::request(1, wire::post("/p"), wire::kEndHeaders) +
                       wire::data(1, "one", wire::kNoFlags) + wire::data(1, "", wire::kNoFlags) +
                       wire::data(1, "two", wire::kNoFlags) +
                       wire::headers(1, wire::hpack({{"checksum", "9"}}))),
            "head 1 POST /p | data 1 'one' | data 1 'two' | trailers 1");
  EXPECT_EQ(h.trailers[1]->fields()[0].name, "checksum");
}

TEST(Session, LeavesPaddingOutOfTheData) {
  SessionHarness h;
  h.greet();
  const std::string padded = std::string(1, 5) + "body" + std::string(5, '\0');
  EXPECT_EQ(h.exchange(wire::request(1, wire::post("/p"), wire::kEndHeaders) +
                       wire::data(1, padded, wire::kPadded | wire::kEndStream)),
            "head 1 POST /p | data 1 'body' end");
}

TEST(Session, AnEmptyLastDataFrameEndsTheRequest) {
  SessionHarness h;
  h.greet();
  EXPECT_EQ(h.exchange(wire::request(1, wire::post("/p"), wire::kEndHeaders) +
                       wire::data(1, "x", wire::kNoFlags)),
            "head 1 POST /p | data 1 'x'");
  EXPECT_EQ(h.exchange(wire::data(1, "")), "data 1 '' end");
}

// ---- server: responses

TEST(Session, SendsAResponseWithoutBody) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 204, true, {{"x-a", "b"}});
  h.flush();
  EXPECT_EQ(h.said(), "head 1 GET / end | closed 1 NO_ERROR");
  EXPECT_EQ(h.peer.answer(1).status, "204");
  EXPECT_EQ(h.peer.answer(1).header("x-a"), "b");
  EXPECT_TRUE(h.peer.answer(1).ended);
  EXPECT_EQ(h.peer.frames().size(), 1);
  EXPECT_EQ(h.session.open_streams(), 0);
}

TEST(Session, SendsDataAndTrailersWithoutAnEmptyDataFrame) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  HeaderMap trailers;
  trailers.add("grpc-status", "0", h.arena);
  h.respond(1, 200, false);
  h.send(1, "payload", false);
  h.session.submit_trailers(1, trailers);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).body, "payload");
  EXPECT_EQ(h.peer.answer(1).trailer("grpc-status"), "0");
  EXPECT_TRUE(h.peer.answer(1).ended);
  EXPECT_EQ(h.peer.count(wire::kData), 1);
  EXPECT_EQ(h.session.open_streams(), 0);
}

TEST(Session, SendsTrailersAloneAfterTheHead) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  HeaderMap trailers;
  trailers.add("grpc-status", "5", h.arena);
  h.respond(1, 200, false);
  h.flush();
  h.session.submit_trailers(1, trailers);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).trailer("grpc-status"), "5");
  EXPECT_EQ(h.peer.count(wire::kData), 0);
  EXPECT_EQ(h.session.open_streams(), 0);
}

TEST(Session, SendsInterimHeadsBeforeTheFinalOneOnly) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::post("/"), wire::kEndHeaders));
  h.session.submit_interim(1, ResponseHead(100));
  h.session.submit_interim(1, ResponseHead(103));
  h.session.submit_interim(1, ResponseHead(101));  // not in HTTP/2
  h.session.submit_interim(1, ResponseHead(200));  // not interim
  h.respond(1, 200, false);
  h.session.submit_interim(1, ResponseHead(103));
  h.flush();
  EXPECT_EQ(h.peer.answer(1).interim, (wire::Fields{{":status", "100"}, {":status", "103"}}));
  EXPECT_EQ(h.peer.answer(1).status, "200");
  EXPECT_EQ(h.peer.count(wire::kHeaders), 3);
}

TEST(Session, TheFirstResponseCounts) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 200, false);
  h.respond(1, 500, true);
  h.send(1, "x", true);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).status, "200");
  EXPECT_EQ(h.peer.answer(1).body, "x");
}

TEST(Session, LeavesOutFieldsThatHttp2DoesNotAllow) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 200, true,
            {{"connection", "close"},
             {"transfer-encoding", "chunked"},
             {"keep-alive", "1"},
             {"upgrade", "h2c"},
             {"proxy-connection", "close"},
             {"good", "a b\tc"},
             {"Upper", "x"},
             {"sp ace", "x"},
             {"", "x"},
             {":status", "500"},
             {"newline", "a\r\nset-cookie: b"},
             {"nul", std::string("a\0b", 3)},
             {"long-newline", "0123456789abcdef\n0123456789abcdef"},
             {"delete", "12345678\x7f"},
             {"space-before", " x"},
             {"space-behind", "x "},
             {"tab-behind", "x\t"},
             {"high", "caf\xc3\xa9 12345678"},
             {"long-space", "1234567 9 123456 "},
             {"space-at-eight", "12345678 abc"}});
  h.flush();
  EXPECT_EQ(h.peer.answer(1).status, "200");
  EXPECT_EQ(h.peer.answer(1).headers, (wire::Fields{{"good", "a b\tc"},
                                                    {"high", "caf\xc3\xa9 12345678"},
                                                    {"space-at-eight", "12345678 abc"}}));
  EXPECT_EQ(h.session.fields_dropped(), 12);
}

TEST(Session, AnEarlyAnswerAsksTheClientToStopSending) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::post("/"), wire::kEndHeaders) +
         wire::data(1, "part", wire::kNoFlags));
  h.respond(1, 413, true);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).status, "413");
  EXPECT_TRUE(h.peer.answer(1).ended);
  EXPECT_EQ(h.peer.reset(1), wire::kNoError);
  EXPECT_EQ(h.said(), "head 1 POST / | data 1 'part' | closed 1 NO_ERROR");
  // What is still on the way is dropped without harm.
  EXPECT_EQ(h.exchange(wire::data(1, "rest") + wire::request(3, wire::get("/n"))),
            "head 3 GET /n end");
}

TEST(Session, IgnoresWhatIsSubmittedForAClosedStream) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::post("/"), wire::kEndHeaders) + wire::rst_stream(1));
  EXPECT_EQ(h.said(), "head 1 POST / | closed 1 CANCEL by peer");
  h.respond(1, 200, false);
  h.send(1, "x", true);
  h.session.submit_interim(1, ResponseHead(100));
  h.session.submit_trailers(1, HeaderMap());
  h.session.reset(1, ErrorCode::kCancel);
  h.session.consumed(1, 0);
  h.flush();
  EXPECT_EQ(h.session.queued(1), 0);
  EXPECT_EQ(h.peer.frames().size(), 0);
}

// ---- flow control

TEST(Session, WindowsOpenOnlyWhenDataAreConsumed) {
  ServerLimits limits;
  limits.stream_window_bytes = limits.stream_window_bytes_max = 100'000;
  limits.connection_window_bytes = 200'000;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  h.consume = false;
  h.feed(wire::request(1, wire::post("/"), wire::kEndHeaders));
  for (int i = 0; i < 10; ++i) h.feed(wire::data(1, std::string(10'000, 'x'), wire::kNoFlags));
  h.flush();
  EXPECT_EQ(h.received[1], 100'000);
  EXPECT_FALSE(h.peer.got(wire::kWindowUpdate));
  h.session.consumed(1, 100'000);
  h.flush();
  EXPECT_EQ(h.peer.window_updates(1), 100'000);
  EXPECT_EQ(h.peer.window_updates(0), 100'000);
}

TEST(Session, GivesTheConnectionsWindowBackForAClosedStream) {
  SessionHarness h;
  h.greet();
  h.consume = false;
  uint32_t stream = 1;
  // Twice the connection's window, by streams that are reset with their data unread.
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 16; ++i, stream += 2) {
      h.feed(wire::request(stream, wire::post("/"), wire::kEndHeaders));
      for (int j = 0; j < 16; ++j) {
        h.feed(wire::data(stream, std::string(16'384, 'x'), wire::kNoFlags));
      }
      h.feed(wire::rst_stream(stream));
      h.session.consumed(stream, h.received[stream]);
      h.flush();
    }
  }
  EXPECT_FALSE(h.peer.goaway().has_value());
  EXPECT_GE(h.peer.window_updates(0), 6U * 1024 * 1024);
}

TEST(Session, DataOnClosedStreamsCostThePeerNoWindow) {
  SessionHarness h;
  h.greet();
  h.exchange(wire::request(1, wire::post("/"), wire::kEndHeaders));
  h.session.reset(1, ErrorCode::kCancel);
  h.flush();
  for (int i = 0; i < 1000; ++i) {
    h.feed(wire::data(1, std::string(16'384, 'x'), wire::kNoFlags));
    h.flush();
  }
  EXPECT_FALSE(h.peer.goaway().has_value());
  EXPECT_EQ(h.received[1], 0);
}

TEST(Session, SendsNoMoreThanTheStreamsWindow) {
  SessionHarness h;
  h.greet({{wire::kInitialWindowSize, 1000}});
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 200, false);
  h.send(1, std::string(2500, 'x'), true);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).body.size(), 1000);
  EXPECT_EQ(h.session.queued(1), 1500);
  h.exchange(wire::window_update(1, 1));
  EXPECT_EQ(h.peer.answer(1).body.size(), 1001);
  h.exchange(wire::window_update(1, 5000));
  EXPECT_EQ(h.peer.answer(1).body.size(), 2500);
  EXPECT_TRUE(h.peer.answer(1).ended);
}

TEST(Session, SendsNoMoreThanTheConnectionsWindow) {
  SessionHarness h;
  h.greet({{wire::kInitialWindowSize, 1'000'000}});
  for (const uint32_t stream : {1U, 3U}) {
    h.feed(wire::request(stream, wire::get("/")));
    h.respond(stream, 200, false);
    h.send(stream, std::string(50'000, 'x'), true);
  }
  h.flush();
  EXPECT_EQ(h.peer.answer(1).body.size() + h.peer.answer(3).body.size(), kDefaultWindow);
  h.exchange(wire::window_update(0, 100'000));
  EXPECT_EQ(h.peer.answer(1).body.size() + h.peer.answer(3).body.size(), 100'000);
}

TEST(Session, AWindowMayBecomeNegative) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 200, false);
  h.send(1, std::string(100'000, 'x'), true);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).body.size(), kDefaultWindow);
  h.exchange(wire::settings({{wire::kInitialWindowSize, 0}}) + wire::window_update(0, 1 << 20));
  h.exchange(wire::window_update(1, kDefaultWindow));  // now it is 0
  EXPECT_EQ(h.peer.answer(1).body.size(), kDefaultWindow);
  h.exchange(wire::window_update(1, 10));
  EXPECT_EQ(h.peer.answer(1).body.size(), kDefaultWindow + 10);
  h.exchange(wire::settings({{wire::kInitialWindowSize, 100'000}}));
  EXPECT_EQ(h.peer.answer(1).body.size(), 100'000);
  EXPECT_TRUE(h.peer.answer(1).ended);
}

TEST(Session, KeepsToThePeersFrameSize) {
  SessionHarness h;
  h.greet({{wire::kMaxFrameSize, 20'000}, {wire::kInitialWindowSize, 1 << 20}});
  h.exchange(wire::window_update(0, 1 << 20));
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 200, false);
  h.send(1, std::string(100'000, 'x'), true);
  h.flush();
  for (const H2Frame& frame : h.peer.frames()) EXPECT_LE(frame.payload.size(), 20'000);
  EXPECT_EQ(h.peer.answer(1).body.size(), 100'000);
}

TEST(Session, SaysWhenLittleIsLeftToSend) {
  SessionHarness h;
  h.greet({{wire::kInitialWindowSize, 10'000}});
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 200, false);
  h.send(1, std::string(80'000, 'x'), false);
  h.flush();
  EXPECT_EQ(h.said(), "head 1 GET / end");
  EXPECT_EQ(h.exchange(wire::window_update(1, 40'000)), "room 1");
  EXPECT_EQ(h.session.queued(1), 30'000);
  EXPECT_EQ(h.exchange(wire::window_update(1, 15'000)), "");
}

TEST(Session, WritesNoMoreThanAskedFor) {
  SessionHarness h;
  h.greet({{wire::kInitialWindowSize, 1 << 24}});
  h.feed(wire::window_update(0, 1 << 24) + wire::request(1, wire::get("/")));
  h.respond(1, 200, false);
  h.send(1, std::string(1 << 20, 'x'), true);
  ByteChain out;
  h.session.write_to(out, 100'000);
  EXPECT_GE(out.size(), 100'000);
  EXPECT_LE(out.size(), 100'000 + 16'384 + 18);
  EXPECT_TRUE(h.session.wants_write());
  const size_t full = out.size();
  h.session.write_to(out, 100'000);
  EXPECT_EQ(out.size(), full);
  h.session.write_to(out, 1 << 24);
  h.peer.receive(out.take_all().view());
  EXPECT_EQ(h.peer.answer(1).body.size(), 1 << 20);
  EXPECT_FALSE(h.session.wants_write());
}

TEST(Session, SendsPiecesInTheOrderOfSubmission) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  std::string all;
  h.send(1, "before the head|", false);
  all += "before the head|";
  h.respond(1, 200, false);
  for (int i = 0; i < 50; ++i) {
    const std::string piece =
        fmt::format("<{}:{}>", i, std::string(static_cast<size_t>(i * 61), 'y'));
    all += piece;
    h.send(1, piece, i == 49);
    if (i % 7 == 0) h.flush();
  }
  h.exchange(wire::window_update(1, 1 << 20) + wire::window_update(0, 1 << 20));
  EXPECT_EQ(h.peer.answer(1).body, all);
  EXPECT_TRUE(h.peer.answer(1).ended);
}

// ---- settings

TEST(Session, ASmallerHeaderTableIsKeptTo) {
  SessionHarness h;
  h.greet({{wire::kHeaderTableSize, 0}});
  for (uint32_t stream = 1; stream < 9; stream += 2) {
    h.feed(wire::request(stream, wire::get("/")));
    h.respond(stream, 200, true, {{"x-same", "value"}});
    h.flush();
    EXPECT_EQ(h.peer.answer(stream).header("x-same"), "value");
  }
  // A table of size 0 cannot hold anything: every block says it anew.
  const auto& frames = h.peer.frames();
  EXPECT_GE(frames.back().payload.size(), frames.front().payload.size() - 2);
  h.exchange(wire::settings({{wire::kHeaderTableSize, 4096}}));
  for (uint32_t stream = 9; stream < 15; stream += 2) {
    h.feed(wire::request(stream, wire::get("/")));
    h.respond(stream, 200, true, {{"x-same", "value"}});
    h.flush();
    EXPECT_EQ(h.peer.answer(stream).header("x-same"), "value");
  }
  EXPECT_LT(h.peer.last(wire::kHeaders).payload.size(), frames.front().payload.size() / 2);
}

TEST(Session, SettingsApplyInTheOrderOfTheFrame) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::get("/")));
  h.respond(1, 200, false);
  h.feed(wire::settings({{wire::kInitialWindowSize, 0}, {wire::kInitialWindowSize, 7}}));
  h.send(1, "0123456789", true);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).body, "0123456");
}

TEST(Session, IgnoresUnknownSettingsAndFrames) {
  SessionHarness h;
  h.greet();
  EXPECT_EQ(h.exchange(wire::settings({{0x99, 5}}) + wire::frame(0xfe, 0xff, 0, "whatever") +
                       wire::frame(0x0a, 0, 1, "altsvc") + wire::frame(0x10, 0, 0, "prio") +
                       wire::request(1, wire::get("/"))),
            "settings | head 1 GET / end");
}

// ---- limits

TEST(Session, MarksAHeadThatIsTooLarge) {
  ServerLimits limits;
  limits.header_bytes_max = 1000;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  wire::Fields fields = wire::get("/");
  for (int i = 0; i < 10; ++i) fields.emplace_back("x", std::string(100, 'v'));
  EXPECT_EQ(h.exchange(wire::request(1, fields) + wire::request(3, wire::get("/ok"))),
            "head 1 GET / too large end | head 3 GET /ok end");
  EXPECT_LE(h.heads[1]->list_bytes(), 1000);
}

TEST(Session, CountsPseudoHeaderFieldsIntoTheLimit) {
  ServerLimits limits;
  limits.header_bytes_max = 1000;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  EXPECT_EQ(h.exchange(wire::request(1, wire::get("/" + std::string(700, 'p')))).substr(0, 8),
            "head 1 G");
  wire::Fields fields = wire::get("/" + std::string(700, 'p'));
  fields.emplace_back("x", std::string(200, 'v'));
  const std::string said = h.exchange(wire::request(3, fields));
  EXPECT_TRUE(said.ends_with("too large end")) << said;
}

TEST(Session, MarksAHeadWithTooManyFields) {
  ServerLimits limits;
  limits.header_fields_max = 5;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  wire::Fields fields = wire::get("/");
  for (int i = 0; i < 5; ++i) fields.emplace_back("x", "y");
  EXPECT_EQ(h.exchange(wire::request(1, fields)), "head 1 GET / end");
  fields.emplace_back("x", "y");
  EXPECT_EQ(h.exchange(wire::request(3, fields)), "head 3 GET / too large end");
}

TEST(Session, MarksTrailersThatAreTooLarge) {
  ServerLimits limits;
  limits.header_bytes_max = 500;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  h.exchange(wire::request(1, wire::post("/"), wire::kEndHeaders));
  EXPECT_EQ(h.exchange(wire::headers(1, wire::hpack({{"t", std::string(600, 'v')}}))),
            "trailers 1 too large");
}

TEST(Session, RefusesStreamsBeyondTheLimitAndKeepsTheOthers) {
  ServerLimits limits;
  limits.concurrent_streams_max = 2;
  SessionHarness h(Side::kServer, limits);
  h.greet();
  EXPECT_EQ(h.exchange(wire::request(1, wire::get("/1")) + wire::request(3, wire::get("/3")) +
                       wire::request(5, wire::get("/5"))),
            "head 1 GET /1 end | head 3 GET /3 end");
  EXPECT_EQ(h.peer.reset(5), wire::kRefusedStream);
  EXPECT_EQ(h.session.streams_refused(), 1);
  EXPECT_FALSE(h.peer.goaway().has_value());
  h.respond(1, 200, true);
  h.flush();
  EXPECT_EQ(h.said(), "closed 1 NO_ERROR");
  EXPECT_EQ(h.exchange(wire::request(7, wire::get("/7"))), "head 7 GET /7 end");
}

// ---- resets, PING, GOAWAY

TEST(Session, TellsOfAPeersReset) {
  SessionHarness h;
  h.greet();
  EXPECT_EQ(h.exchange(wire::request(1, wire::get("/")) + wire::rst_stream(1, wire::kCancel)),
            "head 1 GET / end | closed 1 CANCEL by peer");
  EXPECT_EQ(h.session.open_streams(), 0);
}

TEST(Session, ResetsAStream) {
  SessionHarness h;
  h.greet();
  h.feed(wire::request(1, wire::post("/"), wire::kEndHeaders));
  h.session.reset(1, ErrorCode::kEnhanceYourCalm);
  h.session.reset(1, ErrorCode::kInternalError);  // the first counts
  h.flush();
  EXPECT_EQ(h.peer.reset(1), wire::kEnhanceYourCalm);
  EXPECT_EQ(h.peer.count(wire::kRstStream), 1);
  EXPECT_EQ(h.said(), "head 1 POST / | closed 1 ENHANCE_YOUR_CALM");
}

TEST(Session, AnswersPingAndTellsOfAnswersToOurs) {
  SessionHarness h;
  h.greet();
  h.exchange(wire::ping("abcdefgh"));
  EXPECT_EQ(h.peer.last(wire::kPing).payload, "abcdefgh");
  EXPECT_EQ(h.peer.last(wire::kPing).flags, wire::kAck);
  h.session.ping();
  h.flush();
  const H2Frame ours = h.peer.last(wire::kPing);
  EXPECT_EQ(ours.flags, 0);
  EXPECT_EQ(h.exchange(wire::ping(ours.payload, wire::kAck)), "pong");
}

TEST(Session, DrainsInTwoSteps) {
  SessionHarness h;
  h.greet();
  h.exchange(wire::request(1, wire::get("/1")));
  h.session.announce_drain();
  h.flush();
  EXPECT_EQ(h.peer.last(wire::kGoaway).last_stream(), 0x7fffffff);
  EXPECT_EQ(h.peer.goaway(), wire::kNoError);
  // Streams on the way are still served.
  EXPECT_EQ(h.exchange(wire::request(3, wire::get("/3"))), "head 3 GET /3 end");
  h.session.refuse_new_streams();
  // The peer had not seen the second GOAWAY yet.
  EXPECT_EQ(h.exchange(wire::request(5, wire::get("/5"))), "");
  EXPECT_EQ(h.peer.last(wire::kGoaway).last_stream(), 3);
  h.respond(1, 200, true);
  h.respond(3, 200, true);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).status, "200");
  EXPECT_EQ(h.peer.answer(3).status, "200");
  EXPECT_TRUE(h.session.finished());
}

TEST(Session, StreamsOpenedWhileTheLastGoawayWaitsAreRefused) {
  SessionHarness h;
  h.greet();
  h.exchange(wire::request(1, wire::get("/1")));
  h.session.refuse_new_streams();
  EXPECT_EQ(h.exchange(wire::request(3, wire::get("/3"))), "");
  EXPECT_EQ(h.peer.last(wire::kGoaway).last_stream(), 1);
  EXPECT_EQ(h.peer.answer(3).status, "");
}

TEST(Session, EndsOnDemand) {
  SessionHarness h;
  h.greet();
  h.exchange(wire::request(1, wire::get("/1")));
  h.session.terminate(ErrorCode::kSettingsTimeout);
  h.flush();
  EXPECT_EQ(h.peer.goaway(), wire::kSettingsTimeout);
  EXPECT_EQ(h.session.failure(), SessionFailure::kNone);
  EXPECT_TRUE(h.session.finished());
}

TEST(Session, TellsOfAClientsGoaway) {
  SessionHarness h;
  h.greet();
  EXPECT_EQ(h.exchange(wire::request(1, wire::get("/1")) + wire::goaway(0)),
            "head 1 GET /1 end | goaway 0 NO_ERROR");
  EXPECT_FALSE(h.session.finished());
  h.respond(1, 200, true);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).status, "200");
  EXPECT_TRUE(h.session.finished());
}

TEST(Session, ServesTenThousandStreamsWithoutGrowing) {
  SessionHarness h;
  h.greet();
  for (uint32_t i = 0; i < 10'000; ++i) {
    h.feed(wire::request(2 * i + 1, wire::get("/")));
    h.respond(2 * i + 1, 200, false);
    h.send(2 * i + 1, "x", true);
    h.flush();
    h.peer.forget_frames();
    h.lines.clear();
    h.heads.clear();
  }
  EXPECT_EQ(h.session.open_streams(), 0);
  EXPECT_EQ(h.session.streams_seen(), 10'000);
  EXPECT_EQ(h.peer.answer(19'999).body, "x");
}

}  // namespace
}  // namespace layotto::http::h2
