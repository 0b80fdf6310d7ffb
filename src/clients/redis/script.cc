#include "clients/redis/script.h"

#include <openssl/sha.h>

#include <utility>

namespace layotto::clients::redis {

Script::Script(std::string_view name, std::string text) : name_(name), text_(std::move(text)) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text_.data()), text_.size(), digest.data());
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (size_t i = 0; i < digest.size(); ++i) {
    sha1_[2 * i] = kDigits[digest[i] >> 4];
    sha1_[2 * i + 1] = kDigits[digest[i] & 15];
  }
}

}  // namespace layotto::clients::redis
