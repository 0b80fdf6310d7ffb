#include "api/get_state_messages.h"

#include <chrono>
#include <cstring>
#include <ctime>

namespace layotto::api {
namespace {

// Field number << 3 | wire type.
constexpr char kStoreName = 1 << 3 | 2;
constexpr char kKey = 2 << 3 | 2;
constexpr char kConsistency = 3 << 3 | 0;
constexpr char kData = 1 << 3 | 2;
constexpr char kEtag = 2 << 3 | 2;
constexpr char kMetadata = 3 << 3 | 2;

constexpr uint64_t kHighBits = 0x8080808080808080;

template <class Word>
uint64_t load(const char* from) {
  Word word = 0;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// Two loads that overlap, mostly.
bool is_ascii(std::string_view text) {
  const char* at = text.data();
  const size_t size = text.size();
  uint64_t seen = 0;
  if (size >= 8) {
    seen = load<uint64_t>(at + size - 8);
    for (size_t i = 0; i + 8 < size; i += 8) seen |= load<uint64_t>(at + i);
  } else if (size >= 4) {
    seen = load<uint32_t>(at) | load<uint32_t>(at + size - 4);
  } else if (size > 0) {
    seen = load<uint8_t>(at) | load<uint8_t>(at + size / 2) | load<uint8_t>(at + size - 1);
  }
  return (seen & kHighBits) == 0;
}

size_t varint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

char* put_varint(char* to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}

// Empty fields are left out, as proto3 has it.
size_t field_size(std::string_view text) {
  return text.empty() ? 0 : 1 + varint_size(text.size()) + text.size();
}

char* put_field(char* to, char tag, std::string_view text) {
  if (text.empty()) return to;
  *to++ = tag;
  to = put_varint(to, text.size());
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

// ---- the request

bool GetStateRequest::parse(ByteView message) { return parse_usual(message) || parse_any(message); }

bool GetStateRequest::parse_usual(ByteView message) {
  store_name_ = key_ = {};
  consistency_ = 0;
  while (message.size() >= 2) {
    const char tag = message[0];
    const auto length = static_cast<uint8_t>(message[1]);
    if (length >= 0x80) return false;  // a longer varint
    message.remove_prefix(2);
    if (tag == kConsistency) {
      consistency_ = length;
      continue;
    }
    if (message.size() < length) return false;
    const std::string_view text = message.substr(0, length);
    message.remove_prefix(length);
    if (tag == kStoreName) {
      store_name_ = text;
    } else if (tag == kKey) {
      key_ = text;
    } else {
      return false;
    }
    if (!is_ascii(text)) return false;
  }
  return message.empty();
}

bool GetStateRequest::parse_any(ByteView message) {
  if (generated_ == nullptr) generated_ = std::make_unique<runtime::GetStateRequest>();
  if (!generated_->ParseFromArray(message.data(), static_cast<int>(message.size()))) return false;
  store_name_ = generated_->store_name();
  key_ = generated_->key();
  consistency_ = generated_->consistency();
  return true;
}

// ---- the reply

size_t write_rfc3339(WallTime at, std::span<char, 32> to) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const std::time_t time = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(seconds));
  std::tm parts{};
  gmtime_r(&time, &parts);
  return std::strftime(to.data(), to.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
}

size_t GetStateReply::byte_size() {
  expiry_size_ = 0;
  if (!item.found) return 0;
  const size_t size = field_size(item.value) + field_size(item.etag);
  if (!item.expires_at.has_value()) return size;
  expiry_size_ = write_rfc3339(*item.expires_at, expiry_);
  // An entry of the map is a message of key and value; both are short.
  return size + 2 + 2 + kExpiryMetadata.size() + 2 + expiry_size_;
}

void GetStateReply::write(char* to) const {
  if (!item.found) return;
  to = put_field(to, kData, item.value);
  to = put_field(to, kEtag, item.etag);
  if (expiry_size_ == 0) return;
  *to++ = kMetadata;
  to = put_varint(to, 2 + kExpiryMetadata.size() + 2 + expiry_size_);
  to = put_field(to, 1 << 3 | 2, kExpiryMetadata);
  put_field(to, 2 << 3 | 2, {expiry_.data(), expiry_size_});
}

}  // namespace layotto::api
