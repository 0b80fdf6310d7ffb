#include "clients/lmdb/outcome.h"

#include <lmdb.h>

#include <cerrno>

namespace layotto::clients::lmdb {
namespace {

struct Meaning {
  Code code;
  std::string_view remedy;
};

Meaning meaning_of(int code) {
  switch (code) {
    case MDB_MAP_FULL:
      return {Code::kResourceExhausted, "delete something or raise the limit"};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {Code::kResourceExhausted, "free some space on the disk"};
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
      return {Code::kDataLoss, "the data is damaged or not ours: put a backup in its place"};
    case MDB_VERSION_MISMATCH:
      return {Code::kFailedPrecondition, "written by another version of LMDB: use that one"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {Code::kPermissionDenied, "let this user read and write the folder"};
    case MDB_PANIC:
    case EIO:
      return {Code::kUnavailable, "the disk fails or is full: look at it and the kernel's log"};
    case MDB_READERS_FULL:
      return {Code::kResourceExhausted, "too many read at once"};
    case ENOMEM:
      return {Code::kResourceExhausted, "too little memory or address space (ulimit -v)"};
    default:
      return {Code::kInternal, "this is unexpected"};
  }
}

}  // namespace

bool Outcome::not_found() const { return code_ == MDB_NOTFOUND; }
bool Outcome::map_full() const { return code_ == MDB_MAP_FULL; }
bool Outcome::broken() const { return code_ == MDB_PANIC; }

Error Outcome::error(std::string_view doing, std::string_view folder) const {
  const Meaning meaning = meaning_of(code_);
  // mdb_strerror() of an errno is strerror(), which is not for threads.
  const std::string why = code_ > 0 ? base::errno_text(code_) : std::string(mdb_strerror(code_));
  return {meaning.code, fmt::format("{}: cannot {}: {}; {}", folder, doing, why, meaning.remedy)};
}

}  // namespace layotto::clients::lmdb
