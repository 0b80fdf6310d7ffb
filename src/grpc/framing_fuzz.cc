// Bytes from a stranger as the body of a call: whole and cut into pieces, which must say the same;
// and messages of our own, packed with gzip, cut and broken.
//
// The first byte of the input chooses what is done (bit 0: our own messages), the second how bodies
// are cut, the third the limit for messages; the rest are the bytes.
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "async/test_loop.h"
#include "grpc/framing.h"
#include "grpc/message_stream.h"

namespace layotto::grpc {
namespace {

using google::protobuf::BytesValue;

// Sizes of the pieces: all equal, or different ones that depend on `choice` only.
class Cutter {
 public:
  Cutter(std::string_view bytes, uint8_t choice) : bytes_(bytes), choice_(choice) {}
  // A copy of its own, so that reading beyond it is seen. Empty at the end.
  Bytes next() {
    size_t size = bytes_.size();
    if (choice_ >= 0x80) {
      state_ = state_ * 1'103'515'245 + choice_;
      size = 1 + (state_ >> 16) % (choice_ - 0x7f);
    } else if (choice_ > 0) {
      size = choice_;
    }
    size = std::min(size, bytes_.size());
    const Bytes piece = Bytes::copy(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return piece;
  }
  [[nodiscard]] bool done() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  uint32_t choice_;
  uint32_t state_ = 1;
};

std::string said_of(const Error& error) {
  CHECK(error.code() == Code::kInternal || error.code() == Code::kResourceExhausted,
        "an Error the server would not give");
  return "!" + error.to_string();
}

// What is in the messages, in words; how it ended.
std::string split(std::string_view bytes, uint8_t choice, size_t max) {
  MessageSplitter splitter(max);
  Cutter cutter(bytes, choice);
  std::string said;
  size_t fed = 0;
  while (!cutter.done()) {
    Bytes piece = cutter.next();
    fed += piece.size();
    splitter.add(std::move(piece));
    while (true) {
      auto next = splitter.next();
      if (!next.ok()) return said + said_of(next.error());
      const std::optional<MessageSplitter::Message>& found = *next;
      if (!found.has_value()) break;
      const MessageSplitter::Message& message = *found;
      CHECK(message.data.size() <= max);
      said += message.compressed ? 'z' : 'm';
      said += message.data.view();
      if (!message.compressed) continue;
      const Result<Bytes> plain = gunzip(message.data.view(), max);
      CHECK(!plain.ok() || plain->size() <= max, "a message unfolds beyond the limit");
      said += plain.ok() ? std::string(plain->view()) : said_of(plain.error());
    }
    CHECK(splitter.pending() <= fed + 1);
  }
  return said + (splitter.pending() > 0 ? "~" : ".");
}

// A body that gives what the cutter cuts.
class CutBody final : public http::BodyStream {
 public:
  CutBody(std::string_view bytes, uint8_t choice) : cutter_(bytes, choice) {}
  ~CutBody() = default;
  Task<Result<http::Chunk>> read(size_t max) override {
    if (rest_.empty()) rest_ = cutter_.next();
    http::Chunk chunk{.data = rest_.split_prefix(std::min(max, rest_.size())), .end = false};
    chunk.end = rest_.empty() && cutter_.done();
    return async::ready(Result<http::Chunk>(std::move(chunk)));
  }

 private:
  Cutter cutter_;
  Bytes rest_;
};

Task<std::string> read_all(std::string_view bytes, uint8_t choice, size_t max, Encoding encoding) {
  CutBody body(bytes, choice);
  MessageReader reader(http::Body::stream(body), encoding, max);
  BytesValue message;
  std::string said;
  while (true) {
    Result<bool> more = co_await reader.read(message);
    if (!more.ok()) co_return said + said_of(more.error());
    if (!*more) break;
    said += 'm';
    said += message.SerializeAsString();
  }
  CHECK((co_await reader.expect_end()).ok(), "there is something behind the end");
  co_return said + ".";
}

void read_strangers(std::string_view bytes, uint8_t choice, size_t max) {
  CHECK(split(bytes, 0, max) == split(bytes, choice, max), "cutting changed the messages");
  async::TestLoop test;
  for (const Encoding encoding : {Encoding::kIdentity, Encoding::kGzip}) {
    const std::string whole = test.run(read_all(bytes, 0, max, encoding));
    const std::string cut = test.run(read_all(bytes, choice, max, encoding));
    CHECK(whole == cut, "cutting changed what is read");
  }
}

// A message that is `bytes` over and over; what was packed comes out again, a limit one byte lower
// refuses it, a byte that was changed does no harm.
void read_our_own(std::string_view bytes, uint8_t choice, uint8_t repeat) {
  BytesValue message;
  for (size_t i = 0; i < size_t{1} << (repeat % 16) && message.value().size() < 1 << 16; ++i) {
    message.mutable_value()->append(bytes);
  }
  const size_t size = message.ByteSizeLong();
  Arena arena;
  for (const bool compress : {false, true}) {
    const Result<Bytes> framed = encode_message(message, compress, arena, size);
    CHECK(framed.ok() && framed->size() <= kPrefixBytes + size);
    ByteChain chain;
    CHECK(append_message(message, compress, chain, size).ok());
    CHECK(chain.take_all().view() == framed->view(), "the two ways of writing differ");

    MessageSplitter splitter(size);
    for (Cutter cutter(framed->view(), choice); !cutter.done();) splitter.add(cutter.next());
    const auto split_off = splitter.next();
    CHECK(split_off.ok());
    const std::optional<MessageSplitter::Message>& only = *split_off;
    CHECK(only.has_value() && splitter.pending() == 0);
    const MessageSplitter::Message& one = *only;
    BytesValue again;
    CHECK(decode_message(one.data.view(), one.compressed, Encoding::kGzip, size, again).ok());
    CHECK(again.value() == message.value(), "a message came back as another one");
    if (!one.compressed) continue;
    const Status refused = decode_message(one.data.view(), true, Encoding::kGzip, size - 1, again);
    CHECK(!refused.ok() && refused.error().code() == Code::kResourceExhausted,
          "a message unfolds beyond the limit");
    std::string broken(one.data.view());
    char& changed = broken[(size_t{choice} * 257 + repeat) % broken.size()];
    changed = static_cast<char>(changed ^ (1 + choice % 255));
    const Result<Bytes> unpacked = gunzip(broken, size);
    CHECK(!unpacked.ok() || unpacked->size() <= size);
    const Result<Bytes> cut_short = gunzip(one.data.view().substr(0, one.data.size() - 1), size);
    CHECK(!cut_short.ok(), "half a message was taken for a whole one");
  }
  if (size == 0) return;
  CHECK(!encode_message(message, false, arena, size - 1).ok());
}

}  // namespace
}  // namespace layotto::grpc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace layotto::grpc;
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  if ((data[0] & 1) != 0) {
    read_our_own(bytes, data[1], data[2]);
  } else {
    // From nothing at all to the most a length can say.
    read_strangers(bytes, data[1], data[2] == 0xff ? UINT32_MAX : size_t{data[2]} * data[2] * 4);
  }
  return 0;
}
