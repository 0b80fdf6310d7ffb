// The file of an LMDB environment, looked at before LMDB opens it: LMDB trusts what it maps, and a
// damaged page ends the process. This walks every page that is in use and checks that it is where
// it says it is, of the right kind, in use once and not free, and that nothing in it points out of
// it or out of the file. Keys and values are not looked at: who wants to know about them keeps a
// checksum beside them.
#pragma once

#include <string>

#include "base/error.h"

namespace layotto::clients::lmdb {

inline constexpr std::string_view kDataFile = "data.mdb";

// Ok when `folder` has no data yet. kDataLoss says what is wrong at which byte, and what to do;
// nothing is ever changed. One read per page: a second or so per GiB when it is in memory.
Status check_data_file(const std::string& folder);

}  // namespace layotto::clients::lmdb
