// What a client is told once: who it is, what it asks of the server, how long it waits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/tally.h"
#include "clients/redis/limits.h"
#include "clients/redis/script.h"
#include "clients/redis/tls_files.h"
#include "telemetry/log.h"

namespace layotto::clients::redis {

// kNegotiate: RESP3, and RESP2 with servers and proxies that refuse it.
enum class Protocol : uint8_t { kNegotiate, kResp2 };

struct ClientOptions {
  std::string username;  // empty: the default user
  std::string password;  // empty: none; never in a message
  uint32_t database = 0;
  std::string client_name;  // for CLIENT LIST; empty: none
  Protocol protocol = Protocol::kNegotiate;
  TlsFiles* tls = nullptr;  // with TLS when set
  std::string server_name;  // for the certificate; empty: the host dialled
  // Loaded whenever a connection is made.
  std::vector<const Script*> scripts;
  // A server that says it is a replica is refused.
  bool primary_only = false;
  // A server that says it is older is refused; 0: any. In RESP2 it is asked for its version only
  // when this is set.
  uint32_t major_version_min = 0;

  Duration connect_timeout = kConnectTimeout;
  Duration reply_timeout = kReplyTimeout;
  // After a connection was lost; 0: commands are refused at once.
  Duration reconnect_grace = kReconnectGrace;
  Duration reconnect_pause_first = kReconnectPauseFirst;
  Duration reconnect_pause_max = kReconnectPauseMax;

  size_t in_flight_max = kInFlightMax;
  size_t waiting_max = kWaitingMax;
  size_t unsent_bytes_max = kUnsentBytesMax;
  size_t abandoned_max = kAbandonedMax;

  telemetry::Log log;
};

// Shared by the clients of one owner on one thread.
struct ClientCounters {
  base::Tally commands;          // sent
  base::Tally in_flight;         // level
  base::Tally waiting;           // level: for a connection
  base::Tally connects;          // connections made
  base::Tally connect_failures;  // attempts that failed
  base::Tally disconnects;       // connections lost
  base::Tally resent;            // sent again on the next connection
  base::Tally refused;           // limits reached
  base::Tally skipped;           // replies that nobody waited for any more
  base::Tally redirected;        // MOVED and ASK
  base::Tally retried;           // sent again after a reply that said so
  base::Tally scripts_loaded;    // after NOSCRIPT
};

// How a client is. `reason` is empty when ready, else it names the address and what went wrong.
struct Health {
  enum class State : uint8_t { kConnecting, kReady, kDegraded, kDown };
  State state = State::kConnecting;
  std::string reason;
};

}  // namespace layotto::clients::redis
