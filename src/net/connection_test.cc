// What every Connection promises, over a memory pipe, a Unix pair and TCP.
#include "net/connection.h"

#include <gtest/gtest.h>

#include "async/deadline.h"
#include "async/test_loop.h"
#include "net/fd_connection.h"
#include "net/memory_pipe.h"
#include "tests/support/later.h"
#include "tests/support/socket_loop.h"

namespace layotto::net {
namespace {

using async::TestLoop;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::SocketLoop;
using tests::SocketPair;

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 31 + i / 997) % 26);
  return text;
}

// Reads until the end of the stream. An Error when the connection breaks.
Task<Result<std::string>> read_all(Connection& connection, size_t at_once = 8192) {
  std::string text;
  std::string buffer(at_once, '\0');
  while (true) {
    const ReadResult got = connection.read_some(buffer);
    if (got.outcome == ReadOutcome::kWouldBlock) {
      CO_TRY(co_await connection.readable().wait());
      continue;
    }
    if (got.outcome == ReadOutcome::kEnd) co_return text;
    if (got.outcome == ReadOutcome::kError) co_return connection.failure()->clone();
    text.append(buffer.data(), got.size);
  }
}

Task<void> read_all_into(Connection* connection, tests::Later<Result<std::string>>* text) {
  text->emplace(co_await read_all(*connection));
}

Task<void> note_room(Connection* connection, size_t unsent_max, std::string* said) {
  const Status status = co_await wait_for_room(*connection, unsent_max);
  *said = status.ok() ? "room" : status.error().to_string();
}

// A source of `size` bytes that notes how much it was ever ahead.
class Source final : public OutputSource {
 public:
  explicit Source(size_t size) : left_(size) {}
  void fill(ByteChain& out) override {
    ++fills;
    while (left_ > 0 && out.size() < kUnsentFillMax) {
      const std::string piece = pattern(std::min<size_t>(left_, 10'000));
      out.append(piece);
      left_ -= piece.size();
    }
    unsent_seen = std::max(unsent_seen, out.size());
  }
  [[nodiscard]] size_t left() const { return left_; }

  size_t fills = 0;
  size_t unsent_seen = 0;

 private:
  size_t left_;
};

class NotingSource final : public OutputSource {
 public:
  explicit NotingSource(Connection& connection) : connection_(connection) {}
  void fill(ByteChain&) override {}
  void flushed() override {
    ++flushes;
    if (connection_.failure() != nullptr) failed = true;
  }
  int flushes = 0;
  bool failed = false;

 private:
  Connection& connection_;
};

// ---- memory pipe -------------------------------------------------------------------------------

TEST(MemoryPipe, CarriesBytesAtTheEndOfThePass) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  std::array<char, 16> buffer;
  EXPECT_EQ(b->read_some(buffer).outcome, ReadOutcome::kWouldBlock);
  a->out().append("hello");
  EXPECT_EQ(b->read_some(buffer).outcome, ReadOutcome::kWouldBlock);
  a->schedule_flush();
  EXPECT_EQ(a->unsent(), 5U);
  test.run();
  EXPECT_EQ(a->unsent(), 0U);
  const ReadResult got = b->read_some(buffer);
  EXPECT_EQ(got.outcome, ReadOutcome::kBytes);
  EXPECT_EQ(std::string_view(buffer.data(), got.size), "hello");
  EXPECT_EQ(a->bytes_written(), 5U);
  EXPECT_EQ(b->bytes_read(), 5U);
}

TEST(MemoryPipe, TakesNoMoreThanItsCapacity) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop(), 10);
  const std::string text = pattern(1000);
  a->out().append(text);
  a->finish_writing();
  test.run();
  EXPECT_EQ(b->buffered(), 10U);
  EXPECT_EQ(a->unsent(), 990U);
  EXPECT_EQ(*test.run(read_all(*b, 7)), text);
  EXPECT_EQ(a->unsent(), 0U);
}

TEST(MemoryPipe, GoesOnWhenASlowReaderTakesBytesAgain) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  b->set_capacity(0);
  a->out().append("hello");
  a->schedule_flush();
  test.run();
  EXPECT_EQ(b->buffered(), 0U);
  b->set_capacity(MemoryPipe::kCapacity);
  test.run();
  EXPECT_EQ(b->buffered(), 5U);
}

TEST(MemoryPipe, AsksTheSourceOnlyWhileThereIsRoom) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop(), 1000);
  Source source(3'000'000);
  a->set_output_source(&source);
  a->schedule_flush();
  test.run();
  EXPECT_LT(source.unsent_seen, kUnsentFillMax + 10'000);
  EXPECT_GT(source.left(), 2'000'000U);
  tests::Later<Result<std::string>> text;
  test.tasks().spawn(&read_all_into, b.get(), &text);
  test.run();
  EXPECT_EQ(source.left(), 0U);
  a->finish_writing();
  test.run();
  ASSERT_TRUE(text.has_value() && text->ok());
  EXPECT_EQ((*text)->size(), 3'000'000U);
  a->set_output_source(nullptr);
}

TEST(MemoryPipe, WritingFailsWhenTheOtherEndIsGone) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop(), 10);
  a->out().append(pattern(500'000));
  a->schedule_flush();
  std::string said;
  test.tasks().spawn(&note_room, a.get(), kUnsentFillMax / 2, &said);
  test.run();
  EXPECT_EQ(said, "");
  b.reset();
  test.run();
  EXPECT_EQ(said, "UNAVAILABLE: writing to a memory pipe whose other end is gone");
  EXPECT_EQ(a->unsent(), 0U);
}

TEST(MemoryPipe, FinishingAfterTheOtherEndIsGoneIsNoFailure) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  b.reset();
  a->finish_writing();
  test.run();
  EXPECT_EQ(a->failure(), nullptr);
  EXPECT_EQ(*test.run(read_all(*a)), "");
}

TEST(MemoryPipe, ResetBreaksTheReader) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  tests::Later<Result<std::string>> text;
  test.tasks().spawn(&read_all_into, b.get(), &text);
  test.run();
  EXPECT_FALSE(text.has_value());
  a->close(Connection::Close::kReset);
  test.run();
  EXPECT_EQ(text->error().to_string(), "UNAVAILABLE: the memory pipe was reset");
}

// ---- any connection ----------------------------------------------------------------------------

TEST(Connection, TellsItsSourceAboutFlushesAndFailure) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  NotingSource source(*a);
  a->set_output_source(&source);
  a->schedule_flush();
  test.run();
  EXPECT_EQ(source.flushes, 1);
  EXPECT_FALSE(source.failed);
  a->close(Connection::Close::kOrderly);
  EXPECT_TRUE(source.failed);
  a->set_output_source(nullptr);
}

TEST(Connection, RoomIsAnnouncedOnceHalfOfWhatIsAllowedIsGone) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop(), 1000);
  a->out().append(pattern(kUnsentFillMax));
  a->schedule_flush();
  std::string said;
  test.tasks().spawn(&note_room, a.get(), kUnsentFillMax / 2, &said);
  std::array<char, 1000> buffer;
  while (said.empty()) {
    EXPECT_GT(a->unsent(), kUnsentFillMax / 2 - 1000);
    test.run();
    if (b->read_some(buffer).outcome != ReadOutcome::kBytes) break;
  }
  EXPECT_EQ(said, "room");
}

TEST(Connection, WaitingForRoomEndsWithTheCallersStop) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop(), 1);
  a->out().append("hello");
  a->schedule_flush();
  std::string said;
  test.tasks().spawn(&note_room, a.get(), size_t{0}, &said);
  test.run();
  test.stop_and_run();
  EXPECT_EQ(said, "UNAVAILABLE: shutting down");
}

Task<void> linger(Connection* connection, TimePoint until, size_t drop_max, bool* done) {
  co_await linger_and_close(*connection, until, drop_max);
  *done = true;
}

TEST(Connection, LingersUntilThePeerHasSeenOurLastWords) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop(), 10);
  a->out().append("these are our last words");
  bool done = false;
  test.tasks().spawn(&linger, a.get(), test.loop().now() + seconds(5), size_t{1000}, &done);
  test.run();
  b->out().append("the peer is still talking");
  b->schedule_flush();
  test.run();
  EXPECT_FALSE(done);
  EXPECT_EQ(*test.run(read_all(*b)), "these are our last words");
  EXPECT_FALSE(done) << "the peer has not ended yet";
  b->finish_writing();
  test.run();
  EXPECT_TRUE(done);
}

TEST(Connection, LingersNoLongerThanAllowed) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  bool done = false;
  test.tasks().spawn(&linger, a.get(), test.loop().now() + seconds(5), size_t{1000}, &done);
  test.advance(milliseconds(4990));
  EXPECT_FALSE(done);
  test.advance(milliseconds(20));
  EXPECT_TRUE(done);
  const auto text = test.run(read_all(*b));
  EXPECT_FALSE(text.ok()) << "a peer that does not end is reset";
}

TEST(Connection, LingersForNoMoreBytesThanAllowed) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  bool done = false;
  test.tasks().spawn(&linger, a.get(), test.loop().now() + seconds(5), size_t{1000}, &done);
  b->out().append(pattern(2000));
  b->schedule_flush();
  test.run();
  EXPECT_TRUE(done);
}

TEST(Connection, LingersEvenWhenTheCallerIsStopped) {
  TestLoop test;
  auto [a, b] = MemoryPipe::make(test.loop());
  a->out().append("last");
  bool done = false;
  test.tasks().stop(async::StopReason::kCancelled);
  test.tasks().spawn(&linger, a.get(), test.loop().now() + seconds(5), size_t{1000}, &done);
  test.run();
  std::array<char, 16> buffer;
  EXPECT_EQ(b->read_some(buffer).size, 4U);
  EXPECT_FALSE(done);
  b->finish_writing();
  test.run();
  EXPECT_TRUE(done);
}

// ---- sockets -----------------------------------------------------------------------------------

class FdConnectionTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const SocketPair pair =
        GetParam() == std::string_view("tcp") ? SocketPair::tcp() : SocketPair::unix_pair();
    near_ = *FdConnection::adopt(test_.loop(), pair.near);
    far_ = *FdConnection::adopt(test_.loop(), pair.far);
    test_.run_passes();
  }
  [[nodiscard]] bool tcp() const { return GetParam() == std::string_view("tcp"); }

  SocketLoop test_;
  std::unique_ptr<FdConnection> near_;
  std::unique_ptr<FdConnection> far_;
};
INSTANTIATE_TEST_SUITE_P(Sockets, FdConnectionTest, ::testing::Values("tcp", "unix"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(FdConnectionTest, ReadsWhatIsThereWouldBlockAndEnds) {
  std::array<char, 16> buffer;
  EXPECT_EQ(far_->read_some(buffer).outcome, ReadOutcome::kWouldBlock);
  EXPECT_FALSE(far_->readable().is_set());
  near_->out().append("hello");
  near_->finish_writing();
  ASSERT_TRUE(test_.run_until([&] { return far_->readable().is_set(); }));
  const ReadResult got = far_->read_some(buffer);
  EXPECT_EQ(got.outcome, ReadOutcome::kBytes);
  EXPECT_EQ(std::string_view(buffer.data(), got.size), "hello");
  ASSERT_TRUE(test_.run_until([&] { return far_->readable().is_set(); }));
  EXPECT_EQ(far_->read_some(buffer).outcome, ReadOutcome::kEnd);
  EXPECT_TRUE(far_->readable().is_set()) << "an end is there to be read again";
  EXPECT_EQ(far_->bytes_read(), 5U);
  EXPECT_EQ(far_->failure(), nullptr);
}

TEST_P(FdConnectionTest, AShortReadMeansThereIsNoMore) {
  std::array<char, 16> buffer;
  near_->out().append(pattern(20));
  near_->schedule_flush();
  ASSERT_TRUE(test_.run_until([&] { return far_->readable().is_set(); }));
  EXPECT_EQ(far_->read_some(buffer).size, 16U);
  EXPECT_TRUE(far_->readable().is_set());
  EXPECT_EQ(far_->read_some(buffer).size, 4U);
  EXPECT_FALSE(far_->readable().is_set());
}

TEST_P(FdConnectionTest, AShortReadMeansNothingOnceThePeerHasEnded) {
  // Data and end arrive as one event: the end must still be found.
  near_->out().append("last");
  near_->finish_writing();
  test_.run_until([&] { return near_->unsent() == 0; });
  near_->close(Connection::Close::kOrderly);
  EXPECT_EQ(*test_.run(read_all(*far_)), "last");
}

TEST_P(FdConnectionTest, SendsOncePerPass) {
  // Each sendmsg makes an edge at the far end: three appends, one event.
  const uint64_t before = test_.loop().counters().io_events;
  near_->out().append("one ");
  near_->schedule_flush();
  near_->out().append("two ");
  near_->schedule_flush();
  near_->out().append(Bytes::copy(pattern(4000)));
  near_->schedule_flush();
  EXPECT_EQ(near_->bytes_written(), 0U);
  test_.loop().run_once(Duration(0));
  EXPECT_EQ(near_->bytes_written(), 4008U);
  ASSERT_TRUE(test_.run_until([&] { return far_->readable().is_set(); }));
  test_.run_passes();
  EXPECT_EQ(test_.loop().counters().io_events - before, 1U);
  std::string buffer(8192, '\0');
  EXPECT_EQ(far_->read_some(buffer).size, 4008U);
}

TEST_P(FdConnectionTest, SendsMoreThanTheSocketBufferHolds) {
  const std::string text = pattern(20'000'000);
  tests::Later<Result<std::string>> got;
  near_->out().append(text);
  near_->finish_writing();
  test_.run_passes();
  EXPECT_GT(near_->unsent(), 0U);
  std::string said;
  test_.tasks().spawn(&note_room, near_.get(), size_t{0}, &said);
  test_.tasks().spawn(&read_all_into, far_.get(), &got);
  ASSERT_TRUE(test_.run_until([&] { return got.has_value(); }));
  EXPECT_TRUE(**got == text);
  EXPECT_EQ(said, "room");
  EXPECT_EQ(near_->bytes_written(), text.size());
}

TEST_P(FdConnectionTest, ASourceFeelsAReaderThatDoesNotRead) {
  Source source(30'000'000);
  near_->set_output_source(&source);
  near_->schedule_flush();
  test_.run_passes(20);
  const size_t left = source.left();
  EXPECT_GT(left, 10'000'000U);
  EXPECT_LT(source.unsent_seen, kUnsentFillMax + 10'000);
  test_.run_passes(20);
  EXPECT_EQ(source.left(), left) << "nothing is asked for while nothing is taken";
  tests::Later<Result<std::string>> got;
  test_.tasks().spawn(&read_all_into, far_.get(), &got);
  ASSERT_TRUE(test_.run_until([&] { return source.left() == 0; }));
  near_->finish_writing();
  ASSERT_TRUE(test_.run_until([&] { return got.has_value(); }));
  EXPECT_EQ((*got)->size(), 30'000'000U);
  near_->set_output_source(nullptr);
}

TEST_P(FdConnectionTest, BothDirectionsEndOnTheirOwn) {
  near_->out().append("question");
  near_->finish_writing();
  EXPECT_EQ(*test_.run(read_all(*far_)), "question");
  far_->out().append("answer");
  far_->finish_writing();
  EXPECT_EQ(*test_.run(read_all(*near_)), "answer");
}

TEST_P(FdConnectionTest, CloseWakesReaderAndWriter) {
  tests::Later<Result<std::string>> got;
  test_.tasks().spawn(&read_all_into, near_.get(), &got);
  near_->out().append(pattern(10'000'000));
  near_->schedule_flush();
  std::string said;
  test_.tasks().spawn(&note_room, near_.get(), size_t{0}, &said);
  test_.run_passes();
  EXPECT_FALSE(got.has_value());
  near_->close(Connection::Close::kReset);
  test_.run_passes();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->error().code(), Code::kCancelled);
  EXPECT_EQ(said, "CANCELLED: cancelled");
  EXPECT_EQ(near_->unsent(), 0U);
  near_->close(Connection::Close::kOrderly);  // once is enough
  near_->out().append("into the void");
  near_->finish_writing();
  test_.run_passes();
}

TEST_P(FdConnectionTest, WritingToAPeerThatIsGoneFailsBothSides) {
  far_.reset();
  tests::Later<Result<std::string>> got;
  ASSERT_TRUE(test_.run_until([&] {
    near_->out().append("x");
    near_->schedule_flush();
    return near_->failure() != nullptr;
  }));
  EXPECT_EQ(near_->failure()->code(), Code::kUnavailable);
  EXPECT_EQ(near_->failure()->retry(), base::Retry::kIfReusedConnection);
  test_.tasks().spawn(&read_all_into, near_.get(), &got);
  ASSERT_TRUE(test_.run_until([&] { return got.has_value(); }));
  EXPECT_FALSE(got->ok()) << "a broken connection does not end cleanly";
  std::string said;
  test_.tasks().spawn(&note_room, near_.get(), size_t{0}, &said);
  EXPECT_EQ(said, near_->failure()->to_string());
}

TEST_P(FdConnectionTest, WhatCameBeforeAFailedWriteCanStillBeRead) {
  far_->out().append("goodbye");
  far_->schedule_flush();
  test_.run_passes();
  far_.reset();
  ASSERT_TRUE(test_.run_until([&] {
    near_->out().append("x");
    near_->schedule_flush();
    return near_->failure() != nullptr;
  }));
  std::array<char, 16> buffer;
  const ReadResult got = near_->read_some(buffer);
  if (!tcp()) {  // a TCP reset drops what was not read
    EXPECT_EQ(std::string_view(buffer.data(), got.size), "goodbye");
  }
  EXPECT_EQ(near_->read_some(buffer).outcome, ReadOutcome::kError);
}

TEST_P(FdConnectionTest, LingersAndCloses) {
  near_->out().append(pattern(5'000'000));
  bool done = false;
  test_.tasks().spawn(&linger, near_.get(), test_.loop().now() + seconds(5), size_t{1000}, &done);
  EXPECT_EQ(test_.run(read_all(*far_))->size(), 5'000'000U);
  EXPECT_FALSE(done);
  far_.reset();
  ASSERT_TRUE(test_.run_until([&] { return done; }));
}

TEST(FdConnection, AResetIsAnErrorForThePeer) {
  SocketLoop test;
  const SocketPair pair = SocketPair::tcp();
  auto near = *FdConnection::adopt(test.loop(), pair.near);
  auto far = *FdConnection::adopt(test.loop(), pair.far);
  const std::string peer = far->peer().to_string();
  EXPECT_EQ(near->local(), far->peer());
  EXPECT_EQ(near->peer(), far->local());
  near->close(Connection::Close::kReset);
  const auto text = test.run(read_all(*far));
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().to_string(),
            fmt::format("UNAVAILABLE: reading from {}: Connection reset by peer", peer));
}

TEST(FdConnection, AnEndThatComesWithTheConnectionIsSeen) {
  // The peer answers, ends and is gone before we notice that we are connected.
  SocketLoop test;
  const SocketPair pair = SocketPair::tcp();
  ASSERT_EQ(send(pair.far, "hi", 2, 0), 2);
  close(pair.far);
  auto near = *FdConnection::adopt(test.loop(), pair.near);
  ASSERT_TRUE(test.run(near->wait_connected()).ok());
  EXPECT_EQ(*test.run(read_all(*near)), "hi");
}

TEST(FdConnection, RefusesWhatCannotBeWatched) {
  SocketLoop test;
  const auto adopted = FdConnection::adopt(test.loop(), 1 << 20);
  ASSERT_FALSE(adopted.ok());
  EXPECT_EQ(adopted.error().code(), Code::kResourceExhausted);
}

}  // namespace
}  // namespace layotto::net
