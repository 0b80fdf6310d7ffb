// The client's side of Session when everybody keeps to the rules.
#include <gtest/gtest.h>

#include "http/h2/session.h"
#include "tests/support/h2_session_harness.h"

namespace layotto::http::h2 {
namespace {

using tests::SessionHarness;
namespace wire = tests::h2;

TEST(ClientSession, BeginsWithPrefaceAndSettings) {
  SessionHarness h(Side::kClient);
  h.flush();
  ASSERT_FALSE(h.peer.frames().empty());
  EXPECT_EQ(h.peer.frames()[0].type, wire::kSettings);
  EXPECT_EQ(h.peer.setting(wire::kEnablePush), 0);
  EXPECT_FALSE(h.peer.setting(wire::kMaxConcurrentStreams).has_value());
}

TEST(ClientSession, SendsARequestAndGivesTheAnswer) {
  SessionHarness h(Side::kClient);
  h.greet();
  EXPECT_EQ(h.get("/path?q"), 1);
  h.flush();
  EXPECT_EQ(
      h.peer.answer(1).pseudo,
      (wire::Fields{
          {":method", "GET"}, {":scheme", "http"}, {":path", "/path?q"}, {":authority", "a"}}));
  EXPECT_TRUE(h.peer.answer(1).ended);
  EXPECT_EQ(h.exchange(
                wire::headers(1, wire::hpack({{":status", "200"}, {"x", "y"}}), wire::kEndHeaders) +
                wire::data(1, "body", wire::kNoFlags) +
                wire::headers(1, wire::hpack({{"grpc-status", "0"}}))),
            "head 1 200 | data 1 'body' | trailers 1 | closed 1 NO_ERROR");
  EXPECT_EQ(h.heads[1]->fields()[0].value, "y");
  EXPECT_EQ(h.session.open_streams(), 0);
}

TEST(ClientSession, SendsDataSubmittedBeforeTheHeadHasLeft) {
  SessionHarness h(Side::kClient);
  h.greet();
  const uint32_t first = h.post("/1");
  const uint32_t second = h.post("/2");
  h.send(first, "one", false);
  h.send(second, "two", true);
  h.send(first, "more", true);
  h.flush();
  EXPECT_EQ(h.peer.answer(first).body, "onemore");
  EXPECT_EQ(h.peer.answer(second).body, "two");
  EXPECT_TRUE(h.peer.answer(first).ended);
}

TEST(ClientSession, ResetsARequestAtOnce) {
  SessionHarness h(Side::kClient);
  h.greet();
  const uint32_t stream = h.post("/");
  h.session.reset(stream, ErrorCode::kCancel);
  h.flush();
  EXPECT_EQ(h.said(), "closed 1 CANCEL");
  EXPECT_EQ(h.peer.reset(stream), wire::kCancel);
  EXPECT_EQ(h.session.open_streams(), 0);
  EXPECT_EQ(h.get("/"), 3);
}

TEST(ClientSession, GivesInterimHeadsBeforeTheFinalOne) {
  SessionHarness h(Side::kClient);
  h.greet();
  h.post("/");
  h.flush();
  EXPECT_EQ(h.exchange(wire::headers(1, wire::hpack({{":status", "100"}}), wire::kEndHeaders) +
                       wire::headers(1, wire::hpack({{":status", "103"}, {"link", "x"}}),
                                     wire::kEndHeaders) +
                       wire::headers(1, wire::hpack({{":status", "200"}}), wire::kEndHeaders)),
            "interim 1 100 | interim 1 103 | head 1 200");
}

TEST(ClientSession, SendsRequestTrailers) {
  SessionHarness h(Side::kClient);
  h.greet();
  h.post("/");
  h.send(1, "x", false);
  HeaderMap trailers;
  trailers.add("digest", "9", h.arena);
  h.session.submit_trailers(1, trailers);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).trailer("digest"), "9");
  EXPECT_TRUE(h.peer.answer(1).ended);
}

TEST(ClientSession, KeepsToThePeersConcurrency) {
  SessionHarness h(Side::kClient);
  h.greet({{wire::kMaxConcurrentStreams, 2}});
  EXPECT_EQ(h.session.streams_available(), 2);
  EXPECT_EQ(h.get("/"), 1);
  EXPECT_EQ(h.session.streams_available(), 1);
  EXPECT_EQ(h.get("/"), 3);
  EXPECT_EQ(h.session.streams_available(), 0);
  EXPECT_EQ(h.get("/"), 0);
  h.flush();
  h.exchange(wire::headers(1, wire::hpack({{":status", "200"}})));
  EXPECT_EQ(h.session.streams_available(), 1);
  EXPECT_EQ(h.get("/"), 5);
}

TEST(ClientSession, AssumesSomeConcurrencyUntilTheServerSaysWhat) {
  SessionHarness h(Side::kClient);
  EXPECT_EQ(h.session.streams_available(), 100);
  h.exchange(wire::settings({{wire::kMaxConcurrentStreams, 1000}}));
  EXPECT_EQ(h.session.streams_available(), 1000);
}

TEST(ClientSession, GoawayClosesWhatTheServerWillNotLookAt) {
  SessionHarness h(Side::kClient);
  h.greet();
  h.get("/1");
  h.get("/3");
  h.flush();
  h.get("/5");  // not even sent
  EXPECT_EQ(h.exchange(wire::goaway(1)),
            "goaway 1 NO_ERROR | closed 3 REFUSED_STREAM | closed 5 REFUSED_STREAM");
  EXPECT_EQ(h.session.streams_available(), 0);
  EXPECT_EQ(h.get("/7"), 0);
  EXPECT_FALSE(h.session.finished());
  EXPECT_EQ(h.exchange(wire::headers(1, wire::hpack({{":status", "200"}}))),
            "head 1 200 end | closed 1 NO_ERROR");
  EXPECT_TRUE(h.session.finished());
}

TEST(ClientSession, IsNotFloodedByAServersResets) {
  ServerLimits limits;
  limits.resets_burst = 3;
  limits.resets_per_second = 0;
  SessionHarness h(Side::kClient, limits);
  h.greet();
  for (uint32_t stream = 1; stream < 40; stream += 2) {
    ASSERT_EQ(h.post("/"), stream);
    h.flush();
    EXPECT_EQ(h.exchange(wire::headers(stream, wire::hpack({{":status", "404"}})) +
                         wire::rst_stream(stream, wire::kNoError)),
              fmt::format("head {0} 404 end | closed {0} NO_ERROR by peer", stream));
  }
  EXPECT_EQ(h.session.failure(), SessionFailure::kNone);
}

TEST(ClientSession, LeavesOutHostAndConnectionSpecificFields) {
  SessionHarness h(Side::kClient);
  h.greet();
  h.request({.method_text = "GET",
             .path = "/",
             .authority = "real",
             .scheme = "https",
             .method = Method::kGet},
            true, {{"host", "other"}, {"te", "gzip, trailers"}, {"connection", "te"}, {"x", "y"}});
  h.request({.method_text = "GET", .path = "/", .scheme = "https", .method = Method::kGet}, true,
            {{"host", "only"}, {"te", "trailers"}});
  h.request({.method_text = "CONNECT", .authority = "far:443", .method = Method::kConnect}, false);
  h.flush();
  EXPECT_EQ(h.peer.answer(1).headers, (wire::Fields{{"x", "y"}}));
  EXPECT_EQ(h.peer.answer(3).headers, (wire::Fields{{"host", "only"}, {"te", "trailers"}}));
  EXPECT_EQ(h.peer.answer(3).pseudo.size(), 3);
  EXPECT_EQ(h.peer.answer(5).pseudo,
            (wire::Fields{{":method", "CONNECT"}, {":authority", "far:443"}}));
}

TEST(ClientSession, MarksAnAnswerWhoseHeadIsTooLarge) {
  ServerLimits limits;
  limits.header_bytes_max = 300;
  SessionHarness h(Side::kClient, limits);
  h.greet();
  h.get("/");
  h.flush();
  EXPECT_EQ(h.exchange(wire::headers(
                1, wire::hpack({{":status", "200"}, {"big", std::string(400, 'x')}}))),
            "head 1 200 too large end | closed 1 NO_ERROR");
}

}  // namespace
}  // namespace layotto::http::h2
