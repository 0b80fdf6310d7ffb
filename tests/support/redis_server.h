// Real Redis servers for tests: one, one with replicas and Sentinels, a cluster. Each runs on free
// loopback ports in a throw-away folder, is ready when its constructor returns, and is gone when
// the object is, or when the test's thread dies. Nothing here waits longer than ten seconds; what
// takes longer ends the test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace layotto::tests {

// True when redis-server is on the PATH. Where the environment has CI set it must be: the test ends
// otherwise; on a laptop the caller skips, and this says so loudly.
bool have_redis_server();

// A port nobody listens on now.
uint16_t free_port();

// Looks again and again until `condition` holds; false: it did not within ten seconds.
bool wait_for(const std::function<bool()>& condition);

class RedisServer {
 public:
  struct Options {
    // As on the command line: "--maxmemory", "10mb".
    std::vector<std::string> arguments;
    std::string password;      // requirepass
    std::string certificates;  // a folder with server.pem, server.key, ca.pem: TLS, too
    bool sentinel = false;
    bool cluster = false;
    std::string config;  // further lines of the configuration file
  };
  RedisServer() : RedisServer(Options()) {}
  explicit RedisServer(Options options);
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer();

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] uint16_t tls_port() const { return tls_port_; }
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::string tls_address() const;

  // Ends it at once; what was not on disk is lost. start() brings it back on the same ports.
  void kill();
  void start();
  [[nodiscard]] bool running() const { return pid_ > 0; }
  // The process stands still, its sockets stay open.
  void pause();
  void resume();

  // One command on a connection of its own, answered with text: "OK", "(nil)", "-ERR …", elements
  // of arrays one a line. An empty answer when there is none within a second.
  // NOLINTNEXTLINE(modernize-use-nodiscard) often nothing but done
  std::string command(std::vector<std::string_view> words) const;
  // The line "name:value" of INFO or CLUSTER INFO: its value.
  [[nodiscard]] std::string info(std::vector<std::string_view> words, std::string_view name) const;
  // The end of its log, for messages.
  [[nodiscard]] std::string log() const;

 private:
  [[nodiscard]] std::vector<std::string> arguments() const;
  bool try_start();
  void signal(int number) const;

  const Options options_;
  TemporaryFolder folder_;
  uint16_t port_ = 0;
  uint16_t tls_port_ = 0;
  uint16_t bus_port_ = 0;
  pid_t pid_ = -1;
};

// A primary named "main", a replica, and three Sentinels that agree.
class RedisSentinels {
 public:
  RedisSentinels();

  [[nodiscard]] RedisServer& primary() { return *servers_[0]; }
  [[nodiscard]] RedisServer& replica() { return *servers_[1]; }
  [[nodiscard]] RedisServer& sentinel(size_t i) { return *sentinels_[i]; }
  [[nodiscard]] std::vector<std::string> sentinel_addresses() const;
  // What the Sentinels say now: "127.0.0.1:6379".
  [[nodiscard]] std::string primary_address() const;
  // The server that is the primary now.
  [[nodiscard]] RedisServer* current_primary();

 private:
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<RedisServer>> sentinels_;
};

// Three primaries that share the slots in order, without replicas.
class RedisCluster {
 public:
  RedisCluster();

  [[nodiscard]] RedisServer& node(size_t i) { return *nodes_[i]; }
  [[nodiscard]] size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::vector<std::string> addresses() const;
  // The node that owns the slot at first.
  [[nodiscard]] static size_t owner(uint16_t slot) { return slot * 3UL / 16384; }
  // Moves the slot with its keys.
  void move_slot(uint16_t slot, size_t from, size_t to);
  [[nodiscard]] std::string node_id(size_t i) const;

 private:
  std::vector<std::unique_ptr<RedisServer>> nodes_;
};

}  // namespace layotto::tests
