#include "http/hpack/decoder.h"

#include <algorithm>

#include "http/hpack/huffman.h"
#include "http/hpack/static_table.h"

namespace layotto::http::hpack {
namespace {

// No length or index that makes sense is larger.
constexpr uint64_t kIntegerMax = 0x7fffffff;

}  // namespace

void Decoder::settings_acknowledged() {
  const uint32_t limit = std::min<uint32_t>(announced_, DynamicTable::kSizeCeiling);
  if (limit < table_.size_max()) update_due_ = true;
  limit_ = limit;
}

FieldReader::FieldReader(Decoder& decoder, std::string_view block)
    : decoder_(decoder),
      at_(reinterpret_cast<const uint8_t*>(block.data())),
      end_(at_ + block.size()) {}

bool FieldReader::read_integer(int bits, uint32_t& value) {
  const uint32_t prefix = (1U << bits) - 1;
  value = *at_++ & prefix;
  if (value < prefix) return true;
  uint64_t sum = value;
  for (int shift = 0; shift <= 28; shift += 7) {
    if (at_ == end_) return false;
    const uint8_t byte = *at_++;
    sum += static_cast<uint64_t>(byte & 0x7f) << shift;
    if (sum > kIntegerMax) return false;
    if ((byte & 0x80) == 0) {
      value = static_cast<uint32_t>(sum);
      return true;
    }
  }
  return false;
}

bool FieldReader::read_string(int slot, std::string_view& text) {
  if (at_ == end_) return false;
  const bool huffman = (*at_ & 0x80) != 0;
  uint32_t size = 0;
  if (!read_integer(7, size) || size > static_cast<size_t>(end_ - at_)) return false;
  const std::string_view coded(reinterpret_cast<const char*>(at_), size);
  at_ += size;
  if (!huffman) {
    text = coded;
    return true;
  }
  // One byte more than can come out: the decoder writes before it knows that it must not.
  char* to = scratch(slot, huffman_decoded_max(size) + 1);
  const auto decoded = huffman_decode(coded, to);
  if (!decoded.has_value()) return false;
  text = {to, *decoded};
  return true;
}

char* FieldReader::scratch(int slot, size_t room) {
  const auto i = static_cast<size_t>(slot);
  if (room <= small_[i].size()) return small_[i].data();
  if (room > scratch_size_[i]) {
    scratch_[i] = std::make_unique_for_overwrite<char[]>(room);
    scratch_size_[i] = room;
  }
  return scratch_[i].get();
}

std::string_view FieldReader::keep(std::string_view name) {
  char* to = scratch(0, name.size());
  std::copy(name.begin(), name.end(), to);
  return {to, name.size()};
}

bool FieldReader::look_up(uint32_t index, Field& field) const {
  if (index == 0) return false;
  if (index <= kStaticCount) {
    field = {.name = kStaticTable[index].name, .value = kStaticTable[index].value};
    return true;
  }
  index -= kStaticCount + 1;
  if (index >= decoder_.table_.count()) return false;
  const DynamicTable::Entry entry = decoder_.table_.at(index);
  field = {.name = entry.name, .value = entry.value};
  return true;
}

const Field* FieldReader::next() {
  while (at_ != end_ && !broken_) {
    const uint8_t first = *at_;
    uint32_t number = 0;
    if ((first & 0x80) != 0) {  // §6.1 indexed field
      if (decoder_.update_due_ || !read_integer(7, number) || !look_up(number, field_)) {
        return fail();
      }
      fields_begun_ = true;
      return &field_;
    }
    if ((first & 0xe0) == 0x20) {  // §6.3 table size update, only at the beginning
      if (fields_begun_ || !read_integer(5, number) || number > decoder_.limit_) return fail();
      decoder_.table_.set_size_max(number);
      decoder_.update_due_ = false;
      repeatable_ = false;
      continue;
    }
    // §6.2 literal field: 01 with indexing, 0000 without, 0001 never indexed.
    const bool indexed = (first & 0xc0) == 0x40;
    if (decoder_.update_due_ || !read_integer(indexed ? 6 : 4, number)) return fail();
    if (number == 0) {
      if (!read_string(0, field_.name)) return fail();
    } else if (!look_up(number, field_)) {
      return fail();
    }
    if (!read_string(1, field_.value)) return fail();
    fields_begun_ = true;
    if (indexed) {
      repeatable_ = false;
      // Adding may move or evict the entry whose name this is.
      if (number > kStaticCount) field_.name = keep(field_.name);
      decoder_.table_.add(field_.name, field_.value);
    }
    return &field_;
  }
  // A smaller table must be acknowledged, even by a block without fields.
  if (!broken_ && decoder_.update_due_) return fail();
  return nullptr;
}

}  // namespace layotto::http::hpack
