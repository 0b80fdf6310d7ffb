// TlsCertificateWatch: keeps a TLS snapshot up to date with its files.
//
// Once every kTlsWatchInterval it looks whether a file is another one than before (device, inode,
// size, times), through symbolic links, so that the way Kubernetes exchanges a secret (a link to a
// new folder) is seen as well as a rename or a rewrite. inotify would have to follow every link on
// the path and still miss network file systems; three stat calls a second cost less than that.
//
// New files that are fine become current() at once; connections that live keep the snapshot they
// were made with. Broken ones, or a certificate that arrived before its key, leave current() as it
// is: status() says why until files arrive that are fine. It is pulled: log it when `failures`
// changes, or wait for changed().
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/loop.h"
#include "base/error.h"
#include "base/tally.h"
#include "net/limits.h"
#include "net/tls.h"

namespace layotto::net {

// What tells one version of a file from another. A missing file is a version, too.
class FileVersions {
 public:
  // Looks at the files as they are now.
  static FileVersions of(const std::vector<std::string>& paths);
  bool operator==(const FileVersions&) const = default;

 private:
  struct Version {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = -1;
    int64_t modified = 0;  // nanoseconds
    int64_t changed = 0;
    bool operator==(const Version&) const = default;
  };
  std::vector<Version> versions_;
};

// Context: TlsServerContext or TlsClientContext. Lives on one loop; what current() gives may go
// anywhere.
template <class Context>
class TlsCertificateWatch final : private async::Timer {
 public:
  using Settings = typename Context::Settings;
  using Snapshot = std::shared_ptr<const Context>;

  // Fails when the files cannot be used now.
  static Result<std::unique_ptr<TlsCertificateWatch>> start(async::Loop& loop, Settings settings) {
    std::unique_ptr<TlsCertificateWatch> watch(new TlsCertificateWatch(loop, std::move(settings)));
    watch->versions_ = FileVersions::of(watch->files_);
    TRY(watch->current_, Context::load(watch->settings_));
    watch->loop_.arm(*watch, loop.now() + kTlsWatchInterval);
    return watch;
  }

  [[nodiscard]] const Snapshot& current() const { return current_; }
  // Ok while current() is what the files say.
  [[nodiscard]] const Status& status() const { return status_; }
  // Woken after every reading of changed files, whether they were fine or not.
  [[nodiscard]] async::Event& changed() { return changed_; }

  struct Counters {
    base::Tally reloads;   // new snapshots
    base::Tally failures;  // changed files that could not be used
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  TlsCertificateWatch(async::Loop& loop, Settings settings)
      : loop_(loop),
        settings_(std::move(settings)),
        files_(Context::files(settings_)),
        changed_(loop) {}

  void on_timer() override {
    loop_.arm(*this, loop_.now() + kTlsWatchInterval);
    // Taken before reading: what changes while we read is seen next time.
    FileVersions versions = FileVersions::of(files_);
    if (versions == versions_) return;
    versions_ = std::move(versions);
    auto loaded = Context::load(settings_);
    if (loaded.ok()) {
      current_ = *std::move(loaded);
      status_ = Status{};
      counters_.reloads.add();
    } else {
      status_ = std::move(loaded).error();
      counters_.failures.add();
    }
    changed_.wake_all();
  }

  async::Loop& loop_;
  const Settings settings_;
  const std::vector<std::string> files_;
  FileVersions versions_;
  Snapshot current_;
  Status status_;
  async::Event changed_;
  Counters counters_;
};

}  // namespace layotto::net
