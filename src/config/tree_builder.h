// TreeBuilder: makes a Tree of Nodes out of what a reader meets, in file order, and keeps the
// limits.
//
//   begin(kMapping) key("a") scalar(1) key("b") begin(kSequence) end() end()
//
// Where a function returns false, the reader stops: the problem has been added.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/node.h"
#include "config/problem.h"
#include "config/scalar.h"

namespace layotto::config {

// The nodes of one document; the root is the first. Their addresses never change.
struct Tree {
  std::string file;
  std::deque<Node> nodes;
};

class TreeBuilder {
 public:
  TreeBuilder(std::string_view file, Problems& problems);

  // True when a mapping is open and its next key has not come yet.
  [[nodiscard]] bool wants_key() const;
  // A key that is there already is a problem; the value that follows it is dropped.
  bool key(std::string_view text, Mark mark);
  bool scalar(Scalar scalar, Mark mark);
  // kSequence or kMapping.
  bool begin(Kind kind, Mark mark);
  void end();
  // The same value once more, for an alias, with the marks it has. `source` is complete.
  bool copy(const Node& source);

  // The value added or begun last.
  [[nodiscard]] const Node* last() const { return &tree_->nodes.back(); }
  [[nodiscard]] bool is_open(const Node* node) const;
  [[nodiscard]] bool has_root() const { return !tree_->nodes.empty(); }
  // Where the next value will be.
  [[nodiscard]] std::string path() const;

  // Adds an error at `mark` and the current path; returns false for the reader to return.
  bool fail(Mark mark, std::string message, std::string remedy = {});

  // Every begin() has met its end(); a document without a value becomes a null.
  std::unique_ptr<const Tree> take();

 private:
  // A sequence or mapping whose end has not come.
  struct Open {
    Node* node;
    std::unordered_map<std::string_view, const Node*> keys;  // views into nodes
    bool has_key = false;                                    // of the value that comes next:
    std::string key;
    Mark key_mark;
  };

  // The new node in its parent, null when a limit was reached.
  Node* place(Mark mark, size_t text_bytes);

  std::unique_ptr<Tree> tree_;
  Problems& problems_;
  std::vector<Open> open_;
  size_t text_bytes_ = 0;
};

}  // namespace layotto::config
