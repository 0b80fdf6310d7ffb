// Feeds the parser the input whole and cut into pieces: both must say the same, and every view must
// lie in memory that is there. The first byte chooses how it is cut and which limits hold.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clients/redis/resp.h"

namespace layotto::clients::redis {
namespace {

// Reads every byte of a reply; the sanitizers see what must not be read.
void append_all(std::string& said, Reply reply) {
  said += static_cast<char>('a' + static_cast<int>(reply.type()));
  said += std::to_string(reply.integer());
  said += reply.text();
  size_t seen = 0;
  for (const Reply each : reply) {
    append_all(said, each);
    ++seen;
  }
  CHECK(seen == reply.size());
  said += '.';
}

std::string parse(std::string_view bytes, size_t piece_bytes, RespParser::Limits limits) {
  RespParser parser(limits);
  std::string said;
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = std::min(piece_bytes, bytes.size() - at);
    const auto piece = std::make_unique<char[]>(size);
    std::memcpy(piece.get(), bytes.data() + at, size);
    at += size;
    parser.feed({piece.get(), size});
    RespParser::Outcome outcome;
    while ((outcome = parser.next()) == RespParser::Outcome::kReply) {
      append_all(said, parser.reply());
    }
    // A string up to the limit, its CRLF, and a line that lacks its LF.
    CHECK(parser.held() <= limits.reply_bytes_max + 2 + limits.line_bytes_max + 1);
    if (outcome == RespParser::Outcome::kBroken) {
      CHECK(!parser.problem().empty());
      return said + "broken";
    }
  }
  return said;
}

}  // namespace
}  // namespace layotto::clients::redis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace layotto::clients::redis;
  if (size == 0) return 0;
  const uint8_t choice = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  RespParser::Limits limits;
  if ((choice & 1) != 0) {
    limits = {.line_bytes_max = 64, .depth_max = 4, .elements_max = 64, .reply_bytes_max = 256};
  }
  const std::string whole = parse(bytes, bytes.size(), limits);
  const std::string cut = parse(bytes, 1 + (choice >> 1), limits);
  CHECK(whole == cut, "cutting the bytes changed the replies");
  return 0;
}
