// Body: complete or streamed, read in parts, read to the end, abandoned.
#include "http/body.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "async/test_loop.h"

namespace layotto::http {
namespace {

// Gives its pieces one by one; after the last an Error if it shall break.
class Pieces final : public BodyStream {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  ~Pieces() = default;
  Task<Result<Chunk>> read(size_t max) override {
    largest_asked = std::max(largest_asked, max);
    if (next_ == pieces_.size()) {
      return async::failed<Result<Chunk>>(base::data_loss("the source broke"));
    }
    std::string& piece = pieces_[next_];
    Chunk chunk{.data = Bytes::copy(piece.substr(0, max))};
    piece.erase(0, chunk.data.size());
    if (piece.empty()) ++next_;
    chunk.end = next_ == pieces_.size() && !breaks;
    return async::ready(Result<Chunk>(std::move(chunk)));
  }
  [[nodiscard]] const HeaderMap* trailers() const override { return trailers_shown; }
  void abandon() override { ++abandoned; }

  int abandoned = 0;
  bool breaks = false;
  size_t largest_asked = 0;
  const HeaderMap* trailers_shown = nullptr;

 private:
  std::vector<std::string> pieces_;
  size_t next_ = 0;
};

TEST(Body, OfNothingIsComplete) {
  async::TestLoop test;
  Body body;
  EXPECT_TRUE(body.is_complete());
  EXPECT_TRUE(body.empty());
  EXPECT_EQ(body.bytes(), "");
  EXPECT_EQ(body.trailers(), nullptr);
  const Result<Chunk> chunk = test.run(body.read(10));
  EXPECT_TRUE(chunk->end);
  EXPECT_TRUE(chunk->data.empty());
}

TEST(Body, CompleteIsReadInParts) {
  async::TestLoop test;
  const HeaderMap trailers;
  Body body = Body::complete(Bytes::copy("one two three"), &trailers);
  EXPECT_EQ(body.bytes(), "one two three");
  std::vector<std::string> parts;
  while (true) {
    Task<Result<Chunk>> reading = body.read(5);
    EXPECT_TRUE(reading.is_ready());
    const Result<Chunk> chunk = std::move(reading).take();
    parts.emplace_back(chunk->data.view());
    if (chunk->end) break;
  }
  EXPECT_EQ(parts, (std::vector<std::string>{"one t", "wo th", "ree"}));
  EXPECT_EQ(body.trailers(), &trailers);
}

TEST(Body, KeepsItsBytesWhenMoved) {
  Body first = Body::complete(Bytes::copy("kept"));
  Body second(std::move(first));
  Body third;
  third = std::move(second);
  EXPECT_EQ(third.bytes(), "kept");
  const Bytes taken = third.take_bytes();
  EXPECT_TRUE(third.empty());
  EXPECT_EQ(taken.view(), "kept");
}

TEST(Body, AbandonsItsStreamOnce) {
  Pieces pieces({"a"});
  {
    Body body = Body::stream(pieces);
    Body moved(std::move(body));
    EXPECT_FALSE(moved.is_complete());
    EXPECT_EQ(moved.bytes(), "");
    EXPECT_EQ(pieces.abandoned, 0);
  }
  EXPECT_EQ(pieces.abandoned, 1);
}

TEST(Body, DoesNotAbandonAStreamThatEnded) {
  Pieces pieces({"a"});
  const HeaderMap trailers;
  pieces.trailers_shown = &trailers;
  {
    Body body = Body::stream(pieces);
    body.mark_ended();
    EXPECT_TRUE(body.empty());
    EXPECT_EQ(body.trailers(), &trailers);
  }
  EXPECT_EQ(pieces.abandoned, 0);
}

TEST(Body, IsReadToItsEnd) {
  async::TestLoop test;
  Pieces pieces({"one ", "two ", "three"});
  Body body = Body::stream(pieces);
  const Result<Bytes> all = test.run(read_all(body, 100));
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->view(), "one two three");
  EXPECT_TRUE(body.empty());
  Body complete = Body::complete(Bytes::copy("here"));
  Task<Result<Bytes>> reading = read_all(complete, 4);
  EXPECT_TRUE(reading.is_ready());
  EXPECT_EQ(std::move(reading).take()->view(), "here");
}

TEST(Body, IsNotReadBeyondALimit) {
  async::TestLoop test;
  const std::string much(1000, 'x');
  Body complete = Body::complete(Bytes::copy(much));
  EXPECT_EQ(test.run(read_all(complete, 999)).error().code(), Code::kResourceExhausted);
  Pieces pieces({much});
  Body streamed = Body::stream(pieces);
  EXPECT_EQ(test.run(read_all(streamed, 999)).error().code(), Code::kResourceExhausted);
  EXPECT_EQ(pieces.largest_asked, 1000) << "no more than shows that it is too much";
  Pieces exact({much});
  Body fitting = Body::stream(exact);
  EXPECT_EQ(test.run(read_all(fitting, 1000))->size(), 1000);
}

TEST(Body, TellsThatItsStreamBroke) {
  async::TestLoop test;
  Pieces pieces({"one"});
  pieces.breaks = true;
  Body body = Body::stream(pieces);
  const Result<Bytes> all = test.run(read_all(body, 100));
  EXPECT_EQ(all.error().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace layotto::http
