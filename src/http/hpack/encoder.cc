#include "http/hpack/encoder.h"

#include <algorithm>
#include <array>

#include "http/hpack/static_table.h"

namespace layotto::http::hpack {
namespace {

// A value this long is not worth pushing others out of the table.
constexpr size_t kIndexedValueMax = 256;

// Static entries by the length of their name, so that a look-up compares few.
constexpr size_t kNameMax = 27;
struct ByLength {
  std::array<uint8_t, kNameMax + 2> first{};
  std::array<uint8_t, kStaticCount> order{};
};
constexpr ByLength make_by_length() {
  ByLength table;
  size_t at = 0;
  for (size_t length = 0; length <= kNameMax; ++length) {
    table.first[length] = static_cast<uint8_t>(at);
    for (size_t i = 1; i <= kStaticCount; ++i) {
      if (kStaticTable[i].name.size() == length) table.order[at++] = static_cast<uint8_t>(i);
    }
  }
  table.first[kNameMax + 1] = static_cast<uint8_t>(at);
  return table;
}
constexpr ByLength kByLength = make_by_length();
static_assert(kByLength.first[kNameMax + 1] == kStaticCount, "a static name is longer");

struct Found {
  uint32_t index = 0;  // 0: not even the name
  bool exact = false;
};

Found find_static(std::string_view name, std::string_view value) {
  Found found;
  if (name.size() > kNameMax) return found;
  for (size_t i = kByLength.first[name.size()]; i < kByLength.first[name.size() + 1]; ++i) {
    const size_t index = kByLength.order[i];
    if (kStaticTable[index].name != name) continue;
    if (kStaticTable[index].value == value) {
      return {.index = static_cast<uint32_t>(index), .exact = true};
    }
    if (found.index == 0) found.index = static_cast<uint32_t>(index);
  }
  return found;
}

Found find_dynamic(const DynamicTable& table, std::string_view name, std::string_view value) {
  Found found;
  for (size_t i = 0; i < table.count(); ++i) {
    const DynamicTable::Entry entry = table.at(i);
    if (entry.name != name) continue;
    const auto index = static_cast<uint32_t>(kStaticCount + 1 + i);
    if (entry.value == value) return {.index = index, .exact = true};
    if (found.index == 0) found.index = index;
  }
  return found;
}

}  // namespace

Indexing indexing_of(std::string_view lower_name) {
  static constexpr auto kSecret = std::to_array<std::string_view>(
      {"authorization", "cookie", "proxy-authorization", "set-cookie"});
  static constexpr auto kChanging = std::to_array<std::string_view>(
      {":path", "content-length", "date", "etag", "grpc-message", "grpc-status-details-bin",
       "grpc-timeout", "last-modified", "traceparent", "tracestate", "x-request-id"});
  if (std::find(kSecret.begin(), kSecret.end(), lower_name) != kSecret.end()) {
    return Indexing::kNever;
  }
  if (std::find(kChanging.begin(), kChanging.end(), lower_name) != kChanging.end()) {
    return Indexing::kNo;
  }
  return Indexing::kYes;
}

void Encoder::set_peer_limit(uint32_t bytes) {
  const auto size = std::min<uint32_t>(bytes, DynamicTable::kSizeCeiling);
  if (size == table_.size_max() && !update_due_) return;
  smallest_ = update_due_ ? std::min(smallest_, size) : size;
  update_due_ = true;
  table_.set_size_max(size);
}

void Encoder::begin(std::string& out) {
  repeatable_ = true;
  if (!update_due_) return;
  update_due_ = false;
  repeatable_ = false;
  const auto last = static_cast<uint32_t>(table_.size_max());
  if (smallest_ < last) integer(smallest_, 5, 0x20, out);
  integer(last, 5, 0x20, out);
}

void Encoder::integer(uint32_t value, int bits, uint8_t first, std::string& out) {
  const uint32_t prefix = (1U << bits) - 1;
  if (value < prefix) {
    out.push_back(static_cast<char>(first | value));
    return;
  }
  out.push_back(static_cast<char>(first | prefix));
  value -= prefix;
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void Encoder::text(std::string_view value, std::string& out) {
  integer(static_cast<uint32_t>(value.size()), 7, 0, out);
  out.append(value);
}

void Encoder::field(std::string_view name, std::string_view value, std::string& out) {
  const Indexing indexing = indexing_of(name);
  Found found = find_static(name, value);
  if (!found.exact && indexing == Indexing::kYes) {
    const Found dynamic = find_dynamic(table_, name, value);
    if (dynamic.exact || found.index == 0) found = dynamic;
  }
  if (found.exact && indexing != Indexing::kNever) {
    integer(found.index, 7, 0x80, out);
    return;
  }
  const bool add = indexing == Indexing::kYes && value.size() <= kIndexedValueMax &&
                   name.size() + value.size() + DynamicTable::kEntryOverhead <= table_.size_max();
  if (add) {
    integer(found.index, 6, 0x40, out);
  } else {
    integer(found.index, 4, indexing == Indexing::kNever ? 0x10 : 0x00, out);
  }
  if (found.index == 0) text(name, out);
  text(value, out);
  if (add) {
    repeatable_ = false;
    table_.add(name, value);
  }
}

}  // namespace layotto::http::hpack
