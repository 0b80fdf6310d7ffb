// Peers that mean harm: each attack is bounded, counted, answered with the right code, and leaves
// another connection of the same server alone.
#include <gtest/gtest.h>

#include "tests/support/allocation_counter.h"
#include "tests/support/h2_server_harness.h"

namespace layotto::http::h2 {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using tests::H2Wire;
using tests::ServerHarness;
namespace wire = tests::h2;
using wire::data;
using wire::request;

constexpr int kOpen = wire::kEndHeaders;

// "/": answers at once. "/wait": never. "/late": when told to stop. "/big": a megabyte.
class Target final : public Handler {
 public:
  explicit Target(async::Loop& loop) : never_(loop) {}
  Task<Result<Response>> handle(Request request, Exchange& exchange) override {
    if (request.head.path() == "/wait") return wait(this);
    if (request.head.path() == "/late") return late(this);
    if (request.head.path() == "/big") {
      auto* big = exchange.arena.make<Big>(*this);
      return async::ready(
          Result<Response>({.head = ResponseHead(200), .body = Body::stream(*big)}));
    }
    return async::ready(Result<Response>(
        {.head = ResponseHead(200), .body = Body::complete(Bytes::unowned("fine"))}));
  }
  size_t produced = 0;

 private:
  class Big final : public BodyStream {
   public:
    explicit Big(Target& target) : target_(target) {}
    ~Big() = default;
    Task<Result<Chunk>> read(size_t max) override {
      const size_t n = std::min(max, left_);
      left_ -= n;
      target_.produced += n;
      return async::ready(
          Result<Chunk>(Chunk{.data = Bytes::copy(std::string(n, 'b')), .end = left_ == 0}));
    }

   private:
    Target& target_;
    size_t left_ = 1 << 20;
  };
  static Task<Result<Response>> wait(Target* self) {
    const Status waited = co_await self->never_.wait();
    co_return waited.error().clone();
  }
  // Told to stop it still answers, as one does whose write cannot be taken back.
  static Task<Result<Response>> late(Target* self) {
    (void)co_await self->never_.wait();
    co_return Response{.head = ResponseHead(200),
                       .body = Body::complete(Bytes::unowned("late"), &self->trailers_)};
  }
  HeaderMap trailers_;
  async::Event never_;
};

struct LoopAndTarget {
  async::TestLoop test_loop;
  Target target{test_loop.loop()};
};
struct Server : LoopAndTarget, ServerHarness {
  explicit Server(const ServerLimits& limits = {})
      : ServerHarness(test_loop, target, limits), bystander_(connect()) {}
  ~Server() {
    if (drain.draining()) return;
    exchange(bystander_, request(99'999, wire::get("/")));
    EXPECT_EQ(bystander_.answer(99'999).body, "fine") << "another connection was harmed";
  }
  // Sends until the server has had enough; how many times that took.
  template <class F>
  uint32_t flood(H2Wire& attacker, uint32_t times_max, F bytes_of) {
    for (uint32_t i = 0; i < times_max; ++i) {
      exchange(attacker, bytes_of(i));
      if (attacker.goaway().has_value()) return i + 1;
    }
    return times_max + 1;
  }

 private:
  H2Wire& bystander_;
};

uint32_t id(uint32_t i) { return 2 * i + 1; }

void expect_flood(H2Wire& attacker, const base::Tally& tally) {
  EXPECT_EQ(attacker.goaway(), wire::kEnhanceYourCalm);
  EXPECT_EQ(tally.read(), 1);
}

// ---- resets

TEST(H2Attack, RapidReset) {
  for (const uint32_t code : {wire::kCancel, wire::kNoError}) {
    Server s;
    H2Wire& attacker = s.connect();
    const uint32_t rounds = s.flood(attacker, 1000, [code](uint32_t i) {
      return request(id(i), wire::get("/wait")) + wire::rst_stream(id(i), code);
    });
    EXPECT_LE(rounds, 202) << "with code " << code;
    expect_flood(attacker, s.counters.flood_resets);
    EXPECT_LE(s.tally.entered, 202);
  }
}

TEST(H2Attack, RapidResetInOneRead) {
  Server s;
  H2Wire& attacker = s.connect();
  std::string bytes;
  for (uint32_t i = 0; i < 5000; ++i) {
    bytes += request(id(i), wire::get("/wait")) + wire::rst_stream(id(i));
  }
  s.exchange(attacker, bytes);
  expect_flood(attacker, s.counters.flood_resets);
  EXPECT_LE(s.tally.entered, 300);
}

TEST(H2Attack, ResetsAreForgivenWithTime) {
  Server s;
  H2Wire& peer = s.connect();
  for (uint32_t i = 0; i < 1000; ++i) {
    s.exchange(peer, request(id(i), wire::get("/wait")) + wire::rst_stream(id(i)));
    s.test.advance(milliseconds(25));
  }
  EXPECT_FALSE(peer.goaway().has_value());
}

TEST(H2Attack, ResetsAreForgivenForWorkThatEndsWell) {
  Server s;
  H2Wire& peer = s.connect();
  for (uint32_t i = 0; i < 2000; i += 2) {
    s.exchange(peer, request(id(i), wire::get("/wait")) + wire::rst_stream(id(i)) +
                         request(id(i + 1), wire::get("/")));
  }
  EXPECT_FALSE(peer.goaway().has_value());
}

// The peer never resets, it makes us do it.
TEST(H2Attack, ProvokedResets) {
  using Bytes = std::string (*)(uint32_t);
  const std::vector<std::pair<const char*, Bytes>> ways = {
      {"window overflow",
       [](uint32_t i) {
         return request(id(i), wire::post("/wait"), kOpen) + wire::window_update(id(i), 0x7fffffff);
       }},
      {"content-length",
       [](uint32_t i) {
         auto fields = wire::post("/wait");
         fields.emplace_back("content-length", "1");
         return request(id(i), fields, kOpen) + data(id(i), "two", wire::kNoFlags);
       }},
      {"second head",
       [](uint32_t i) {
         return request(id(i), wire::post("/wait"), kOpen) +
                wire::headers(id(i), wire::hpack({{"a", "b"}}), kOpen);
       }},
      {"malformed head", [](uint32_t i) { return request(id(i), {{":path", "/"}}); }},
  };
  for (const auto& [name, bytes] : ways) {
    SCOPED_TRACE(name);
    Server s;
    H2Wire& attacker = s.connect();
    EXPECT_LE(s.flood(attacker, 1000, bytes), 203);
    expect_flood(attacker, s.counters.flood_resets);
  }
}

TEST(H2Attack, StreamsBeyondTheLimit) {
  ServerLimits limits;
  limits.concurrent_streams_max = 10;
  Server s(limits);
  H2Wire& attacker = s.connect();
  const uint32_t rounds =
      s.flood(attacker, 1000, [](uint32_t i) { return request(id(i), wire::get("/wait")); });
  EXPECT_LE(rounds, 213);
  expect_flood(attacker, s.counters.flood_resets);
  EXPECT_EQ(s.tally.entered, 10);
  EXPECT_GE(s.counters.stream_limit.read(), 200);
}

// What comes late on a stream we reset is ignored, but not for ever.
TEST(H2Attack, FramesOnAStreamThatWasReset) {
  const std::vector<std::pair<const char*, std::string>> frames = {
      {"HEADERS", wire::headers(1, wire::hpack_literal("a", "b"))},
      {"DATA", data(1, "x", wire::kNoFlags)},
      {"DATA with END_STREAM", data(1, "x")},
  };
  for (const auto& [name, bytes] : frames) {
    SCOPED_TRACE(name);
    Server s;
    H2Wire& attacker = s.connect();
    s.exchange(attacker, request(1, wire::post("/wait"), kOpen) + wire::window_update(1, 0));
    const uint32_t rounds = s.flood(attacker, 2000, [&](uint32_t) { return bytes; });
    EXPECT_GE(rounds, 900) << "a client may not have heard of the reset yet";
    EXPECT_LE(rounds, 1010);
    expect_flood(attacker, s.counters.flood_idle_frames);
  }
}

// An upload that we end early is still on its way: full frames are no attack.
TEST(H2Attack, AnUploadThatWasResetMayStillArrive) {
  Server s;
  H2Wire& peer = s.connect();
  s.exchange(peer, request(1, wire::post("/wait"), kOpen) + wire::window_update(1, 0));
  for (int i = 0; i < 3000; ++i) {
    s.exchange(peer, data(1, std::string(1000, 'x'), wire::kNoFlags));
    peer.forget_frames();
  }
  s.exchange(peer, request(3, wire::get("/")));
  EXPECT_EQ(peer.answer(3).body, "fine");
}

// ---- frames that do no work

TEST(H2Attack, FramesThatDoNoWork) {
  const auto ten_times = [](const std::string& bytes) {
    std::string all;
    for (int i = 0; i < 10; ++i) all += bytes;
    return all;
  };
  const std::vector<std::pair<const char*, std::string>> frames = {
      {"PING", wire::ping()},
      {"SETTINGS", wire::settings()},
      {"SETTINGS with a value", wire::settings({{wire::kInitialWindowSize, 1}})},
      {"PRIORITY", wire::priority(1, 0)},
      {"empty DATA", data(1, "", wire::kNoFlags)},
      {"padding only", data(1, std::string("\x03\0\0\0", 4), wire::kPadded)},
      {"WINDOW_UPDATE of the connection", wire::window_update(0, 1)},
      {"WINDOW_UPDATE of a stream", wire::window_update(1, 1)},
      {"unknown type", wire::frame(0x99, 0, 0)},
      {"unknown type with payload", wire::frame(0x0c, 0, 0, "payload")},
      {"GOAWAY", wire::goaway(0)},
  };
  for (const auto& [name, bytes] : frames) {
    SCOPED_TRACE(name);
    Server s;
    H2Wire& attacker = s.connect();
    s.exchange(attacker, request(1, wire::post("/wait"), kOpen));
    const uint32_t rounds = s.flood(attacker, 1000, [&](uint32_t) { return ten_times(bytes); });
    EXPECT_LE(rounds, 102);
    expect_flood(attacker, s.counters.flood_idle_frames);
  }
}

TEST(H2Attack, SettingsWithTooManyEntries) {
  Server s;
  H2Wire& attacker = s.connect();
  wire::Settings entries;
  for (int i = 0; i < 2000; ++i) entries.emplace_back(0x99, 1);
  s.exchange(attacker, wire::settings(entries));
  expect_flood(attacker, s.counters.flood_idle_frames);
}

// Few bytes that concern every stream there is.
TEST(H2Attack, SettingsOverManyStreams) {
  Server s;
  H2Wire& attacker = s.connect();
  for (uint32_t i = 0; i < 900; ++i) s.exchange(attacker, request(id(i), wire::get("/wait")));
  const uint32_t rounds = s.flood(attacker, 1000, [](uint32_t i) {
    return wire::settings({{wire::kInitialWindowSize, i % 2}});
  });
  EXPECT_LE(rounds, 130);
  expect_flood(attacker, s.counters.flood_idle_frames);
}

// A peer that keeps its connection alive for days is no attacker.
TEST(H2Attack, RarePingsAreNoFlood) {
  ServerLimits limits;
  limits.idle_timeout = seconds(0);
  limits.keepalive_interval = seconds(0);
  Server s(limits);
  H2Wire& peer = s.connect();
  for (int i = 0; i < 3000; ++i) {
    s.test.advance(minutes(1));
    s.exchange(peer, wire::ping());
    peer.forget_frames();
    ASSERT_FALSE(peer.goaway().has_value());
    ASSERT_FALSE(peer.closed()) << i;
  }
}

// What a busy client sends besides its requests.
TEST(H2Attack, WindowUpdatesThatGoWithDataAreNoFlood) {
  Server s;
  H2Wire& peer = s.connect();
  for (uint32_t i = 0; i < 300; ++i) {
    s.exchange(peer, request(id(i), wire::get("/big")));
    for (int j = 0; j < 20 && !peer.answer(id(i)).ended; ++j) {
      s.exchange(
          peer, wire::window_update(id(i), 65'535) + wire::window_update(0, 65'535) + wire::ping());
    }
    ASSERT_FALSE(peer.goaway().has_value()) << i;
    ASSERT_EQ(peer.answer(id(i)).body.size(), 1 << 20);
    peer.forget();
  }
}

// ---- header blocks

TEST(H2Attack, ContinuationFlood) {
  Server s;
  H2Wire& attacker = s.connect();
  std::string field;
  for (int i = 0; i < 30; ++i) field += wire::hpack_literal("x", std::string(500, 'y'));
  s.exchange(attacker, wire::headers(1, wire::hpack(wire::get("/")), wire::kEndStream));
  const uint32_t rounds = s.flood(
      attacker, 1000, [&](uint32_t) { return wire::continuation(1, field, wire::kNoFlags); });
  EXPECT_LE(rounds, 18);
  expect_flood(attacker, s.counters.flood_continuation);
  EXPECT_EQ(s.tally.entered, 0);
}

TEST(H2Attack, EmptyContinuations) {
  Server s;
  H2Wire& attacker = s.connect();
  s.exchange(attacker, wire::headers(1, wire::hpack(wire::get("/")), wire::kEndStream));
  const uint32_t rounds = s.flood(
      attacker, 10'000, [&](uint32_t) { return wire::continuation(1, "", wire::kNoFlags); });
  EXPECT_LE(rounds, 1010);
  EXPECT_EQ(attacker.goaway(), wire::kEnhanceYourCalm);
  EXPECT_EQ(s.counters.flood_continuation.read() + s.counters.flood_idle_frames.read(), 1);
}

TEST(H2Attack, ContinuationsOfAStreamThatIsIgnored) {
  ServerLimits limits;
  limits.concurrent_streams_max = 1;
  Server s(limits);
  H2Wire& attacker = s.connect();
  s.exchange(attacker, request(1, wire::get("/wait")) +
                           wire::headers(3, wire::hpack(wire::get("/")), wire::kEndStream));
  const uint32_t rounds = s.flood(attacker, 10'000, [&](uint32_t) {
    return wire::continuation(3, wire::hpack_literal("x", "y"), wire::kNoFlags);
  });
  EXPECT_LE(rounds, 1010);
  expect_flood(attacker, s.counters.flood_continuation);
}

// One entry of the table, named again and again.
TEST(H2Attack, HeaderBomb) {
  Server s;
  H2Wire& attacker = s.connect();
  const std::string big = wire::hpack_literal_indexed("x", std::string(4000, 'y'));
  std::string bomb = wire::hpack(wire::get("/")) + big;
  for (int i = 0; i < 16'000 - 4100; ++i) bomb += wire::hpack_indexed(62);
  const size_t before = tests::bytes_in_use();
  s.exchange(attacker, wire::headers(1, bomb));
  expect_flood(attacker, s.counters.flood_continuation);
  EXPECT_EQ(s.tally.entered, 0);
  EXPECT_LE(tests::bytes_in_use(), before + 500'000);
}

TEST(H2Attack, SmallerHeaderBombsAreRefused) {
  Server s;
  H2Wire& attacker = s.connect();
  const std::string big = wire::hpack_literal_indexed("x", std::string(4000, 'y'));
  std::string bomb = wire::hpack(wire::get("/")) + big;
  for (int i = 0; i < 40; ++i) bomb += wire::hpack_indexed(62);
  for (uint32_t i = 0; i < 50; ++i) {
    s.exchange(attacker, wire::headers(id(i), bomb));
    ASSERT_EQ(attacker.answer(id(i)).status, "431");
  }
  EXPECT_EQ(s.counters.header_limit.read(), 50);
  EXPECT_EQ(s.tally.entered, 0);
}

// A head of few bytes that is large, on each of a thousand streams that stay open.
TEST(H2Attack, HeaderBombsThatAreHeld) {
  Server s;
  H2Wire& attacker = s.connect();
  s.exchange(attacker,
             wire::window_update(0, 1 << 30) +
                 wire::headers(1, wire::hpack(wire::get("/")) +
                                      wire::hpack_literal_indexed("x", std::string(3500, 'y'))));
  const size_t before = tests::bytes_in_use();
  for (uint32_t i = 1; i < 900; ++i) {
    std::string bomb =
        wire::hpack(wire::get("/wait")) + wire::hpack_literal("n", std::to_string(i));
    for (int j = 0; j < 17; ++j) bomb += wire::hpack_indexed(62);
    s.exchange(attacker, wire::headers(id(i), bomb));
    ASSERT_EQ(attacker.answer(id(i)).status, "431");
    attacker.forget();
  }
  EXPECT_EQ(s.counters.header_limit.read(), 899);
  EXPECT_LE(tests::bytes_in_use(), before + 500'000);
  // Named once or twice it is no bomb.
  s.exchange(attacker, wire::headers(3001, wire::hpack(wire::get("/")) + wire::hpack_indexed(62) +
                                               wire::hpack_indexed(62)));
  EXPECT_EQ(attacker.answer(3001).body, "fine");
}

TEST(H2Attack, TableThrashing) {
  Server s;
  H2Wire& attacker = s.connect();
  std::string churn =
      wire::hpack_table_size(0) + wire::hpack_table_size(4096) + wire::hpack(wire::get("/"));
  for (int i = 0; i < 100; ++i) {
    churn += wire::hpack_literal_indexed(fmt::format("name-{}", i), fmt::format("value-{}", i));
  }
  size_t settled = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    s.exchange(attacker, wire::headers(id(i), churn));
    ASSERT_EQ(attacker.answer(id(i)).body, "fine");
    attacker.forget();
    if (i == 100) settled = tests::bytes_in_use();
  }
  EXPECT_LE(tests::bytes_in_use(), settled + 8192);
}

// ---- windows

TEST(H2Attack, ShutWindowsHoldLittleMemory) {
  Server s;
  H2Wire& attacker = s.connect({{wire::kInitialWindowSize, 0}});
  for (uint32_t i = 0; i < 100; ++i) s.exchange(attacker, request(id(i), wire::get("/big")));
  EXPECT_LE(s.target.produced, s.env.limits.unread_bytes_max + 2 * 64 * 1024);
  // Opened and shut again and again.
  for (int i = 0; i < 200; ++i) {
    s.exchange(attacker, wire::settings({{wire::kInitialWindowSize, i % 2 == 0 ? 1U : 0U}}));
  }
  EXPECT_FALSE(attacker.goaway().has_value());
  EXPECT_LE(s.target.produced, s.env.limits.unread_bytes_max + 2 * 64 * 1024);
  // Those that stall are ended, and make room for those held back, which stall too.
  for (int i = 0; i < 5; ++i) s.advance(minutes(11), attacker);
  EXPECT_EQ(s.counters.requests_active.read(), 0);
  EXPECT_EQ(s.counters.write_stalls.read(), 100);
}

TEST(H2Attack, ByteByByteWindowsMoveByteByByte) {
  Server s;
  H2Wire& attacker = s.connect({{wire::kInitialWindowSize, 0}});
  s.exchange(attacker, request(1, wire::get("/big")));
  for (int i = 0; i < 2000; ++i) s.exchange(attacker, wire::window_update(1, 1));
  EXPECT_EQ(attacker.answer(1).body.size(), 2000);
  EXPECT_LE(s.target.produced, 2 * 64 * 1024);
}

// ---- a peer that does not read

TEST(H2Attack, AnswersNobodyReadsAreBounded) {
  Server s;
  H2Wire& attacker = s.connect({{wire::kInitialWindowSize, 1 << 24}}, 100);
  attacker.send(wire::window_update(0, 1 << 30));
  for (uint32_t i = 0; i < 100; ++i) attacker.send(request(id(i), wire::get("/big")));
  s.test.run();
  EXPECT_LE(s.target.produced, 100 * 2 * 64 * 1024 + net::kUnsentFillMax + 64 * 1024);
  ASSERT_FALSE(s.live.empty());
  size_t unsent = 0;
  for (LiveConnection* live = s.live.front(); live != nullptr; live = s.live.after(*live)) {
    unsent = std::max<size_t>(unsent, live->snapshot().unsent);
  }
  EXPECT_LE(unsent, net::kUnsentFillMax + 20'000);
  s.hang_up(attacker);
  EXPECT_EQ(s.counters.requests_active.read(), 0);
}

TEST(H2Attack, AcknowledgementsNobodyReadsAreBounded) {
  ServerLimits limits;
  limits.idle_frames_burst = 1'000'000;
  Server s(limits);
  H2Wire& attacker = s.connect({}, 100);
  for (int i = 0; i < 30'000; ++i) attacker.send(wire::ping());
  s.test.run();
  EXPECT_EQ(s.counters.flood_output.read(), 1);
  s.exchange(attacker, {});
  EXPECT_EQ(attacker.goaway(), wire::kEnhanceYourCalm);
  EXPECT_LE(attacker.count(wire::kPing), net::kUnsentFillMax / 17 + 1100);
}

// In one read a call is reset and the connection broken: what ends later must not touch it.
TEST(H2Attack, AResetAndAConnectionErrorInOneRead) {
  Server s;
  H2Wire& attacker = s.connect();
  s.exchange(attacker, request(1, wire::get("/late")));
  // The pool of streams fills up meanwhile.
  H2Wire& other = s.connect();
  for (uint32_t i = 0; i < 300; ++i) s.exchange(other, request(id(i), wire::get("/wait")));
  s.hang_up(other);
  s.exchange(attacker, wire::rst_stream(1) + data(0, "x"));
  EXPECT_EQ(attacker.goaway(), wire::kProtocolError);
  EXPECT_EQ(s.counters.requests_active.read(), 0);
}

// ---- slowness, odd ids

TEST(H2Attack, SlowPreface) {
  ServerLimits limits;
  limits.head_timeout = seconds(5);
  Server s(limits);
  H2Wire& attacker = s.connect_undetected();
  for (const char c : wire::kPreface.substr(0, 13)) {
    s.exchange(attacker, std::string(1, c));
    s.advance(milliseconds(500), attacker);
  }
  EXPECT_TRUE(attacker.closed());
  EXPECT_EQ(s.counters.head_timeouts.read(), 1);
  // Its last bytes decide late; the rest is on the clock too.
  H2Wire& other = s.connect_undetected();
  s.exchange(other, wire::kPreface.substr(0, 20));
  s.advance(seconds(6), other);
  EXPECT_EQ(other.goaway(), wire::kSettingsTimeout);
  EXPECT_EQ(s.counters.head_timeouts.read(), 2);
}

TEST(H2Attack, DetectsThePrefaceHoweverItIsCut) {
  Server s;
  H2Wire& peer = s.connect_undetected();
  for (const char c : wire::kPreface) s.exchange(peer, std::string(1, c));
  s.exchange(peer, wire::settings() + request(1, wire::get("/")));
  EXPECT_EQ(peer.answer(1).body, "fine");
}

TEST(H2Attack, StreamsAfterGoawayCostNothing) {
  Server s;
  H2Wire& attacker = s.connect();
  s.exchange(attacker, request(1, wire::get("/wait")));
  s.drain.begin();
  s.advance(seconds(2), attacker);
  ASSERT_EQ(attacker.count(wire::kGoaway), 2);
  const size_t before = tests::bytes_in_use();
  for (uint32_t i = 1; i < 500; ++i) {
    s.exchange(attacker, request(id(i), wire::get("/")));
  }
  EXPECT_EQ(s.tally.entered, 1);
  EXPECT_LE(tests::bytes_in_use(), before + 100'000);
}

TEST(H2Attack, TheLastStreamIdIsServed) {
  Server s;
  H2Wire& peer = s.connect();
  s.exchange(peer, request(0x7fffffff, wire::get("/")));
  EXPECT_EQ(peer.answer(0x7fffffff).body, "fine");
  s.exchange(peer, request(1, wire::get("/")));  // below the last: RFC 9113 §5.1.1
  EXPECT_EQ(peer.answer(1).status, "");
  EXPECT_EQ(peer.goaway(), wire::kProtocolError);
}

}  // namespace
}  // namespace layotto::http::h2
