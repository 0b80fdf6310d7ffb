// Bytes through TLS: what every Connection promises, and how a TLS stream ends.
#include "net/tls_connection.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <thread>

#include "net/fd_connection.h"
#include "tests/support/later.h"
#include "tests/support/socket_loop.h"
#include "tests/support/tls_pair.h"

namespace layotto::net {
namespace {

using std::chrono::seconds;
using tests::read_all;
using tests::said;
using tests::shake;
using tests::SocketLoop;
using tests::SocketPair;
using tests::TestCertificates;

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 31 + i / 997) % 26);
  return text;
}

Task<void> read_all_into(Connection* connection, size_t at_once,
                         tests::Later<Result<std::string>>* text) {
  text->emplace(co_await read_all(*connection, at_once));
}

Task<void> note_room(Connection* connection, size_t unsent_max, std::string* said) {
  const Status status = co_await wait_for_room(*connection, unsent_max);
  *said = status.ok() ? "room" : status.error().to_string();
}

class Source final : public OutputSource {
 public:
  explicit Source(size_t size) : left_(size) {}
  void fill(ByteChain& out) override {
    while (left_ > 0 && out.size() < kUnsentFillMax) {
      const std::string piece = pattern(std::min<size_t>(left_, 10'000));
      out.append(piece);
      left_ -= piece.size();
    }
  }
  [[nodiscard]] size_t left() const { return left_; }

 private:
  size_t left_;
};

class TlsConnectionTest : public tests::TlsPairTest {};

TEST_F(TlsConnectionTest, SendsWhatWasWrittenBeforeTheHandshake) {
  connect();
  client_->out().append("early");
  client_->schedule_flush();
  EXPECT_EQ(client_->unsent(), 5U);
  shake_hands();
  EXPECT_EQ(now_readable(*server_), "early");
  EXPECT_EQ(client_->unsent(), 0U);
}

TEST_F(TlsConnectionTest, CollectsAPassIntoOneRecord) {
  establish();
  const size_t before = far_->buffered();
  client_->out().append("one ");
  client_->schedule_flush();
  client_->out().append(Bytes::copy(pattern(3000)));
  client_->out().append("two");
  client_->schedule_flush();
  test_.run();
  // A record of TLS 1.3 adds 5 bytes of header, 1 of type, 16 of authentication.
  EXPECT_EQ(far_->buffered() - before, 3007U + 22U);
  EXPECT_EQ(now_readable(*server_), "one " + pattern(3000) + "two");
  EXPECT_EQ(client_->bytes_written(), 3007U);
  EXPECT_EQ(server_->bytes_read(), 3007U);
}

TEST_F(TlsConnectionTest, CarriesMuchBothWaysThroughANarrowPipe) {
  establish(50);
  const std::string question = pattern(300'000);
  const std::string answer = pattern(200'001);
  client_->out().append(question);
  client_->finish_writing();
  server_->out().append(answer);
  server_->finish_writing();
  tests::Later<Result<std::string>> at_server;
  tests::Later<Result<std::string>> at_client;
  test_.tasks().spawn(&read_all_into, server_.get(), size_t{1000}, &at_server);
  test_.tasks().spawn(&read_all_into, client_.get(), size_t{100'000}, &at_client);
  test_.run();
  ASSERT_TRUE(at_server.has_value() && at_client.has_value());
  EXPECT_TRUE(at_server->ok() && **at_server == question);
  EXPECT_TRUE(at_client->ok() && **at_client == answer);
}

TEST_F(TlsConnectionTest, AWaitDoesNotBlockWhilePlaintextIsBuffered) {
  establish();
  client_->out().append(pattern(40'000));  // three records
  client_->schedule_flush();
  test_.run();
  std::string text;
  std::array<char, 7> buffer;
  while (text.size() < 40'000) {
    ASSERT_TRUE(server_->readable().is_set()) << text.size();
    const ReadResult got = server_->read_some(buffer);
    ASSERT_EQ(got.outcome, ReadOutcome::kBytes);
    text.append(buffer.data(), got.size);
  }
  EXPECT_EQ(text, pattern(40'000));
  EXPECT_EQ(server_->read_some(buffer).outcome, ReadOutcome::kWouldBlock);
  EXPECT_FALSE(server_->readable().is_set());
}

TEST_F(TlsConnectionTest, AHalfArrivedRecordIsNothingToReadYet) {
  establish();
  far_->set_capacity(10);
  client_->out().append("hello");
  client_->schedule_flush();
  test_.run();
  std::array<char, 16> buffer;
  EXPECT_EQ(server_->read_some(buffer).outcome, ReadOutcome::kWouldBlock);
  EXPECT_FALSE(server_->readable().is_set());
  far_->set_capacity(1000);
  test_.run();
  EXPECT_EQ(now_readable(*server_), "hello");
}

TEST_F(TlsConnectionTest, ASourceFeelsAReaderThatDoesNotRead) {
  establish();
  Source source(5'000'000);
  client_->set_output_source(&source);
  client_->schedule_flush();
  test_.run();
  EXPECT_GT(source.left(), 4'000'000U);
  EXPECT_LT(client_->unsent(), 2 * kUnsentFillMax + kTlsRecordBytes);
  tests::Later<Result<std::string>> text;
  test_.tasks().spawn(&read_all_into, server_.get(), size_t{65536}, &text);
  test_.run();
  EXPECT_EQ(source.left(), 0U);
  EXPECT_EQ(client_->unsent(), 0U);
  client_->finish_writing();
  test_.run();
  ASSERT_TRUE(text.has_value() && text->ok());
  EXPECT_EQ((*text)->size(), 5'000'000U);
  client_->set_output_source(nullptr);
}

TEST_F(TlsConnectionTest, RoomIsAnnouncedThroughTls) {
  establish();
  far_->set_capacity(0);
  client_->out().append(pattern(1'000'000));
  client_->schedule_flush();
  std::string some;
  std::string all;
  test_.tasks().spawn(&note_room, client_.get(), kUnsentFillMax / 2, &some);
  test_.tasks().spawn(&note_room, client_.get(), size_t{0}, &all);
  test_.run();
  EXPECT_GE(client_->unsent(), 1'000'000U);
  EXPECT_EQ(some + all, "");
  far_->set_capacity(900'000);
  test_.run();
  EXPECT_EQ(some, "room");
  EXPECT_EQ(all, "");
  far_->set_capacity(2'000'000);
  test_.run();
  EXPECT_EQ(all, "room");
}

TEST_F(TlsConnectionTest, AFailureBelowWakesTheWriter) {
  establish();
  far_->set_capacity(0);
  client_->out().append(pattern(1'000'000));
  client_->schedule_flush();
  std::string said;
  test_.tasks().spawn(&note_room, client_.get(), size_t{0}, &said);
  test_.run();
  server_->close(Connection::Close::kReset);
  test_.run();
  EXPECT_EQ(said, "UNAVAILABLE: writing to a memory pipe whose other end is gone");
  EXPECT_EQ(client_->unsent(), 0U);
}

// ---- ends --------------------------------------------------------------------------------------

TEST_F(TlsConnectionTest, EachDirectionEndsOnItsOwn) {
  establish();
  client_->out().append("question");
  client_->finish_writing();
  EXPECT_EQ(client_->unsent(), 9U) << "the end is to be sent, too";
  test_.run();
  EXPECT_EQ(client_->unsent(), 0U);
  EXPECT_EQ(*test_.run(read_all(*server_)), "question");
  server_->out().append("answer");
  server_->finish_writing();
  EXPECT_EQ(*test_.run(read_all(*client_)), "answer");
  std::array<char, 1> buffer;
  EXPECT_EQ(client_->read_some(buffer).outcome, ReadOutcome::kEnd);
  EXPECT_EQ(client_->failure(), nullptr);
}

TEST_F(TlsConnectionTest, ACutOffStreamIsNotAnEnd) {
  establish();
  client_->out().append("part of what I wanted to");
  client_->schedule_flush();
  test_.run();
  near_->finish_writing();  // somebody in between ends the connection
  test_.run();
  const auto text = test_.run(read_all(*server_));
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().to_string(),
            "UNAVAILABLE: TLS connection with unknown: the client closed the connection without "
            "saying that it had sent everything (no close_notify)");
  EXPECT_EQ(text.error().retry(), base::Retry::kIfReusedConnection);
  EXPECT_EQ(server_->bytes_read(), 24U) << "what came before can be read";
}

TEST_F(TlsConnectionTest, AnOrderlyCloseSaysThatThatWasAll) {
  establish();
  client_->out().append("all");
  client_->schedule_flush();
  test_.run();
  client_->close(Connection::Close::kOrderly);
  EXPECT_EQ(*test_.run(read_all(*server_)), "all");
  EXPECT_EQ(client_->failure()->code(), Code::kCancelled);
}

TEST_F(TlsConnectionTest, ACloseWithBytesUnsentIsNotAnEnd) {
  establish();
  far_->set_capacity(0);
  client_->out().append(pattern(1'000'000));
  client_->schedule_flush();
  test_.run();
  client_->close(Connection::Close::kOrderly);
  EXPECT_FALSE(test_.run(read_all(*server_)).ok());
}

TEST_F(TlsConnectionTest, LingersUntilThePeerHasSeenOurLastWords) {
  establish(100);
  server_->out().append(pattern(10'000));
  bool done = false;
  struct Local {
    static Task<void> linger(Connection* connection, bool* out) {
      co_await linger_and_close(*connection, connection->loop().now() + seconds(5), 1000);
      *out = true;
    }
  };
  test_.tasks().spawn(&Local::linger, server_.get(), &done);
  EXPECT_EQ(*test_.run(read_all(*client_)), pattern(10'000));
  EXPECT_FALSE(done);
  client_->finish_writing();
  test_.run();
  EXPECT_TRUE(done);
}

TEST_F(TlsConnectionTest, GarbageBreaksTheConnection) {
  establish();
  near_->out().append(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  near_->schedule_flush();
  test_.run();
  const auto text = test_.run(read_all(*server_));
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code(), Code::kUnavailable);
  std::array<char, 1> buffer;
  EXPECT_EQ(server_->read_some(buffer).outcome, ReadOutcome::kError) << "and stays broken";
  // The peer is told.
  EXPECT_EQ(test_.run(read_all(*client_)).error().to_string(),
            "UNAVAILABLE: TLS connection with unknown: the server ended it with the alert 'bad "
            "record mac'");
}

TEST_F(TlsConnectionTest, FollowsKeyUpdates) {
  establish();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(SSL_key_update(client_->native_for_tests(), SSL_KEY_UPDATE_REQUESTED), 1);
    client_->out().append("after a key update");
    client_->schedule_flush();
    test_.run();
    EXPECT_EQ(now_readable(*server_), "after a key update");
    server_->out().append("so do I");
    server_->schedule_flush();
    test_.run();
    EXPECT_EQ(now_readable(*client_), "so do I");
  }
}

TEST_F(TlsConnectionTest, RecordsWithoutContentDoNotKeepTheOthersWaiting) {
  // More key updates than one pass may read, then a word.
  establish();
  far_->set_capacity(10'000'000);
  size_t updates = 0;
  while (client_->unsent() < kReadBytesPerPassMax + 100'000) {
    ASSERT_EQ(SSL_key_update(client_->native_for_tests(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client_->native_for_tests()), 1);
    ++updates;
  }
  client_->out().append("at last");
  client_->schedule_flush();
  test_.loop().run_once(Duration(0));
  std::array<char, 16> buffer;
  EXPECT_EQ(server_->read_some(buffer).outcome, ReadOutcome::kWouldBlock);
  EXPECT_FALSE(server_->readable().is_set()) << "the rest of the pass is for others";
  EXPECT_GT(far_->buffered(), 0U);
  test_.run();
  EXPECT_TRUE(server_->readable().is_set());
  EXPECT_EQ(now_readable(*server_), "at last") << updates << " key updates";
}

TEST_F(TlsConnectionTest, HoldsNoBuffersWhenIdle) {
  establish();
  client_->out().append("hello");
  client_->schedule_flush();
  test_.run();
  EXPECT_EQ(now_readable(*server_), "hello");
  EXPECT_NE(SSL_get_mode(server_->native_for_tests()) & SSL_MODE_RELEASE_BUFFERS, 0);
  EXPECT_EQ(client_->unsent(), 0U);
  EXPECT_LT(sizeof(TlsConnection), 900U);
}

// ---- sockets -----------------------------------------------------------------------------------

TEST(TlsOverTcp, CarriesMuchBothWays) {
  const TestCertificates files;
  SocketLoop test;
  const SocketPair pair = SocketPair::tcp();
  auto server =
      TlsConnection::server(*FdConnection::adopt(test.loop(), pair.far),
                            *TlsServerContext::load({.certificate_file = files.file("server.pem"),
                                                     .key_file = files.file("server.key")}));
  auto client = std::move(*TlsConnection::client(
      *FdConnection::adopt(test.loop(), pair.near),
      *TlsClientContext::load({.ca_file = files.file("ca.pem")}), {.server_name = "localhost"}));
  tests::Later<Status> client_status;
  tests::Later<Status> server_status;
  test.tasks().spawn(&shake, client.get(), Duration(seconds(5)), &client_status);
  test.tasks().spawn(&shake, server.get(), Duration(seconds(5)), &server_status);
  ASSERT_TRUE(
      test.run_until([&] { return client_status.has_value() && server_status.has_value(); }));
  ASSERT_EQ(said(client_status), "ok");
  ASSERT_EQ(said(server_status), "ok");
  EXPECT_EQ(client->peer(), server->local());

  const std::string text = pattern(10'000'000);
  Source source(10'000'000);
  client->set_output_source(&source);
  client->schedule_flush();
  server->out().append(text);
  server->finish_writing();
  tests::Later<Result<std::string>> at_server;
  tests::Later<Result<std::string>> at_client;
  std::string room;
  test.tasks().spawn(&note_room, server.get(), size_t{0}, &room);
  test.tasks().spawn(&read_all_into, server.get(), size_t{65536}, &at_server);
  test.tasks().spawn(&read_all_into, client.get(), size_t{10'000}, &at_client);
  ASSERT_TRUE(test.run_until([&] { return source.left() == 0; }));
  client->finish_writing();
  ASSERT_TRUE(test.run_until([&] { return at_server.has_value() && at_client.has_value(); }));
  ASSERT_TRUE(at_server->ok() && at_client->ok());
  EXPECT_EQ((*at_server)->size(), text.size());
  EXPECT_TRUE(**at_client == text);
  EXPECT_EQ(room, "room");
  client->set_output_source(nullptr);
}

TEST(TlsOverTcp, SendsOncePerPass) {
  const TestCertificates files;
  SocketLoop test;
  const SocketPair pair = SocketPair::tcp();
  auto server =
      TlsConnection::server(*FdConnection::adopt(test.loop(), pair.far),
                            *TlsServerContext::load({.certificate_file = files.file("server.pem"),
                                                     .key_file = files.file("server.key")}));
  auto client = std::move(*TlsConnection::client(
      *FdConnection::adopt(test.loop(), pair.near),
      *TlsClientContext::load({.ca_file = files.file("ca.pem")}), {.server_name = "localhost"}));
  tests::Later<Status> client_status;
  tests::Later<Status> server_status;
  test.tasks().spawn(&shake, client.get(), Duration(seconds(5)), &client_status);
  test.tasks().spawn(&shake, server.get(), Duration(seconds(5)), &server_status);
  ASSERT_TRUE(
      test.run_until([&] { return client_status.has_value() && server_status.has_value(); }));
  std::string buffer(100'000, '\0');
  EXPECT_EQ(client->read_some(buffer).outcome, ReadOutcome::kWouldBlock);  // tickets
  test.run_passes();
  // Each send makes an edge at the far end: three appends in four records, one event.
  const uint64_t before = test.loop().counters().io_events;
  client->out().append("one");
  client->schedule_flush();
  client->out().append(pattern(50'000));
  client->schedule_flush();
  client->out().append("two");
  client->schedule_flush();
  test.loop().run_once(Duration(0));
  EXPECT_EQ(client->unsent(), 0U);
  ASSERT_TRUE(test.run_until([&] { return server->readable().is_set(); }));
  test.run_passes();
  EXPECT_EQ(test.loop().counters().io_events - before, 1U);
  EXPECT_EQ(server->read_some(buffer).size, 50'006U);
}

// ---- threads -----------------------------------------------------------------------------------

TEST(TlsSnapshot, IsSharedByThreads) {
  const TestCertificates files;
  const auto server_context = *TlsServerContext::load(
      {.certificate_file = files.file("server.pem"), .key_file = files.file("server.key")});
  const auto client_context = *TlsClientContext::load({.ca_file = files.file("ca.pem")});
  std::atomic<int> established = 0;
  const auto work = [&] {
    async::TestLoop test;
    for (int i = 0; i < 20; ++i) {
      auto [near, far] = MemoryPipe::make(test.loop());
      auto server = TlsConnection::server(std::move(far), server_context);
      auto client = std::move(
          *TlsConnection::client(std::move(near), client_context, {.server_name = "server.test"}));
      tests::Later<Status> client_status;
      tests::Later<Status> server_status;
      test.tasks().spawn(&shake, client.get(), Duration(seconds(5)), &client_status);
      test.tasks().spawn(&shake, server.get(), Duration(seconds(5)), &server_status);
      test.run();
      if (client_status->ok() && server_status->ok()) ++established;
    }
  };
  std::thread one(work);
  std::thread two(work);
  one.join();
  two.join();
  EXPECT_EQ(established, 40);
}

}  // namespace
}  // namespace layotto::net
