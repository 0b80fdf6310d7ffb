// HealthService: what clients, proxies and orchestrators ask.
#include "grpc/health.h"

#include <gtest/gtest.h>

#include "grpc/health/v1/health.pb.h"
#include "grpc/server.h"
#include "tests/support/grpc_test_service.h"

namespace layotto::grpc {
namespace {

using std::chrono::seconds;
using tests::H2Wire;
namespace wire = tests::h2;
namespace proto = ::grpc::health::v1;

struct LoopAndHealth {
  LoopAndHealth() { add_health(server, health); }
  async::TestLoop test_loop;
  HealthService health{test_loop.loop()};
  Server server{{}};
};
struct HealthServer : LoopAndHealth, tests::ServerHarness {
  HealthServer() : ServerHarness(test_loop, server) {}
};

std::string ask(uint32_t stream, std::string_view method, std::string_view service) {
  proto::HealthCheckRequest request;
  request.set_service(std::string(service));
  return wire::request_with_body(stream,
                                 wire::grpc("/grpc.health.v1.Health/" + std::string(method)),
                                 tests::grpc_frame(request.SerializeAsString()));
}
// The states of all replies: "SERVING NOT_SERVING", and the status.
std::string states(const tests::H2Answer& answer) {
  std::string all;
  std::string_view body = answer.body;
  while (body.size() >= 5) {
    const auto size = static_cast<uint8_t>(body[4]);
    proto::HealthCheckResponse reply;
    EXPECT_TRUE(reply.ParseFromArray(body.data() + 5, size));
    all += proto::HealthCheckResponse::ServingStatus_Name(reply.status()) + " ";
    body.remove_prefix(5U + size);
  }
  const std::string status =
      answer.trailers.empty() ? answer.header("grpc-status") : answer.trailer("grpc-status");
  return all + (answer.ended ? status : "open");
}

TEST(GrpcHealth, SaysWhetherAServiceServes) {
  HealthServer s;
  s.health.set("", true);
  s.health.set("a.B", false);
  H2Wire& peer = s.connect();
  s.exchange(peer, ask(1, "Check", "") + ask(3, "Check", "a.B") + ask(5, "Check", "unknown"));
  EXPECT_EQ(states(peer.answer(1)), "SERVING 0");
  EXPECT_EQ(states(peer.answer(3)), "NOT_SERVING 0");
  EXPECT_EQ(states(peer.answer(5)), "5");
}

TEST(GrpcHealth, ListsAll) {
  HealthServer s;
  s.health.set("", true);
  s.health.set("a.B", false);
  H2Wire& peer = s.connect();
  s.exchange(peer, ask(1, "List", ""));
  proto::HealthListResponse reply;
  const std::string& body = peer.answer(1).body;
  ASSERT_TRUE(reply.ParseFromArray(body.data() + 5, static_cast<int>(body.size() - 5)));
  EXPECT_EQ(reply.statuses().size(), 2);
  EXPECT_EQ(reply.statuses().at("").status(), proto::HealthCheckResponse::SERVING);
  EXPECT_EQ(reply.statuses().at("a.B").status(), proto::HealthCheckResponse::NOT_SERVING);
  for (size_t i = 0; i < kHealthListMax; ++i) s.health.set(fmt::format("s{}", i), true);
  s.exchange(peer, ask(3, "List", ""));
  EXPECT_EQ(states(peer.answer(3)), "8");
}

TEST(GrpcHealth, WatchTellsEveryChange) {
  HealthServer s;
  s.health.set("", true);
  H2Wire& peer = s.connect();
  s.exchange(peer, ask(1, "Watch", "") + ask(3, "Watch", "later"));
  EXPECT_EQ(states(peer.answer(1)), "SERVING open");
  EXPECT_EQ(states(peer.answer(3)), "SERVICE_UNKNOWN open");
  s.health.set("", false);
  s.exchange(peer, {});
  s.health.set("", false);  // no change
  s.health.set("later", true);
  s.exchange(peer, {});
  s.health.set("", true);
  s.exchange(peer, {});
  EXPECT_EQ(states(peer.answer(1)), "SERVING NOT_SERVING SERVING open");
  EXPECT_EQ(states(peer.answer(3)), "SERVICE_UNKNOWN SERVING open");
  s.exchange(peer, wire::rst_stream(1) + wire::rst_stream(3));
  EXPECT_EQ(s.tally.ended, 2);
  s.health.set("", false);
  s.test.run();
}

TEST(GrpcHealth, ASlowWatcherIsToldTheLastState) {
  HealthServer s;
  s.health.set("", true);
  H2Wire& peer = s.connect({{wire::kInitialWindowSize, 0}});
  s.exchange(peer, ask(1, "Watch", ""));
  for (int i = 0; i < 100'000; ++i) {
    s.health.set("", i % 2 == 0);
    if (i % 100 == 0) s.test.run();
  }
  s.exchange(peer, wire::window_update(1, 1 << 24) + wire::window_update(0, 1 << 24));
  EXPECT_TRUE(states(peer.answer(1)).ends_with("NOT_SERVING open"));
}

TEST(GrpcHealth, NothingServesWhileDraining) {
  HealthServer s;
  s.health.set("", true);
  s.health.set("a.B", true);
  H2Wire& peer = s.connect();
  s.exchange(peer, ask(1, "Watch", "a.B"));
  s.health.drain();
  s.health.set("a.B", true);
  s.exchange(peer, ask(3, "Check", "") + ask(5, "Check", "a.B"));
  EXPECT_EQ(states(peer.answer(1)), "SERVING NOT_SERVING open");
  EXPECT_EQ(states(peer.answer(3)), "NOT_SERVING 0");
  EXPECT_EQ(states(peer.answer(5)), "NOT_SERVING 0");
}

TEST(GrpcHealth, WatchersDoNotHoldUpADrain) {
  HealthServer s;
  s.health.set("", true);
  H2Wire& peer = s.connect();
  s.exchange(peer, ask(1, "Watch", ""));
  s.health.drain();
  s.drain.begin();
  s.exchange(peer, {});
  EXPECT_EQ(states(peer.answer(1)), "SERVING NOT_SERVING 14");
  s.advance(seconds(2), peer);
  EXPECT_TRUE(peer.closed());
}

TEST(GrpcHealth, WatchWithoutAQuestionIsRefused) {
  HealthServer s;
  H2Wire& peer = s.connect();
  s.exchange(peer, wire::request(1, wire::grpc("/grpc.health.v1.Health/Watch")));
  EXPECT_EQ(states(peer.answer(1)), "3");
}

}  // namespace
}  // namespace layotto::grpc
