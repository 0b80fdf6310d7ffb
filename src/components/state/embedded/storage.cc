#include "components/state/embedded/storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "clients/lmdb/data_file.h"
#include "components/state/embedded/record.h"

namespace layotto::components::state::embedded {
namespace {

using clients::lmdb::Cursor;
using clients::lmdb::Environment;
using clients::lmdb::Outcome;

constexpr uint64_t kMapStep = 65536;

std::string data_file(const std::string& folder) {
  return fmt::format("{}/{}", folder, clients::lmdb::kDataFile);
}

Status sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int why = errno;
  if (fd >= 0) ::close(fd);
  if (synced) return {};
  return base::unavailable("{} cannot be written to the disk: {}", path, base::errno_text(why));
}

// A new folder, or one with nothing in it.
Status make_target(const std::string& to) {
  if (mkdir(to.c_str(), 0700) == 0) return {};
  std::error_code failed;
  if (errno != EEXIST) {
    return base::failed_precondition("cannot make the folder {}: {}", to, base::errno_text(errno));
  }
  if (!std::filesystem::is_empty(to, failed) || failed) {
    return base::failed_precondition("{} is not an empty folder; name a new one", to);
  }
  return {};
}

}  // namespace

Status make_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), failed);
  if (mkdir(folder.c_str(), 0700) == 0) return {};
  const int why = errno;
  if (why == EEXIST && std::filesystem::is_directory(folder, failed)) return {};
  return base::failed_precondition("cannot make the folder {}: {}; configure another one", folder,
                                   base::errno_text(why));
}

// The gate is closed and nobody copies as long as this exists.
class Storage::Exchange {
 public:
  explicit Exchange(Storage& storage)
      : storage_(storage), copies_(storage.copy_mutex_), gate_(storage.gate_mutex_) {
    storage.closed_.store(true);
    for (const Reader* reader : storage.readers_) {
      while (reader->reading_.load()) std::this_thread::yield();
    }
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() { storage_.closed_.store(false); }

 private:
  Storage& storage_;
  std::unique_lock<std::shared_mutex> copies_;
  std::unique_lock<std::mutex> gate_;
};

// A read is under way as long as this exists.
class Storage::Reading {
 public:
  Reading(Storage& storage, Reader& reader) : reader_(reader) {
    reader.reading_.store(true);
    if (storage.closed_.load()) [[unlikely]] {
      reader.reading_.store(false);
      const std::lock_guard lock(storage.gate_mutex_);
      reader.reading_.store(true);
    }
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    if (begun_) reader_.transaction_.reset();
    reader_.reading_.store(false, std::memory_order_release);
  }
  Outcome begin(const Environment& environment) {
    const Outcome renewed = reader_.transaction_.renew(environment);
    begun_ = renewed.ok();
    return renewed;
  }

 private:
  Reader& reader_;
  bool begun_ = false;
};

Storage::Storage(Options options, const Clock& clock)
    : options_(std::move(options)), time_(clock) {}

// ---- life

Status Storage::open_environment() {
  TRY(auto environment,
      Environment::open({.folder = options_.folder,
                         .map_bytes = std::min(kMapBytesFirst, options_.bytes_max),
                         .readers_max = options_.readers_max}));
  // A file may be larger than `bytes_max` is now: all of it is mapped.
  const uint64_t used = environment->used_bytes();
  const uint64_t wanted = std::min(2 * used, std::max(options_.bytes_max, used));
  if (wanted > environment->map_bytes()) {
    if (const Outcome grown = environment->resize(wanted); !grown.ok()) {
      return grown.error("map the data", options_.folder);
    }
  }
  map_bytes_ = environment->map_bytes();
  TRY(tables_, open_tables(*environment));
  environment_ = std::move(environment);
  return {};
}

Status Storage::open() {
  // A copy that was begun in a former life may only now come to its turn.
  const std::unique_lock copies(copy_mutex_);
  TRY(make_folder(options_.folder));
  TRY(lock_, FolderLock::take(options_.folder));
  Status opened = open_environment();
  if (!opened.ok()) {
    lock_ = FolderLock();
    return opened;
  }
  clients::lmdb::ReadTransaction transaction;
  std::string_view saved;
  std::optional<StoreTime::Saved> time;
  if (transaction.renew(*environment_).ok() &&
      transaction.get(tables_.meta, kTimeKey, saved).ok()) {
    time = StoreTime::Saved::parse(saved);
  }
  time_.begin(time);
  return {};
}

void Storage::close() {
  const Exchange exchange(*this);
  CHECK(readers_.empty(), "a store is closed while a worker uses it");
  environment_.reset();
  FolderLock given_up = std::move(lock_);
  lock_ = FolderLock();
}

Status Storage::reopen() {
  const Exchange exchange(*this);
  for (Reader* reader : readers_) reader->transaction_.close();
  environment_.reset();
  return open_environment();
}

// ---- reading

std::unique_ptr<Storage::Reader> Storage::add_reader() {
  auto reader = std::make_unique<Reader>();
  const std::lock_guard lock(gate_mutex_);
  readers_.push_back(reader.get());
  return reader;
}

void Storage::remove_reader(Reader& reader) {
  const std::lock_guard lock(gate_mutex_);
  reader.transaction_.close();
  std::erase(readers_, &reader);
}

Status Storage::get(Reader& reader, std::string_view key, TimePoint now, blocks::StateItem& out) {
  out.clear();
  Reading reading(*this, reader);
  if (environment_ == nullptr) {
    return base::unavailable("the data in {} is being opened again after a failure", folder());
  }
  if (const Outcome begun = reading.begin(*environment_); !begun.ok()) {
    return begun.error("read", folder());
  }
  const StoredKey stored(key);
  std::string_view bytes;
  const Outcome got = reader.transaction_.get(tables_.state, stored.view(), bytes);
  if (got.not_found()) return {};
  if (!got.ok()) return got.error("read", folder());
  Record record;
  if (!record.read_from(bytes, stored.view()) || (!stored.is_whole() && record.key != key)) {
    return base::data_loss(
        "{}: the record of key '{}' is damaged; write or delete it, or go back to a backup",
        folder(), key);
  }
  if (time_.expired(record.expires, time_.at(now))) return {};
  out.found = true;
  out.value.assign(record.value);
  out.etag.assign(blocks::view_of(record.etag));
  if (record.expires != kNever) out.expires_at = WallTime(Duration(record.expires_wall));
  return {};
}

Status Storage::copy_to(const std::string& to) {
  const std::shared_lock copying(copy_mutex_);
  if (environment_ == nullptr) return base::unavailable("the data in {} is not open", folder());
  TRY(make_target(to));
  const Outcome copied = environment_->copy_to(to);
  Status done = copied.ok() ? sync_path(data_file(to))
                            : Status(copied.error(fmt::format("copy to {}", to), folder()));
  if (done.ok()) done = sync_path(to);
  if (done.ok()) done = clients::lmdb::check_data_file(to);
  if (!done.ok()) unlink(data_file(to).c_str());
  return done;
}

Status Storage::check_in_place() {
  const std::shared_lock copying(copy_mutex_);
  if (environment_ == nullptr) return base::unavailable("the data in {} is not open", folder());
  if (environment_->in_place()) return {};
  return base::data_loss(
      "{} was removed or replaced while in use: what is written now will be lost; make a backup, "
      "then restart",
      data_file(folder()));
}

// ---- the map

void Storage::resize(uint64_t bytes) {
  if (bytes == map_bytes_) return;
  const Exchange exchange(*this);
  if (environment_->resize(bytes).ok()) map_bytes_ = bytes;
}

bool Storage::grow() {
  if (map_bytes_ >= options_.bytes_max) return false;
  const uint64_t before = map_bytes_;
  resize(std::min((map_bytes_ * 2 + kMapStep - 1) / kMapStep * kMapStep, options_.bytes_max));
  return map_bytes_ > before;
}

void Storage::make_room(Room room) {
  if (room == Room::kAll) return resize(options_.bytes_max);
  resize(std::max(options_.bytes_max, environment_->used_bytes()) + kReserveBytes);
}

}  // namespace layotto::components::state::embedded
