#include "components/state/embedded/format.h"

#include <cstring>

namespace layotto::components::state::embedded {
namespace {

using clients::lmdb::Environment;
using clients::lmdb::Outcome;
using clients::lmdb::Table;
using clients::lmdb::WriteTransaction;

// The first format is the only one so far: nothing to bring up to date.
constexpr std::span<const Migration> kMigrations;

struct Opening {
  explicit Opening(Environment& opened) : environment(opened) {}

  Environment& environment;
  WriteTransaction transaction;

  [[nodiscard]] Status done(Outcome outcome, std::string_view doing) const {
    if (outcome.ok()) return {};
    return outcome.error(doing, environment.folder());
  }
  Status put_format(Table meta, uint32_t format) {
    const std::string_view bytes(reinterpret_cast<const char*>(&format), sizeof(format));
    return done(transaction.put(meta, kFormatKey, bytes), "write the format");
  }
};

// Nothing at all in it: new, or its maker ended before it had begun.
bool is_new(WriteTransaction& transaction, Table& root) {
  return transaction.open(nullptr, false, root).ok() && transaction.entries(root) == 0;
}

Status check_format(Opening& opening, const Tables& tables, uint32_t format,
                    std::span<const Migration> migrations) {
  const std::string& folder = opening.environment.folder();
  std::string_view bytes;
  const Outcome got = opening.transaction.get(tables.meta, kFormatKey, bytes);
  uint32_t found = 0;
  if (!got.ok() || bytes.size() != sizeof(found)) {
    return base::failed_precondition(
        "the folder {} holds the data of another program; configure another folder", folder);
  }
  std::memcpy(&found, bytes.data(), sizeof(found));
  if (found > format) {
    return base::failed_precondition(
        "the folder {} has format {}, this program knows up to {}; use the newer program, or a "
        "backup from before",
        folder, found, format);
  }
  for (; found < format; ++found) {
    const Migration* step = nullptr;
    for (const Migration& migration : migrations) {
      if (migration.from == found) step = &migration;
    }
    if (step == nullptr) {
      return base::failed_precondition(
          "the folder {} has format {}, which this program cannot bring up to {}; start a program "
          "between the two once",
          folder, found, format);
    }
    TRY(opening.done(step->run(opening.transaction, tables), "migrate"));
    TRY(opening.put_format(tables.meta, found + 1));
  }
  return {};
}

}  // namespace

Result<Tables> open_tables(Environment& environment, uint32_t format,
                           std::span<const Migration> migrations) {
  Opening opening(environment);
  WriteTransaction& transaction = opening.transaction;
  TRY(opening.done(transaction.begin(environment), "open the data"));
  Table root;
  const bool create = is_new(transaction, root);
  Tables tables;
  for (const auto& [name, table] :
       {std::pair{"meta", &tables.meta}, {"state", &tables.state}, {"expiry", &tables.expiry}}) {
    if (const Outcome opened = transaction.open(name, create, *table); !opened.ok()) {
      return base::failed_precondition(
          "the folder {} holds the data of another program; configure another folder",
          environment.folder());
    }
  }
  if (create) {
    TRY(opening.put_format(tables.meta, format));
  } else {
    TRY(check_format(opening, tables, format, migrations));
  }
  TRY(opening.done(transaction.commit(), "write"));
  return tables;
}

Result<Tables> open_tables(Environment& environment) {
  return open_tables(environment, kFormat, kMigrations);
}

}  // namespace layotto::components::state::embedded
