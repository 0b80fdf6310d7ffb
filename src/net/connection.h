// Connection: a byte stream to a peer, whatever it runs over: TCP, a Unix socket, TLS on top of
// either, or a pipe in memory (tests).
//
// Reading is one coroutine's business:
//
//   while (true) {
//     CO_TRY(co_await connection.readable().wait());   // waits without a frame, or not at all
//     ReadResult got = connection.read_some(buffer);   // never waits
//     if (got.outcome == ReadOutcome::kWouldBlock) continue;
//     ...
//   }
//
// Writing never waits: bytes are appended to out(), schedule_flush() sends them once at the end of
// the pass, together with everything else this pass wrote. A producer of much data watches unsent()
// and waits on room(); an OutputSource is asked for bytes whenever there is room, which is how
// HTTP/2 keeps its frames back until the socket takes them.
//
// A Connection belongs to its worker's thread and is closed when destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "async/event.h"
#include "async/loop.h"
#include "base/byte_chain.h"
#include "base/error.h"
#include "net/address.h"
#include "net/limits.h"
#include "net/tls_identity.h"

namespace layotto::net {

enum class ReadOutcome : uint8_t {
  kBytes,       // size > 0
  kWouldBlock,  // nothing now: wait for readable()
  kEnd,         // the peer has finished sending
  kError,       // the connection is broken; Connection::failure() says how
};

struct ReadResult {
  ReadOutcome outcome;
  size_t size = 0;
};

// Produces bytes when the connection can send them. Called at the end of a pass.
class OutputSource {
 public:
  // Appends what it has, up to about kUnsentFillMax bytes in `out` altogether.
  virtual void fill(ByteChain& out) = 0;
  // A flush is over, or the connection has just failed (Connection::failure()). For a source that
  // has writers of its own to tell, as a connection has that wraps this one.
  virtual void flushed() {}

 protected:
  ~OutputSource() = default;
};

class Connection : protected async::PassEnd {
 public:
  explicit Connection(async::Loop& loop) : loop_(loop), room_(loop) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  // Takes what is there now, at most into.size() bytes (more than none).
  virtual ReadResult read_some(std::span<char> into) = 0;
  // Set while a read may give something new.
  virtual async::Readiness& readable() = 0;

  // Bytes to send, in order. Appending alone sends nothing: call schedule_flush().
  [[nodiscard]] ByteChain& out() { return out_; }
  // At the end of this pass: fill from the source, send what the peer takes.
  void schedule_flush() { loop_.at_pass_end(*this); }
  // At most one source; it outlives the connection or is removed with nullptr.
  void set_output_source(OutputSource* source) { source_ = source; }
  // Bytes appended and not yet taken by the kernel; under TLS plaintext and ciphertext together.
  [[nodiscard]] virtual size_t unsent() const { return out_.size(); }
  // Woken whenever unsent() has shrunk to kUnsentFillMax / 2 or less, and when the connection
  // fails.
  [[nodiscard]] async::Event& room() { return room_; }

  // No more bytes will be appended: what is unsent goes out, then the peer sees our end of stream.
  virtual void finish_writing() = 0;
  // Ends both directions now; unsent bytes are lost. reset: the peer gets an error (RST), not an
  // end.
  enum class Close : uint8_t { kOrderly, kReset };
  virtual void close(Close how) = 0;

  [[nodiscard]] virtual const Address& peer() const = 0;
  [[nodiscard]] virtual const Address& local() const = 0;
  // peer() as text, made once.
  [[nodiscard]] std::string_view peer_text() const {
    if (peer_text_.empty()) peer_text_ = peer().to_string();
    return peer_text_;
  }
  [[nodiscard]] virtual const TlsIdentity* tls() const { return nullptr; }

  // Why sending or reading failed; nullptr while the connection is fine.
  [[nodiscard]] const Error* failure() const { return failure_.has_value() ? &*failure_ : nullptr; }
  [[nodiscard]] async::Loop& loop() const { return loop_; }

  // Since the connection was opened.
  [[nodiscard]] uint64_t bytes_read() const { return bytes_read_; }
  [[nodiscard]] uint64_t bytes_written() const { return bytes_written_; }

 protected:
  void fill_from_source() {
    if (source_ != nullptr && out_.size() < kUnsentFillMax) source_->fill(out_);
  }
  // To be called at the end of every flush.
  void announce_room() {
    if (room_.has_waiters() && unsent() <= kUnsentFillMax / 2) room_.wake_all();
    if (source_ != nullptr) source_->flushed();
  }
  // The first failure wins. Wakes the writers; the implementation wakes the reader.
  void fail(Error error) {
    if (!failure_.has_value()) failure_.emplace(std::move(error));
    out_.clear();
    room_.wake_all();
    if (source_ != nullptr) source_->flushed();
  }
  // For a connection that wraps `inner`: sends what there is now, instead of at the end of the
  // pass.
  static void flush_now(Connection& inner) { inner.at_pass_end(); }

  async::Loop& loop_;
  ByteChain out_;
  OutputSource* source_ = nullptr;
  async::Event room_;
  std::optional<Error> failure_;
  mutable std::string peer_text_;
  uint64_t bytes_read_ = 0;
  uint64_t bytes_written_ = 0;
};

// Waits until at most `unsent_max` bytes wait to be sent. An Error when the connection failed or
// the wait was stopped.
Task<Status> wait_for_room(Connection& connection, size_t unsent_max = kUnsentFillMax / 2);

// Ends a connection politely after the last byte was appended: sends what is unsent and our end of
// stream, then reads and drops what the peer still sends, so that it gets to see our last words.
// Gives up at `until`, or after `drop_max` bytes; then closes.
Task<void> linger_and_close(Connection& connection, TimePoint until, size_t drop_max);

}  // namespace layotto::net
