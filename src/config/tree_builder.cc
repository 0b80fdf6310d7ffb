#include "config/tree_builder.h"

#include <algorithm>

#include "config/limits.h"

namespace layotto::config {

TreeBuilder::TreeBuilder(std::string_view file, Problems& problems)
    : tree_(std::make_unique<Tree>()), problems_(problems) {
  tree_->file = file;
}

bool TreeBuilder::fail(Mark mark, std::string message, std::string remedy) {
  problems_.add({.file = tree_->file,
                 .line = mark.line,
                 .column = mark.column,
                 .path = path(),
                 .message = std::move(message),
                 .remedy = std::move(remedy)});
  return false;
}

std::string TreeBuilder::path() const {
  if (open_.empty()) return {};
  const Open& top = open_.back();
  std::string path = top.node->path();
  if (top.node->is_sequence()) return path + fmt::format("[{}]", top.node->children_.size());
  return top.has_key ? path_with_key(std::move(path), top.key) : path;
}

bool TreeBuilder::wants_key() const {
  return !open_.empty() && open_.back().node->is_mapping() && !open_.back().has_key;
}

bool TreeBuilder::is_open(const Node* node) const {
  return std::any_of(open_.begin(), open_.end(),
                     [node](const Open& open) { return open.node == node; });
}

bool TreeBuilder::key(std::string_view text, Mark mark) {
  CHECK(wants_key(), "a key outside of a mapping");
  Open& top = open_.back();
  top.has_key = true;
  top.key = text;
  top.key_mark = mark;
  if (const auto first = top.keys.find(text); first != top.keys.end()) {
    fail(mark,
         fmt::format("the key {} is here twice, first on line {}", quote(text),
                     first->second->key_mark().line),
         "remove one of them");
  }
  return true;
}

Node* TreeBuilder::place(Mark mark, size_t text_bytes) {
  if (tree_->nodes.size() >= kNodesMax) {
    fail(mark, fmt::format("the document has more than {} values", kNodesMax),
         "split it, use fewer aliases");
    return nullptr;
  }
  if (!open_.empty()) text_bytes += open_.back().key.size();
  text_bytes_ += text_bytes;
  if (text_bytes_ > kTextBytesMax) {
    fail(mark, fmt::format("the values of the document have more than {} bytes", kTextBytesMax),
         "split it, use fewer aliases");
    return nullptr;
  }
  Node& node = tree_->nodes.emplace_back();
  node.file_ = &tree_->file;
  node.mark_ = mark;
  if (open_.empty()) return &node;
  Open& top = open_.back();
  node.parent_ = top.node;
  if (top.node->is_sequence()) {
    node.index_ = top.node->children_.size();
    top.node->children_.push_back(&node);
    return &node;
  }
  CHECK(top.has_key, "a value without a key in a mapping");
  top.has_key = false;
  node.key_ = std::move(top.key);
  top.key.clear();
  node.key_mark_ = top.key_mark;
  if (top.keys.try_emplace(node.key_, &node).second) top.node->children_.push_back(&node);
  return &node;
}

bool TreeBuilder::scalar(Scalar scalar, Mark mark) {
  Node* node = place(mark, scalar.text.size());
  if (node == nullptr) return false;
  node->value_ = std::move(scalar);
  return true;
}

bool TreeBuilder::begin(Kind kind, Mark mark) {
  if (open_.size() >= kDepthMax) {
    return fail(mark, fmt::format("more than {} levels inside each other", kDepthMax),
                "make it flatter");
  }
  Node* node = place(mark, 0);
  if (node == nullptr) return false;
  node->value_.kind = kind;
  open_.push_back({.node = node});
  return true;
}

void TreeBuilder::end() {
  CHECK(!open_.empty() && !open_.back().has_key, "an end without its begin");
  open_.pop_back();
}

// As deep as the tree, which begin() bounds.
bool TreeBuilder::copy(const Node& source) {
  CHECK(!is_open(&source), "a copy of what is not complete");
  if (source.is_scalar()) return scalar(source.value_, source.mark_);
  if (!begin(source.kind(), source.mark_)) return false;
  for (const Node* child : source.children_) {
    if (source.is_mapping() && !key(child->key_, child->key_mark_)) return false;
    if (!copy(*child)) return false;
  }
  end();
  return true;
}

std::unique_ptr<const Tree> TreeBuilder::take() {
  CHECK(open_.empty(), "a value of the document is still open");
  if (tree_->nodes.empty()) scalar({}, {.line = 1, .column = 1});
  return std::move(tree_);
}

}  // namespace layotto::config
