// What leaves on an HTTP/1 connection: heads, chunks, trailers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/byte_chain.h"
#include "base/clock.h"
#include "http/message.h"

namespace layotto::http::h1 {

// How the recipient finds the end of a response's content (RFC 9112 §6.3).
enum class Content : uint8_t {
  kNone,        // there is none and cannot be
  kAsStated,    // there is none; Content-Length says what GET would have had
  kLength,      // Content-Length
  kChunked,     // the chunked coding
  kUntilClose,  // what comes until the connection ends
};

enum class ConnectionOption : uint8_t { kNone, kClose, kKeepAlive };

struct HeadFrame {
  Content content = Content::kNone;
  uint64_t length = 0;  // kLength
  ConnectionOption connection = ConnectionOption::kNone;
  std::string_view server;  // empty: none
  std::string_view date;    // empty: none
};

// Fields that concern the connection or the framing are ours: those of `head` are left out. Returns
// how many others were left out because HTTP does not allow them.
size_t append_head(const ResponseHead& head, const HeadFrame& frame, ByteChain& out);
size_t append_interim(const ResponseHead& head, ByteChain& out);
// Nothing for no data: an empty chunk is the last.
void append_chunk(Bytes data, ByteChain& out);
// `trailers` may be null.
size_t append_last_chunk(const HeaderMap* trailers, ByteChain& out);

// The Content-Length a handler stated, if it is a number.
std::optional<uint64_t> stated_length(const HeaderMap& headers);

// The value of Date (RFC 9110 §5.6.7), made once a second.
class DateText {
 public:
  std::string_view at(TimePoint now, const Clock& clock);

 private:
  std::array<char, 29> text_{};
  TimePoint made_{};
};

}  // namespace layotto::http::h1
