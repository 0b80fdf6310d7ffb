// TlsPairTest: both ends of a TLS connection over a memory pipe, and what tests of it say often.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "async/test_loop.h"
#include "net/memory_pipe.h"
#include "net/tls_connection.h"
#include "tests/support/later.h"
#include "tests/support/test_certificates.h"

namespace layotto::tests {

inline Task<Result<std::string>> read_all(net::Connection& connection, size_t at_once = 65536) {
  std::string text;
  std::string buffer(at_once, '\0');
  while (true) {
    // Waits first: whatever is buffered must count as readable.
    CO_TRY(co_await connection.readable().wait());
    const net::ReadResult got = connection.read_some(buffer);
    if (got.outcome == net::ReadOutcome::kWouldBlock) continue;
    if (got.outcome == net::ReadOutcome::kEnd) co_return text;
    if (got.outcome == net::ReadOutcome::kError) co_return connection.failure()->clone();
    text.append(buffer.data(), got.size);
  }
}

inline Task<void> shake(net::TlsConnection* connection, Duration time, Later<Status>* status) {
  status->emplace(co_await connection->handshake(connection->loop().now() + time));
}

inline std::string said(Later<Status>& status) {
  if (!status.has_value()) return "not finished";
  return status->ok() ? "ok" : status->error().to_string();
}

class TlsPairTest : public ::testing::Test {
 protected:
  TlsPairTest() {
    server_settings_ = {.certificate_file = files_.file("server.pem"),
                        .key_file = files_.file("server.key"),
                        .client_ca_file = files_.file("ca.pem")};
    client_settings_ = {.ca_file = files_.file("ca.pem")};
    client_options_ = {.server_name = "server.test"};
  }
  ~TlsPairTest() override { test_.stop_and_run(); }
  void present(std::string_view name, const CertificateOptions& options) {
    files_.write(name, files_.ca().issue(options));
    server_settings_.certificate_file = files_.file(std::string(name) + ".pem");
    server_settings_.key_file = files_.file(std::string(name) + ".key");
  }
  void client_presents(std::string_view name) {
    client_settings_.certificate_file = files_.file(std::string(name) + ".pem");
    client_settings_.key_file = files_.file(std::string(name) + ".key");
  }
  void connect(size_t capacity = net::MemoryPipe::kCapacity) {
    auto [near, far] = net::MemoryPipe::make(test_.loop(), capacity);
    near_ = near.get();
    far_ = far.get();
    auto client_context = net::TlsClientContext::load(client_settings_);
    ASSERT_TRUE(client_context.ok()) << client_context.error().to_string();
    if (client_context_ == nullptr) client_context_ = *client_context;
    if (server_context_ == nullptr) {
      auto server_context = net::TlsServerContext::load(server_settings_);
      ASSERT_TRUE(server_context.ok()) << server_context.error().to_string();
      server_context_ = *server_context;
    }
    auto client = net::TlsConnection::client(std::move(near), client_context_, client_options_);
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    client_ = std::move(*client);
    server_ = net::TlsConnection::server(std::move(far), server_context_);
  }
  void shake_hands() {
    client_status_.reset();
    server_status_.reset();
    test_.tasks().spawn(&shake, client_.get(), Duration(std::chrono::seconds(5)), &client_status_);
    test_.tasks().spawn(&shake, server_.get(), Duration(std::chrono::seconds(5)), &server_status_);
    test_.run();
  }
  void establish(size_t capacity = net::MemoryPipe::kCapacity) {
    connect(capacity);
    shake_hands();
    ASSERT_EQ(said(client_status_), "ok");
    ASSERT_EQ(said(server_status_), "ok");
  }
  // In TLS 1.3 the client is done before the server has looked at its certificate: it learns by
  // reading what became of it.
  std::string client_learns() {
    EXPECT_EQ(said(client_status_), "ok");
    const auto text = test_.run(read_all(*client_));
    client_->close(net::Connection::Close::kOrderly);
    test_.run();
    return text.ok() ? "nothing" : text.error().to_string();
  }
  std::string now_readable(net::Connection& connection) {
    std::string buffer(100'000, '\0');
    const net::ReadResult got = connection.read_some(buffer);
    return got.outcome == net::ReadOutcome::kBytes ? buffer.substr(0, got.size) : "";
  }

  TestCertificates files_;
  async::TestLoop test_;
  net::TlsServerSettings server_settings_;
  net::TlsClientSettings client_settings_;
  net::TlsClientOptions client_options_;
  std::shared_ptr<const net::TlsServerContext> server_context_;
  std::shared_ptr<const net::TlsClientContext> client_context_;
  net::MemoryConnection* near_ = nullptr;  // below the client
  net::MemoryConnection* far_ = nullptr;   // below the server
  std::unique_ptr<net::TlsConnection> client_;
  std::unique_ptr<net::TlsConnection> server_;
  Later<Status> client_status_;
  Later<Status> server_status_;
};

}  // namespace layotto::tests
