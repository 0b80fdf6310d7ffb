#include "http/h1/fields.h"

#include <algorithm>

namespace layotto::http::h1 {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t'; }

constexpr char lower_of(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char c, char expected) { return lower_of(c) == expected; });
}

Fault split_field(std::string_view line, FieldLine& field) {
  if (line.empty() || is_space(line.front())) return Fault::kFolded;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Fault::kFieldWithoutColon;
  field.name = line.substr(0, colon);
  // A space before the colon is no part of a token.
  if (!is_header_name(field.name, /*lower_only=*/false)) return Fault::kFieldName;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  if (!is_header_value(value)) return Fault::kFieldValue;
  field.value = value;
  return Fault::kNone;
}

void add_field(HeaderBlock& block, const FieldLine& field) {
  const auto name = block.arena().array<char>(field.name.size());
  std::transform(field.name.begin(), field.name.end(), name.begin(), lower_of);
  block.add_borrowed({name.data(), name.size()}, block.arena().copy(field.value));
}

}  // namespace layotto::http::h1
