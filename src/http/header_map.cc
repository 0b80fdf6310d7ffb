#include "http/header_map.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/per_thread.h"

namespace layotto::http {
namespace {

constexpr size_t kFieldsFirst = 16;
constexpr size_t kBlocksKeptMax = 128;

constexpr uint64_t bit(HeaderId id) { return uint64_t{1} << static_cast<int>(id); }

}  // namespace

Method method_of(std::string_view name) {
  switch (name.size()) {
    case 3:
      if (name == "GET") return Method::kGet;
      if (name == "PUT") return Method::kPut;
      break;
    case 4:
      if (name == "POST") return Method::kPost;
      if (name == "HEAD") return Method::kHead;
      break;
    case 5:
      if (name == "PATCH") return Method::kPatch;
      if (name == "TRACE") return Method::kTrace;
      break;
    case 6:
      if (name == "DELETE") return Method::kDelete;
      break;
    case 7:
      if (name == "OPTIONS") return Method::kOptions;
      if (name == "CONNECT") return Method::kConnect;
      break;
    default:
      break;
  }
  return Method::kOther;
}

std::string_view protocol_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp10:
      return "HTTP/1.0";
    case Protocol::kHttp11:
      return "HTTP/1.1";
    case Protocol::kHttp2:
      break;
  }
  return "HTTP/2";
}

ContentClass content_class(std::string_view content_type) {
  constexpr std::string_view kGrpc = "application/grpc";
  if (content_type.starts_with(kGrpc)) {
    const std::string_view rest = content_type.substr(kGrpc.size());
    // application/grpc, application/grpc+proto, application/grpc;charset=…, but not grpc-web.
    if (rest.empty() || rest[0] == '+' || rest[0] == ';') return ContentClass::kGrpc;
  }
  return ContentClass::kOther;
}

// ---- HeaderBlock

struct HeaderBlockPool {
  HeaderBlock* head = nullptr;
  size_t count = 0;
  ~HeaderBlockPool() {
    while (head != nullptr) delete std::exchange(head, head->next_free_);
  }
};

HeaderBlock* HeaderBlock::make() {
  auto& pool = base::per_thread<HeaderBlockPool>();
  if (pool.head == nullptr) return new HeaderBlock;
  --pool.count;
  HeaderBlock* block = std::exchange(pool.head, pool.head->next_free_);
  block->references_ = 1;
  return block;
}

void HeaderBlock::recycle() {
  auto& pool = base::per_thread<HeaderBlockPool>();
  if (pool.count == kBlocksKeptMax) {
    delete this;
    return;
  }
  arena_.reset();
  fields_ = nullptr;
  count_ = capacity_ = 0;
  present_ = 0;
  list_bytes_ = 0;
  status_ = 0;
  content_ = ContentClass::kNone;
  line_ = {};
  notes_ = {};
  next_free_ = pool.head;
  pool.head = this;
  ++pool.count;
}

void HeaderBlock::grow() {
  const uint32_t capacity = capacity_ == 0 ? uint32_t{kFieldsFirst} : capacity_ * 2;
  HeaderField* fields = arena_.array<HeaderField>(capacity).data();
  if (count_ > 0) std::memcpy(static_cast<void*>(fields), fields_, count_ * sizeof(HeaderField));
  fields_ = fields;
  capacity_ = capacity;
}

void HeaderBlock::append(HeaderId id, std::string_view name, std::string_view value) {
  if (count_ == capacity_) grow();
  fields_[count_++] = {.name = name, .value = value, .id = id};
  present_ |= bit(id);
  list_bytes_ += name.size() + value.size() + 32;
  if (id == HeaderId::kContentType && content_ == ContentClass::kNone) {
    content_ = content_class(value);
  }
}

// ---- HeaderMap

std::optional<std::string_view> HeaderMap::find(HeaderId id) const {
  if (!has(id)) return std::nullopt;
  for (const HeaderField& field : fields()) {
    if (field.id == id) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> HeaderMap::get(std::string_view lower_name) const {
  if (const HeaderId id = header_id(lower_name); id != HeaderId::kOther) return get(id);
  for (const HeaderField& field : fields()) {
    if (field.id == HeaderId::kOther && field.name == lower_name) return field.value;
  }
  return std::nullopt;
}

HeaderMap::Edits& HeaderMap::edit(Arena& arena, size_t room) {
  if (edits_ != nullptr && edits_->capacity - edits_->count >= room) return *edits_;
  const std::span<const HeaderField> old = fields();
  const size_t capacity = std::max<size_t>(8, old.size() + old.size() / 2 + room);
  HeaderField* copy = arena.array<HeaderField>(capacity).data();
  if (!old.empty()) std::memcpy(static_cast<void*>(copy), old.data(), old.size_bytes());
  const uint64_t mask = present();
  if (edits_ == nullptr) edits_ = arena.make<Edits>();
  *edits_ = {.fields = copy,
             .count = static_cast<uint32_t>(old.size()),
             .capacity = static_cast<uint32_t>(capacity),
             .present = mask};
  return *edits_;
}

void HeaderMap::append(HeaderField field, Arena& arena) {
  Edits& edits = edit(arena, 1);
  edits.fields[edits.count++] = field;
  edits.present |= bit(field.id);
}

void HeaderMap::add(std::string_view lower_name, std::string_view value, Arena& arena) {
  append({.name = lower_name, .value = value, .id = header_id(lower_name)}, arena);
}

void HeaderMap::add(HeaderId id, std::string_view value, Arena& arena) {
  append({.name = header_name(id), .value = value, .id = id}, arena);
}

void HeaderMap::replace(HeaderField field, Arena& arena) {
  Edits& edits = edit(arena, 1);
  bool placed = false;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < edits.count; ++i) {
    if (edits.fields[i].name != field.name) {
      edits.fields[kept++] = edits.fields[i];
    } else if (!placed) {
      edits.fields[kept++] = field;
      placed = true;
    }
  }
  edits.count = kept;
  if (!placed) edits.fields[edits.count++] = field;
  edits.present |= bit(field.id);
}

void HeaderMap::set(HeaderId id, std::string_view value, Arena& arena) {
  replace({.name = header_name(id), .value = value, .id = id}, arena);
}

void HeaderMap::set(std::string_view lower_name, std::string_view value, Arena& arena) {
  replace({.name = lower_name, .value = value, .id = header_id(lower_name)}, arena);
}

template <class Match>
size_t HeaderMap::remove_if(Match match, Arena& arena) {
  const auto all = fields();
  if (std::none_of(all.begin(), all.end(), match)) return 0;
  Edits& edits = edit(arena, 0);
  HeaderField* end = std::remove_if(edits.fields, edits.fields + edits.count, match);
  const auto removed = static_cast<size_t>(edits.fields + edits.count - end);
  edits.count -= static_cast<uint32_t>(removed);
  edits.present = 0;
  for (uint32_t i = 0; i < edits.count; ++i) edits.present |= bit(edits.fields[i].id);
  return removed;
}

size_t HeaderMap::remove(HeaderId id, Arena& arena) {
  if (!has(id)) return 0;
  return remove_if([id](const HeaderField& field) { return field.id == id; }, arena);
}

size_t HeaderMap::remove(std::string_view lower_name, Arena& arena) {
  return remove_if([lower_name](const HeaderField& field) { return field.name == lower_name; },
                   arena);
}

}  // namespace layotto::http
