// JsonReader: RFC 8259 to the letter into a TreeBuilder, with the line and column of every value.
// No comments, no trailing commas, no duplicate keys. One difference: a byte-order mark is skipped.
#pragma once

#include <string>
#include <string_view>

#include "config/tree_builder.h"

namespace layotto::config {

class JsonReader {
 public:
  // `text` outlives the reader.
  JsonReader(std::string_view text, TreeBuilder& builder) : rest_(text), builder_(builder) {}

  // False: a problem was added, there is no document.
  bool read();

 private:
  // Recursion is bounded by the builder's depth limit. Each leaves the cursor after what it read.
  bool value();
  bool object();
  bool array();
  bool number();
  bool word(std::string_view name, Scalar scalar);
  bool string(std::string& out);
  bool escape(std::string& out);
  bool unicode_escape(std::string& out);
  bool hex4(uint32_t& out);

  void skip_space();
  void advance(size_t bytes);
  bool take(char c);
  [[nodiscard]] bool at(char c) const { return !rest_.empty() && rest_.front() == c; }
  // "not valid JSON: found X where `wanted` should be".
  bool unexpected(std::string_view wanted);
  bool fail(std::string_view message, std::string remedy);

  std::string_view rest_;
  TreeBuilder& builder_;
  Mark mark_{.line = 1, .column = 1};
  bool after_comma_ = false;  // the last punctuation was one
};

}  // namespace layotto::config
