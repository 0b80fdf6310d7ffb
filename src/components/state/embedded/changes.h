// Changes: what is done to the tables in one transaction of LMDB. A failed precondition is a result
// and changes nothing; an Outcome that is not ok is LMDB's and ends them all.
#pragma once

#include <span>
#include <string_view>

#include "blocks/etag.h"
#include "blocks/state.h"
#include "clients/lmdb/environment.h"
#include "components/state/embedded/record.h"
#include "components/state/embedded/storage.h"

namespace layotto::components::state::embedded {

class Changes {
 public:
  // `storage` has an environment. Its time is looked at once.
  Changes(Storage& storage, blocks::EtagSource& etags);

  clients::lmdb::Outcome begin();
  clients::lmdb::Outcome write(const blocks::StateWrite& write, Status& result);
  clients::lmdb::Outcome transact(std::span<const blocks::StateWrite> writes, Status& result);
  // Deletes up to `count` of what has expired; `swept` is how many it was.
  clients::lmdb::Outcome sweep(size_t count, size_t& swept);
  // So that there is something to commit.
  void touch() { changed_ = true; }
  // Saves the time, too. Nothing when nothing changed.
  clients::lmdb::Outcome commit();
  // Looks at what commit() looks at.
  clients::lmdb::Outcome look_ahead();

  [[nodiscard]] bool changed() const { return changed_; }
  // After commit() or look_ahead(): of the state table, and what expires first.
  [[nodiscard]] uint64_t keys() const { return keys_; }
  [[nodiscard]] int64_t next_expiry() const { return next_expiry_; }

 private:
  // What is there of a key.
  struct Found {
    bool exists = false;
    bool damaged = false;
    bool live = false;
    int64_t expires = kNever;
    blocks::EtagSource::Etag etag{};
  };
  struct Shadow;

  clients::lmdb::Outcome find(std::string_view key, const StoredKey& stored, Found& found);
  clients::lmdb::Outcome apply(const blocks::StateWrite& write, const StoredKey& stored,
                               const Found& found);
  [[nodiscard]] Error damaged(std::string_view key) const;

  Storage& storage_;
  const Tables tables_;
  blocks::EtagSource& etags_;
  const int64_t now_;
  clients::lmdb::WriteTransaction transaction_;
  bool changed_ = false;
  uint64_t keys_ = 0;
  int64_t next_expiry_ = kNever;
};

}  // namespace layotto::components::state::embedded
