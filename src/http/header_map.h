// Header fields in order, duplicates kept.
//
// A HeaderBlock is what a codec decoded: immutable and counted, so that a request with the same
// encoded bytes can share it. A HeaderMap is a view of a block, or of nothing, which is copied (the
// list, not the texts) into an arena on the first write. Names and values are borrowed: from the
// block, from the arena, or from static text; they live as long as the exchange.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "http/header_name.h"

namespace layotto::http {

struct HeaderField {
  std::string_view name;  // lower case
  std::string_view value;
  HeaderId id = HeaderId::kOther;
};

enum class Method : uint8_t {
  kOther,
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch
};
Method method_of(std::string_view name);

enum class Protocol : uint8_t { kHttp10, kHttp11, kHttp2 };
std::string_view protocol_name(Protocol protocol);

// What a content-type means to the corridor.
enum class ContentClass : uint8_t { kNone, kOther, kGrpc };
ContentClass content_class(std::string_view content_type);

struct RequestLine {
  std::string_view method_text;
  std::string_view path;       // path and query, as sent
  std::string_view authority;  // :authority, or the Host field
  std::string_view scheme;
  std::string_view connect_protocol;  // :protocol of an extended CONNECT, RFC 8441
  Method method = Method::kOther;
  Protocol protocol = Protocol::kHttp2;
};

class HeaderBlock {
 public:
  // From this thread's free list, one reference.
  static HeaderBlock* make();
  void acquire() { ++references_; }
  void release() {
    if (--references_ == 0) recycle();
  }

  // For codecs, before anyone else sees the block. Texts are copied.
  void add(std::string_view name, std::string_view value) {
    add_borrowed(arena_.copy(name), arena_.copy(value));
  }
  // `name` and `value` must live as long as the block (static text, this arena).
  void add_borrowed(std::string_view name, std::string_view value) {
    append(header_id(name), name, value);
  }
  // The same, copied, for a caller who has looked the name up.
  void add_known(HeaderId id, std::string_view name, std::string_view value) {
    append(id, id == HeaderId::kOther ? arena_.copy(name) : header_name(id), arena_.copy(value));
  }
  [[nodiscard]] Arena& arena() { return arena_; }
  [[nodiscard]] RequestLine& line() { return line_; }
  // Filled once, never released: a block for the whole process, whose address is its identity.
  void make_permanent() { permanent_ = true; }
  [[nodiscard]] bool permanent() const { return permanent_; }
  void set_status(uint16_t status) { status_ = status; }

  // More than one request has it, or will.
  [[nodiscard]] bool shared() const { return references_ > 1; }
  // What `owner` has found out about this head, for the next request that shares it: its method's
  // table entry, the texts of its log line. Null when there is nothing. Owner and value live as
  // long as the connection, or in arena().
  [[nodiscard]] const void* note(const void* owner) const {
    for (const Note& each : notes_) {
      if (each.owner == owner) return each.value;
    }
    return nullptr;
  }
  // Beyond kNotes owners the one who came last is forgotten.
  void set_note(const void* owner, const void* value) {
    for (Note& each : notes_) {
      if (each.owner != nullptr && &each != &notes_.back()) continue;
      each = {owner, value};
      return;
    }
  }

  [[nodiscard]] const RequestLine& line() const { return line_; }
  [[nodiscard]] uint16_t status() const { return status_; }
  [[nodiscard]] std::span<const HeaderField> fields() const { return {fields_, count_}; }
  [[nodiscard]] uint64_t present() const { return present_; }
  [[nodiscard]] ContentClass content() const { return content_; }
  // Sum over fields of name + value + 32, RFC 9113 §6.5.2; pseudo header fields not counted.
  [[nodiscard]] size_t list_bytes() const { return list_bytes_; }

 private:
  HeaderBlock() = default;
  void append(HeaderId id, std::string_view name, std::string_view value);
  void recycle();
  void grow();
  friend struct HeaderBlockPool;

  static constexpr size_t kNotes = 2;
  struct Note {
    const void* owner = nullptr;
    const void* value = nullptr;
  };

  uint32_t references_ = 1;
  uint32_t count_ = 0;
  uint32_t capacity_ = 0;
  uint16_t status_ = 0;
  ContentClass content_ = ContentClass::kNone;
  bool permanent_ = false;
  HeaderField* fields_ = nullptr;
  uint64_t present_ = 0;
  size_t list_bytes_ = 0;
  std::array<Note, kNotes> notes_{};
  RequestLine line_;
  Arena arena_;
  HeaderBlock* next_free_ = nullptr;
};

// A counted reference.
class HeaderBlockRef {
 public:
  HeaderBlockRef() = default;
  explicit HeaderBlockRef(HeaderBlock* adopted) : block_(adopted) {}
  HeaderBlockRef(HeaderBlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  HeaderBlockRef& operator=(HeaderBlockRef&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~HeaderBlockRef() { reset(); }
  void reset() {
    if (block_ != nullptr) std::exchange(block_, nullptr)->release();
  }
  [[nodiscard]] HeaderBlock* get() const { return block_; }
  HeaderBlock* operator->() const { return block_; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  HeaderBlock* block_ = nullptr;
};

class HeaderMap {
 public:
  HeaderMap() = default;
  explicit HeaderMap(const HeaderBlock& block) : block_(&block) {}

  [[nodiscard]] std::span<const HeaderField> fields() const {
    if (edits_ != nullptr) return {edits_->fields, edits_->count};
    if (block_ != nullptr) return block_->fields();
    return {};
  }
  [[nodiscard]] bool empty() const { return fields().empty(); }
  // The block this is an unchanged view of, if that is one for the whole process.
  [[nodiscard]] const HeaderBlock* permanent_block() const {
    return edits_ == nullptr && block_ != nullptr && block_->permanent() ? block_ : nullptr;
  }
  [[nodiscard]] bool has(HeaderId id) const {
    return (present() & (uint64_t{1} << static_cast<int>(id))) != 0;
  }
  // The first field of that name.
  [[nodiscard]] std::optional<std::string_view> get(HeaderId id) const {
    if (!has(id)) return std::nullopt;
    return find(id);
  }
  [[nodiscard]] std::optional<std::string_view> get(std::string_view lower_name) const;

  // Writers. Texts are borrowed: they outlive the exchange, or were copied into its arena.
  void add(std::string_view lower_name, std::string_view value, Arena& arena);
  void add(HeaderId id, std::string_view value, Arena& arena);
  // Replaces all fields of the name by one, in the place of the first.
  void set(HeaderId id, std::string_view value, Arena& arena);
  void set(std::string_view lower_name, std::string_view value, Arena& arena);
  // How many were removed.
  size_t remove(HeaderId id, Arena& arena);
  size_t remove(std::string_view lower_name, Arena& arena);

 private:
  struct Edits {
    HeaderField* fields;
    uint32_t count;
    uint32_t capacity;
    uint64_t present;
  };
  [[nodiscard]] uint64_t present() const {
    if (edits_ != nullptr) return edits_->present;
    return block_ != nullptr ? block_->present() : 0;
  }
  [[nodiscard]] std::optional<std::string_view> find(HeaderId id) const;
  Edits& edit(Arena& arena, size_t room);
  void append(HeaderField field, Arena& arena);
  void replace(HeaderField field, Arena& arena);
  template <class Match>
  size_t remove_if(Match match, Arena& arena);

  const HeaderBlock* block_ = nullptr;
  Edits* edits_ = nullptr;
};
static_assert(sizeof(HeaderMap) == 16);

}  // namespace layotto::http
