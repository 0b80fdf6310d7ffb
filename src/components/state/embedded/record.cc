#include "components/state/embedded/record.h"

#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace layotto::components::state::embedded {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little endian");

constexpr uint8_t kExpires = 1;
constexpr uint8_t kHasKey = 2;
constexpr size_t kHeadBytes = 24;
constexpr size_t kExpiryBytes = 16;

template <class T>
void store(char* at, T value) {
  std::memcpy(at, &value, sizeof(T));
}
template <class T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// Sixteen bytes a step: both halves of a product, folded. Against accidents, not against people.
uint64_t mix(uint64_t hash, std::string_view bytes) {
  __extension__ using Product = unsigned __int128;
  const auto step = [](uint64_t hash, uint64_t first, uint64_t second) {
    const Product product =
        Product{first ^ hash ^ 0xa0761d6478bd642f} * (second ^ 0xe7037ed1a0b428db);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  constexpr size_t kStep = 2 * sizeof(uint64_t);
  const char* at = bytes.data();
  for (size_t steps = bytes.size() / kStep; steps > 0; --steps, at += kStep) {
    hash = step(hash, load<uint64_t>(at), load<uint64_t>(at + sizeof(uint64_t)));
  }
  std::array<char, kStep> rest{};
  std::memcpy(rest.data(), at, bytes.size() % kStep);
  hash = step(hash, load<uint64_t>(rest.data()), load<uint64_t>(rest.data() + sizeof(uint64_t)));
  return step(hash, bytes.size(), hash);
}

uint32_t checksum(std::string_view stored_key, std::string_view rest) {
  const uint64_t hash = mix(mix(0x6c61796f74746f21, stored_key), rest);
  return static_cast<uint32_t>(hash >> 32);
}

}  // namespace

StoredKey::StoredKey(std::string_view key) {
  if (key.size() <= kKeyBytesWhole) {
    view_ = key;
    return;
  }
  std::memcpy(cut_.data(), key.data(), kKeyBytesWhole);
  auto* hash = reinterpret_cast<unsigned char*>(cut_.data() + kKeyBytesWhole);
  CHECK(EVP_Digest(key.data(), key.size(), hash, nullptr, EVP_sha256(), nullptr) == 1);
  view_ = {cut_.data(), cut_.size()};
}

size_t Record::stored_bytes() const {
  return kHeadBytes + (expires != kNever ? kExpiryBytes : 0) + key.size() + value.size();
}

void Record::write_to(char* place, std::string_view stored_key) const {
  char* at = place + sizeof(uint32_t);
  *at++ = static_cast<char>((expires != kNever ? kExpires : 0) | (key.empty() ? 0 : kHasKey));
  at = std::copy(etag.begin(), etag.end(), at);
  store(at, static_cast<uint32_t>(key.size()));
  at += sizeof(uint32_t);
  if (expires != kNever) {
    store(at, expires);
    store(at + sizeof(int64_t), expires_wall);
    at += kExpiryBytes;
  }
  at = std::copy(key.begin(), key.end(), at);
  std::copy(value.begin(), value.end(), at);
  store(place, checksum(stored_key, {place + sizeof(uint32_t), stored_bytes() - sizeof(uint32_t)}));
}

bool Record::read_from(std::string_view bytes, std::string_view stored_key) {
  if (bytes.size() < kHeadBytes) return false;
  if (load<uint32_t>(bytes.data()) != checksum(stored_key, bytes.substr(sizeof(uint32_t)))) {
    return false;
  }
  const auto flags = static_cast<uint8_t>(bytes[4]);
  std::copy_n(bytes.data() + 5, etag.size(), etag.begin());
  const size_t key_bytes = load<uint32_t>(bytes.data() + 20);
  bytes.remove_prefix(kHeadBytes);
  expires = kNever;
  expires_wall = 0;
  if ((flags & kExpires) != 0) {
    if (bytes.size() < kExpiryBytes) return false;
    expires = load<int64_t>(bytes.data());
    expires_wall = load<int64_t>(bytes.data() + sizeof(int64_t));
    bytes.remove_prefix(kExpiryBytes);
  }
  if (bytes.size() < key_bytes) return false;
  key = bytes.substr(0, key_bytes);
  value = bytes.substr(key_bytes);
  return true;
}

ExpiryKey::ExpiryKey(int64_t expires, std::string_view stored_key)
    : size_(kTimeBytes + stored_key.size()) {
  CHECK(size_ <= bytes_.size());
  // Big endian, the sign turned: bytes are in the order of the times.
  store(bytes_.data(), __builtin_bswap64(static_cast<uint64_t>(expires) ^ (uint64_t{1} << 63)));
  std::copy(stored_key.begin(), stored_key.end(), bytes_.begin() + kTimeBytes);
}

bool ExpiryKey::parse(std::string_view bytes, int64_t& expires, std::string_view& stored_key) {
  if (bytes.size() <= kTimeBytes) return false;
  const uint64_t time = __builtin_bswap64(load<uint64_t>(bytes.data())) ^ (uint64_t{1} << 63);
  expires = static_cast<int64_t>(time);
  stored_key = bytes.substr(kTimeBytes);
  return true;
}

}  // namespace layotto::components::state::embedded
