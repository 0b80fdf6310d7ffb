#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/check.h"
#include "tests/support/child_process.h"

namespace layotto::tests {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(10);
constexpr int kPollMilliseconds = 5;
// Servers that could not have their ports are started again with others.
constexpr int kStartsMax = 10;

// A connection that blocks, with a deadline of a second for everything.
class Connection {
 public:
  explicit Connection(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  // The reply as text, empty when there is none.
  std::string ask(const std::vector<std::string_view>& words) {
    if (!connected_) return {};
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) {
      bytes += "$" + std::to_string(word.size()) + "\r\n";
      bytes += word;
      bytes += "\r\n";
    }
    if (send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
      return {};
    }
    std::string reply;
    return read_reply(reply) ? reply : std::string();
  }

 private:
  bool fill() {
    char buffer[4096];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    unread_.append(buffer, static_cast<size_t>(n));
    return true;
  }
  bool read_line(std::string& line) {
    size_t end = 0;
    while ((end = unread_.find("\r\n")) == std::string::npos) {
      if (!fill()) return false;
    }
    line = unread_.substr(0, end);
    unread_.erase(0, end + 2);
    return true;
  }
  bool read_reply(std::string& reply) {
    std::string line;
    if (!read_line(line) || line.empty()) return false;
    const char kind = line[0];
    const std::string rest = line.substr(1);
    if (kind == '+' || kind == ':') {
      reply += rest;
      return true;
    }
    if (kind == '-') {
      reply += line;
      return true;
    }
    const long size = std::strtol(rest.c_str(), nullptr, 10);
    if (size < 0) {
      reply += "(nil)";
      return true;
    }
    if (kind == '$') {
      while (unread_.size() < static_cast<size_t>(size) + 2) {
        if (!fill()) return false;
      }
      reply += unread_.substr(0, static_cast<size_t>(size));
      unread_.erase(0, static_cast<size_t>(size) + 2);
      return true;
    }
    for (long i = 0; i < size; ++i) {
      if (i > 0) reply += '\n';
      if (!read_reply(reply)) return false;
    }
    return true;
  }

  int fd_;
  bool connected_ = false;
  std::string unread_;
};

std::string loopback(uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

}  // namespace

bool have_redis_server() {
  if (have_program("redis-server")) return true;
  CHECK(std::getenv("CI") == nullptr, "redis-server is not installed: ./dev setup installs it");
  return false;
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(fd >= 0 && bind(fd, generic, length) == 0 && getsockname(fd, generic, &length) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

bool wait_for(const std::function<bool()>& condition) {
  const Clock::time_point give_up = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() >= give_up) return false;
    poll(nullptr, 0, kPollMilliseconds);
  }
  return true;
}

// ---- one server

RedisServer::RedisServer(Options options) : options_(std::move(options)) {
  for (int i = 0; i < kStartsMax; ++i) {
    port_ = free_port();
    if (!options_.certificates.empty()) tls_port_ = free_port();
    if (options_.cluster) bus_port_ = free_port();
    if (!options_.config.empty() || options_.sentinel) {
      folder_.write("redis.conf", options_.config);
    }
    if (try_start()) return;
  }
  std::fprintf(stderr, "%s\n", log().c_str());
  CHECK(false, "redis-server does not start");
}

RedisServer::~RedisServer() { kill(); }

std::string RedisServer::address() const { return loopback(port_); }
std::string RedisServer::tls_address() const { return loopback(tls_port_); }

std::vector<std::string> RedisServer::arguments() const {
  std::vector<std::string> all = {"redis-server"};
  const auto add = [&all](std::initializer_list<std::string> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  if (!options_.config.empty() || options_.sentinel) add({folder_ / "redis.conf"});
  add({"--bind", "127.0.0.1", "--port", std::to_string(port_), "--dir", folder_.path(), "--logfile",
       folder_ / "log", "--daemonize", "no"});
  if (options_.sentinel) {
    add({"--sentinel"});
  } else {
    add({"--save", "", "--appendonly", "no", "--databases", "16"});
  }
  if (!options_.password.empty()) add({"--requirepass", options_.password});
  if (options_.cluster) {
    add({"--cluster-enabled", "yes", "--cluster-port", std::to_string(bus_port_),
         "--cluster-node-timeout", "2000", "--cluster-config-file", folder_ / "nodes"});
  }
  if (!options_.certificates.empty()) {
    add({"--tls-port", std::to_string(tls_port_), "--tls-cert-file",
         options_.certificates + "/server.pem", "--tls-key-file",
         options_.certificates + "/server.key", "--tls-ca-cert-file",
         options_.certificates + "/ca.pem"});
  }
  all.insert(all.end(), options_.arguments.begin(), options_.arguments.end());
  return all;
}

bool RedisServer::try_start() {
  std::vector<std::string> words = arguments();
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  CHECK(pid_ >= 0, "fork failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  bool exited = false;
  const bool ready = wait_for([this, &exited] {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return exited = true;
    }
    const std::string answer = command({"PING"});
    return answer == "PONG" || answer.starts_with("-NOPERM") || answer.starts_with("-NOAUTH");
  });
  CHECK(ready, "redis-server does not answer");
  return !exited;
}

void RedisServer::start() {
  CHECK(!running());
  CHECK(try_start(), "redis-server does not start again");
}

void RedisServer::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::pause() { signal(SIGSTOP); }
void RedisServer::resume() { signal(SIGCONT); }

std::string RedisServer::command(std::vector<std::string_view> words) const {
  Connection connection(port_);
  if (!options_.password.empty()) connection.ask({"AUTH", options_.password});
  return connection.ask(words);
}

std::string RedisServer::info(std::vector<std::string_view> words, std::string_view name) const {
  const std::string lines = "\r\n" + command(std::move(words));
  const size_t at = lines.find("\r\n" + std::string(name) + ":");
  if (at == std::string::npos) return {};
  const size_t from = at + 2 + name.size() + 1;
  return lines.substr(from, lines.find("\r\n", from) - from);
}

std::string RedisServer::log() const {
  std::ifstream file(folder_ / "log");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  constexpr size_t kShown = 4000;
  return text.size() > kShown ? text.substr(text.size() - kShown) : text;
}

// ---- Sentinels

RedisSentinels::RedisSentinels() {
  servers_.push_back(std::make_unique<RedisServer>());
  servers_.push_back(std::make_unique<RedisServer>(RedisServer::Options{
      .arguments = {"--replicaof", "127.0.0.1", std::to_string(primary().port()),
                    "--repl-diskless-sync-delay", "0"}}));
  CHECK(wait_for([this] {
          return replica().info({"INFO", "replication"}, "master_link_status") == "up";
        }),
        "the replica does not find its primary");
  const std::string watch = "sentinel monitor main 127.0.0.1 " + std::to_string(primary().port()) +
                            " 2\n"
                            "sentinel down-after-milliseconds main 500\n"
                            "sentinel failover-timeout main 2000\n"
                            "sentinel parallel-syncs main 1\n";
  for (int i = 0; i < 3; ++i) {
    sentinels_.push_back(
        std::make_unique<RedisServer>(RedisServer::Options{.sentinel = true, .config = watch}));
  }
  for (const auto& sentinel : sentinels_) {
    const auto agreed = [&sentinel] {
      return sentinel->command({"SENTINEL", "CKQUORUM", "main"}).starts_with("OK 3 usable") &&
             sentinel->info({"INFO", "sentinel"}, "master0").find("slaves=1,sentinels=3") !=
                 std::string::npos;
    };
    CHECK(wait_for(agreed), "the Sentinels do not find each other");
  }
}

std::vector<std::string> RedisSentinels::sentinel_addresses() const {
  std::vector<std::string> all;
  for (const auto& sentinel : sentinels_) all.push_back(sentinel->address());
  return all;
}

std::string RedisSentinels::primary_address() const {
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->running()) continue;
    std::string address = sentinel->command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"});
    if (const size_t line_end = address.find('\n'); line_end != std::string::npos) {
      address[line_end] = ':';
      return address;
    }
  }
  return {};
}

RedisServer* RedisSentinels::current_primary() {
  const std::string address = primary_address();
  for (const auto& server : servers_) {
    if (server->address() == address) return server.get();
  }
  return nullptr;
}

// ---- cluster

RedisCluster::RedisCluster() {
  constexpr unsigned kSlots = 16384;
  for (int i = 0; i < 3; ++i) {
    nodes_.push_back(std::make_unique<RedisServer>(RedisServer::Options{.cluster = true}));
  }
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const std::string from = std::to_string((i * kSlots + 2) / 3);
    const std::string until = std::to_string(((i + 1) * kSlots + 2) / 3 - 1);
    CHECK(node(i).command({"CLUSTER", "ADDSLOTSRANGE", from, until}) == "OK");
    const std::string epoch = std::to_string(i + 1);
    CHECK(node(i).command({"CLUSTER", "SET-CONFIG-EPOCH", epoch}) == "OK");
  }
  for (size_t i = 1; i < nodes_.size(); ++i) {
    // "id 127.0.0.1:port@bus …"
    const std::string line = node(i).command({"CLUSTER", "NODES"});
    const size_t at = line.find('@');
    const std::string bus = line.substr(at + 1, line.find_first_of(" ,", at) - at - 1);
    const std::string port = std::to_string(node(i).port());
    CHECK(node(0).command({"CLUSTER", "MEET", "127.0.0.1", port, bus}) == "OK");
  }
  for (const auto& each : nodes_) {
    const auto whole = [&each] {
      return each->info({"CLUSTER", "INFO"}, "cluster_state") == "ok" &&
             each->info({"CLUSTER", "INFO"}, "cluster_known_nodes") == "3";
    };
    CHECK(wait_for(whole), "the cluster does not come together");
  }
}

std::vector<std::string> RedisCluster::addresses() const {
  std::vector<std::string> all;
  for (const auto& each : nodes_) all.push_back(each->address());
  return all;
}

std::string RedisCluster::node_id(size_t i) const {
  return nodes_[i]->command({"CLUSTER", "MYID"});
}

void RedisCluster::move_slot(uint16_t slot, size_t from, size_t to) {
  const std::string number = std::to_string(slot);
  const std::string source = node_id(from);
  const std::string target = node_id(to);
  node(to).command({"CLUSTER", "SETSLOT", number, "IMPORTING", source});
  node(from).command({"CLUSTER", "SETSLOT", number, "MIGRATING", target});
  const std::string port = std::to_string(node(to).port());
  while (true) {
    const std::string key = node(from).command({"CLUSTER", "GETKEYSINSLOT", number, "1"});
    if (key.empty()) break;
    CHECK(node(from).command({"MIGRATE", "127.0.0.1", port, key, "0", "1000"}) == "OK");
  }
  CHECK(node(to).command({"CLUSTER", "SETSLOT", number, "NODE", target}) == "OK");
  CHECK(node(from).command({"CLUSTER", "SETSLOT", number, "NODE", target}) == "OK");
}

}  // namespace layotto::tests
