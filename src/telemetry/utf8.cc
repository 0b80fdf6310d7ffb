#include "telemetry/utf8.h"

#include <cstdint>

namespace layotto::telemetry {
namespace {

struct Lead {
  uint8_t length = 0;
  // Range of the second byte; the later ones are 0x80..0xBF.
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

// The Unicode Standard, table 3-7.
Lead lead_of(uint8_t first) {
  if (first < 0x80) return {.length = 1};
  if (first < 0xC2) return {};
  if (first < 0xE0) return {.length = 2};
  if (first == 0xE0) return {.length = 3, .second_min = 0xA0};
  if (first == 0xED) return {.length = 3, .second_max = 0x9F};
  if (first < 0xF0) return {.length = 3};
  if (first == 0xF0) return {.length = 4, .second_min = 0x90};
  if (first < 0xF4) return {.length = 4};
  if (first == 0xF4) return {.length = 4, .second_max = 0x8F};
  return {};
}

}  // namespace

size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  if (lead.length > text.size()) return 0;
  for (size_t i = 1; i < lead.length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint8_t lowest = i == 1 ? lead.second_min : uint8_t{0x80};
    const uint8_t highest = i == 1 ? lead.second_max : uint8_t{0xBF};
    if (byte < lowest || byte > highest) return 0;
  }
  return lead.length;
}

std::string valid_utf8(std::string_view text, size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view next = length == 0 ? kReplacementCharacter : text.substr(0, length);
    if (out.size() + next.size() > bytes_max) break;
    out += next;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace layotto::telemetry
