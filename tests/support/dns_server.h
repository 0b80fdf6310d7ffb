// DnsServer: a small name server on the loopback device, UDP and TCP on one port, run by the test's
// own loop. It answers from a table; what is not in it does not exist (NXDOMAIN).
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task_group.h"
#include "net/fd_connection.h"
#include "net/listener.h"

namespace layotto::tests {

class DnsServer final : private async::IoHandler, private net::Acceptor {
 public:
  struct Records {
    std::vector<std::string> ipv4;
    std::vector<std::string> ipv6;
    uint32_t ttl = 60;
    std::string alias = {};       // CNAME; the addresses are then those of the alias
    uint8_t code = 0;             // 2: SERVFAIL, 5: REFUSED
    bool silent = false;          // never answers
    bool truncated = false;       // over UDP it says: ask by TCP
    bool empty_datagram = false;  // sends one before the answer
  };

  explicit DnsServer(async::Loop& loop) : loop_(loop), tasks_(loop) {
    // One port for both: try until the one the kernel gave for TCP is free for UDP.
    for (int i = 0; i < 100 && udp_ < 0; ++i) {
      auto tcp = net::ListeningSocket::open(*net::Address::parse("127.0.0.1:0"), {});
      CHECK(tcp.ok());
      const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (bind(fd, tcp->address().data(), tcp->address().length()) == 0) {
        udp_ = fd;
        net::Acceptor& acceptor = *this;
        listener_ = std::make_unique<net::Listener>(loop, std::move(*tcp), acceptor);
      } else {
        close(fd);
      }
    }
    CHECK(udp_ >= 0, "no port for a DNS server");
    CHECK(loop_.watch(udp_, *this).ok() && listener_->start().ok());
  }
  ~DnsServer() {
    stop();
    CHECK(tasks_.running() == 0, "run the loop after stop()");
  }
  // Ends the connections; the loop must run once more before the server goes.
  void stop() {
    if (udp_ < 0) return;
    loop_.unwatch(udp_, *this);
    close(udp_);
    udp_ = -1;
    listener_->close();
    tasks_.stop(async::StopReason::kShutdown);
  }

  [[nodiscard]] std::string address() const { return listener_->address().to_string(); }
  [[nodiscard]] int asked(const std::string& name) const {
    const auto found = asked_.find(name);
    return found == asked_.end() ? 0 : found->second;
  }
  [[nodiscard]] int asked_by_tcp() const { return by_tcp_; }

  std::map<std::string, Records> names;

 private:
  static constexpr uint16_t kA = 1;
  static constexpr uint16_t kCname = 5;
  static constexpr uint16_t kAaaa = 28;

  static void put16(std::string& out, size_t n) {
    out.push_back(static_cast<char>(n >> 8));
    out.push_back(static_cast<char>(n & 0xff));
  }
  static void put_name(std::string& out, std::string_view name) {
    while (!name.empty()) {
      const size_t dot = std::min(name.find('.'), name.size());
      out.push_back(static_cast<char>(dot));
      out.append(name.substr(0, dot));
      name.remove_prefix(std::min(dot + 1, name.size()));
    }
    out.push_back('\0');
  }
  static void put_record(std::string& out, std::string_view name, uint16_t type, uint32_t ttl,
                         std::string_view data) {
    put_name(out, name);
    put16(out, type);
    put16(out, 1);
    put16(out, ttl >> 16);
    put16(out, ttl & 0xffff);
    put16(out, data.size());
    out.append(data);
  }
  static std::string packed(int family, const std::string& host) {
    std::string bytes(family == AF_INET ? 4 : 16, '\0');
    CHECK(inet_pton(family, host.c_str(), bytes.data()) == 1);
    return bytes;
  }

  // Empty: no answer.
  std::string answer(std::string_view question, bool by_udp) {
    std::string name;
    size_t at = 12;
    while (at < question.size() && question[at] != '\0') {
      const size_t length = static_cast<uint8_t>(question[at]);
      if (!name.empty()) name.push_back('.');
      name.append(question.substr(at + 1, length));
      at += 1 + length;
    }
    if (at + 5 > question.size()) return {};
    const auto type = static_cast<uint16_t>(static_cast<uint8_t>(question[at + 2]));
    const size_t question_end = at + 5;
    ++asked_[name];
    const auto found = names.find(name);
    const bool known = found != names.end();
    const Records records = known ? found->second : Records{};
    if (records.silent) return {};

    std::string body;
    size_t count = 0;
    const bool truncate = records.truncated && by_udp;
    if (known && !truncate && records.code == 0) {
      std::string owner = name;
      if (!records.alias.empty()) {
        std::string target;
        put_name(target, records.alias);
        put_record(body, name, kCname, records.ttl, target);
        owner = records.alias;
        ++count;
      }
      const auto add = [&](const std::vector<std::string>& hosts, int family, uint16_t record) {
        if (record != type) return;
        for (const std::string& host : hosts) {
          put_record(body, owner, record, records.ttl, packed(family, host));
          ++count;
        }
      };
      add(records.ipv4, AF_INET, kA);
      add(records.ipv6, AF_INET6, kAaaa);
    }
    std::string reply(question.substr(0, 2));
    reply.push_back(static_cast<char>(0x85 | (truncate ? 0x02 : 0)));  // QR AA RD, TC
    const int code = known ? records.code : 3;
    reply.push_back(static_cast<char>(0x80 | code));  // RA
    put16(reply, 1);
    put16(reply, count);
    put16(reply, 0);
    put16(reply, 0);
    reply.append(question.substr(12, question_end - 12));
    reply.append(body);
    return reply;
  }

  void on_io(async::IoEvents) override {
    std::string buffer(4096, '\0');
    while (true) {
      sockaddr_in from{};
      socklen_t length = sizeof(from);
      auto* generic = reinterpret_cast<sockaddr*>(&from);
      const ssize_t n = recvfrom(udp_, buffer.data(), buffer.size(), 0, generic, &length);
      if (n < 0) return;
      const std::string_view question(buffer.data(), static_cast<size_t>(n));
      const std::string reply = answer(question, true);
      if (reply.empty()) continue;
      for (const auto& [name, records] : names) {
        if (records.empty_datagram) sendto(udp_, "", 0, 0, generic, length);
      }
      sendto(udp_, reply.data(), reply.size(), 0, generic, length);
    }
  }

  void accepted(int fd) override { tasks_.spawn(&serve, this, fd); }
  // One connection: questions behind their lengths, answered in pieces of at most 700 bytes, so
  // that the client sees them arrive in parts.
  static Task<void> serve(DnsServer* self, int fd) {
    auto connection = net::FdConnection::adopt(self->loop_, fd);
    if (!connection.ok()) co_return;
    std::string pending;
    std::string buffer(4096, '\0');
    while (true) {
      const net::ReadResult got = (*connection)->read_some(buffer);
      if (got.outcome == net::ReadOutcome::kWouldBlock) {
        if (!(co_await (*connection)->readable().wait()).ok()) co_return;
        continue;
      }
      if (got.outcome != net::ReadOutcome::kBytes) co_return;
      pending.append(buffer.data(), got.size);
      while (pending.size() >= 2) {
        const size_t size =
            static_cast<uint8_t>(pending[0]) * 256U + static_cast<uint8_t>(pending[1]);
        if (pending.size() < 2 + size) break;
        ++self->by_tcp_;
        const std::string reply = self->answer(std::string_view(pending).substr(2, size), false);
        pending.erase(0, 2 + size);
        std::string framed;
        put16(framed, reply.size());
        framed.append(reply);
        for (size_t sent = 0; sent < framed.size(); sent += 700) {
          (*connection)->out().append(std::string_view(framed).substr(sent, 700));
          (*connection)->schedule_flush();
          if (!(co_await self->loop_.yield()).ok()) co_return;
          if (!(co_await self->loop_.yield()).ok()) co_return;
        }
      }
    }
  }

  async::Loop& loop_;
  async::TaskGroup tasks_;
  int udp_ = -1;
  std::unique_ptr<net::Listener> listener_;
  std::map<std::string, int> asked_;
  int by_tcp_ = 0;
};

}  // namespace layotto::tests
