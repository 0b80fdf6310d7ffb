#include "http/h2/outgoing_fields.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace layotto::http::h2 {
namespace {

constexpr auto make_status_texts() {
  std::array<std::array<char, 3>, 500> texts{};
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t status = i + 100;
    texts[i] = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                static_cast<char>('0' + status % 10)};
  }
  return texts;
}
constexpr auto kStatusTexts = make_status_texts();

// Eight bytes at a time; may say yes where there is none.
bool may_have_controls(std::string_view value) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighBits = 0x8080808080808080;
  while (value.size() >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, value.data(), sizeof(word));
    const uint64_t other = word ^ (kOnes * 0x7f);  // 0 where there is a DEL
    if (((((word - kOnes * 0x20) & ~word) | ((other - kOnes) & ~other)) & kHighBits) != 0) {
      return true;
    }
    value.remove_prefix(sizeof(uint64_t));
  }
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

bool is_sendable_value(std::string_view value) {
  if (value.empty()) return true;
  if (may_have_controls(value)) return is_header_value(value);
  return value.front() != ' ' && value.back() != ' ';
}

}  // namespace

FieldUse use_of(const HeaderField& field) {
  switch (field.id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return FieldUse::kLeaveOut;
    case HeaderId::kTe:
      return field.value == "trailers" ? FieldUse::kSend : FieldUse::kLeaveOut;
    case HeaderId::kOther:
      if (!is_header_name(field.name, true)) return FieldUse::kInvalid;
      break;
    default:
      break;
  }
  return is_sendable_value(field.value) ? FieldUse::kSend : FieldUse::kInvalid;
}

std::string_view status_text(uint16_t status) {
  if (status < 100 || status > 599) status = 500;
  const auto& text = kStatusTexts[status - 100U];
  return {text.data(), text.size()};
}

}  // namespace layotto::http::h2
