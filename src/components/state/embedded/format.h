// The tables of a store and the version of what is in them. Opening makes a new store, or brings
// an older one up to kFormat, in one transaction; one of a newer format, or of another program, is
// refused and left alone.
//
//   meta     "format" the version (4 bytes), "time" a StoreTime::Saved
//   state    stored key → record (record.h)
//   expiry   time and stored key (ExpiryKey) → nothing
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "clients/lmdb/environment.h"

namespace layotto::components::state::embedded {

inline constexpr uint32_t kFormat = 1;
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kTimeKey = "time";

struct Tables {
  clients::lmdb::Table meta;
  clients::lmdb::Table state;
  clients::lmdb::Table expiry;
};

// Changes what is in the tables from format `from` to the next.
struct Migration {
  uint32_t from;
  clients::lmdb::Outcome (*run)(clients::lmdb::WriteTransaction& transaction, Tables tables);
};

// `format` and `migrations` are those of this program but in tests.
Result<Tables> open_tables(clients::lmdb::Environment& environment, uint32_t format,
                           std::span<const Migration> migrations);
Result<Tables> open_tables(clients::lmdb::Environment& environment);

}  // namespace layotto::components::state::embedded
