// Script: what an attacker says on each of its connections, as bytes. attacker.cc says it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace layotto::attacks {

// When a connection has done its work (it has in any case when the server ended it).
enum class Until : uint8_t {
  kTaken,     // the server has looked at everything: it answers a PING sent last
  kAnswered,  // every stream that was opened has ended
  kClosed,    // the server has ended it
};

struct Script {
  const char* name;
  // Behind the preface.
  std::string greeting;
  // The bytes of the n-th round; the first one may prepare the others.
  std::function<std::string(uint32_t n)> round;
  uint32_t rounds = 1;
  uint32_t connections = 1;
  Until until = Until::kTaken;
  // After every so many rounds it waits until the server has looked at all of them, if not 0.
  uint32_t wait_every = 0;
  // The rounds begin with the first byte; what comes back is not looked at.
  bool raw = false;
  // Reads nothing before everything is sent and the test has looked at the server.
  bool deaf = false;
  // Keeps its connections, when they have done their work, until the test has looked at the server.
  bool hold = false;
  // Sends a byte now and then.
  bool trickle = false;
};

// All of them, by the names the table in tests/scenarios/attacks_test.py uses.
std::vector<Script> scripts();

}  // namespace layotto::attacks
