// AresResolver: names by c-ares on this loop: no threads, its sockets are watched like any others.
//
// Numeric hosts and `localhost` (127.0.0.1, then ::1) are answered at once. Else /etc/hosts, then
// the servers and search list of /etc/resolv.conf (read when the resolver is made). IPv4 and IPv6
// are asked for together; the order is that of getaddrinfo (RFC 6724), families taking turns.
//
// What was learnt is kept: an answer for its time to live (within kDnsTtlMin and kDnsTtlMax), "no
// such name" for kDnsNegativeTtl. When servers fail (SERVFAIL, or no answer within
// kDnsRefreshWait), the last good answer serves on for kDnsStaleMax after its time to live, and
// they are asked again after kDnsRetryPause. Questions for the same name at the same time are one
// question.
//
// A wait that is stopped leaves its question behind: c-ares cannot take one back. It ends by itself
// within its tries, and what it learns is kept.
//
// The loop is edge-triggered, c-ares is not: it reads UDP sockets until they are empty, but TCP
// ones one piece a call, and asks to write when the socket may be writable already. Hence a socket
// is processed until poll(2) says that nothing is left, and a wish to write is tried at the end of
// the pass.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/loop.h"
#include "base/intrusive_list.h"
#include "base/tally.h"
#include "net/limits.h"
#include "net/resolver.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace layotto::net {

struct AresOptions {
  // "127.0.0.1:5353,[::1]": these servers and no search list; empty: as /etc/resolv.conf says.
  std::string servers;
  // For the first try at each server; later tries get twice as long each.
  std::chrono::milliseconds try_timeout{2000};
  int tries = 3;
  // Reads the file that the environment variable CARES_HOSTS names instead of /etc/hosts.
  bool hosts_by_environment = false;
};

class AresResolver final : public Resolver, private async::Timer, private async::PassEnd {
 public:
  static Result<std::unique_ptr<AresResolver>> make(async::Loop& loop, const AresOptions& options);
  // Nobody may be waiting any more; questions under way are dropped.
  ~AresResolver() override;

  Task<Result<std::vector<Address>>> resolve(std::string_view host, uint16_t port) override;

  struct Counters {
    base::Tally queries;            // names asked for
    base::Tally cache_hits;         // answered from memory
    base::Tally failures;           // questions that got no address
    base::Tally stale_answers;      // a last good answer given instead
    base::Tally cache_evictions;    // kDnsCacheEntriesMax
    base::Tally queries_refused;    // kDnsQueriesMax
    base::Tally addresses_dropped;  // kDnsAddressesMax
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] size_t cached() const { return cache_.size(); }
  [[nodiscard]] size_t under_way() const { return queries_.size(); }

 private:
  struct Entry;
  struct Query;
  class Socket;

  AresResolver(async::Loop& loop, const AresOptions& options);
  Status open();
  Result<Query*> join_query(const std::string& name);
  Task<Result<std::vector<Address>>> wait_for(Query& query, uint16_t port);
  static Task<Status> done(Query& query);
  static void release(Query* query);
  // What memory says; nullptr: ask.
  Entry* known(const std::string& name);
  // A last good answer that may still stand in; else nullptr.
  [[nodiscard]] const Entry* stale(const std::string& name) const;
  Result<std::vector<Address>> answer_from(const Entry& entry, uint16_t port);
  Entry& remember(const std::string& name);

  // c-ares calls these.
  static void on_answer(void* query, int status, int timeouts, ares_addrinfo* answer);
  static void on_socket(void* self, int fd, int readable, int writable);
  void finish(Query& query, int status, ares_addrinfo* answer);
  void take_addresses(Query& query, const ares_addrinfo& answer, Duration* ttl);

  void process(int fd, async::IoEvents events);
  void update_timer();
  void on_timer() override;
  void at_pass_end() override;  // tries to write what c-ares wants to

  async::Loop& loop_;
  const AresOptions options_;
  ares_channeldata* channel_ = nullptr;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets_;
  std::unordered_map<std::string, Query*> queries_;  // owned by c-ares's callback and the waiters
  std::unordered_map<std::string, std::unique_ptr<Entry>> cache_;
  base::IntrusiveList<Entry, Entry> by_use_;  // the one not used for longest first
  size_t waiting_ = 0;
  Counters counters_;
};

}  // namespace layotto::net
