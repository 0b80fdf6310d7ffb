// Record: how a key and its value lie in the database.
//
//   key     the key itself up to kKeyBytesWhole bytes; of a longer one that many bytes and the
//           SHA-256 of all of it, so that the two kinds differ in length
//   value   checksum (4) flags (1) etag (15) key bytes (4) [expires (8) expires, wall (8)]
//           [key] value
//
// The key is in the value when it is not whole in front of it. Numbers are little endian.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "blocks/etag.h"

namespace layotto::components::state::embedded {

inline constexpr size_t kKeyBytesWhole = 400;
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

class StoredKey {
 public:
  // `key` outlives this.
  explicit StoredKey(std::string_view key);
  StoredKey(const StoredKey&) = delete;
  StoredKey& operator=(const StoredKey&) = delete;

  [[nodiscard]] std::string_view view() const { return view_; }
  [[nodiscard]] bool is_whole() const { return view_.size() <= kKeyBytesWhole; }

 private:
  static constexpr size_t kHashBytes = 32;
  std::array<char, kKeyBytesWhole + kHashBytes> cut_;
  std::string_view view_;
};

struct Record {
  blocks::EtagSource::Etag etag{};
  int64_t expires = kNever;  // in the store's time (store_time.h), nanoseconds
  int64_t expires_wall = 0;  // what people are told
  std::string_view key;      // empty when it is whole in front
  std::string_view value;

  [[nodiscard]] size_t stored_bytes() const;
  // `place` has stored_bytes().
  void write_to(char* place, std::string_view stored_key) const;
  // False when it is damaged.
  [[nodiscard]] bool read_from(std::string_view bytes, std::string_view stored_key);
};

// The key of a record in the index of what expires: the time, so that the first is the first to
// expire, and the stored key.
class ExpiryKey {
 public:
  static constexpr size_t kTimeBytes = 8;
  ExpiryKey(int64_t expires, std::string_view stored_key);
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
  // What such a key says. False when it is too short to be one.
  static bool parse(std::string_view bytes, int64_t& expires, std::string_view& stored_key);

 private:
  std::array<char, kTimeBytes + kKeyBytesWhole + 32> bytes_;
  size_t size_;
};

}  // namespace layotto::components::state::embedded
