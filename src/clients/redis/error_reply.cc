#include "clients/redis/error_reply.h"

#include <charconv>

#include "clients/redis/limits.h"

namespace layotto::clients::redis {
namespace {

struct Meaning {
  std::string_view word;
  ReplyError kind;
  Code code;
  bool retryable;
};

constexpr Meaning kMeanings[] = {
    {"ERR", ReplyError::kOther, Code::kInternal, false},
    {"MOVED", ReplyError::kMoved, Code::kInternal, false},
    {"ASK", ReplyError::kAsk, Code::kInternal, false},
    {"NOSCRIPT", ReplyError::kNoScript, Code::kInternal, false},
    {"WRONGTYPE", ReplyError::kWrongType, Code::kInternal, false},
    {"LOADING", ReplyError::kLoading, Code::kUnavailable, true},
    {"MASTERDOWN", ReplyError::kMasterDown, Code::kUnavailable, true},
    {"BUSY", ReplyError::kBusy, Code::kUnavailable, true},
    {"READONLY", ReplyError::kReadOnly, Code::kUnavailable, true},
    {"NOREPLICAS", ReplyError::kNoReplicas, Code::kUnavailable, true},
    {"MISCONF", ReplyError::kMisconfigured, Code::kUnavailable, false},
    {"TRYAGAIN", ReplyError::kTryAgain, Code::kUnavailable, true},
    {"CLUSTERDOWN", ReplyError::kClusterDown, Code::kUnavailable, true},
    {"CROSSSLOT", ReplyError::kCrossSlot, Code::kInvalidArgument, false},
    {"OOM", ReplyError::kOutOfMemory, Code::kResourceExhausted, false},
    {"NOAUTH", ReplyError::kNoAuth, Code::kUnauthenticated, false},
    {"WRONGPASS", ReplyError::kWrongPassword, Code::kUnauthenticated, false},
    {"NOPERM", ReplyError::kNoPermission, Code::kPermissionDenied, false},
};

const Meaning& meaning_of_word(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(' '));
  for (const Meaning& meaning : kMeanings) {
    if (meaning.word == word) return meaning;
  }
  return kMeanings[0];
}

// Before Redis 7, and in its likes: "ERR Error running script (call to f_…): @user_script:1:
// @user_script: 1: -READONLY …". Those that a script's first write is refused with.
const Meaning& meaning_of(std::string_view text) {
  if (!text.starts_with("ERR Error running script")) [[likely]]
    return meaning_of_word(text);
  constexpr std::string_view kBefore = ": -";
  const size_t at = text.find(kBefore);
  if (at == std::string_view::npos) return kMeanings[0];
  const Meaning& inner = meaning_of_word(text.substr(at + kBefore.size()));
  switch (inner.kind) {
    case ReplyError::kReadOnly:
    case ReplyError::kOutOfMemory:
    case ReplyError::kMisconfigured:
    case ReplyError::kNoReplicas:
      return inner;
    default:
      return kMeanings[0];
  }
}

}  // namespace

ReplyError reply_error_kind(std::string_view text) { return meaning_of(text).kind; }

Error to_error(std::string_view address, std::string_view text) {
  const Meaning& meaning = meaning_of(text);
  Error error =
      Error(meaning.code, fmt::format("redis {}: {}", address, text.substr(0, kErrorTextMax)))
          .upstream();
  if (meaning.retryable) return std::move(error).retryable();
  return error;
}

Result<Redirection> parse_redirection(std::string_view text) {
  Redirection to;
  const size_t slot_at = text.find(' ') + 1;
  const size_t address_at = text.find(' ', slot_at) + 1;
  const size_t colon = text.rfind(':');
  const auto number = [&text](size_t from, size_t until, uint16_t& value) {
    const auto [end, error] = std::from_chars(text.data() + from, text.data() + until, value);
    return error == std::errc() && end == text.data() + until;
  };
  if (slot_at == 0 || address_at <= slot_at || colon == std::string_view::npos ||
      colon < address_at || !number(slot_at, address_at - 1, to.slot) ||
      !number(colon + 1, text.size(), to.port) || to.slot >= kSlotCount || to.port == 0) {
    return base::internal("'{}' is no redirection", text.substr(0, kErrorTextMax));
  }
  to.host = text.substr(address_at, colon - address_at);
  return to;
}

}  // namespace layotto::clients::redis
