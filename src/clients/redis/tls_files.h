// TlsFiles: the TLS settings of a client, read again when their files have changed. Looked at when
// a connection is made: files and servers' certificates are exchanged while connections live.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "net/tls.h"
#include "net/tls_watch.h"

namespace layotto::clients::redis {

class TlsFiles {
 public:
  explicit TlsFiles(net::TlsClientSettings settings) : settings_(std::move(settings)) {}

  // kFailedPrecondition names the file that cannot be used.
  Result<std::shared_ptr<const net::TlsClientContext>> current() {
    net::FileVersions versions = net::FileVersions::of(net::TlsClientContext::files(settings_));
    if (current_ == nullptr || versions != versions_) {
      TRY(current_, net::TlsClientContext::load(settings_));
      versions_ = std::move(versions);
    }
    return current_;
  }

 private:
  const net::TlsClientSettings settings_;
  net::FileVersions versions_;
  std::shared_ptr<const net::TlsClientContext> current_;
};

}  // namespace layotto::clients::redis
