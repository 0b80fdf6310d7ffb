#include "blocks/etag.h"

namespace layotto::blocks {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void write_digits(uint64_t number, std::span<char> out) {
  for (size_t i = out.size(); i-- > 0; number >>= 6) out[i] = kDigits[number & 63];
}

}  // namespace

EtagSource::EtagSource(Random& random) : prefix_{}, count_(random.next()) {
  write_digits(random.next(), prefix_);
}

EtagSource::Etag EtagSource::next() {
  Etag etag;
  const std::span<char> out(etag);
  std::copy(prefix_.begin(), prefix_.end(), out.begin());
  write_digits(count_.fetch_add(1, std::memory_order_relaxed), out.subspan(kPrefixBytes));
  return etag;
}

}  // namespace layotto::blocks
