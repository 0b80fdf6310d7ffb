#include "http/header_name.h"

#include <array>
#include <cstddef>

namespace layotto::http {
namespace {

constexpr auto kNames = std::to_array<std::string_view>({"",
#define LAYOTTO_X(id, name) name,
                                                         LAYOTTO_HEADER_NAMES(LAYOTTO_X)
#undef LAYOTTO_X
});

// Perfect hash over length, first, middle and last character; the table is built and checked for
// collisions at compile time.
constexpr size_t kSlots = 256;

constexpr size_t hash_of(std::string_view name) {
  const size_t first = static_cast<unsigned char>(name.front());
  const size_t middle = static_cast<unsigned char>(name[name.size() / 2]);
  const size_t last = static_cast<unsigned char>(name.back());
  return (name.size() * 75 + first * 238 + middle * 6 + last * 107) % kSlots;
}

constexpr auto make_table() {
  std::array<uint8_t, kSlots> table{};
  for (size_t i = 1; i < kNames.size(); ++i) table[hash_of(kNames[i])] = static_cast<uint8_t>(i);
  return table;
}
constexpr auto kTable = make_table();

constexpr bool table_is_perfect() {
  for (size_t i = 1; i < kNames.size(); ++i) {
    if (kTable[hash_of(kNames[i])] != i) return false;
  }
  return true;
}
static_assert(table_is_perfect(), "two header names collide: change the factors in hash_of");

enum CharacterClass : uint8_t { kToken = 1, kUpper = 2, kText = 4 };

constexpr auto make_classes() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0; c < 256; ++c) {
    const bool control = c < 0x20 || c == 0x7f;
    if (!control || c == '\t') classes[c] |= kText;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) {
    classes[static_cast<unsigned char>(c)] |= kToken;
  }
  for (char c = 'A'; c <= 'Z'; ++c) classes[static_cast<unsigned char>(c)] |= kToken | kUpper;
  return classes;
}
constexpr auto kClasses = make_classes();

}  // namespace

HeaderId header_id(std::string_view name) {
  if (name.empty()) return HeaderId::kOther;
  const size_t index = kTable[hash_of(name)];
  return kNames[index] == name ? static_cast<HeaderId>(index) : HeaderId::kOther;
}

std::string_view header_name(HeaderId id) { return kNames[static_cast<size_t>(id)]; }

bool is_header_name(std::string_view name, bool lower_only) {
  if (name.empty()) return false;
  for (const char c : name) {
    const uint8_t character = kClasses[static_cast<unsigned char>(c)];
    if ((character & kToken) == 0 || (lower_only && (character & kUpper) != 0)) return false;
  }
  return true;
}

bool is_header_value(std::string_view value) {
  if (value.empty()) return true;
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  if (is_space(value.front()) || is_space(value.back())) return false;
  for (const char c : value) {
    if ((kClasses[static_cast<unsigned char>(c)] & kText) == 0) return false;
  }
  return true;
}

}  // namespace layotto::http
