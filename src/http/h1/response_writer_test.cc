// What leaves on an HTTP/1 connection: heads, chunks, trailers, the date.
#include "http/h1/response_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace layotto::http::h1 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class H1Writer : public ::testing::Test {
 protected:
  std::string written() {
    const Bytes all = out.take_all();
    return std::string(all.view());
  }
  Arena arena;
  ByteChain out;
};

TEST_F(H1Writer, WritesAHead) {
  ResponseHead head(404);
  head.headers.add(HeaderId::kContentType, "text/plain", arena);
  head.headers.add("x-other", {}, arena);
  EXPECT_EQ(append_head(head, {.content = Content::kLength, .length = 12, .server = "s"}, out), 0);
  EXPECT_EQ(written(),
            "HTTP/1.1 404 Not Found\r\nserver: s\r\ncontent-type: text/plain\r\nx-other: \r\n"
            "content-length: 12\r\n\r\n");
}

TEST_F(H1Writer, LeavesTheConnectionsBusinessToTheConnection) {
  ResponseHead head(200);
  for (const std::string_view name : {"connection", "keep-alive", "proxy-connection",
                                      "transfer-encoding", "upgrade", "content-length"}) {
    head.headers.add(name, "7", arena);
  }
  const HeadFrame frame{.content = Content::kChunked, .connection = ConnectionOption::kClose};
  EXPECT_EQ(append_head(head, frame, out), 0);
  EXPECT_EQ(written(),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
  append_head(head, {.content = Content::kAsStated}, out);
  EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
}

TEST_F(H1Writer, KeepsWhatAHandlerSaysOfServerAndDate) {
  ResponseHead head(200);
  head.headers.add(HeaderId::kServer, "mine", arena);
  head.headers.add(HeaderId::kDate, "then", arena);
  append_head(head, {.server = "ours", .date = "now"}, out);
  EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\nserver: mine\r\ndate: then\r\n\r\n");
}

TEST_F(H1Writer, LeavesOutWhatWouldSplitAHead) {
  ResponseHead head(299);
  head.headers.add("x-split", "a\r\nset-cookie: b", arena);
  head.headers.add("x\r\ny", "1", arena);
  head.headers.add(":status", "200", arena);
  head.headers.add("x-fine", "1", arena);
  EXPECT_EQ(append_head(head, {}, out), 3);
  EXPECT_EQ(written(), "HTTP/1.1 299 \r\nx-fine: 1\r\n\r\n");
}

TEST_F(H1Writer, WritesChunksAndTrailers) {
  append_chunk(Bytes::copy(std::string(26, 'x')), out);
  append_chunk(Bytes(), out);
  HeaderMap trailers;
  trailers.add("checksum", "1", arena);
  trailers.add(HeaderId::kContentLength, "1", arena);
  EXPECT_EQ(append_last_chunk(&trailers, out), 0);
  append_last_chunk(nullptr, out);
  EXPECT_EQ(written(), "1a\r\n" + std::string(26, 'x') + "\r\n0\r\nchecksum: 1\r\n\r\n0\r\n\r\n");
}

TEST_F(H1Writer, ReadsAStatedLength) {
  const auto length_of = [this](std::string_view text) {
    HeaderMap headers;
    headers.add(HeaderId::kContentLength, text, arena);
    return stated_length(headers);
  };
  EXPECT_EQ(length_of("0"), 0);
  EXPECT_EQ(length_of("12345678901"), 12'345'678'901);
  for (const std::string_view wrong : {"", "-1", "+1", "1 ", "x", "99999999999999999999"}) {
    EXPECT_EQ(length_of(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(stated_length(HeaderMap()), std::nullopt);
}

TEST_F(H1Writer, MakesTheDateOnceASecond) {
  base::ManualClock clock;
  DateText date;
  EXPECT_EQ(date.at(clock.now(), clock), "Tue, 14 Nov 2023 22:13:20 GMT");
  clock.advance(milliseconds(999));
  EXPECT_EQ(date.at(clock.now(), clock), "Tue, 14 Nov 2023 22:13:20 GMT");
  clock.advance(milliseconds(1));
  EXPECT_EQ(date.at(clock.now(), clock), "Tue, 14 Nov 2023 22:13:21 GMT");
  clock.advance(std::chrono::hours(24) * 108);
  EXPECT_EQ(date.at(clock.now(), clock), "Fri, 01 Mar 2024 22:13:21 GMT");
}

}  // namespace
}  // namespace layotto::http::h1
