// GetState's messages, read from and written to the wire without objects of protobuf's: the hottest
// call of the API, of whose cost they were a third. The request's usual form is read here, its
// texts stay where they are; everything else (metadata, texts that are not ASCII, anything
// malformed) is left to the generated class, so that there is one judgement of what is valid.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "blocks/state.h"
#include "spec/proto/runtime/v1/runtime.pb.h"

namespace layotto::api {

namespace runtime = ::spec::proto::runtime::v1;

// spec.proto.runtime.v1.GetStateRequest.
class GetStateRequest {
 public:
  // False: it is not valid. Texts look into `message`, which outlives them.
  bool parse(ByteView message);
  static std::string_view type_name() { return "spec.proto.runtime.v1.GetStateRequest"; }

  [[nodiscard]] std::string_view store_name() const { return store_name_; }
  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] runtime::StateOptions::StateConsistency consistency() const {
    return static_cast<runtime::StateOptions::StateConsistency>(consistency_);
  }

 private:
  bool parse_usual(ByteView message);
  bool parse_any(ByteView message);

  std::string_view store_name_;
  std::string_view key_;
  int consistency_ = 0;
  std::unique_ptr<runtime::GetStateRequest> generated_;  // of a message that is not usual
};

// spec.proto.runtime.v1.GetStateResponse: what the store found. Fields: data, etag, and the time of
// expiry as metadata "ttlExpireTime".
class GetStateReply {
 public:
  void clear() { item.clear(); }
  // Calculates what write() then relies on.
  size_t byte_size();
  void write(char* to) const;

  blocks::StateItem item;

 private:
  std::array<char, 32> expiry_{};  // RFC 3339
  size_t expiry_size_ = 0;
};

// RFC 3339, whole seconds, UTC: the size written, at most 32 bytes.
size_t write_rfc3339(WallTime at, std::span<char, 32> to);

// When the item expires, for clients that ask; absent when it does not.
inline constexpr std::string_view kExpiryMetadata = "ttlExpireTime";

}  // namespace layotto::api
