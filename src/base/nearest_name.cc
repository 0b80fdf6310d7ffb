#include "base/nearest_name.h"

#include <algorithm>
#include <string>
#include <vector>

namespace layotto::base {
namespace {

// Longer names are not compared by edits.
constexpr size_t kComparedBytesMax = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string letters(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_' && c != '-') out += lower(c);
  }
  return out;
}

// Fewest letters put in, taken out, replaced, or swapped with their neighbour.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);  // the row before `above`
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

bool equal_but_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  if (name.size() > kComparedBytesMax) return {};
  const std::string wanted = letters(name);
  std::string_view nearest;
  size_t fewest = SIZE_MAX;
  for (const std::string_view candidate : known) {
    if (candidate.size() > kComparedBytesMax) continue;
    const std::string other = letters(candidate);
    const size_t longest = std::max(wanted.size(), other.size());
    const size_t count = edits(wanted, other);
    if (count < fewest && count <= std::max<size_t>(longest / 3, 1) && count < longest) {
      fewest = count;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace layotto::base
