// Storage: the opened folder of one store: its lock, its map, its tables and its time. Workers read
// from the map on their own threads, without a lock; the Writer changes it.
//
// The map can be exchanged (made larger, opened anew) only while nobody reads. A reader says so in
// a cell of its own and looks whether the gate is closed; who closes it waits for all cells.
// Reading is a matter of microseconds, a copy is not: the map waits for that, too.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "blocks/state.h"
#include "clients/lmdb/environment.h"
#include "components/state/embedded/folder_lock.h"
#include "components/state/embedded/format.h"
#include "components/state/embedded/store_time.h"

namespace layotto::components::state::embedded {

class Storage {
 public:
  // Address space to begin with; it is doubled as the file grows.
  static constexpr uint64_t kMapBytesFirst = uint64_t{16} << 20;
  // Beyond `bytes_max`, so that a full store can still delete.
  static constexpr uint64_t kReserveBytes = uint64_t{1} << 20;

  struct Options {
    std::string folder;
    uint64_t bytes_max;
    unsigned readers_max;
  };
  // One worker's place; used by its thread.
  class Reader {
    friend class Storage;
    alignas(64) std::atomic<bool> reading_ = false;
    clients::lmdb::ReadTransaction transaction_;
  };

  Storage(Options options, const Clock& clock);

  [[nodiscard]] const std::string& folder() const { return options_.folder; }
  [[nodiscard]] StoreTime& time() { return time_; }

  // ---- life, one thread at a time
  // Takes the folder and opens what is in it; blocks.
  Status open();
  // No Reader is left.
  void close();

  // ---- reading, any thread
  std::unique_ptr<Reader> add_reader();
  void remove_reader(Reader& reader);
  Status get(Reader& reader, std::string_view key, TimePoint now, blocks::StateItem& out);
  // A consistent copy in a new folder; blocks.
  Status copy_to(const std::string& to);
  // Whether the file that is open is the one in the folder; blocks.
  Status check_in_place();

  // ---- the writer's thread
  // Null when it had to be given up and could not be opened anew.
  [[nodiscard]] clients::lmdb::Environment* environment() { return environment_.get(); }
  [[nodiscard]] const Tables& tables() const { return tables_; }
  // False when it is as large as may be.
  bool grow();
  // As large as may be; with the reserve or without.
  enum class Room : uint8_t { kAll, kAllAndReserve };
  void make_room(Room room);
  // After a failed write of the root: opens the file again.
  Status reopen();

 private:
  class Reading;
  class Exchange;

  Status open_environment();
  void resize(uint64_t bytes);

  const Options options_;
  StoreTime time_;
  FolderLock lock_;
  std::unique_ptr<clients::lmdb::Environment> environment_;
  Tables tables_;
  uint64_t map_bytes_ = 0;

  // Held for reading by those who copy; taken before gate_mutex_.
  std::shared_mutex copy_mutex_;
  std::mutex gate_mutex_;  // held while the gate is closed
  std::atomic<bool> closed_ = false;
  std::vector<Reader*> readers_;
};

// Makes the folder, for this user only; fine when it is there.
Status make_folder(const std::string& folder);

}  // namespace layotto::components::state::embedded
