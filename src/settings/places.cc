#include "settings/places.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "config/problem.h"

namespace layotto::settings {
namespace {

using config::Node;

std::vector<const Node*> by_key(const Node& mapping) {
  std::vector<const Node*> children(mapping.children().begin(), mapping.children().end());
  std::sort(children.begin(), children.end(),
            [](const Node* a, const Node* b) { return a->key() < b->key(); });
  return children;
}

}  // namespace

const Node* find_any_case(const Node& mapping, std::string_view key) {
  if (!mapping.is_mapping()) return nullptr;
  if (const Node* exact = mapping.find(key); exact != nullptr) return exact;
  const auto children = mapping.children();
  const auto found = std::find_if(children.begin(), children.end(), [key](const Node* child) {
    return base::equal_but_case(child->key(), key);
  });
  return found == children.end() ? nullptr : *found;
}

// As deep as documents are (config::kDepthMax).
bool same_content(const Node& a, const Node& b) {
  if (a.kind() != b.kind() || a.children().size() != b.children().size()) return false;
  if (a.is_scalar()) return a.text() == b.text();
  if (a.is_sequence()) {
    return std::equal(a.children().begin(), a.children().end(), b.children().begin(),
                      [](const Node* x, const Node* y) { return same_content(*x, *y); });
  }
  const std::vector<const Node*> children = by_key(a);
  return std::equal(
      children.begin(), children.end(), by_key(b).begin(),
      [](const Node* x, const Node* y) { return x->key() == y->key() && same_content(*x, *y); });
}

std::string shown(const Node& node) {
  return node.from_reference() ? std::string("a value from a reference")
                               : config::quote(node.text());
}

}  // namespace layotto::settings
