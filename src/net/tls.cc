#include "net/tls.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "net/limits.h"
#include "net/tls_connection.h"
#include "net/tls_error.h"

namespace layotto::net {
namespace {

// Authenticated ciphers with forward secrecy; those of TLS 1.3 are all such.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

template <auto Free>
struct FreeBy {
  void operator()(auto* object) const { Free(object); }
};
using BioPtr = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreeBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

// The content of a file; overwritten when it goes, since it may be a key.
class FileContent {
 public:
  static Result<FileContent> read(const char* what, const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return unreadable(what, path, base::errno_text(errno));
    FileContent content;
    struct stat file{};
    Status status;
    if (fstat(fd, &file) != 0) {
      status = unreadable(what, path, base::errno_text(errno));
    } else if (!S_ISREG(file.st_mode)) {
      status = unreadable(what, path, "it is not a regular file");
    } else {
      status = content.fill(fd, what, path);
    }
    close(fd);
    TRY(std::move(status));
    return content;
  }
  FileContent(FileContent&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  FileContent& operator=(FileContent&&) = delete;
  ~FileContent() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  [[nodiscard]] BioPtr bio() const {
    return BioPtr(BIO_new_mem_buf(bytes_.data(), static_cast<int>(size_)));
  }

 private:
  FileContent() : bytes_(kTlsFileBytesMax + 1) {}
  static Error unreadable(const char* what, const std::string& path, std::string_view why) {
    return base::failed_precondition("cannot read the {} file '{}': {}", what, path, why);
  }
  Status fill(int fd, const char* what, const std::string& path) {
    while (size_ < bytes_.size()) {
      const ssize_t n = ::read(fd, bytes_.data() + size_, bytes_.size() - size_);
      if (n < 0) return unreadable(what, path, base::errno_text(errno));
      if (n == 0) return {};
      size_ += static_cast<size_t>(n);
    }
    return unreadable(what, path, fmt::format("it has more than {} bytes", kTlsFileBytesMax));
  }

  std::vector<char> bytes_;
  size_t size_ = 0;
};

// Without this OpenSSL asks for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

X509Ptr next_certificate(BIO* bio) {
  return X509Ptr(PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr));
}

// Reading PEM ends with "no start line" behind the last block; anything else is a broken block.
bool ended_well() {
  const unsigned long error = ERR_peek_last_error();
  const bool well =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (well) ERR_clear_error();
  return well;
}

Error broken_certificate(const std::string& path) {
  return base::failed_precondition("the certificate file '{}' is broken: {}", path,
                                   openssl_reason());
}

WallTime expiry(const X509* certificate) {
  std::tm when{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1) return {};
  return WallTime(std::chrono::seconds(timegm(&when)));
}

// Our own certificate and those between it and the root.
Result<WallTime> use_certificate(SSL_CTX* native, const std::string& path) {
  TRY(const FileContent content, FileContent::read("certificate", path));
  const BioPtr bio = content.bio();
  const X509Ptr own = next_certificate(bio.get());
  if (own == nullptr) {
    if (ended_well()) {
      return base::failed_precondition("the certificate file '{}' has no PEM certificate", path);
    }
    return broken_certificate(path);
  }
  if (SSL_CTX_use_certificate(native, own.get()) != 1) {
    return base::failed_precondition("the certificate in '{}' cannot be used: {}", path,
                                     openssl_reason());
  }
  while (X509Ptr next = next_certificate(bio.get())) {
    if (SSL_CTX_add0_chain_cert(native, next.get()) != 1) return broken_certificate(path);
    [[maybe_unused]] const X509* owned_by_native = next.release();
  }
  if (!ended_well()) return broken_certificate(path);
  return expiry(own.get());
}

Status use_key(SSL_CTX* native, const std::string& path, const std::string& certificate_path) {
  TRY(const FileContent content, FileContent::read("key", path));
  const BioPtr bio = content.bio();
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return base::failed_precondition(
        "the key file '{}' has no PEM private key that can be read without a passphrase", path);
  }
  if (SSL_CTX_use_PrivateKey(native, key.get()) != 1 || SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    return base::failed_precondition("the key in '{}' does not belong to the certificate in '{}'",
                                     path, certificate_path);
  }
  return {};
}

// The CAs whose signature counts; a server also tells their names to its clients.
Status trust(SSL_CTX* native, const std::string& path, bool tell_clients) {
  TRY(const FileContent content, FileContent::read("CA", path));
  const BioPtr bio = content.bio();
  X509_STORE* store = SSL_CTX_get_cert_store(native);
  size_t count = 0;
  while (const X509Ptr next = next_certificate(bio.get())) {
    if (X509_STORE_add_cert(store, next.get()) != 1 ||
        (tell_clients && SSL_CTX_add_client_CA(native, next.get()) != 1)) {
      return base::failed_precondition("a certificate in the CA file '{}' cannot be used: {}", path,
                                       openssl_reason());
    }
    ++count;
  }
  if (!ended_well()) {
    return base::failed_precondition("the CA file '{}' is broken: {}", path, openssl_reason());
  }
  if (count == 0) {
    return base::failed_precondition("the CA file '{}' has no PEM certificate", path);
  }
  // A CA that is itself signed by another one counts without it.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Result<SSL_CTX*> make_native(const SSL_METHOD* method, TlsVersion version_min) {
  ERR_clear_error();
  SSL_CTX* native = SSL_CTX_new(method);
  if (native == nullptr) {
    return base::internal("OpenSSL gives no TLS context: {}", openssl_reason());
  }
  SSL_CTX_set_min_proto_version(native,
                                version_min == TlsVersion::k1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, kTls12Ciphers);
  SSL_CTX_set_options(
      native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_clear_options(native, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_passwd_cb(native, no_passphrase);
  return native;
}

// Our order, not the client's.
int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned int in_size, void* context) {
  const std::string_view ours = static_cast<const TlsServerContext*>(context)->alpn_wire();
  const std::string_view theirs(reinterpret_cast<const char*>(in), in_size);
  for (size_t i = 0; i < ours.size(); i += 1 + static_cast<unsigned char>(ours[i])) {
    const std::string_view wanted = ours.substr(i, 1 + static_cast<unsigned char>(ours[i]));
    for (size_t j = 0; j < theirs.size(); j += 1 + static_cast<unsigned char>(theirs[j])) {
      if (theirs.substr(j, 1 + static_cast<unsigned char>(theirs[j])) != wanted) continue;
      *out = reinterpret_cast<const unsigned char*>(wanted.data() + 1);
      *out_size = static_cast<unsigned char>(wanted.size() - 1);
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

Result<std::string> alpn_wire(const std::vector<std::string>& protocols) {
  if (protocols.size() > kTlsAlpnMax) {
    return base::invalid_argument("an ALPN list of {} protocols: at most {} are allowed",
                                  protocols.size(), kTlsAlpnMax);
  }
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return base::invalid_argument("'{}' is not an ALPN protocol: 1 to 255 bytes", protocol);
    }
    wire.push_back(static_cast<char>(static_cast<unsigned char>(protocol.size())));
    wire.append(protocol);
  }
  return wire;
}

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::load(const Settings& settings) {
  std::shared_ptr<TlsServerContext> context(new TlsServerContext(settings));
  TRY(context->prepare());
  return std::shared_ptr<const TlsServerContext>(std::move(context));
}

std::vector<std::string> TlsServerContext::files(const Settings& settings) {
  std::vector<std::string> files = {settings.certificate_file, settings.key_file};
  if (settings.client_certificate != ClientCertificate::kNone) {
    files.push_back(settings.client_ca_file);
  }
  return files;
}

TlsServerContext::~TlsServerContext() { SSL_CTX_free(native_); }

Status TlsServerContext::prepare() {
  if (settings_.certificate_file.empty() || settings_.key_file.empty()) {
    return base::failed_precondition("a TLS server needs a certificate file and a key file");
  }
  TRY(alpn_wire_, net::alpn_wire(settings_.alpn));
  TRY(native_, make_native(TLS_server_method(), settings_.version_min));
  TRY(expires_, use_certificate(native_, settings_.certificate_file));
  TRY(use_key(native_, settings_.key_file, settings_.certificate_file));
  if (settings_.client_certificate != ClientCertificate::kNone) {
    if (settings_.client_ca_file.empty()) {
      return base::failed_precondition(
          "client certificates are asked for, but there is no CA file to check them by");
    }
    TRY(trust(native_, settings_.client_ca_file, true));
    const bool required = settings_.client_certificate == ClientCertificate::kRequire;
    SSL_CTX_set_verify(native_, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
  }
  // Tickets carry the session, nothing is kept here. A ticket is good for this snapshot only: its
  // keys were drawn with it. Sessions of clients that showed a certificate need a name to be
  // resumed.
  SSL_CTX_set_session_cache_mode(native_, SSL_SESS_CACHE_OFF);
  constexpr std::string_view kSessionName = "layotto";
  SSL_CTX_set_session_id_context(native_,
                                 reinterpret_cast<const unsigned char*>(kSessionName.data()),
                                 static_cast<unsigned int>(kSessionName.size()));
  if (!alpn_wire_.empty()) SSL_CTX_set_alpn_select_cb(native_, choose_alpn, this);
  return {};
}

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::load(const Settings& settings) {
  std::shared_ptr<TlsClientContext> context(new TlsClientContext(settings));
  TRY(context->prepare());
  return std::shared_ptr<const TlsClientContext>(std::move(context));
}

std::vector<std::string> TlsClientContext::files(const Settings& settings) {
  std::vector<std::string> files;
  if (!settings.ca_file.empty()) files.push_back(settings.ca_file);
  if (!settings.certificate_file.empty()) {
    files.push_back(settings.certificate_file);
    files.push_back(settings.key_file);
  }
  return files;
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(native_); }

Status TlsClientContext::prepare() {
  if (settings_.certificate_file.empty() != settings_.key_file.empty()) {
    return base::failed_precondition("a TLS client needs a certificate and a key, or neither");
  }
  TRY(const std::string wire, net::alpn_wire(settings_.alpn));
  TRY(native_, make_native(TLS_client_method(), settings_.version_min));
  if (!settings_.certificate_file.empty()) {
    TRY(expires_, use_certificate(native_, settings_.certificate_file));
    TRY(use_key(native_, settings_.key_file, settings_.certificate_file));
  }
  if (settings_.verify != TlsVerify::kNone) {
    if (!settings_.ca_file.empty()) {
      TRY(trust(native_, settings_.ca_file, false));
    } else if (SSL_CTX_set_default_verify_paths(native_) != 1) {
      return base::failed_precondition("the system has no list of CAs: {}", openssl_reason());
    }
    SSL_CTX_set_verify(native_, SSL_VERIFY_PEER, nullptr);
  }
  // Sessions are kept by the connection that asks for it, not here.
  SSL_CTX_set_session_cache_mode(native_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(native_, &TlsConnection::on_session);
  if (!wire.empty()) {
    SSL_CTX_set_alpn_protos(native_, reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned int>(wire.size()));
  }
  return {};
}

}  // namespace layotto::net
