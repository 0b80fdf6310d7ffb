// HeaderCache: request header blocks decoded before. A client that repeats itself sends the same
// few bytes again and again, all of them references into the table: as long as the table does not
// change they mean the same fields, and so the same immutable block, checked and with what was
// looked up on it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "http/header_map.h"

namespace layotto::http::h2 {

class HeaderCache {
 public:
  // Blocks kept, and how long the encoded ones may be.
  static constexpr size_t kEntries = 4;
  static constexpr size_t kBytesMax = 64;

  struct Entry {
    HeaderBlockRef block;
    int64_t content_length = -1;
    uint8_t size = 0;
    std::array<char, kBytesMax> bytes;
  };

  // `generation` is that of the decoder's table now.
  const Entry* find(std::string_view encoded, uint32_t generation) {
    if (generation != generation_) return nullptr;
    for (size_t i = 0; i < used_; ++i) {
      const Entry& entry = (*entries_)[i];
      if (entry.size == encoded.size() && equal(entry.bytes.data(), encoded)) return &entry;
    }
    return nullptr;
  }
  void add(std::string_view encoded, uint32_t generation, HeaderBlock& block,
           int64_t content_length) {
    if (encoded.size() > kBytesMax) return;
    if (generation != generation_) clear();
    generation_ = generation;
    if (entries_ == nullptr) entries_ = std::make_unique<std::array<Entry, kEntries>>();
    Entry& entry = (*entries_)[next_];
    next_ = (next_ + 1) % kEntries;
    used_ = used_ < kEntries ? used_ + 1 : used_;
    block.acquire();
    entry.block = HeaderBlockRef(&block);
    entry.content_length = content_length;
    entry.size = static_cast<uint8_t>(encoded.size());
    std::memcpy(entry.bytes.data(), encoded.data(), encoded.size());
  }
  // Forgets all and gives the memory back.
  void clear() {
    entries_.reset();
    used_ = next_ = 0;
  }

 private:
  // `encoded` is a dozen bytes: compared in place.
  static bool equal(const char* known, std::string_view encoded) {
    const size_t size = encoded.size();
    if (size < 8 || size > 16) return std::memcmp(known, encoded.data(), size) == 0;
    const auto differ = [&](size_t at) {
      uint64_t a = 0;
      uint64_t b = 0;
      std::memcpy(&a, known + at, sizeof(a));
      std::memcpy(&b, encoded.data() + at, sizeof(b));
      return a ^ b;
    };
    return (differ(0) | differ(size - 8)) == 0;
  }

  std::unique_ptr<std::array<Entry, kEntries>> entries_;
  size_t used_ = 0;
  size_t next_ = 0;
  uint32_t generation_ = 0;
};

}  // namespace layotto::http::h2
