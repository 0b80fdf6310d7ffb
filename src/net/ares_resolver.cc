#include "net/ares_resolver.h"

#include <ares.h>
#include <poll.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "async/deadline.h"
#include "async/event.h"

namespace layotto::net {
namespace {

constexpr size_t kHostNameMax = 253;
// How often one event processes a socket before the other work of the loop gets its turn.
constexpr int kReadsPerEventMax = 64;

// Letters, digits, '-', '_' and '.', as names in DNS are written; lower case, so that each is one
// name.
std::optional<std::string> host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostNameMax || host.front() == '.') return std::nullopt;
  std::string name(host);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!fine) return std::nullopt;
  }
  return name;
}

// RFC 6761 §6.3: never asked of a server.
bool is_localhost(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name == "localhost" || name.ends_with(".localhost");
}

bool says_there_is_none(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

const char* server_words(int status) {
  switch (status) {
    case ARES_ETIMEOUT:
      return "no name server answered in time";
    // c-ares says so when it has tried all servers, whatever each of them answered.
    case ARES_ECONNREFUSED:
      return "no name server could be reached or would answer";
    default:
      return ares_strerror(status);
  }
}

Error lookup_error(const std::string& name, int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return base::unavailable("there is no host named '{}'", name).upstream().flag("DF");
    case ARES_ENODATA:
      return base::unavailable("the host '{}' has no IP address", name).upstream().flag("DF");
    case ARES_EBADNAME:
    case ARES_EBADSTR:
      return base::invalid_argument("'{}' is not a host name", name);
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return Error::shutting_down();
    default:
      return base::unavailable("looking up the host '{}': {}", name, server_words(status))
          .upstream()
          .retryable()
          .flag("DF");
  }
}

std::vector<Address> with_port(const std::vector<Address>& addresses, uint16_t port) {
  std::vector<Address> complete;
  complete.reserve(addresses.size());
  for (const Address& address : addresses) complete.push_back(address.with_port(port));
  return complete;
}

}  // namespace

// What is remembered of a name: the last good answer, the last failure, or both.
struct AresResolver::Entry : base::ListLink<Entry> {
  explicit Entry(std::string n) : name(std::move(n)) {}

  const std::string name;
  std::vector<Address> addresses;
  TimePoint fresh_until;  // of `addresses`
  TimePoint stale_until;  // how long they may stand in when servers fail
  std::optional<Error> failure;
  TimePoint failure_until;  // nothing is asked before
};

struct AresResolver::Query {
  Query(AresResolver& r, async::Loop& loop, std::string n)
      : resolver(&r), name(std::move(n)), done(loop) {}

  AresResolver* resolver;
  const std::string name;
  async::Event done;
  std::vector<Address> addresses;
  std::optional<Error> failure;
  int holders = 1;  // c-ares and the waiters: the last one frees it
};

class AresResolver::Socket final : public async::IoHandler {
 public:
  Socket(AresResolver& resolver, int fd) : resolver_(resolver), fd_(fd) {}
  void on_io(async::IoEvents events) override { resolver_.process(fd_, events); }

  bool wants_to_write = false;

 private:
  AresResolver& resolver_;
  const int fd_;
};

AresResolver::AresResolver(async::Loop& loop, const AresOptions& options)
    : loop_(loop), options_(options) {}

Result<std::unique_ptr<AresResolver>> AresResolver::make(async::Loop& loop,
                                                         const AresOptions& options) {
  std::unique_ptr<AresResolver> resolver(new AresResolver(loop, options));
  TRY(resolver->open());
  return resolver;
}

Status AresResolver::open() {
  // ares_library_init is for Windows; its counter is not thread-safe, and workers start in
  // parallel.
  ares_options options{};
  options.flags = options_.servers.empty() ? 0 : ARES_FLAG_NOSEARCH;
  options.timeout = static_cast<int>(options_.try_timeout.count());
  options.tries = options_.tries;
  options.sock_state_cb = &AresResolver::on_socket;
  options.sock_state_cb_data = this;
  char lookups[] = "fb";  // the hosts file, then DNS
  options.lookups = lookups;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
  if (options.flags != 0) mask |= ARES_OPT_FLAGS;
  int status = ares_init_options(&channel_, &options, mask);
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
    return base::failed_precondition("cannot prepare looking up names: {}", ares_strerror(status));
  }
  if (!options_.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, options_.servers.c_str());
    if (status != ARES_SUCCESS) {
      return base::invalid_argument("'{}' is not a list of name servers (IP:port,...): {}",
                                    options_.servers, ares_strerror(status));
    }
  }
  return {};
}

AresResolver::~AresResolver() {
  CHECK(waiting_ == 0, "AresResolver destroyed while a task waits for a name");
  if (channel_ != nullptr) ares_destroy(channel_);  // ends every query
}

Task<Result<std::vector<Address>>> AresResolver::resolve(std::string_view host, uint16_t port) {
  using Addresses = std::vector<Address>;
  if (auto numeric = Address::ip(host, port); numeric.ok()) {
    return async::ready(Result<Addresses>(Addresses{*numeric}));
  }
  const std::optional<std::string> name = host_name(host);
  if (!name.has_value()) {
    return async::failed<Result<Addresses>>(
        base::invalid_argument("'{}' is not a host name", host));
  }
  if (is_localhost(*name)) {
    return async::ready(
        Result<Addresses>(Addresses{*Address::ip("127.0.0.1", port), *Address::ip("::1", port)}));
  }
  if (Entry* entry = known(*name); entry != nullptr) {
    counters_.cache_hits.add();
    return async::ready(answer_from(*entry, port));
  }
  auto query = join_query(*name);
  if (!query.ok()) return async::failed<Result<Addresses>>(std::move(query).error());
  return wait_for(**query, port);
}

AresResolver::Entry* AresResolver::known(const std::string& name) {
  const auto found = cache_.find(name);
  if (found == cache_.end()) return nullptr;
  Entry& entry = *found->second;
  entry.unlink();
  by_use_.push_back(entry);
  const TimePoint now = loop_.now();
  const bool fresh = !entry.addresses.empty() && now < entry.fresh_until;
  const bool failed = entry.failure.has_value() && now < entry.failure_until;
  return fresh || failed ? &entry : nullptr;
}

const AresResolver::Entry* AresResolver::stale(const std::string& name) const {
  const auto found = cache_.find(name);
  if (found == cache_.end()) return nullptr;
  const Entry& entry = *found->second;
  return !entry.addresses.empty() && loop_.now() < entry.stale_until ? &entry : nullptr;
}

Result<std::vector<Address>> AresResolver::answer_from(const Entry& entry, uint16_t port) {
  const TimePoint now = loop_.now();
  const bool fresh = now < entry.fresh_until;
  const bool serves = !entry.addresses.empty() && (fresh || now < entry.stale_until);
  if (!serves && entry.failure.has_value()) return entry.failure->clone();
  if (!fresh) counters_.stale_answers.add();
  return with_port(entry.addresses, port);
}

// The question under way for this name, or a new one; the caller holds it then. It may have been
// answered already: the hosts file needs no wait.
Result<AresResolver::Query*> AresResolver::join_query(const std::string& name) {
  if (const auto found = queries_.find(name); found != queries_.end()) {
    ++found->second->holders;
    return found->second;
  }
  if (queries_.size() >= kDnsQueriesMax) {
    counters_.queries_refused.add();
    return base::resource_exhausted("too many names are being looked up ({}), try again later",
                                    kDnsQueriesMax);
  }
  counters_.queries.add();
  auto* query = new Query(*this, loop_, name);  // freed by release()
  ++query->holders;
  queries_.emplace(name, query);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  if (options_.hosts_by_environment) hints.ai_flags |= ARES_AI_ENVHOSTS;
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &AresResolver::on_answer, query);
  update_timer();
  return query;
}

void AresResolver::release(Query* query) {
  if (--query->holders == 0) delete query;
}

Task<Status> AresResolver::done(Query& query) { co_return co_await query.done.wait(); }

Task<Result<std::vector<Address>>> AresResolver::wait_for(Query& query, uint16_t port) {
  ++waiting_;
  const TimePoint patience =
      stale(query.name) == nullptr ? TimePoint::max() : loop_.now() + kDnsRefreshWait;
  Status waited = co_await async::with_deadline(loop_, patience, done(query));
  --waiting_;
  Result<std::vector<Address>> result(std::vector<Address>{});
  const Entry* old = waited.ok() || loop_.now() < patience ? nullptr : stale(query.name);
  if (old != nullptr) {
    counters_.stale_answers.add();
    result = with_port(old->addresses, port);
  } else if (!waited.ok()) {
    result = std::move(waited).error();
  } else if (query.failure.has_value()) {
    result = query.failure->clone();
  } else {
    result = with_port(query.addresses, port);
  }
  release(&query);
  co_return result;
}

void AresResolver::on_answer(void* query, int status, int /*timeouts*/, ares_addrinfo* answer) {
  auto& asked = *static_cast<Query*>(query);
  asked.resolver->finish(asked, status, answer);
  if (answer != nullptr) ares_freeaddrinfo(answer);
  release(&asked);
}

void AresResolver::take_addresses(Query& query, const ares_addrinfo& answer, Duration* ttl) {
  *ttl = kDnsTtlMax;
  const auto shorten = [ttl](int seconds) {
    *ttl = std::min<Duration>(*ttl, std::chrono::seconds(std::max(seconds, 0)));
  };
  for (const auto* alias = answer.cnames; alias != nullptr; alias = alias->next) {
    shorten(alias->ttl);
  }
  for (const auto* node = answer.nodes; node != nullptr; node = node->ai_next) {
    shorten(node->ai_ttl);
    if (query.addresses.size() == kDnsAddressesMax) {
      counters_.addresses_dropped.add();
      continue;
    }
    query.addresses.push_back(Address::from_sockaddr(node->ai_addr, node->ai_addrlen));
  }
  query.addresses = interleave_families(std::move(query.addresses));
  *ttl = std::max<Duration>(*ttl, kDnsTtlMin);
}

void AresResolver::finish(Query& query, int status, ares_addrinfo* answer) {
  queries_.erase(query.name);
  const TimePoint now = loop_.now();
  if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) {
    query.failure = lookup_error(query.name, status);
    query.done.set();
    return;
  }
  Entry& entry = remember(query.name);
  if (status == ARES_SUCCESS && answer != nullptr && answer->nodes != nullptr) {
    Duration ttl{};
    take_addresses(query, *answer, &ttl);
    entry.addresses = query.addresses;
    entry.fresh_until = now + ttl;
    entry.stale_until = entry.fresh_until + kDnsStaleMax;
    entry.failure.reset();
  } else {
    if (status == ARES_SUCCESS) status = ARES_ENODATA;
    counters_.failures.add();
    const bool answered = says_there_is_none(status);
    if (answered) entry.addresses.clear();  // an answer too: what was true is not any more
    entry.failure = lookup_error(query.name, status);
    entry.failure_until = now + (answered ? Duration(kDnsNegativeTtl) : Duration(kDnsRetryPause));
    if (!entry.addresses.empty() && now < entry.stale_until) {
      counters_.stale_answers.add();
      query.addresses = entry.addresses;
    } else {
      query.failure = entry.failure->clone();
    }
  }
  query.done.set();
}

AresResolver::Entry& AresResolver::remember(const std::string& name) {
  if (const auto found = cache_.find(name); found != cache_.end()) return *found->second;
  if (cache_.size() >= kDnsCacheEntriesMax) {
    counters_.cache_evictions.add();
    cache_.erase(by_use_.front()->name);
  }
  auto entry = std::make_unique<Entry>(name);
  by_use_.push_back(*entry);
  return *cache_.emplace(name, std::move(entry)).first->second;
}

void AresResolver::on_socket(void* self, int fd, int readable, int writable) {
  auto& resolver = *static_cast<AresResolver*>(self);
  const auto found = resolver.sockets_.find(fd);
  if (readable == 0 && writable == 0) {  // about to be closed
    if (found == resolver.sockets_.end()) return;
    resolver.loop_.unwatch(fd, *found->second);
    resolver.sockets_.erase(found);
    return;
  }
  Socket* socket = nullptr;
  if (found != resolver.sockets_.end()) {
    socket = found->second.get();
  } else {
    auto made = std::make_unique<Socket>(resolver, fd);
    socket = made.get();
    // One that cannot be watched (no memory in the kernel) answers nothing: its queries time out.
    if (!resolver.loop_.watch(fd, *made).ok()) return;
    resolver.sockets_.emplace(fd, std::move(made));
  }
  socket->wants_to_write = writable != 0;
  if (socket->wants_to_write) resolver.loop_.at_pass_end(resolver);
}

// The Socket that told may be gone after each call of c-ares, and its number may be another's.
void AresResolver::process(int fd, async::IoEvents events) {
  bool readable = events.readable;
  bool writable = events.writable;
  for (int i = 0; i < kReadsPerEventMax && (readable || writable); ++i) {
    ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
    writable = false;
    readable = false;
    if (sockets_.contains(fd)) {
      pollfd look{.fd = fd, .events = POLLIN, .revents = 0};
      readable = poll(&look, 1, 0) > 0;
    }
  }
  if (readable) loop_.at_pass_end(*this);  // a flood: the rest in the next pass
  update_timer();
}

void AresResolver::at_pass_end() {
  std::vector<std::pair<int, bool>> open;
  open.reserve(sockets_.size());
  for (const auto& [fd, socket] : sockets_) open.emplace_back(fd, socket->wants_to_write);
  for (const auto& [fd, write] : open) {
    pollfd look{.fd = fd, .events = POLLIN, .revents = 0};
    const bool read = sockets_.contains(fd) && poll(&look, 1, 0) > 0;
    if (read || write) process(fd, {.readable = read, .writable = write, .hangup = false});
  }
}

void AresResolver::update_timer() {
  timeval storage{};
  const timeval* next = ares_timeout(channel_, nullptr, &storage);
  if (next == nullptr) {
    cancel();
    return;
  }
  loop_.arm(*this, loop_.now() + std::chrono::seconds(next->tv_sec) +
                       std::chrono::microseconds(next->tv_usec));
}

void AresResolver::on_timer() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  update_timer();
}

}  // namespace layotto::net
