// Bytes from a stranger to a TLS server: instead of a handshake, or after a real one.
//
// The first byte of the input says how: bit 0 a real handshake comes first, bits 1 and 2 the size
// of the pieces (all, 1, 7, 100), bit 3 the client ends by a reset, bit 4 (with bit 0) the bytes go
// through the client's own TLS and come back. Whatever comes: no crash, no leak, the server comes
// to an end.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "async/test_loop.h"
#include "net/memory_pipe.h"
#include "net/tls_connection.h"
#include "tests/support/test_certificates.h"

namespace layotto::net {
namespace {

using std::chrono::seconds;

struct Snapshots {
  std::shared_ptr<const TlsServerContext> server;
  std::shared_ptr<const TlsClientContext> client;
};

Snapshots make_snapshots() {
  const tests::TestCertificates files;
  return {*TlsServerContext::load({.certificate_file = files.file("server.pem"),
                                   .key_file = files.file("server.key"),
                                   .client_ca_file = files.file("ca.pem"),
                                   .client_certificate = ClientCertificate::kRequest,
                                   .alpn = {"h2", "http/1.1"}}),
          *TlsClientContext::load({.ca_file = files.file("ca.pem"), .alpn = {"h2"}})};
}

const Snapshots& snapshots() {
  static const Snapshots* const made = new Snapshots(make_snapshots());
  return *made;
}

// What a server does with anybody: echo until the end.
Task<void> serve(std::unique_ptr<TlsConnection> tls, bool* done) {
  const Status shaken = co_await tls->handshake(tls->loop().now() + seconds(5));
  if (shaken.ok()) {
    std::array<char, 1000> buffer;
    while ((co_await tls->readable().wait()).ok()) {
      const ReadResult got = tls->read_some(buffer);
      if (got.outcome == ReadOutcome::kWouldBlock) continue;
      if (got.outcome != ReadOutcome::kBytes) break;
      tls->out().append(ByteView(buffer.data(), got.size));
      tls->schedule_flush();
    }
    co_await linger_and_close(*tls, tls->loop().now() + seconds(5), 100'000);
  }
  *done = true;
}

Task<void> shake(TlsConnection* client) {
  const Status shaken = co_await client->handshake(client->loop().now() + seconds(5));
  CHECK(shaken.ok(), "two ends of our own do not understand each other");
}

size_t drain(Connection& connection) {
  std::array<char, 4096> buffer;
  size_t total = 0;
  while (true) {
    const ReadResult got = connection.read_some(buffer);
    if (got.outcome != ReadOutcome::kBytes) return total;
    total += got.size;
  }
}

void run(uint8_t how, std::string_view bytes) {
  async::TestLoop test;
  auto [near, far] = MemoryPipe::make(test.loop());
  MemoryConnection* raw = near.get();
  bool done = false;
  test.tasks().spawn(&serve, TlsConnection::server(std::move(far), snapshots().server), &done);

  std::unique_ptr<TlsConnection> client;
  const bool real_handshake = (how & 1) != 0;
  if (real_handshake) {
    client = std::move(*TlsConnection::client(std::move(near), snapshots().client,
                                              {.server_name = "server.test"}));
    test.run(shake(client.get()));
  }
  const bool encrypted = real_handshake && (how & 16) != 0;
  Connection& feeder = encrypted ? static_cast<Connection&>(*client) : *raw;
  constexpr std::array<size_t, 4> kPieces = {SIZE_MAX, 1, 7, 100};
  const size_t piece = kPieces[(how >> 1) & 3];
  size_t echoed = 0;
  const size_t sent = bytes.size();
  while (!bytes.empty()) {
    const std::string_view next = bytes.substr(0, piece);
    feeder.out().append(next);
    bytes.remove_prefix(next.size());
    feeder.schedule_flush();
    test.run();
    echoed += drain(feeder);
  }
  if ((how & 8) != 0) {
    feeder.close(Connection::Close::kReset);
  } else {
    feeder.finish_writing();
  }
  test.run();
  echoed += drain(feeder);
  CHECK(!encrypted || (how & 8) != 0 || echoed == sent, "an echo got lost");
  test.advance(seconds(20));  // every deadline there is
  CHECK(done, "the server does not come to an end");
}

}  // namespace
}  // namespace layotto::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  layotto::net::run(data[0], std::string_view(reinterpret_cast<const char*>(data + 1), size - 1));
  return 0;
}
