// Node: one value of a configuration document, with its place. Nodes are immutable and belong to
// their Document (config/document.h); pointers and views into them live as long as it does. They
// may be read by any thread.
//
// A default-constructed Node is a null outside of any document: parsing it against a schema gives
// the defaults.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "config/scalar.h"

namespace layotto::config {

class Node {
 public:
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] Kind kind() const { return value_.kind; }
  [[nodiscard]] bool is_null() const { return kind() == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const { return kind() < Kind::kSequence; }
  [[nodiscard]] bool is_sequence() const { return kind() == Kind::kSequence; }
  [[nodiscard]] bool is_mapping() const { return kind() == Kind::kMapping; }

  [[nodiscard]] std::string_view file() const;
  // Where the value begins; a value that came by a YAML alias: where it is written out.
  [[nodiscard]] Mark mark() const { return mark_; }
  // From the root: `state.demo.metadata.host`, `servers[0].listeners[1].address`,
  // `labels["a.b"]`; empty for the root.
  [[nodiscard]] std::string path() const;

  // Of a scalar: its text as written, with references put in. Never print it without asking
  // from_reference(); describe() does.
  [[nodiscard]] std::string_view text() const { return value_.text; }
  [[nodiscard]] bool quoted() const { return value_.quoted; }
  [[nodiscard]] bool from_reference() const { return value_.from_reference; }
  // Its reference failed, which is already among the Problems: readers pass over it.
  [[nodiscard]] bool broken() const { return value_.broken; }

  // Each needs its kind.
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] Int128 integer() const;
  [[nodiscard]] double number() const;

  // The parts of a sequence or mapping in file order; empty for a scalar.
  [[nodiscard]] std::span<const Node* const> children() const { return children_; }
  // Of a value in a mapping: its key and where that is written.
  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] Mark key_mark() const { return key_mark_; }
  // The value of a mapping's key, null when there is none or this is no mapping. A linear search.
  [[nodiscard]] const Node* find(std::string_view key) const;

  // What it is, in words for a message: `a string "abc"`, `the integer 5`, `a list`, `nothing`.
  // The value of a reference is not shown.
  [[nodiscard]] std::string describe() const;

 private:
  friend class TreeBuilder;

  Scalar value_;
  Mark mark_;
  Mark key_mark_;
  const std::string* file_ = nullptr;
  const Node* parent_ = nullptr;
  size_t index_ = 0;  // in a parent that is a sequence
  std::string key_;
  std::vector<const Node*> children_;
};

// `path` with one more key, quoted where it is no plain name.
std::string path_with_key(std::string path, std::string_view key);

// The kind in words with its article: "an integer", "a mapping", "nothing".
std::string_view kind_name(Kind kind);

}  // namespace layotto::config
