// MessageReader and MessageWriter: the messages of a streaming call out of an HTTP body and into
// one, on the server's side and on the client's.
#pragma once

#include <google/protobuf/message_lite.h>

#include "async/event.h"
#include "async/stop_token.h"
#include "async/task.h"
#include "base/byte_chain.h"
#include "grpc/framing.h"
#include "http/body.h"

namespace layotto::grpc {

using google::protobuf::MessageLite;

class MessageReader {
 public:
  MessageReader(http::Body body, Encoding encoding, size_t message_bytes_max)
      : body_(std::move(body)),
        splitter_(message_bytes_max),
        encoding_(encoding),
        max_(message_bytes_max) {}
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  // Fills `into` (cleared first). False: the body has ended, between two messages.
  Task<Result<bool>> read(MessageLite& into);
  // Reads to the end; an Error when there is another message.
  Task<Status> expect_end();
  // Nobody reads on.
  void drop() { body_ = http::Body(); }
  // After the end; null when there are none.
  [[nodiscard]] const http::HeaderMap* trailers() const { return body_.trailers(); }

 private:
  Task<Result<bool>> read_more(MessageLite& into);
  void take(http::Chunk chunk);
  Result<bool> decode(const MessageSplitter::Message& message, MessageLite& into) const;

  http::Body body_;
  MessageSplitter splitter_;
  Encoding encoding_;
  size_t max_;
  bool ended_ = false;
};

// A body that is written message by message.
class MessageWriter final : public http::BodyStream {
 public:
  // Writing fails once `stop` has fired; it outlives the writer.
  MessageWriter(async::Loop& loop, async::StopSource& stop, bool compress, size_t message_bytes_max)
      : stop_(stop),
        compress_(compress),
        max_(message_bytes_max),
        has_output_(loop),
        has_room_(loop) {}
  ~MessageWriter() = default;

  // Done when the message is queued; waits while much is queued and nobody takes it.
  Task<Status> write(const MessageLite& message);
  // Nothing follows.
  void finish();
  [[nodiscard]] bool wrote() const { return wrote_; }
  // What is queued, as one piece.
  Bytes take_all() { return out_.take_all(); }

  // ---- the body. After an Error of a stop it may be read on.
  Task<Result<http::Chunk>> read(size_t max) override;
  void abandon() override;

 private:
  Task<Status> wait_for_room();
  Task<Result<http::Chunk>> wait_for_chunk(size_t max);

  async::StopSource& stop_;
  bool compress_;
  size_t max_;
  ByteChain out_;
  async::Event has_output_;
  async::Event has_room_;
  bool wrote_ = false;
  bool finished_ = false;
  bool abandoned_ = false;
};

}  // namespace layotto::grpc
