#include "app/door_files.h"

#include <utility>

#include "settings/file_reader.h"

namespace layotto::app {
namespace {

constexpr size_t kTokenBytesMax = 4096;
constexpr auto kTokenInterval = std::chrono::seconds(1);

net::TlsServerSettings tls_settings(const settings::TlsSettings& tls) {
  return {.certificate_file = tls.certificate,
          .key_file = tls.private_key,
          .client_ca_file = tls.client_ca,
          .client_certificate = tls.client_certificate == settings::ClientCertificate::kRequire
                                    ? net::ClientCertificate::kRequire
                                : tls.client_certificate == settings::ClientCertificate::kRequest
                                    ? net::ClientCertificate::kRequest
                                    : net::ClientCertificate::kNone,
          .version_min = tls.min_version == settings::TlsVersion::k13 ? net::TlsVersion::k1_3
                                                                      : net::TlsVersion::k1_2,
          .alpn = {"h2", "http/1.1"}};
}

}  // namespace

Result<std::unique_ptr<DoorFiles>> DoorFiles::start(async::Loop& loop, telemetry::Log log,
                                                    const settings::ListenerSettings& listener) {
  std::unique_ptr<DoorFiles> files(new DoorFiles(loop, log, listener));
  TRY(files->load());
  return files;
}

Status DoorFiles::load() {
  if (listener_.tls.has_value()) {
    TRY(tls_, net::TlsCertificateWatch<net::TlsServerContext>::start(loop_,
                                                                     tls_settings(*listener_.tls)));
    tasks_.spawn(&follow_tls, this);
  }
  if (!listener_.token_file.empty()) {
    token_versions_ = net::FileVersions::of({listener_.token_file});
    TRY(load_token());
    loop_.arm(*this, loop_.now() + kTokenInterval);
  }
  return {};
}

Status DoorFiles::load_token() {
  Result<std::string> read = settings::read_regular_file(listener_.token_file, kTokenBytesMax);
  if (!read.ok()) {
    return base::failed_precondition("token_file {}: {}", listener_.token_file,
                                     read.error().message());
  }
  std::string text = *std::move(read);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) {
    return base::failed_precondition("token_file {} is empty: it would let nobody in",
                                     listener_.token_file);
  }
  token_ = config::Secret(std::move(text));
  return {};
}

void DoorFiles::on_timer() {
  loop_.arm(*this, loop_.now() + kTokenInterval);
  net::FileVersions versions = net::FileVersions::of({listener_.token_file});
  if (versions == token_versions_) return;
  token_versions_ = std::move(versions);
  if (const Status loaded = load_token(); !loaded.ok()) {
    log_.warn("token_not_changed",
              {{"listener", listener_.name}, {"reason", loaded.error().message()}});
    return;
  }
  log_.info("token_changed", {{"listener", listener_.name}});
  if (handlers_.token) handlers_.token(token_);
}

Task<void> DoorFiles::follow_tls(DoorFiles* self) {
  while ((co_await self->tls_->changed().wait()).ok()) {
    if (const Status& status = self->tls_->status(); !status.ok()) {
      self->log_.warn("certificate_not_changed",
                      {{"listener", self->listener_.name}, {"reason", status.error().message()}});
      continue;
    }
    self->log_.info("certificate_changed", {{"listener", self->listener_.name}});
    if (self->handlers_.tls) self->handlers_.tls(self->tls_->current());
  }
}

Task<void> DoorFiles::stop() {
  cancel();
  tasks_.stop(async::StopReason::kShutdown);
  co_await tasks_.join();
}

}  // namespace layotto::app
