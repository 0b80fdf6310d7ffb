// The Huffman code of HPACK, RFC 7541 §5.2 and Appendix B. Only decoding: on a local connection the
// bytes that coding saves cost more than they are worth.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace layotto::http::hpack {

// No code is shorter than 5 bits.
constexpr size_t huffman_decoded_max(size_t coded_bytes) { return coded_bytes * 8 / 5; }

// Writes the text to `to`, which has room for huffman_decoded_max() bytes; returns its length.
// nullopt: the EOS code, or padding that is longer than 7 bits or not all ones.
std::optional<size_t> huffman_decode(std::string_view coded, char* to);

}  // namespace layotto::http::hpack
