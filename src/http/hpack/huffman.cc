#include "http/hpack/huffman.h"

#include <array>
#include <cstdint>

namespace layotto::http::hpack {
namespace {

// Bits of the code of each symbol; 256 is EOS. The code is canonical: codes of one length count up
// with the symbol, and the first code of a length follows the last one of the length before it.
constexpr size_t kSymbols = 257;
constexpr uint16_t kEos = 256;
constexpr std::array<uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  // 0xf0
    30};
constexpr int kLengthMax = 30;

// A node of the code tree that is not a leaf; children below kNodes are nodes, the others leaves.
constexpr size_t kNodes = kSymbols - 1;
struct Node {
  std::array<uint16_t, 2> child{};
};
constexpr uint16_t kLeaf = 0x8000;  // | symbol

constexpr std::array<Node, kNodes> make_tree() {
  std::array<Node, kNodes> tree{};
  size_t used = 1;  // 0 is the root, and so 0 as a child means "none yet"
  uint32_t code = 0;
  for (int length = 1; length <= kLengthMax; ++length) {
    code <<= 1;
    for (size_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kLengths[symbol] != length) continue;
      size_t at = 0;
      for (int bit = length - 1; bit > 0; --bit) {
        uint16_t& child = tree[at].child[(code >> bit) & 1];
        if (child == 0) child = static_cast<uint16_t>(used++);
        at = child;
      }
      tree[at].child[code & 1] = static_cast<uint16_t>(kLeaf | symbol);
      ++code;
    }
  }
  return tree;
}

// What four bits do in a node: at most one symbol comes out, since no code is shorter than five.
struct Step {
  uint16_t next = 0;  // node
  uint8_t symbol = 0;
  uint8_t flags = 0;
};
constexpr uint8_t kEmit = 1;
constexpr uint8_t kFail = 2;    // EOS inside the text
constexpr uint8_t kMayEnd = 4;  // `next` is reached by ones only, at most seven: valid padding

struct Table {
  std::array<std::array<Step, 16>, kNodes> steps{};
};

constexpr Table make_table() {
  const std::array<Node, kNodes> tree = make_tree();
  // Nodes on the path of ones from the root, at most seven deep.
  std::array<bool, kNodes> padding{};
  size_t at = 0;
  for (int depth = 0; depth <= 7; ++depth) {
    padding[at] = true;
    at = tree[at].child[1];
  }
  Table table;
  for (size_t node = 0; node < kNodes; ++node) {
    for (unsigned bits = 0; bits < 16; ++bits) {
      Step step;
      size_t now = node;
      for (int bit = 3; bit >= 0; --bit) {
        const uint16_t child = tree[now].child[(bits >> bit) & 1U];
        if ((child & kLeaf) == 0) {
          now = child;
          continue;
        }
        const auto symbol = static_cast<uint16_t>(child & ~kLeaf);
        if (symbol == kEos) step.flags |= kFail;
        step.symbol = static_cast<uint8_t>(symbol);
        step.flags |= kEmit;
        now = 0;
      }
      step.next = static_cast<uint16_t>(now);
      if (padding[now]) step.flags |= kMayEnd;
      table.steps[node][bits] = step;
    }
  }
  return table;
}
constexpr Table kTable = make_table();

}  // namespace

std::optional<size_t> huffman_decode(std::string_view coded, char* to) {
  char* out = to;
  uint16_t node = 0;
  uint8_t flags = kMayEnd;  // nothing is a text too
  uint8_t seen = 0;
  for (const char c : coded) {
    const auto byte = static_cast<uint8_t>(c);
    const Step& high = kTable.steps[node][byte >> 4];
    *out = static_cast<char>(high.symbol);
    out += high.flags & kEmit;
    const Step& low = kTable.steps[high.next][byte & 15];
    *out = static_cast<char>(low.symbol);
    out += low.flags & kEmit;
    node = low.next;
    flags = low.flags;
    seen |= high.flags | low.flags;
  }
  if ((seen & kFail) != 0 || (flags & kMayEnd) == 0) return std::nullopt;
  return static_cast<size_t>(out - to);
}

}  // namespace layotto::http::hpack
