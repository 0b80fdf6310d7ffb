// Document: a configuration file as an immutable tree of Nodes.
//
//   Problems problems;
//   auto document = read_yaml(text, "layotto.yaml", problems, &references);
//   if (document) schema.parse(document->root(), settings, pass);   // config/schema.h
//   if (problems.has_errors()) { /* problems.to_string() */ }
//
// YAML 1.2 is for our own configuration, with references to the environment and to files
// (config/references.h). JSON is for Layotto's files and is RFC 8259 to the letter, which libyaml
// is not (it refuses \uD83D\uDE00 and keys over 1024 characters). Refused in YAML, because they
// make a file mean something else than it seems to: duplicate keys, merge keys (<<), tags other
// than !!str, keys that are lists or mappings, several documents in one file. Aliases (*name) are
// copied, up to the limits in config/limits.h.
//
// Syntax errors and limits end the reading: no document. Duplicate keys (the first one counts) and
// references that fail are Problems too, but the document is there, so that its schema can find the
// rest of what is wrong.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "config/node.h"
#include "config/problem.h"

namespace layotto::config {

class ReferenceSource;
struct Tree;

// Movable; nodes stay where they are.
class Document {
 public:
  explicit Document(std::unique_ptr<const Tree> tree);
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  // A null node when the file holds nothing.
  [[nodiscard]] const Node& root() const;
  [[nodiscard]] std::string_view file() const;

 private:
  std::unique_ptr<const Tree> tree_;
};

// `file` is the name for messages; nothing is opened. Without `references`, `${` is text like any
// other.
std::optional<Document> read_yaml(std::string_view text, std::string_view file, Problems& problems,
                                  ReferenceSource* references = nullptr);

std::optional<Document> read_json(std::string_view text, std::string_view file, Problems& problems);

}  // namespace layotto::config
