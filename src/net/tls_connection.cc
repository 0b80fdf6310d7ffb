#include "net/tls_connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <utility>

#include "async/deadline.h"
#include "base/per_thread.h"

namespace layotto::net {
namespace {

// Memory to work in, used within one call at a time: ciphertext on its way in, plaintext that lies
// in pieces on its way out.
struct Scratch {
  std::array<char, kReadBufferBytes> cipher;
  std::array<char, kTlsRecordBytes> plain;
};

// Not in the thread's static area: threads that speak no TLS do not pay for it.
Scratch& scratch() {
  auto& owned = base::per_thread<std::unique_ptr<Scratch>>();
  if (owned == nullptr) owned = std::make_unique_for_overwrite<Scratch>();
  return *owned;
}

}  // namespace

// ---- what OpenSSL reads and writes by ----------------------------------------------------------

struct TlsConnection::Bio {
  static TlsConnection& connection(BIO* bio) {
    return *static_cast<TlsConnection*>(BIO_get_data(bio));
  }
  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    TlsConnection& self = connection(bio);
    const size_t n = self.take_cipher({into, static_cast<size_t>(size)});
    if (n > 0) return static_cast<int>(n);
    if (self.cipher_ended_) return 0;
    BIO_set_retry_read(bio);
    return -1;
  }
  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    connection(bio).inner_->out().append(ByteView(data, static_cast<size_t>(size)));
    return size;
  }
  static long control(BIO* bio, int command, long, void*) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_EOF: {
        const TlsConnection& self = connection(bio);
        return self.cipher_ended_ && self.cipher_view_.empty() && self.cipher_in_.empty() ? 1 : 0;
      }
      default:
        return 0;
    }
  }
  // One for the process, never freed: connections of any thread may use it until the end.
  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "layotto");
      CHECK(m != nullptr, "out of memory");
      BIO_meth_set_read(m, &Bio::read);
      BIO_meth_set_write(m, &Bio::write);
      BIO_meth_set_ctrl(m, &Bio::control);
      return m;
    }();
    return made;
  }
};

size_t TlsConnection::take_cipher(std::span<char> into) {
  if (!cipher_in_.empty()) {
    std::array<iovec, 1> first;
    cipher_in_.gather(first);
    const size_t n = std::min(into.size(), first[0].iov_len);
    std::memcpy(into.data(), first[0].iov_base, n);
    cipher_in_.consume(n);
    return n;
  }
  const size_t n = std::min(into.size(), cipher_view_.size());
  if (n == 0) return 0;
  std::memcpy(into.data(), cipher_view_.data(), n);
  cipher_view_.remove_prefix(n);
  return n;
}

// Reads from the inner connection what OpenSSL is given next; everything before has been taken.
ReadOutcome TlsConnection::pull() {
  const ReadResult got = inner_->read_some(scratch().cipher);
  if (got.outcome == ReadOutcome::kBytes) {
    cipher_view_ = ByteView(scratch().cipher.data(), got.size);
  } else if (got.outcome == ReadOutcome::kEnd) {
    cipher_ended_ = true;
  }
  return got.outcome;
}

// The thread's buffer is somebody else's from now on.
void TlsConnection::keep_unread_cipher() {
  if (cipher_view_.empty()) return;
  cipher_in_.append(cipher_view_);
  cipher_view_ = {};
}

// ---- sessions ----------------------------------------------------------------------------------

TlsSession::TlsSession(TlsSession&& other) noexcept
    : native_(std::exchange(other.native_, nullptr)),
      context_(std::move(other.context_)),
      server_name_(std::move(other.server_name_)) {}

TlsSession& TlsSession::operator=(TlsSession&& other) noexcept {
  std::swap(native_, other.native_);
  std::swap(context_, other.context_);
  std::swap(server_name_, other.server_name_);
  return *this;
}

TlsSession::~TlsSession() { SSL_SESSION_free(native_); }

int TlsConnection::on_session(ssl_st* native, ssl_session_st* session) {
  auto* self = static_cast<TlsConnection*>(SSL_get_app_data(native));
  if (self == nullptr || !self->keep_session_) return 0;
  TlsSession kept;
  kept.native_ = session;
  kept.context_ = self->client_context_;
  kept.server_name_ = self->server_name_;
  self->session_ = std::move(kept);
  return 1;  // the reference is ours
}

TlsSession TlsConnection::take_session() { return std::exchange(session_, TlsSession()); }

// ---- birth and death ---------------------------------------------------------------------------

TlsConnection::TlsConnection(std::unique_ptr<Connection> inner, TlsSide side)
    : Connection(inner->loop()), inner_(std::move(inner)), side_(side) {
  inner_->set_output_source(this);
}

TlsConnection::~TlsConnection() {
  close(Close::kOrderly);
  SSL_free(native_);
}

void TlsConnection::attach(ssl_st* native) {
  CHECK(native != nullptr, "out of memory");
  native_ = native;
  BIO* bio = BIO_new(Bio::method());
  CHECK(bio != nullptr, "out of memory");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(native_, bio, bio);  // both directions, one reference
  SSL_set_app_data(native_, this);
}

std::unique_ptr<TlsConnection> TlsConnection::server(
    std::unique_ptr<Connection> inner, std::shared_ptr<const TlsServerContext> context) {
  std::unique_ptr<TlsConnection> made(new TlsConnection(std::move(inner), TlsSide::kServer));
  made->attach(SSL_new(context->native()));
  SSL_set_accept_state(made->native_);
  made->server_context_ = std::move(context);
  return made;
}

Result<std::unique_ptr<TlsConnection>> TlsConnection::client(
    std::unique_ptr<Connection> inner, std::shared_ptr<const TlsClientContext> context,
    const TlsClientOptions& options) {
  std::unique_ptr<TlsConnection> made(new TlsConnection(std::move(inner), TlsSide::kClient));
  made->attach(SSL_new(context->native()));
  SSL_set_connect_state(made->native_);
  made->client_context_ = std::move(context);
  TRY(made->prepare_client(options));
  return made;
}

Status TlsConnection::prepare_client(const TlsClientOptions& options) {
  server_name_ = options.server_name;
  keep_session_ = options.keep_session;
  const bool by_name = client_context_->settings().verify == TlsVerify::kFull;
  if (server_name_.find('\0') != std::string::npos || server_name_.size() > 255) {
    return base::invalid_argument("'{}' is not a name of a TLS server", server_name_);
  }
  if (by_name && server_name_.empty()) {
    return base::failed_precondition(
        "checking a server's certificate needs the name it should be for");
  }
  const bool is_ip = Address::ip(server_name_, 0).ok();
  if (!server_name_.empty() && !is_ip) {
    SSL_set_tlsext_host_name(native_, server_name_.c_str());
  }
  if (by_name) {
    X509_VERIFY_PARAM* wanted = SSL_get0_param(native_);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set =
        is_ip ? X509_VERIFY_PARAM_set1_ip_asc(wanted, server_name_.c_str())
              : X509_VERIFY_PARAM_set1_host(wanted, server_name_.c_str(), server_name_.size());
    if (set != 1) {
      ERR_clear_error();
      return base::invalid_argument("'{}' is not a name of a TLS server", server_name_);
    }
  }
  if (!options.alpn.empty()) {
    TRY(const std::string wire, alpn_wire(options.alpn));
    SSL_set_alpn_protos(native_, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned int>(wire.size()));
  }
  const TlsSession* old = options.resume;
  if (old != nullptr && !old->empty() && old->context_ == client_context_ &&
      old->server_name_ == server_name_) {
    SSL_set_session(native_, old->native_);
  }
  return {};
}

void TlsConnection::close(Close how) {
  if (closed_) return;
  closed_ = true;
  inner_->set_output_source(nullptr);
  // close_notify says "that was all": only if it was.
  if (how == Close::kOrderly && established_ && !failure_.has_value() && out_.empty()) {
    send_close_notify();
    flush_now(*inner_);
  }
  inner_->close(how);
  fail(Error::cancelled());
  inner_->readable().set();
}

// ---- handshake ---------------------------------------------------------------------------------

Error TlsConnection::error_in(TlsPhase phase, std::string_view first_bytes) const {
  return tls_error(native_, {.side = side_,
                             .phase = phase,
                             .peer = peer_text(),
                             .trusted = side_ == TlsSide::kServer ? server_context_->trusted()
                                                                  : client_context_->trusted(),
                             .server_name = server_name_,
                             .first_bytes = first_bytes});
}

Task<Status> TlsConnection::run_handshake() {
  std::string first_bytes;
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(native_);
    if (inner_->unsent() > 0) inner_->schedule_flush();
    if (result == 1) break;
    if (SSL_get_error(native_, result) != SSL_ERROR_WANT_READ) {
      co_return error_in(TlsPhase::kHandshake, first_bytes);
    }
    // OpenSSL has taken all there was: nothing of ours is in the thread's buffer while we wait.
    while (true) {
      const ReadOutcome outcome = pull();
      if (outcome == ReadOutcome::kError) co_return inner_->failure()->clone();
      if (outcome != ReadOutcome::kWouldBlock) break;
      CO_TRY(co_await inner_->readable().wait());
    }
    if (first_bytes.size() < 12) first_bytes.append(cipher_view_.substr(0, 12));
  }
  keep_unread_cipher();
  co_return Status{};
}

Task<Status> TlsConnection::handshake(TimePoint until) {
  CHECK(!established_, "one handshake per connection");
  Status done = co_await async::with_deadline(loop_, until, run_handshake());
  cipher_view_ = {};
  if (closed_) co_return Error::cancelled();
  if (done.ok()) {
    established_ = true;
    identity_ = identity_of(*native_);
    if (!cipher_in_.empty()) inner_->readable().set();
    schedule_flush();  // what was appended meanwhile
    co_return done;
  }
  Error error = std::move(done).error();
  const async::StopSource* stop = co_await async::current_stop();
  const bool stopped = (stop != nullptr && stop->fired()) || loop_.now() >= until;
  if (error.code() == Code::kDeadlineExceeded && loop_.now() >= until) {
    error = base::unavailable("TLS handshake with {}: not finished in time", peer_text());
    error = side_ == TlsSide::kClient ? std::move(error).upstream().retryable()
                                      : std::move(error).downstream();
  }
  fail(error.clone());
  const bool alert_to_send = inner_->failure() == nullptr && inner_->unsent() > 0;
  if (alert_to_send && !stopped) {
    flush_now(*inner_);
    co_await linger_and_close(*inner_, loop_.now() + kTlsAlertLinger, kTlsAlertLingerBytes);
  }
  close(Close::kReset);
  co_return error;
}

// ---- reading -----------------------------------------------------------------------------------

ReadResult TlsConnection::read_some(std::span<char> into) {
  DCHECK(!into.empty());
  if (closed_ || read_broken_) return {ReadOutcome::kError};
  DCHECK(established_, "reading before the handshake");
  if (ended_) return {ReadOutcome::kEnd};
  size_t total = 0;
  size_t cipher_bytes = 0;
  ReadOutcome outcome = ReadOutcome::kBytes;
  while (total < into.size()) {
    ERR_clear_error();
    size_t n = 0;
    if (SSL_read_ex(native_, into.data() + total, into.size() - total, &n) == 1) {
      total += n;
      continue;
    }
    const int why = SSL_get_error(native_, 0);
    if (why == SSL_ERROR_ZERO_RETURN) {
      ended_ = true;
      outcome = ReadOutcome::kEnd;
      break;
    }
    if (why != SSL_ERROR_WANT_READ) {
      read_broken_ = true;
      fail(error_in(TlsPhase::kReading));
      outcome = ReadOutcome::kError;
      break;
    }
    if (cipher_bytes >= kReadBytesPerPassMax) {
      // Records without content: others get their turn, then we go on.
      outcome = ReadOutcome::kWouldBlock;
      inner_->readable().clear();
      resume_reading_ = true;
      schedule_flush();
      break;
    }
    // After a short read the inner connection has nothing: do not ask the kernel again.
    if (cipher_bytes > 0 && !inner_->readable().is_set()) {
      outcome = ReadOutcome::kWouldBlock;
      break;
    }
    outcome = pull();
    if (outcome == ReadOutcome::kWouldBlock) break;
    if (outcome == ReadOutcome::kError) {
      read_broken_ = true;
      fail(inner_->failure()->clone());
      break;
    }
    cipher_bytes += cipher_view_.size();
  }
  keep_unread_cipher();
  // An answer of OpenSSL's own, to a key update or as an alert.
  if (inner_->unsent() > 0) schedule_flush();
  if (total == 0) return {outcome};
  bytes_read_ += total;
  // More may be decrypted already, or the end be known: the next wait must not block.
  if (outcome != ReadOutcome::kWouldBlock) inner_->readable().set();
  return {ReadOutcome::kBytes, total};
}

// ---- writing -----------------------------------------------------------------------------------

size_t TlsConnection::unsent() const {
  const size_t close_notify = finish_requested_ && !close_notify_sent_ && !failure_.has_value();
  return out_.size() + inner_->unsent() + close_notify;
}

void TlsConnection::at_pass_end() {
  if (std::exchange(resume_reading_, false)) inner_->readable().set();
  if (!closed_) flush_now(*inner_);
}

// Called by the inner connection when it has room; appends to its out().
void TlsConnection::fill(ByteChain& cipher_out) {
  if (!established_ || failure_.has_value()) return;
  fill_from_source();
  bool source_exhausted = out_.size() < kUnsentFillMax;
  while (cipher_out.size() < kUnsentFillMax) {
    if (out_.empty()) {
      if (source_exhausted) break;
      fill_from_source();
      source_exhausted = out_.size() < kUnsentFillMax;
      if (out_.empty()) break;
    }
    if (!encrypt_record()) return;
  }
  if (finish_requested_ && out_.empty() && !close_notify_sent_) {
    send_close_notify();
    inner_->finish_writing();
  }
}

bool TlsConnection::encrypt_record() {
  std::array<iovec, 16> pieces;
  const size_t count = out_.gather(pieces);
  const char* data = static_cast<const char*>(pieces[0].iov_base);
  size_t size = std::min(pieces[0].iov_len, kTlsRecordBytes);
  if (count > 1 && size < kTlsRecordBytes) {
    char* copy = scratch().plain.data();
    size = 0;
    for (size_t i = 0; i < count && size < kTlsRecordBytes; ++i) {
      const size_t n = std::min(pieces[i].iov_len, kTlsRecordBytes - size);
      std::memcpy(copy + size, pieces[i].iov_base, n);
      size += n;
    }
    data = copy;
  }
  ERR_clear_error();
  size_t written = 0;
  if (SSL_write_ex(native_, data, size, &written) != 1) {
    fail(error_in(TlsPhase::kWriting));
    inner_->readable().set();  // the reader finds out
    return false;
  }
  out_.consume(written);
  bytes_written_ += written;
  return true;
}

void TlsConnection::send_close_notify() {
  if (std::exchange(close_notify_sent_, true)) return;
  ERR_clear_error();
  SSL_shutdown(native_);
  ERR_clear_error();
}

void TlsConnection::finish_writing() {
  finish_requested_ = true;
  schedule_flush();
}

// The inner connection has sent something, or failed.
void TlsConnection::flushed() {
  if (const Error* why = inner_->failure(); why != nullptr && !failure_.has_value()) {
    fail(why->clone());
  } else {
    announce_room();
  }
}

}  // namespace layotto::net
