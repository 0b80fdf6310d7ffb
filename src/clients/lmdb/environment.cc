#include "clients/lmdb/environment.h"

#include <lmdb.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <utility>

#include "clients/lmdb/data_file.h"

namespace layotto::clients::lmdb {
namespace {

constexpr mdb_mode_t kFileMode = 0600;
// A disk with fewer free blocks is full for us.
constexpr uint64_t kFullDiskBlocks = 256;

MDB_val val_of(std::string_view text) {
  return {.mv_size = text.size(), .mv_data = const_cast<char*>(text.data())};
}
std::string_view view_of(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

}  // namespace

Result<std::unique_ptr<Environment>> Environment::open(const Options& options) {
  TRY(check_data_file(options.folder));
  MDB_env* env = nullptr;
  if (const Outcome made(mdb_env_create(&env)); !made.ok()) {
    return made.error("open the data", options.folder);
  }
  std::unique_ptr<Environment> environment(new Environment(env, options.folder));
  mdb_env_set_maxreaders(env, options.readers_max);
  mdb_env_set_maxdbs(env, options.tables_max);
  mdb_env_set_mapsize(env, options.map_bytes);
  const Outcome opened(mdb_env_open(env, options.folder.c_str(), MDB_NOTLS, kFileMode));
  if (!opened.ok()) return opened.error("open the data", options.folder);
  // Readers that were killed would keep pages from being used again.
  int dead = 0;
  mdb_reader_check(env, &dead);
  return environment;
}

Environment::~Environment() { mdb_env_close(env_); }

Outcome Environment::resize(uint64_t map_bytes) {
  return Outcome(mdb_env_set_mapsize(env_, map_bytes));
}

uint64_t Environment::map_bytes() const {
  MDB_envinfo found{};
  mdb_env_info(env_, &found);
  return found.me_mapsize;
}

uint64_t Environment::used_bytes() const {
  MDB_envinfo found{};
  MDB_stat stat{};
  mdb_env_info(env_, &found);
  mdb_env_stat(env_, &stat);
  return (found.me_last_pgno + 1) * stat.ms_psize;
}

Outcome Environment::explained(Outcome outcome) const {
  struct statvfs disk{};
  if (outcome.code() != EIO || statvfs(folder_.c_str(), &disk) != 0) return outcome;
  return disk.f_bavail < kFullDiskBlocks ? Outcome(ENOSPC) : outcome;
}

bool Environment::in_place() const {
  int fd = -1;
  struct stat open{};
  struct stat found{};
  const std::string path = fmt::format("{}/{}", folder_, kDataFile);
  return mdb_env_get_fd(env_, &fd) == 0 && fstat(fd, &open) == 0 &&
         stat(path.c_str(), &found) == 0 && open.st_ino == found.st_ino &&
         open.st_dev == found.st_dev;
}

Outcome Environment::copy_to(const std::string& folder) const {
  return Outcome(mdb_env_copy2(env_, folder.c_str(), MDB_CP_COMPACT));
}

Outcome Transaction::get(Table table, std::string_view key, std::string_view& value) const {
  MDB_val k = val_of(key);
  MDB_val v{};
  const int code = mdb_get(txn_, table.handle, &k, &v);
  if (code == 0) value = view_of(v);
  return Outcome(code);
}

uint64_t Transaction::entries(Table table) const {
  MDB_stat stat{};
  return mdb_stat(txn_, table.handle, &stat) == 0 ? stat.ms_entries : 0;
}

void Transaction::abort() {
  if (txn_ != nullptr) mdb_txn_abort(std::exchange(txn_, nullptr));
}

Outcome ReadTransaction::renew(const Environment& environment) {
  if (txn_ != nullptr) return Outcome(mdb_txn_renew(txn_));
  return Outcome(mdb_txn_begin(environment.env_, nullptr, MDB_RDONLY, &txn_));
}

void ReadTransaction::reset() { mdb_txn_reset(txn_); }

Outcome WriteTransaction::begin(Environment& environment) {
  abort();
  return Outcome(mdb_txn_begin(environment.env_, nullptr, 0, &txn_));
}

Outcome WriteTransaction::open(const char* name, bool create, Table& table) {
  return Outcome(mdb_dbi_open(txn_, name, create ? MDB_CREATE : 0, &table.handle));
}

Outcome WriteTransaction::put(Table table, std::string_view key, std::string_view value) {
  MDB_val k = val_of(key);
  MDB_val v = val_of(value);
  return Outcome(mdb_put(txn_, table.handle, &k, &v, 0));
}

Outcome WriteTransaction::reserve(Table table, std::string_view key, size_t size, char*& place) {
  MDB_val k = val_of(key);
  MDB_val v{.mv_size = size, .mv_data = nullptr};
  const int code = mdb_put(txn_, table.handle, &k, &v, MDB_RESERVE);
  if (code == 0) place = static_cast<char*>(v.mv_data);
  return Outcome(code);
}

Outcome WriteTransaction::erase(Table table, std::string_view key) {
  MDB_val k = val_of(key);
  return Outcome(mdb_del(txn_, table.handle, &k, nullptr));
}

Outcome WriteTransaction::commit() { return Outcome(mdb_txn_commit(std::exchange(txn_, nullptr))); }

Cursor::~Cursor() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

Outcome Cursor::open(const Transaction& transaction, Table table) {
  CHECK(cursor_ == nullptr, "a cursor is opened once");
  return Outcome(mdb_cursor_open(transaction.txn_, table.handle, &cursor_));
}

Outcome Cursor::first(std::string_view& key, std::string_view& value) {
  MDB_val k{};
  MDB_val v{};
  const int code = mdb_cursor_get(cursor_, &k, &v, MDB_FIRST);
  key = view_of(k);
  value = view_of(v);
  return Outcome(code);
}

Outcome Cursor::next(std::string_view& key, std::string_view& value) {
  MDB_val k{};
  MDB_val v{};
  const int code = mdb_cursor_get(cursor_, &k, &v, MDB_NEXT);
  key = view_of(k);
  value = view_of(v);
  return Outcome(code);
}

}  // namespace layotto::clients::lmdb
