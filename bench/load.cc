// layotto-load: a gRPC load generator that costs little itself: unary GetState or SaveState over
// HTTP/2 with header blocks encoded once per connection the way gRPC clients do (everything indexed
// after the first call). Every answer is checked: grpc-status 0 and, for GetState, the value's
// bytes.
//
//   layotto-load --address 127.0.0.1:34904 --rpc GetState --connections 8 --streams 4 --requests
//   100000
//
// Prints one line of JSON: completed, failed, seconds, requests per second, latency percentiles
// (µs).
#include <getopt.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/address.h"

namespace layotto::bench {
namespace {

struct Options {
  std::string address = "127.0.0.1:34904";
  std::string rpc = "GetState";
  std::string store = "demo";
  size_t connections = 1;
  size_t streams = 1;
  uint64_t requests = 0;  // 0: for `seconds`
  double seconds = 2;
  double rate = 0;  // per second over all connections; 0: as fast as possible
  size_t keys = 1000;
  size_t value_bytes = 64;
};

int64_t now_ns() {
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1'000'000'000L + at.tv_nsec;
}

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "layotto-load: %s\n", why.c_str());
  std::exit(1);
}

void put_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_field(std::string& out, int number, std::string_view bytes) {
  put_varint(out, static_cast<uint64_t>(number << 3 | 2));
  put_varint(out, bytes.size());
  out.append(bytes);
}

void put_frame(std::string& out, uint8_t type, uint8_t flags, uint32_t stream,
               std::string_view payload) {
  const auto size = static_cast<uint32_t>(payload.size());
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(size >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  out.append(payload);
}

void put_literal(std::string& block, uint8_t name_index, std::string_view name,
                 std::string_view value) {
  block.push_back(static_cast<char>(0x40 | name_index));
  if (name_index == 0) {
    block.push_back(static_cast<char>(name.size()));
    block.append(name);
  }
  block.push_back(static_cast<char>(value.size()));
  block.append(value);
}

// The messages of one run, shared by all connections.
class Workload {
 public:
  explicit Workload(const Options& options) : value_(options.value_bytes, 'v') {
    for (size_t i = 0; i < options.keys; ++i) {
      const std::string key = "key" + std::to_string(i);
      std::string message;
      put_field(message, 1, options.store);
      if (options.rpc == "GetState") {
        put_field(message, 2, key);
      } else {
        std::string item;
        put_field(item, 1, key);
        put_field(item, 2, value_);
        put_field(message, 2, item);
      }
      std::string framed(1, '\0');
      for (const int shift : {24, 16, 8, 0}) {
        framed.push_back(static_cast<char>(message.size() >> shift));
      }
      messages_.push_back(framed + message);
    }
    checks_value_ = options.rpc == "GetState";
    path_ = "/spec.proto.runtime.v1.Runtime/" + options.rpc;
    put_field(expected_, 1, value_);
  }
  [[nodiscard]] std::string_view next() { return messages_[turn_++ % messages_.size()]; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // The start of the reply's DATA after the five bytes of prefix.
  [[nodiscard]] bool reply_ok(std::string_view data) const {
    if (data.size() < 5 || data[0] != 0) return false;
    return !checks_value_ || data.substr(5).starts_with(expected_);
  }

 private:
  std::string value_;
  std::string path_;
  std::string expected_;
  std::vector<std::string> messages_;
  size_t turn_ = 0;
  bool checks_value_ = false;
};

class Connection {
 public:
  Connection(const net::Address& address, Workload& workload) : workload_(workload) {
    fd_ = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0 || connect(fd_, address.data(), address.length()) != 0) {
      die("cannot connect to " + address.to_string() + ": " + std::strerror(errno));
    }
    const int one = 1;
    if (address.is_ip()) setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    out_ = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // INITIAL_WINDOW_SIZE 2^31-1; the connection window likewise.
    put_frame(out_, 4, 0, 0, std::string_view("\0\4\x7f\xff\xff\xff", 6));
    put_frame(out_, 8, 0, 0, std::string_view("\x7f\xff\0\0", 4));
    std::string first;
    first += "\x83\x86";  // :method POST, :scheme http
    put_literal(first, 4, {}, workload.path());
    put_literal(first, 1, {}, "localhost:34904");
    put_literal(first, 31, {}, "application/grpc");
    put_literal(first, 0, "te", "trailers");
    put_literal(first, 58, {}, "grpc-c++/1.51.1 grpc-c/29.0.0 (linux; chttp2)");
    put_literal(first, 0, "grpc-accept-encoding", "identity, deflate, gzip");
    first_head_ = first;
    later_head_ = "\x83\x86\xc3\xc2\xc1\xc0\xbf\xbe";
    nghttp2_hd_inflate_new(&inflater_);
  }
  ~Connection() {
    nghttp2_hd_inflate_del(inflater_);
    close(fd_);
  }

  void send_request(int64_t at) {
    put_frame(out_, 1, 4, next_stream_, next_stream_ == 1 ? first_head_ : later_head_);
    put_frame(out_, 0, 1, next_stream_, workload_.next());
    started_[next_stream_] = at;
    next_stream_ += 2;
  }
  void flush() {
    while (!out_.empty()) {
      const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) {
        if (errno == EAGAIN) return;
        die(std::string("send: ") + std::strerror(errno));
      }
      out_.erase(0, static_cast<size_t>(n));
    }
  }

  // Reads what is there; counts into the totals. Returns how many calls ended.
  size_t receive(std::vector<uint32_t>& latencies_us, uint64_t& failed) {
    std::array<char, 256 * 1024> buffer;
    const ssize_t n = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) die("the server closed a connection");
    in_.append(buffer.data(), static_cast<size_t>(n));
    size_t ended = 0;
    size_t at = 0;
    while (in_.size() - at >= 9) {
      const auto byte = [&](size_t i) {
        return static_cast<uint32_t>(static_cast<uint8_t>(in_[at + i]));
      };
      const size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (in_.size() - at < 9 + size) break;
      const uint32_t stream = (byte(5) & 0x7f) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
      const std::string_view payload(in_.data() + at + 9, size);
      ended += on_frame(byte(3), byte(4), stream, payload, latencies_us, failed);
      at += 9 + size;
    }
    in_.erase(0, at);
    return ended;
  }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] size_t in_flight() const { return started_.size(); }
  [[nodiscard]] bool blocked() const { return !out_.empty(); }

 private:
  size_t on_frame(uint32_t type, uint32_t flags, uint32_t stream, std::string_view payload,
                  std::vector<uint32_t>& latencies_us, uint64_t& failed) {
    switch (type) {
      case 0:  // DATA
        received_ += payload.size();
        if (received_ > 1U << 30U) {
          put_frame(out_, 8, 0, 0, std::string_view("\x40\0\0\0", 4));
          received_ -= 1U << 30U;
        }
        if (!workload_.reply_ok(payload)) bad_.push_back(stream);
        return 0;
      case 1: {  // HEADERS
        const bool end = (flags & 1U) != 0;
        const bool ok = head_ok(payload, end);
        if (!end) return 0;
        const auto found = started_.find(stream);
        if (found == started_.end()) die("an answer to no request");
        const auto bad = std::find(bad_.begin(), bad_.end(), stream);
        if (!ok || bad != bad_.end()) ++failed;
        if (bad != bad_.end()) bad_.erase(bad);
        latencies_us.push_back(static_cast<uint32_t>((now_ns() - found->second) / 1000));
        started_.erase(found);
        return 1;
      }
      case 3:
        die("the server reset a stream");
      case 4:
        if ((flags & 1U) == 0) put_frame(out_, 4, 1, 0, {});
        return 0;
      case 6:
        if ((flags & 1U) == 0) put_frame(out_, 6, 1, 0, payload);
        return 0;
      case 7:
        die("the server sent GOAWAY");
      default:
        return 0;
    }
  }

  // Decodes a header block; one that is all indexed and was good before is good again.
  bool head_ok(std::string_view block, bool trailers) {
    std::string& known = trailers ? known_trailers_ : known_head_;
    if (!known.empty() && block == known) return true;
    bool ok = false;
    bool all_indexed = true;
    for (const char c : block) all_indexed = all_indexed && (static_cast<uint8_t>(c) & 0x80) != 0;
    std::string_view rest = block;
    while (true) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t n = nghttp2_hd_inflate_hd2(
          inflater_, &field, &flags, reinterpret_cast<const uint8_t*>(rest.data()), rest.size(), 1);
      if (n < 0) die("broken header block from the server");
      rest.remove_prefix(static_cast<size_t>(n));
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        const std::string_view name(reinterpret_cast<char*>(field.name), field.namelen);
        const std::string_view value(reinterpret_cast<char*>(field.value), field.valuelen);
        if (trailers && name == "grpc-status") {
          ok = value == "0";
          if (!ok) last_status_ = value;
        }
        if (trailers && name == "grpc-message") complain(value);
        if (!trailers && name == ":status") ok = value == "200";
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && rest.empty()) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    if (ok && all_indexed) known.assign(block);
    return ok;
  }

  void complain(std::string_view message) const {
    static int said = 0;
    if (said++ < 3) {
      std::fprintf(stderr, "grpc-status %s: %.*s\n", last_status_.c_str(),
                   static_cast<int>(message.size()), message.data());
    }
  }

  Workload& workload_;
  int fd_ = -1;
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::string first_head_;
  std::string later_head_;
  std::string known_head_;
  std::string known_trailers_;
  std::string last_status_ = "?";
  std::string out_;
  std::string in_;
  uint32_t next_stream_ = 1;
  uint64_t received_ = 0;
  std::unordered_map<uint32_t, int64_t> started_;
  std::vector<uint32_t> bad_;
};

class Run {
 public:
  explicit Run(Options options) : options_(std::move(options)), workload_(options_) {
    auto address = net::Address::parse(options_.address);
    if (!address.ok()) die(std::string(address.error().message()));
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < options_.connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(*address, workload_));
      epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->fd(), &event);
    }
  }

  void go() {
    begun_ = now_ns();
    end_ = begun_ + static_cast<int64_t>(options_.seconds * 1e9);
    if (options_.rate == 0) {
      for (auto& connection : connections_) top_up(*connection);
    }
    while (!done()) {
      if (options_.rate > 0) send_paced();
      std::array<epoll_event, 64> events;
      const int n = epoll_wait(epoll_, events.data(), events.size(), options_.rate > 0 ? 0 : 100);
      for (int i = 0; i < n; ++i) {
        Connection& connection = *connections_[events[static_cast<size_t>(i)].data.u64];
        completed_ += connection.receive(latencies_, failed_);
        if (options_.rate == 0) top_up(connection);
        connection.flush();
      }
      for (auto& connection : connections_) {
        if (connection->blocked()) connection->flush();
      }
    }
    report();
  }

 private:
  [[nodiscard]] bool may_send() const {
    return options_.requests > 0 ? sent_ < options_.requests : now_ns() < end_;
  }
  [[nodiscard]] bool done() const {
    if (options_.requests > 0) return completed_ >= options_.requests;
    return completed_ >= sent_ && now_ns() >= end_;
  }
  void top_up(Connection& connection) {
    const int64_t at = now_ns();
    while (connection.in_flight() < options_.streams && may_send()) {
      connection.send_request(at);
      ++sent_;
    }
    connection.flush();
  }
  // Open loop: the next request is due whether the last one was answered or not.
  void send_paced() {
    const int64_t at = now_ns();
    const auto due = static_cast<uint64_t>(static_cast<double>(at - begun_) * options_.rate / 1e9);
    while (sent_ < due && may_send()) {
      Connection& connection = *connections_[sent_ % connections_.size()];
      connection.send_request(at);
      connection.flush();
      ++sent_;
    }
  }
  void report() {
    const double seconds = static_cast<double>(now_ns() - begun_) / 1e9;
    std::sort(latencies_.begin(), latencies_.end());
    const auto percentile = [&](double p) {
      return latencies_.empty()
                 ? 0U
                 : latencies_[static_cast<size_t>(p * static_cast<double>(latencies_.size() - 1))];
    };
    std::printf(
        "{\"completed\": %lu, \"failed\": %lu, \"seconds\": %.3f, \"rps\": %.0f, "
        "\"p50_us\": %u, \"p99_us\": %u}\n",
        completed_, failed_, seconds, static_cast<double>(completed_) / seconds, percentile(0.5),
        percentile(0.99));
    std::exit(failed_ == 0 ? 0 : 2);
  }

  Options options_;
  Workload workload_;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<uint32_t> latencies_;
  int64_t begun_ = 0;
  int64_t end_ = 0;
  uint64_t sent_ = 0;
  uint64_t completed_ = 0;
  uint64_t failed_ = 0;
};

Options parse(int argc, char** argv) {
  Options options;
  const std::array<option, 11> names = {{{"address", 1, nullptr, 'a'},
                                         {"rpc", 1, nullptr, 'r'},
                                         {"store", 1, nullptr, 's'},
                                         {"connections", 1, nullptr, 'c'},
                                         {"streams", 1, nullptr, 'm'},
                                         {"requests", 1, nullptr, 'n'},
                                         {"seconds", 1, nullptr, 'd'},
                                         {"rate", 1, nullptr, 'R'},
                                         {"keys", 1, nullptr, 'k'},
                                         {"value-bytes", 1, nullptr, 'v'},
                                         {nullptr, 0, nullptr, 0}}};
  int flag = 0;
  while ((flag = getopt_long(argc, argv, "", names.data(), nullptr)) != -1) {
    switch (flag) {
      case 'a':
        options.address = optarg;
        break;
      case 'r':
        options.rpc = optarg;
        break;
      case 's':
        options.store = optarg;
        break;
      case 'c':
        options.connections = std::strtoul(optarg, nullptr, 10);
        break;
      case 'm':
        options.streams = std::strtoul(optarg, nullptr, 10);
        break;
      case 'n':
        options.requests = std::strtoul(optarg, nullptr, 10);
        break;
      case 'd':
        options.seconds = std::strtod(optarg, nullptr);
        break;
      case 'R':
        options.rate = std::strtod(optarg, nullptr);
        break;
      case 'k':
        options.keys = std::strtoul(optarg, nullptr, 10);
        break;
      case 'v':
        options.value_bytes = std::strtoul(optarg, nullptr, 10);
        break;
      default:
        die("usage: layotto-load [--address A] [--rpc GetState|SaveState] [--store S] "
            "[--connections N] [--streams N] [--requests N | --seconds S] [--rate R] [--keys N] "
            "[--value-bytes N]");
    }
  }
  if (options.rpc != "GetState" && options.rpc != "SaveState") die("--rpc GetState or SaveState");
  return options;
}

}  // namespace
}  // namespace layotto::bench

int main(int argc, char** argv) {
  layotto::bench::Run run(layotto::bench::parse(argc, argv));
  run.go();
}
