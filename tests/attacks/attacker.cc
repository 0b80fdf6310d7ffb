// layotto-attacker HOST:PORT SCRIPT: says the script to a server, as fast as that takes it, and
// prints as one line of JSON what came back. It prints "holding" and waits for a line when the test
// shall look at the server first. --list names the scripts.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "tests/attacks/script.h"
#include "tests/support/h2_peer.h"

namespace layotto::attacks {
namespace {

namespace wire = tests::h2;

constexpr uint32_t kAtOnce = 256;  // connections
constexpr size_t kBatchBytes = 64 * 1024;
constexpr std::string_view kBarrier = "barrier!";
// Between two bytes of a connection that trickles.
constexpr int kTrickleMs = 20;
// Something is wrong when nothing at all happens for so long; a fence, not a measure.
int patience_ms() {
  const char* seconds = std::getenv("LAYOTTO_TEST_PATIENCE");
  return seconds == nullptr ? 60'000 : std::atoi(seconds) * 1000;
}

[[noreturn]] void die(std::string_view what) {
  fmt::print(stderr, "attacker: {}: {}\n", what, std::generic_category().message(errno));
  std::exit(1);
}

struct Seen {
  uint64_t connections = 0, closed = 0, sends = 0, sent = 0, received = 0, ended = 0, data = 0;
  std::map<uint32_t, uint64_t> goaway;
  std::map<uint32_t, uint64_t> reset;
};

std::string as_json(const std::map<uint32_t, uint64_t>& counts) {
  std::string text;
  for (const auto& [code, count] : counts) {
    text += fmt::format("{}\"{}\": {}", text.empty() ? "" : ", ", code, count);
  }
  return "{" + text + "}";
}

class Link {
 public:
  Link(const Script& script, const sockaddr_in& server, Seen& seen)
      : script_(script), seen_(seen), waits_at_(script.wait_every) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) die("socket");
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) != 0) {
      die("connect");
    }
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    ++seen_.connections;
    if (!script.raw) out_ = wire::kPreface + script.greeting;
    refill();
  }
  ~Link() { ::close(fd_); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] bool sent() const { return closed_ || (at_ == out_.size() && said_all_); }
  [[nodiscard]] bool has_something_to_say() const { return at_ < out_.size(); }
  [[nodiscard]] bool done() const {
    if (closed_) return true;
    if (!sent()) return false;
    switch (script_.until) {
      case Until::kTaken:
        return barrier_seen_;
      case Until::kAnswered:
        return ended_.size() >= opened_.size();
      case Until::kClosed:
        return false;
    }
    return false;
  }
  [[nodiscard]] pollfd wanted(bool reads) const {
    const bool writes = !script_.trickle && has_something_to_say();
    return {.fd = closed_ ? -1 : fd_,
            .events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
            .revents = 0};
  }

  void write() {
    while (has_something_to_say() && !closed_) {
      size_t size = out_.size() - at_;
      if (script_.trickle) size = 1;
      const ssize_t n = ::send(fd_, out_.data() + at_, size, MSG_NOSIGNAL);
      if (n < 0) {
        if (errno == EAGAIN) return;
        read();  // its last words
        end();
        return;
      }
      ++seen_.sends;
      seen_.sent += static_cast<uint64_t>(n);
      at_ += static_cast<size_t>(n);
      if (at_ == out_.size()) refill();
      if (script_.trickle) return;
    }
  }
  void read() {
    static std::array<char, 256 * 1024> buffer;
    while (!closed_) {
      const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        end();
        return;
      }
      seen_.received += static_cast<uint64_t>(n);
      if (!script_.raw) take({buffer.data(), static_cast<size_t>(n)});
    }
  }

 private:
  void refill() {
    out_.erase(0, at_);
    at_ = 0;
    if (waiting_) return;
    while (out_.size() < kBatchBytes && round_ < script_.rounds) {
      if (script_.wait_every != 0 && round_ == waits_at_) {
        out_ += wire::ping(kBarrier);
        waits_at_ += script_.wait_every;
        waiting_ = true;
        return;
      }
      const std::string more = script_.round(round_++);
      if (script_.until == Until::kAnswered) note_streams(more);
      out_ += more;
    }
    if (out_.empty() && !said_all_) {
      said_all_ = true;
      if (script_.until == Until::kTaken) out_ = wire::ping(kBarrier);
    }
  }
  void note_streams(std::string_view bytes) {
    for (size_t at = 0; at + 9 <= bytes.size(); at += 9 + length(bytes.substr(at))) {
      if (bytes[at + 3] == wire::kHeaders) opened_.insert(number(bytes, at + 5));
    }
  }
  void end() {
    if (!closed_) ++seen_.closed;
    closed_ = true;
  }

  static uint32_t number(std::string_view bytes, size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  }
  static size_t length(std::string_view head) { return number(head, 0) >> 8; }

  // Frames, of which only heads and the payload of small ones are kept.
  void take(std::string_view bytes) {
    pending_ += bytes;
    size_t at = 0;
    while (pending_.size() - at >= 9) {
      const size_t size = length(std::string_view(pending_).substr(at));
      if (pending_.size() - at < 9 + size) break;
      on_frame(std::string_view(pending_).substr(at, 9 + size));
      if (closed_) return;
      at += 9 + size;
    }
    pending_.erase(0, at);
  }
  void on_frame(std::string_view frame) {
    const auto type = static_cast<uint8_t>(frame[3]);
    const auto flags = static_cast<uint8_t>(frame[4]);
    const uint32_t stream = number(frame, 5);
    const std::string_view payload = frame.substr(9);
    if (type == wire::kData) seen_.data += payload.size();
    if ((type == wire::kData || type == wire::kHeaders) && (flags & wire::kEndStream) != 0) {
      end_stream(stream);
    } else if (type == wire::kRstStream) {
      ++seen_.reset[number(payload, 0)];
      ended_.insert(stream);
    } else if (type == wire::kGoaway && number(payload, 4) != wire::kNoError) {
      ++seen_.goaway[number(payload, 4)];
      end();
    } else if (type == wire::kPing && payload == kBarrier) {
      if (!waiting_) {
        barrier_seen_ = true;
        return;
      }
      waiting_ = false;
      refill();
    }
  }
  void end_stream(uint32_t stream) {
    ++seen_.ended;
    ended_.insert(stream);
  }

  const Script& script_;
  Seen& seen_;
  int fd_ = -1;
  std::string out_;
  size_t at_ = 0;
  uint32_t round_ = 0;
  uint32_t waits_at_;
  bool said_all_ = false;
  bool waiting_ = false;
  bool barrier_seen_ = false;
  bool closed_ = false;
  std::string pending_;
  std::set<uint32_t> opened_;
  std::set<uint32_t> ended_;
};

using Links = std::vector<std::unique_ptr<Link>>;

void step(Links& links, bool reads, bool trickle) {
  std::vector<pollfd> polled;
  for (const auto& link : links) polled.push_back(link->wanted(reads));
  const int ready = ::poll(polled.data(), polled.size(), trickle ? kTrickleMs : patience_ms());
  if (ready < 0) die("poll");
  if (ready == 0 && !trickle) {
    errno = ETIMEDOUT;
    die("the server does nothing any more");
  }
  for (size_t i = 0; i < links.size(); ++i) {
    if (reads && (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) links[i]->read();
    if (trickle || (polled[i].revents & (POLLOUT | POLLERR)) != 0) links[i]->write();
  }
}

void hold() {
  fmt::print("holding\n");
  std::fflush(stdout);
  while (true) {
    const int c = std::getchar();
    if (c == '\n' || c == EOF) return;
  }
}

int attack(const sockaddr_in& server, const Script& script) {
  Seen seen;
  Links links;
  const bool keeps = script.hold || script.deaf;
  const auto open_more = [&] {
    while (seen.connections < script.connections && (keeps || links.size() < kAtOnce)) {
      links.push_back(std::make_unique<Link>(script, server, seen));
      if (!script.trickle) links.back()->write();
    }
  };
  open_more();
  const auto all = [&](bool (Link::*is)() const) {
    return std::all_of(links.begin(), links.end(),
                       [is](const auto& each) { return ((*each).*is)(); });
  };
  if (script.deaf) {
    while (!all(&Link::sent)) step(links, /*reads=*/false, false);
    hold();
  }
  while (!links.empty()) {
    if (script.hold && all(&Link::done)) {
      hold();
      break;
    }
    if (!keeps || !script.hold) {
      std::erase_if(links, [](const auto& link) { return link->done(); });
      if (!keeps) open_more();
      if (links.empty()) break;
    }
    step(links, /*reads=*/true, script.trickle);
  }
  fmt::print(
      "{{\"connections\": {}, \"closed\": {}, \"sends\": {}, \"sent\": {}, \"received\": {}, "
      "\"ended\": {}, \"data\": {}, \"goaway\": {}, \"reset\": {}}}\n",
      seen.connections, seen.closed, seen.sends, seen.sent, seen.received, seen.ended, seen.data,
      as_json(seen.goaway), as_json(seen.reset));
  return 0;
}

sockaddr_in parse_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(text.substr(colon + 1))));
  if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    errno = EINVAL;
    die(text);
  }
  return address;
}

}  // namespace
}  // namespace layotto::attacks

int main(int argc, char** argv) {
  using namespace layotto::attacks;
  const std::vector<Script> known = scripts();
  if (argc == 2 && std::string_view(argv[1]) == "--list") {
    for (const Script& script : known) fmt::print("{}\n", script.name);
    return 0;
  }
  if (argc == 3) {
    for (const Script& script : known) {
      if (std::string_view(argv[2]) == script.name) return attack(parse_address(argv[1]), script);
    }
  }
  fmt::print(stderr, "usage: layotto-attacker HOST:PORT SCRIPT | --list\n");
  return 2;
}
