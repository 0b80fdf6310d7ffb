// What a server's error replies mean. Their first word is the kind, or within "Error running
// script" that of the script's error; the rest is for people.
//
//   kind                       Error                                  executed?
//   LOADING MASTERDOWN BUSY    kUnavailable, retryable                no
//   READONLY NOREPLICAS        kUnavailable, retryable                no
//   MISCONF                    kUnavailable                           no
//   MOVED ASK                  followed; left over: kInternal         no
//   TRYAGAIN CLUSTERDOWN       kUnavailable, retryable                no
//   CROSSSLOT                  kInvalidArgument                       no
//   OOM                        kResourceExhausted                     no
//   NOAUTH WRONGPASS           kUnauthenticated                       no
//   NOPERM                     kPermissionDenied                      no
//   NOSCRIPT                   loaded and sent again; else kInternal  no
//   WRONGTYPE, ERR, others     kInternal                              as the command has it
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace layotto::clients::redis {

enum class ReplyError : uint8_t {
  kOther,
  kLoading,
  kMasterDown,
  kBusy,
  kReadOnly,
  kNoReplicas,
  kMisconfigured,
  kMoved,
  kAsk,
  kTryAgain,
  kClusterDown,
  kCrossSlot,
  kOutOfMemory,
  kNoAuth,
  kWrongPassword,
  kNoPermission,
  kNoScript,
  kWrongType,
};

ReplyError reply_error_kind(std::string_view text);

// The Error for an error reply: names the server, repeats its words (cut to kErrorTextMax). The
// words never contain what we sent in a password.
Error to_error(std::string_view address, std::string_view text);

// "MOVED 3999 10.0.0.1:6381": where the slot is. The host may be empty: that of the server asked.
struct Redirection {
  uint16_t slot = 0;
  std::string_view host;
  uint16_t port = 0;
};
Result<Redirection> parse_redirection(std::string_view text);

}  // namespace layotto::clients::redis
