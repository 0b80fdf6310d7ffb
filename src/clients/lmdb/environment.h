// A thin, owning face of LMDB: an Environment is one folder with its map, transactions and cursors
// end with their objects. LMDB's rules hold: one environment per folder and process, one write
// transaction at a time and on one thread; what a transaction read is valid until it ends or
// writes. Durable: no option that skips a sync, no writable map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "clients/lmdb/outcome.h"

struct MDB_cursor;
struct MDB_env;
struct MDB_txn;

namespace layotto::clients::lmdb {

// Keys have 1 to 511 bytes.
inline constexpr size_t kKeyBytesMax = 511;

// A table of an environment; valid as long as that is open.
struct Table {
  unsigned handle = 0;
};

class Environment {
 public:
  struct Options {
    std::string folder;  // must exist
    // Address space to begin with; never less than what the file has already.
    uint64_t map_bytes = uint64_t{1} << 20;
    unsigned readers_max = 126;
    unsigned tables_max = 8;
  };
  // Checks the file before LMDB touches it (data_file.h). Makes one when there is none.
  static Result<std::unique_ptr<Environment>> open(const Options& options);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  // Every transaction and cursor is gone.
  ~Environment();

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // No transaction may be active in this process. Never smaller than what is in use.
  Outcome resize(uint64_t map_bytes);
  [[nodiscard]] uint64_t map_bytes() const;
  // Of the file, freed pages included, after the last commit.
  [[nodiscard]] uint64_t used_bytes() const;
  // LMDB takes a write that was cut short for a failing disk; mostly the disk is full.
  [[nodiscard]] Outcome explained(Outcome outcome) const;
  // Whether the file that is open is still the one in the folder.
  [[nodiscard]] bool in_place() const;
  // A consistent copy without freed pages as `folder`/data.mdb, while others read and write. Not
  // synced.
  Outcome copy_to(const std::string& folder) const;

 private:
  friend class Transaction;
  friend class ReadTransaction;
  friend class WriteTransaction;
  Environment(MDB_env* env, std::string folder) : env_(env), folder_(std::move(folder)) {}

  MDB_env* env_;
  const std::string folder_;
};

class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Outcome get(Table table, std::string_view key, std::string_view& value) const;
  // 0 when that cannot be told.
  [[nodiscard]] uint64_t entries(Table table) const;

 protected:
  ~Transaction() { abort(); }
  void abort();

  friend class Cursor;
  MDB_txn* txn_ = nullptr;
};

// Sees the last commit before renew(). Kept between reads: renewing costs no lock and no memory.
// Not tied to a thread, used by one at a time.
class ReadTransaction final : public Transaction {
 public:
  Outcome renew(const Environment& environment);
  // Ends reading, keeps the place among the readers.
  void reset();
  // Gives everything back; renew() begins anew.
  void close() { abort(); }
};

class WriteTransaction final : public Transaction {
 public:
  Outcome begin(Environment& environment);
  // A table by its name; kNotFound unless `create`.
  Outcome open(const char* name, bool create, Table& table);
  Outcome put(Table table, std::string_view key, std::string_view value);
  // A place for a value of `size` bytes, to be filled before anything else is done.
  Outcome reserve(Table table, std::string_view key, size_t size, char*& place);
  // not_found() when there is none.
  Outcome erase(Table table, std::string_view key);
  Outcome commit();
  void roll_back() { abort(); }
};

// Walks a table in the order of its keys; goes before its transaction does.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();

  Outcome open(const Transaction& transaction, Table table);
  Outcome first(std::string_view& key, std::string_view& value);
  Outcome next(std::string_view& key, std::string_view& value);

 private:
  MDB_cursor* cursor_ = nullptr;
};

}  // namespace layotto::clients::lmdb
