// A struct with one setting of every kind: for the tests and the fuzz target of this room.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/schema.h"

namespace layotto::config {

enum class Mode : uint8_t { kSingle, kCluster, kRing };
inline constexpr EnumName<Mode> kModeNames[] = {
    {"single", Mode::kSingle}, {"cluster", Mode::kCluster}, {"ring", Mode::kRing}};
constexpr std::span<const EnumName<Mode>> enum_names(Mode) { return kModeNames; }

struct Upstream {
  std::string address;
  uint32_t weight = 1;
  std::vector<Upstream> fallbacks;
  static const Schema<Upstream>& schema() {
    static const auto& schema =
        Schema<Upstream>::make("upstream", "One server to send to.", [](Schema<Upstream>& s) {
          s.field("address", &Upstream::address, "Host and port.")
              .required()
              .format("a host:port",
                      [](std::string_view text) -> Status {
                        if (text.find(':') != std::string_view::npos) return base::ok();
                        return base::invalid_argument("it has no port");
                      })
              .alias("addr");
          s.field("weight", &Upstream::weight, "Share of the requests.").min(1).max(1000);
          s.field("fallbacks", &Upstream::fallbacks, "Servers to try when this one fails.");
        });
    return schema;
  }
};

struct Example {
  std::string host;
  uint16_t port = 6379;
  bool tls = false;
  double ratio = 0.5;
  int64_t offset = -1;
  Secret password;
  Duration timeout = std::chrono::seconds(5);
  ByteSize buffer = ByteSize::kib(64);
  Mode mode = Mode::kSingle;
  std::string version = "1.2";
  std::optional<Duration> ttl;
  std::vector<std::string> tags;
  std::vector<int> levels = {1, 2};
  std::map<std::string, std::string> labels;
  std::vector<std::pair<std::string, Upstream>> upstreams;
  Upstream main_upstream{.address = "a:1"};
  const Node* metadata = nullptr;
  int debug = 0;

  static const Schema<Example>& schema() {
    static const auto& schema = Schema<Example>::make("example", "Everything once.", &fill);
    return schema;
  }

 private:
  static void fill(Schema<Example>& s) {
    s.field("host", &Example::host, "Host name.").required().non_empty().alias("redisHost");
    s.field("port", &Example::port, "TCP port.").min(1);
    s.field("tls", &Example::tls, "Whether to speak TLS.").alias("enableTLS");
    s.field("ratio", &Example::ratio, "A share.").min(0).max(1);
    s.field("offset", &Example::offset, "Any integer.");
    s.field("password", &Example::password, "Empty for none.").length_max(20);
    s.field("timeout", &Example::timeout, "Longest wait.")
        .min(std::chrono::milliseconds(1))
        .max(std::chrono::hours(1))
        .unit_if_bare(std::chrono::seconds(1));
    s.field("buffer", &Example::buffer, "Bytes kept | per peer.").max(ByteSize::mib(4));
    s.field("mode", &Example::mode, "How servers stand together.");
    s.field("version", &Example::version, "Of the protocol.").one_of({"1.2", "1.3"});
    s.field("ttl", &Example::ttl, "How long things live.");
    s.field("tags", &Example::tags, "Words.").separated_by(',').items_max(3).length_max(10);
    s.field("levels", &Example::levels, "Numbers.").min(0).non_empty();
    s.field("labels", &Example::labels, "Names with texts.");
    s.field("upstreams", &Example::upstreams, "By name.");
    s.field("main_upstream", &Example::main_upstream, "The first.");
    s.field("metadata", &Example::metadata, "Read by the component.");
    s.field("debug", &Example::debug, "").hidden();
    s.ignored("redisDB", "there is one database");
    s.check([](const Example& example, Report& report) {
      if (example.tls && example.port == 80) {
        report.error("port", "port 80 does not speak TLS", "use 443");
      }
      if (example.ttl && *example.ttl < example.timeout) {
        report.error("timeout", "is longer than ttl", "make it shorter");
      }
    });
  }
};

}  // namespace layotto::config
